"""The verbs: asking for a code, and typing it."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.utils import IntegrityError
from django.utils import translation

from accounts import codes, people, sign_in
from accounts.errors import SignInRefusal
from accounts.models import SignInCode, User
from notifications.models import Message
from tests.accounts.conftest import EMAIL, MORNING, OFFICER_EMAIL, PHONE, last_code, wrong

pytestmark = pytest.mark.django_db

NETWORK = "203.0.113.9"


def request_code(**changes) -> SignInCode:
    wanted = {
        "channel": "sms",
        "address": PHONE,
        "network": NETWORK,
        "language": "hi",
        "now": MORNING,
    }
    return sign_in.request_code(**{**wanted, **changes})


def refusal_of(asked: SignInCode, typed: str, now=MORNING) -> SignInRefusal:
    with pytest.raises(SignInRefusal) as refused:
        sign_in.check_code(code_id=asked.pk, typed=typed, now=now)
    return refused.value


# --- Asking --------------------------------------------------------------------------------------


def test_unknown_number_gets_an_account_that_is_not_verified():
    request_code(language="en")
    person = User.objects.get(phone=PHONE)
    assert (person.phone_verified, person.language, person.is_active) == (False, "en", True)
    assert not person.has_usable_password()


def test_code_leaves_through_the_outbox_at_any_hour_and_lives_ten_minutes():
    asked = request_code()
    message = Message.objects.get()
    assert (message.kind, message.channel, message.address) == ("OTP", "sms", PHONE)
    assert re.fullmatch(r"\d{6}", message.values["otp"])
    assert message.dedupe_key == f"otp:{asked.pk}"
    assert message.quiet_ok_from == message.next_attempt_at == message.urgent_by == MORNING
    assert message.expires_at == asked.expires_at == MORNING + timedelta(minutes=10)


def test_workers_are_nudged_as_soon_as_the_code_is_committed(
    monkeypatch, django_capture_on_commit_callbacks
):
    nudged = []
    monkeypatch.setattr(
        "notifications.nudge.publish", lambda channel, urgent: nudged.append((channel, urgent))
    )
    with django_capture_on_commit_callbacks(execute=True):
        request_code()
        assert nudged == []
    assert nudged == [("sms", True)]  # to the urgent lane's own worker


def test_code_is_written_in_the_language_of_the_person_not_of_the_page(person: User):
    request_code(language="en")
    assert Message.objects.get().language == "hi"
    person.refresh_from_db()
    assert person.language == "hi"


def test_account_nobody_was_in_takes_the_language_of_the_latest_page():
    request_code(language="hi")
    request_code(language="en", now=MORNING + timedelta(minutes=1))
    assert User.objects.get().language == "en"
    assert Message.objects.order_by("pk").last().language == "en"


def test_code_by_email_goes_to_the_account_that_has_the_address(person: User):
    asked = request_code(channel="email", address=EMAIL)
    assert asked.person == person
    assert Message.objects.get().channel == "email"


def test_unknown_address_gets_a_code_row_but_no_message_and_no_account():
    asked = request_code(channel="email", address="nobody@example.in")
    assert asked.person is None
    assert asked.tries_left == 3
    assert not Message.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize("closed", [{"is_active": False}, {"is_staff": True}])
@pytest.mark.parametrize("by", [("sms", PHONE), ("email", EMAIL)])
def test_officer_or_closed_account_gets_no_code(person: User, closed, by):
    User.objects.filter(pk=person.pk).update(**closed)
    asked = request_code(channel=by[0], address=by[1])
    assert asked.person is None
    assert not Message.objects.exists()


def test_code_lies_hashed_in_the_database():
    asked = request_code()
    code = last_code()
    assert code not in asked.code_hash
    row = str(SignInCode.objects.values().get())
    assert code not in row
    with pytest.raises(IntegrityError, match="sign_in_code_hashed"):
        SignInCode.objects.update(code_hash=code)


def test_equal_codes_have_different_hashes(monkeypatch):
    monkeypatch.setattr("accounts.codes.secrets.randbelow", lambda _limit: 42)
    first = request_code()
    second = request_code(address="+919876543211")
    assert last_code() == "000042"
    assert first.code_hash != second.code_hash


# --- Typing --------------------------------------------------------------------------------------


def test_right_code_opens_the_account_and_proves_the_number():
    asked = request_code()
    person = sign_in.check_code(code_id=asked.pk, typed=last_code(), now=MORNING)
    person.refresh_from_db()
    assert person.phone == PHONE
    assert person.phone_verified


def test_right_code_by_email_proves_no_number():
    User.objects.create_user(email=EMAIL, phone=PHONE)
    asked = request_code(channel="email", address=EMAIL)
    person = sign_in.check_code(code_id=asked.pk, typed=last_code(EMAIL), now=MORNING)
    person.refresh_from_db()
    assert not person.phone_verified


def test_code_may_be_typed_with_spaces_and_devanagari_digits():
    asked = request_code()
    code = last_code().translate(str.maketrans("0123456789", "०१२३४५६७८९"))
    assert sign_in.check_code(code_id=asked.pk, typed=f" {code[:3]} {code[3:]}", now=MORNING)


def test_wrong_code_says_how_many_tries_are_left():
    asked = request_code()
    refused = [refusal_of(asked, wrong(last_code())) for _ in range(3)]
    assert [(r.code, r.tries_left) for r in refused] == [
        ("wrong_code", 2),
        ("wrong_code", 1),
        ("no_tries_left", None),
    ]
    with translation.override("en"):
        assert "2 tries left" in refused[0].message
        assert "1 try left" in refused[1].message


def test_right_code_after_three_wrong_ones_is_refused():
    asked = request_code()
    for _ in range(3):
        refusal_of(asked, wrong(last_code()))
    assert refusal_of(asked, last_code()).code == "no_tries_left"


def test_code_opens_once():
    asked = request_code()
    sign_in.check_code(code_id=asked.pk, typed=last_code(), now=MORNING)
    assert refusal_of(asked, last_code()).code == "code_ended"


def test_code_ends_after_ten_minutes():
    asked = request_code()
    soon = MORNING + timedelta(minutes=9, seconds=59)
    assert refusal_of(asked, wrong(last_code()), soon).code == "wrong_code"
    late = MORNING + timedelta(minutes=10)
    assert refusal_of(asked, last_code(), late).code == "code_expired"


def test_newer_code_of_the_session_ends_the_one_before():
    old = request_code()
    old_code = last_code()
    request_code(replaces=old.pk, now=MORNING + timedelta(minutes=1))
    assert refusal_of(old, old_code, MORNING + timedelta(minutes=2)).code == "code_ended"


def test_code_asked_for_by_a_stranger_does_not_end_mine():
    mine = request_code()
    code = last_code()
    request_code(network="198.51.100.7", now=MORNING + timedelta(minutes=1))
    assert sign_in.check_code(code_id=mine.pk, typed=code, now=MORNING + timedelta(minutes=2))


def test_code_of_another_request_does_not_fit():
    mine = request_code()
    request_code(address="+919876543211")
    assert refusal_of(mine, last_code("+919876543211")).code == "wrong_code"


def test_no_code_fits_a_request_for_an_unknown_address(monkeypatch):
    monkeypatch.setattr("accounts.codes.secrets.randbelow", lambda _limit: 42)
    asked = request_code(channel="email", address="nobody@example.in")
    refused = refusal_of(asked, "000042")
    assert (refused.code, refused.tries_left) == ("wrong_code", 2)


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"is_staff": True},
        {"phone": "+919000000009", "email": "else@example.in"},
    ],
)
@pytest.mark.parametrize("by", [("sms", PHONE), ("email", EMAIL)])
def test_code_does_not_open_an_account_that_changed_meanwhile(person: User, change, by):
    asked = request_code(channel=by[0], address=by[1])
    code = last_code(by[1])
    User.objects.filter(pk=person.pk).update(**change)
    assert refusal_of(asked, code).code == "wrong_code"


def test_code_that_was_forgotten_is_told_as_expired():
    with pytest.raises(SignInRefusal) as refused:
        sign_in.check_code(code_id=uuid4(), typed="123456", now=MORNING)
    assert refused.value.code == "code_expired"


# --- Limits --------------------------------------------------------------------------------------


def too_many(code: str, **changes) -> SignInRefusal:
    with pytest.raises(SignInRefusal) as refused:
        request_code(**changes)
    assert refused.value.code == code
    assert refused.value.retry_at is not None
    return refused.value


def test_second_code_must_wait_half_a_minute():
    request_code()
    refused = too_many("wait_for_next_code", now=MORNING + timedelta(seconds=12))
    assert refused.retry_at == MORNING + timedelta(seconds=30)
    request_code(now=MORNING + timedelta(seconds=30))


def test_number_gets_four_codes_an_hour_from_one_network_and_still_some_from_another():
    for minute in range(4):
        request_code(now=MORNING + timedelta(minutes=minute))
    now = MORNING + timedelta(minutes=5)
    too_many("address_here", now=now)
    request_code(network="198.51.100.7", now=now)


def test_number_gets_eight_codes_an_hour_from_wherever():
    for minute in range(8):
        request_code(network=f"198.51.100.{minute}", now=MORNING + timedelta(minutes=minute))
    too_many("address", network="192.0.2.1", now=MORNING + timedelta(minutes=9))


def test_network_gets_a_hundred_and_fifty_codes_in_ten_minutes(settings):
    assert settings.SIGN_IN_LIMITS["network"][0] == (150, timedelta(minutes=10))
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, "network": [(2, timedelta(minutes=10))]}
    request_code()
    request_code(address="+919876543211")
    too_many("network", address="+919876543212")
    request_code(address="+919876543212", network="198.51.100.7")


def test_cap_on_new_numbers_leaves_known_ones_alone(settings, person: User):
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, "new_numbers": [(1, timedelta(days=1))]}
    request_code(address="+919876543211")
    too_many("new_numbers", address="+919876543212", network="198.51.100.7")
    request_code(address=PHONE)


def test_cap_on_all_sms_leaves_email_alone(settings, person: User):
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, "all_sms": [(1, timedelta(days=1))]}
    request_code(address="+919876543211")
    too_many("all_sms")
    request_code(channel="email", address=EMAIL)


def test_refused_request_leaves_nothing_behind(settings):
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, "all_sms": [(1, timedelta(days=1))]}
    request_code(address="+919876543211")
    before = SignInCode.objects.count(), Message.objects.count(), User.objects.count()
    too_many("all_sms")
    assert (SignInCode.objects.count(), Message.objects.count(), User.objects.count()) == before
    # The number's own allowance was not used up by the refusal.
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, "all_sms": [(9, timedelta(days=1))]}
    request_code()


def test_unknown_and_known_addresses_meet_the_same_limits(person: User):
    for address in (EMAIL, "nobody@example.in"):
        request_code(channel="email", address=address)
        too_many("wait_for_next_code", channel="email", address=address)


# --- Forgetting ----------------------------------------------------------------------------------


def test_codes_are_forgotten_after_a_day():
    request_code()
    assert codes.delete_old(now=MORNING + timedelta(hours=23)) == 0
    assert codes.delete_old(now=MORNING + timedelta(hours=24)) == 1
    assert not SignInCode.objects.exists()


def test_account_whose_number_was_never_proven_is_forgotten_after_a_day():
    request_code()
    assert people.delete_unverified(now=MORNING + timedelta(hours=23)) == 0
    assert people.delete_unverified(now=MORNING + timedelta(hours=24, seconds=1)) == 1
    assert not User.objects.exists()


def test_account_for_which_a_code_was_just_asked_is_not_forgotten():
    request_code()
    later = MORNING + timedelta(hours=25)
    asked = request_code(now=later)
    assert people.delete_unverified(now=later) == 0
    assert sign_in.check_code(code_id=asked.pk, typed=last_code(), now=later)


def test_verified_people_officers_and_accounts_with_email_are_never_forgotten(
    person: User, officer: User
):
    User.objects.create_user(email="mail@example.in", phone="+919876543211")
    User.objects.update(date_joined=MORNING - timedelta(days=99))
    assert people.delete_unverified(now=MORNING) == 0
    assert User.objects.count() == 3


def test_officer_does_not_get_the_language_of_a_page_that_asked_with_the_officers_number(
    officer: User,
):
    User.objects.filter(pk=officer.pk).update(phone=PHONE)
    request_code(language="hi")
    officer.refresh_from_db()
    assert officer.language == "en"
    assert officer.email == OFFICER_EMAIL
