"""What we hold about you: all of it, nothing of others, no secrets."""

import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import app_tokens, consents, sign_in
from accounts.models import AppToken, SignInCode, User
from appointments import booking
from appointments.models import Offer
from notifications.models import Message
from portal.views.my_data import everything
from tests.accounts.account_steps import signed_in_long_ago
from tests.applicants.builders import ask
from tests.domain.builders import in_days, make_application, make_person, make_slot

pytestmark = pytest.mark.django_db

DOWNLOAD = "/account/data/download/"


@pytest.fixture
def sunita() -> User:
    """Booked, moved by an outage and asked; with an app, a consent and a code."""
    person, now = make_person(email="sunita@example.in", language="en"), timezone.now()
    application = make_application(claimed_by=person, name="Sunita Verma", arn="26-0000009876")
    hold = booking.hold_seat(
        application=application, slot_id=make_slot(day=in_days(9)).pk, by=person
    )
    booking.confirm(hold_id=hold.pk, by=person)
    ask(person, claimed_by=person, name="Ravi Verma")
    consents.answer_notice(person=person, wanted={"email"}, now=now)
    app_tokens._issue(person, "applicant", "Passport helper", "s" * 40, now - timedelta(days=1))
    sign_in.request_code(
        channel="sms", address=person.phone, network="203.0.113.9", language="en", now=now
    )
    return person


def test_download_is_a_file_that_no_cache_keeps_and_no_name_gives_away(sunita: User):
    answer = signed_in_long_ago(sunita).post(DOWNLOAD)
    assert answer["Content-Disposition"] == 'attachment; filename="my-passport-appointments.json"'
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Type"] == "application/json"


def test_download_holds_all_that_hangs_on_the_account(sunita: User):
    held = json.loads(signed_in_long_ago(sunita).post(DOWNLOAD).content)
    assert held["account"]["mobile_number"] == sunita.phone
    assert {each["name"] for each in held["applications"]} == {"Sunita Verma", "Ravi Verma"}
    booked = next(each for each in held["applications"] if each["name"] == "Sunita Verma")
    assert booked["arn"] == "26-0000009876"
    assert len(booked["visit_attempts"]) == 1
    assert booked["appointments"][0]["timeline"][0]["event"] == "booked"
    moved = next(each for each in held["applications"] if each["name"] == "Ravi Verma")
    assert moved["appointments"][0]["offers"][0]["state"] == "open"
    assert {message["kind"] for message in held["messages"]} >= {"CONFIRMED", "MOVED_KEEP", "OTP"}
    assert [each["item"] for each in held["consents"]] == ["notice", "email"]
    assert [each["name"] for each in held["apps"]] == ["Passport helper"]
    assert len(held["devices"]) == 1
    assert held["sign_in_codes"][0]["purpose"] == "sign_in"


def test_download_holds_no_secret(sunita: User):
    client = signed_in_long_ago(sunita)
    text = client.post(DOWNLOAD).content.decode()
    secrets = [
        client.session.session_key,
        AppToken.objects.get().secret_hash,
        SignInCode.objects.get().code_hash,
        Offer.objects.get().token_hash,
        *(str(m.values["otp"]) for m in Message.objects.filter(kind="OTP")),
        *(m.values["url"].rpartition("/")[2] for m in Message.objects.filter(kind="MOVED_KEEP")),
    ]
    for secret in secrets:
        assert secret not in text
    assert not re.search(r"[0-9a-f]{64}", text)
    assert "password" not in text


def test_download_holds_nothing_of_other_people(sunita: User):
    other = make_person(email="other@example.in")
    make_application(claimed_by=other, name="Somebody Else")
    make_application(name="Unclaimed Person")
    text = json.dumps(everything(person=sunita, now=timezone.now()), default=str)
    for theirs in ("Somebody Else", "Unclaimed Person", other.phone, "other@example.in"):
        assert theirs not in text
    for officer in User.objects.filter(is_staff=True):
        assert officer.email not in text


def test_download_of_an_account_with_nothing_has_all_keys():
    held = everything(person=make_person(), now=timezone.now())
    assert set(held) == {
        *("format", "made_at", "account", "consents", "devices", "apps", "sign_in_codes"),
        *("applications", "messages"),
    }
    assert held["applications"] == held["messages"] == []


def test_every_key_of_the_file_is_documented(sunita: User, settings):
    documented = (settings.BASE_DIR / "docs" / "data-export.md").read_text()
    keys = set(keys_of(everything(person=sunita, now=timezone.now())))
    assert {key for key in keys if f"`{key}`" not in documented} == set()


def keys_of(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def test_cost_is_the_same_for_one_application_and_for_three():
    person, costs = make_person(), []
    for number in range(3):
        application = make_application(claimed_by=person)
        slot = make_slot(hour=10 + number, day=in_days(5))
        hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
        booking.confirm(hold_id=hold.pk, by=person)
        with CaptureQueriesContext(connection) as queries:
            everything(person=person, now=timezone.now())
        costs.append(len(queries))
    assert costs[0] == costs[2]


def test_page_says_in_words_what_is_held(sunita: User):
    text = signed_in_long_ago(sunita).get("/account/data/").text
    assert "Sunita Verma" in text
    assert "••9876" in text
    assert "26-0000009876" not in text
    assert "Messages to you" in text


def test_following_a_link_downloads_nothing_and_strangers_get_nothing(sunita: User):
    assert signed_in_long_ago(sunita).get(DOWNLOAD).status_code == 405
    assert Client().post(DOWNLOAD).status_code == 302
