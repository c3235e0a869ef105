"""Changing number and address: by a code to the new one, by the same person."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts import app_tokens, contacts, proofs, sign_in
from accounts.errors import SignInRefusal
from accounts.models import SignInCode, User
from notifications.models import Message
from tests.accounts.account_steps import NEW_PHONE, NEW_TYPED, signed_in_long_ago, signed_in_now
from tests.accounts.conftest import EMAIL, MORNING, PHONE, last_code, wrong
from tests.accounts.test_races import at_once

pytestmark = pytest.mark.django_db

OTHER_EMAIL = "new@example.in"


def ask_for(person: User, address: str = NEW_PHONE, channel: str = "sms", **changes) -> SignInCode:
    wanted = {"network": "203.0.113.9", "now": MORNING}
    return contacts.ask(person=person, channel=channel, address=address, **{**wanted, **changes})


def confirm(person: User, asked: SignInCode, typed: str) -> User:
    return contacts.confirm(person=person, code_id=asked.pk, typed=typed, session=None, now=MORNING)


# --- The verb ------------------------------------------------------------------------------------


def test_new_number_counts_only_after_its_code(person: User):
    asked = ask_for(person)
    person.refresh_from_db()
    assert person.phone == PHONE
    confirm(person, asked, last_code(NEW_PHONE))
    person.refresh_from_db()
    assert (person.phone, person.phone_verified) == (NEW_PHONE, True)


def test_new_address_is_verified_and_the_old_one_gone(person: User):
    confirm(person, ask_for(person, OTHER_EMAIL, "email"), last_code(OTHER_EMAIL))
    person.refresh_from_db()
    assert (person.email, person.email_verified) == (OTHER_EMAIL, True)


def test_wrong_code_changes_nothing_and_three_end_it(person: User):
    asked = ask_for(person)
    code = last_code(NEW_PHONE)
    for expected in ("wrong_code", "wrong_code", "no_tries_left"):
        with pytest.raises(SignInRefusal) as refused:
            confirm(person, asked, wrong(code))
        assert refused.value.code == expected
    with pytest.raises(SignInRefusal):
        confirm(person, asked, code)
    person.refresh_from_db()
    assert person.phone == PHONE


def test_code_for_one_purpose_does_nothing_else(person: User):
    asked = ask_for(person)
    code = last_code(NEW_PHONE)
    with pytest.raises(SignInRefusal, match="code_expired"):
        sign_in.check_code(code_id=asked.pk, typed=code, now=MORNING)
    with pytest.raises(SignInRefusal, match="code_expired"):
        proofs.confirm(person=person, code_id=asked.pk, typed=code, now=MORNING)


def test_code_of_another_account_fits_nobody_else(person: User):
    other = User.objects.create_user(phone="+919876543299", phone_verified=True)
    asked = ask_for(other)
    with pytest.raises(SignInRefusal, match="wrong_code"):
        confirm(person, asked, last_code(NEW_PHONE))
    with pytest.raises(SignInRefusal, match="code_expired"):
        contacts.confirm(person=person, code_id=uuid4(), typed="123456", session=None, now=MORNING)


def test_number_of_another_account_is_told_only_to_who_holds_it(person: User):
    other = User.objects.create_user(phone=NEW_PHONE, phone_verified=True)
    asked = ask_for(person)
    with pytest.raises(SignInRefusal, match="address_taken"):
        confirm(person, asked, last_code(NEW_PHONE))
    person.refresh_from_db()
    other.refresh_from_db()
    assert (person.phone, other.phone) == (PHONE, NEW_PHONE)


def test_number_that_somebody_only_typed_at_sign_in_is_free(person: User):
    sign_in.request_code(
        channel="sms", address=NEW_PHONE, network="203.0.113.7", language="hi", now=MORNING
    )
    later = MORNING + timedelta(minutes=1)
    asked = ask_for(person, now=later)
    contacts.confirm(
        person=person, code_id=asked.pk, typed=last_code(NEW_PHONE), session=None, now=later
    )
    assert User.objects.get(phone=NEW_PHONE) == person


def test_new_number_ends_apps_and_other_devices_but_not_this_one(person: User):
    here, there = signed_in_long_ago(person), signed_in_long_ago(person)
    app_tokens._issue(person, "applicant", "App", "s" * 40, MORNING)
    asked = ask_for(person)
    contacts.confirm(
        person=person,
        code_id=asked.pk,
        typed=last_code(NEW_PHONE),
        session=here.session.session_key,
        now=MORNING,
    )
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302
    assert not app_tokens.live_of(person, MORNING).exists()


def test_email_is_removed_only_while_a_number_is_left(person: User):
    assert contacts.remove_email(person=person)
    assert contacts.remove_email(person=person)
    person.refresh_from_db()
    assert (person.email, person.email_verified) == (None, False)
    only_mail = User.objects.create_user(email=OTHER_EMAIL)
    assert not contacts.remove_email(person=only_mail)


def test_one_account_cannot_pump_codes_to_many_numbers(person: User):
    for number in range(10):
        ask_for(person, f"+9190000000{number:02d}")
    with pytest.raises(SignInRefusal) as refused:
        ask_for(person, "+919000000099")
    assert refused.value.code == "address_by_account"
    assert refused.value.retry_at == MORNING + timedelta(hours=1)
    assert Message.objects.filter(kind="OTP").count() == 10


def test_sign_in_by_email_verifies_the_address(person: User):
    assert not person.email_verified
    asked = sign_in.request_code(
        channel="email", address=EMAIL, network="203.0.113.9", language="hi", now=MORNING
    )
    sign_in.check_code(code_id=asked.pk, typed=last_code(EMAIL), now=MORNING)
    person.refresh_from_db()
    assert person.email_verified


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("user_verified_email_exists", {"email": None, "email_verified": True}),
        ("user_has_phone_or_email", {"email": None, "phone": None, "phone_verified": False}),
        ("user_closed_is_empty", {"closed_at": MORNING}),
        ("user_closed_is_empty", {"closed_at": MORNING, "is_active": False}),
    ],
)
def test_database_refuses_an_account_that_cannot_be(person: User, name: str, change: dict):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        User.objects.filter(pk=person.pk).update(**change)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sign_in_code_purpose_known", {"purpose": "other"}),
        ("sign_in_code_of_account_has_person", {"person": None}),
    ],
)
def test_database_refuses_a_code_that_cannot_be(person: User, name: str, change: dict):
    ask_for(person)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        SignInCode.objects.update(**change)


# --- The pages -----------------------------------------------------------------------------------


def test_number_is_changed_by_whoever_has_just_signed_in():
    client = signed_in_now()
    assert client.get("/account/phone/").status_code == 200
    answer = client.post("/account/phone/", {"address": NEW_TYPED})
    assert answer["Location"] == "/account/phone/code/"
    answer = client.post("/account/phone/code/", {"code": last_code(NEW_PHONE)}, follow=True)
    assert "Your new mobile number counts now" in answer.text
    assert "+91 91234 56780" in answer.text


@pytest.mark.parametrize("path", ["/account/phone/", "/account/email/", "/account/close/sure/"])
def test_session_that_is_old_has_to_show_first_that_it_is_still_you(person: User, path: str):
    client = signed_in_long_ago(person)
    answer = client.post(path, {"address": NEW_TYPED})
    assert answer["Location"].startswith("/account/still-you/?next=%2Faccount%2F")
    assert not SignInCode.objects.exists()
    User.objects.get(pk=person.pk, is_active=True)


def test_proof_by_code_to_the_old_number_opens_the_way_once(person: User):
    client = signed_in_long_ago(person)
    client.post("/account/still-you/?next=/account/phone/", {"channel": "sms"})
    answer = client.post(
        "/account/still-you/code/?next=/account/phone/", {"code": last_code(PHONE)}
    )
    assert answer["Location"] == "/account/phone/"
    assert client.get("/account/phone/").status_code == 200
    # Another window of the same person is not proven by it.
    assert signed_in_long_ago(person).get("/account/phone/").status_code == 302


def test_proof_grows_old(person: User, clock):
    client = signed_in_now()
    assert client.get("/account/phone/").status_code == 200
    clock.shift(timedelta(minutes=11))
    assert client.get("/account/phone/").status_code == 302


def test_proof_goes_only_to_what_is_verified(person: User):
    assert proofs.addresses(person) == {"sms": PHONE}
    with pytest.raises(SignInRefusal, match="no_such_address"):
        proofs.ask(person=person, channel="email", network="n", now=MORNING)


@pytest.mark.parametrize("target", ["//elsewhere.example", "https://elsewhere.example/", "nothing"])
def test_proof_never_leads_to_another_site(person: User, target: str):
    client = signed_in_now()
    answer = client.get("/account/still-you/", {"next": target})
    assert answer["Location"] == "/account/"


def test_asking_says_the_same_whether_or_not_the_number_is_anothers(clock):
    User.objects.create_user(phone=NEW_PHONE, phone_verified=True)
    client, seen = signed_in_now(), []
    client.get("/account/")  # shows "You are signed in.", once
    for number in (NEW_PHONE, "+919123456782"):
        clock.shift(timedelta(minutes=1))
        answer = client.post("/account/phone/", {"address": number}, follow=True)
        page = answer.text.partition("<main")[2].partition("</main>")[0]
        page = re.sub(r'csrfmiddlewaretoken" value="\w+"', "", page)
        seen.append((answer.status_code, page.replace(number[-5:], "the number")))
        assert Message.objects.filter(address=number).count() == 1
    assert "the number" in seen[0][1]
    assert seen[0] == seen[1]


def test_code_too_soon_is_429_with_when_to_try_again(person: User):
    client = signed_in_now()
    client.post("/account/phone/", {"address": NEW_TYPED})
    answer = client.post("/account/phone/code/", {"again": "1"})
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 30
    assert "Try again in" in answer.text
    answer = client.post("/account/phone/", {"address": NEW_TYPED})
    assert (answer.status_code, "Retry-After" in answer) == (429, True)
    assert f'value="{NEW_TYPED}"' in answer.text


def test_present_number_is_refused_in_words_and_kept_in_the_box():
    client = signed_in_now()
    answer = client.post("/account/phone/", {"address": PHONE})
    assert "This is the one that you have now." in answer.text
    assert f'value="{PHONE}"' in answer.text


# --- At once -------------------------------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_number_proven_by_many_at_once_goes_to_one_of_them():
    people, codes = [], []
    for number in range(6):
        one = User.objects.create_user(phone=f"+9190000000{number:02d}", phone_verified=True)
        asked = ask_for(one, now=MORNING + timedelta(minutes=number), network=f"203.0.113.{number}")
        people.append(one)
        codes.append((asked, last_code(NEW_PHONE)))

    def work(number: int):
        asked, code = codes[number]
        return contacts.confirm(
            person=people[number],
            code_id=asked.pk,
            typed=code,
            session=None,
            now=MORNING + timedelta(minutes=6),
        )

    answers = at_once(work, times=6)
    assert sum(isinstance(answer, User) for answer in answers) == 1
    assert answers.count("address_taken") == 5
    assert User.objects.filter(phone=NEW_PHONE).count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_code_typed_in_many_windows_at_once_works_once(person: User):
    asked = ask_for(person)
    code = last_code(NEW_PHONE)
    answers = at_once(lambda _n: confirm(person, asked, code), times=3)
    assert sum(isinstance(answer, User) for answer in answers) == 1
