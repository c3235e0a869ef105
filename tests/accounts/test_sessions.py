"""Where one is signed in, and ending it elsewhere."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import browsers, devices
from accounts.models import Device, User
from tests.accounts.account_steps import signed_in_long_ago
from tests.accounts.conftest import english_client

pytestmark = pytest.mark.django_db

ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36"
)
CHROME, WEBKIT = "(KHTML, like Gecko) Chrome/126.0 Safari/537.36", "AppleWebKit/537.36"


@pytest.mark.parametrize(
    ("user_agent", "family"),
    [
        (ANDROID, ("chrome", "android")),
        (ANDROID.replace("Chrome/", "SamsungBrowser/25.0 Chrome/"), ("samsung", "android")),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64) {CHROME} Edg/126.0", ("edge", "windows")),
        (f"Mozilla/5.0 (Windows NT 10.0) {CHROME} OPR/110.0", ("opera", "windows")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Firefox/127.0", ("firefox", "linux")),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) {WEBKIT} Version/17.5 Safari/604.1",
            ("safari", "iphone"),
        ),
        (f"Mozilla/5.0 (iPhone; CPU) {WEBKIT} CriOS/126 Safari/604", ("chrome", "iphone")),
        (f"Mozilla/5.0 (Macintosh; Intel) {WEBKIT} Version/17 Safari/605", ("safari", "mac")),
        ("Mozilla/5.0 (Linux; U; Android 9) UCBrowser/13.4 Mobile", ("uc", "android")),
        ("Mozilla/5.0 (Mobile; Nokia) Gecko/48 Firefox/48.0 KAIOS/2.5", ("firefox", "kaios")),
        ("curl/8.0", ("", "")),
        ("", ("", "")),
    ],
)  # fmt: skip
def test_browser_is_named_as_its_owner_would(user_agent: str, family: tuple[str, str]):
    assert browsers.family(user_agent) == family


def visitor(user_agent: str, person: User) -> Client:
    client = english_client(headers={"user-agent": user_agent})
    client.force_login(person)
    client.get("/account/")
    return client


def test_sign_in_notes_the_device_without_network_or_place(person: User):
    client = english_client(headers={"user-agent": ANDROID}, REMOTE_ADDR="203.0.113.9")
    client.force_login(person)
    client.get("/account/")
    device = Device.objects.get()
    assert device.person == person
    held = {field.name for field in Device._meta.get_fields()}
    assert held == {
        *("id", "person", "session_key", "browser", "system", "signed_in_at", "last_used_at")
    }


def test_list_shows_this_device_first_and_others_in_words(person: User):
    here = signed_in_long_ago(person)
    visitor(ANDROID, person)
    Device.objects.exclude(session_key=here.session.session_key).update(
        browser="chrome", system="android"
    )
    text = here.get("/account/devices/").text
    assert text.index("This device") < text.index("Android phone or tablet, Chrome")
    assert "Last used:" in text


def test_device_signed_out_from_afar_is_a_stranger_at_its_next_request(person: User):
    here, there = signed_in_long_ago(person), signed_in_long_ago(person)
    assert there.get("/account/").status_code == 200
    other = Device.objects.get(session_key=there.session.session_key)
    here.post(f"/account/devices/{other.pk}/end/")
    assert there.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200
    # Again: nothing to do, and no error.
    assert here.post(f"/account/devices/{other.pk}/end/").status_code == 302


def test_all_others_are_signed_out_at_once(person: User):
    here = signed_in_long_ago(person)
    others = [signed_in_long_ago(person) for _ in range(3)]
    here.post("/account/devices/others/end/")
    assert [other.get("/account/").status_code for other in others] == [302] * 3
    assert here.get("/account/").status_code == 200
    assert Session.objects.count() == 1


def test_device_of_another_person_cannot_be_ended(person: User):
    other = User.objects.create_user(phone="+919876543299", phone_verified=True)
    theirs = signed_in_long_ago(other)
    mine = signed_in_long_ago(person)
    device = Device.objects.get(person=other)
    mine.post(f"/account/devices/{device.pk}/end/")
    assert theirs.get("/account/").status_code == 200


def test_following_a_link_ends_nothing(person: User):
    client = signed_in_long_ago(person)
    device = Device.objects.get()
    for path in (f"/account/devices/{device.pk}/end/", "/account/devices/others/end/"):
        assert client.get(path).status_code == 405


def test_session_that_ended_is_not_listed_and_forgotten(person: User):
    client = signed_in_long_ago(person)
    signed_in_long_ago(person)
    client.logout()
    assert devices.live_of(person, timezone.now()).count() == 1
    assert devices.delete_ended() == 1
    assert Device.objects.count() == 1


def test_use_is_noted_every_five_minutes_and_costs_nothing_between(person: User, clock):
    client = signed_in_long_ago(person)
    signed_in_at = Device.objects.get().signed_in_at
    client.get("/account/language/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/account/language/")
    assert not [query for query in queries if "accounts_device" in query["sql"]]
    clock.shift(timedelta(minutes=6))
    client.get("/account/language/")
    device = Device.objects.get()
    assert device.last_used_at == signed_in_at + timedelta(minutes=6)
    assert device.signed_in_at == signed_in_at


def test_officers_devices_are_not_noted(signed_in_officer: Client):
    assert not Device.objects.exists()
    assert signed_in_officer.get("/account/")["Location"] == "/officers/"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("device_has_session", {"session_key": ""}),
        ("device_used_after_sign_in", {"last_used_at": timezone.now() - timedelta(days=3)}),
    ],
)
def test_database_refuses_a_device_that_cannot_be(person: User, name: str, change: dict):
    signed_in_long_ago(person)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Device.objects.update(**change)


def test_another_person_in_the_same_browser_takes_the_device_over(person: User):
    phone = visitor(ANDROID, person)
    other = User.objects.create_user(phone="+919811111111", phone_verified=True)
    phone.force_login(other)
    assert phone.get("/account/").status_code == 200
    now = timezone.now()
    assert devices.live_of(other, now).count() == 1
    assert devices.live_of(person, now).count() == 0
