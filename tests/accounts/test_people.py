"""What the table of people refuses, and what its manager makes of input."""

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from accounts import people
from accounts.models import Allowance, SignInCode, User
from tests.accounts.conftest import EMAIL, MORNING, PHONE

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"phone": None, "email": None}, "user_has_phone_or_email"),
        ({"phone": None, "email": EMAIL, "phone_verified": True}, "user_verified_phone_exists"),
        ({"phone": "9876543210"}, "user_phone_e164"),
        ({"phone": "+91 98765 43210"}, "user_phone_e164"),
        ({"phone": ""}, "user_phone_e164"),
        ({"email": "Asha@example.in"}, "user_email_lower_case"),
        ({"phone": PHONE, "is_staff": True}, "user_officer_has_email"),
        ({"email": EMAIL, "is_superuser": True}, "user_superuser_is_officer"),
    ],
)
def test_account_that_breaks_a_rule_is_refused(fields, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        User.objects.bulk_create([User(**fields)])


@pytest.mark.parametrize("field", [{"phone": PHONE}, {"email": EMAIL}])
def test_number_and_address_lead_to_one_account(field):
    User.objects.create_user(**field)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(**field)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"code_hash": "123456"}, "sign_in_code_hashed"),
        ({"expires_at": MORNING}, "sign_in_code_lives"),
        ({"ended_at": MORNING.replace(hour=0)}, "sign_in_code_ends_after_start"),
        ({"tries_left": -1}, "tries"),
    ],
)
def test_code_that_breaks_a_rule_is_refused(change, constraint):
    fields = {
        "channel": "sms",
        "address": PHONE,
        "code_hash": "0" * 64,
        "tries_left": 3,
        "created_at": MORNING,
        "expires_at": MORNING.replace(hour=5),
    }
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        SignInCode.objects.bulk_create([SignInCode(**{**fields, **change})])


def test_allowance_is_never_negative():
    with pytest.raises(IntegrityError, match="used"), transaction.atomic():
        Allowance.objects.bulk_create([Allowance(key="a", used=-1, ends_at=MORNING)])


def test_allowance_has_one_row_for_each_key():
    Allowance.objects.create(key="a", used=1, ends_at=MORNING)
    with pytest.raises(IntegrityError), transaction.atomic():
        Allowance.objects.create(key="a", used=1, ends_at=MORNING)


def test_manager_writes_addresses_in_lower_case_and_empty_ones_as_none():
    assert User.objects.create_user(email=" Asha@Example.in ").email == EMAIL
    assert User.objects.create_user(email="", phone=PHONE).email is None
    assert User.objects.get_by_natural_key("ASHA@example.in").email == EMAIL


def test_superuser_can_sign_in_as_an_officer():
    officer = User.objects.create_superuser("A@example.in", "a long enough phrase")
    assert officer.is_staff
    assert officer.check_password("a long enough phrase")


def test_person_for_phone_is_the_same_account_each_time():
    with transaction.atomic():
        first = people.person_for_phone(phone=PHONE, language="hi", now=MORNING)
        again = people.person_for_phone(phone=PHONE, language="hi", now=MORNING)
    assert first == again
    assert first.date_joined == MORNING


def test_language_that_does_not_exist_is_not_remembered(person: User):
    people.set_language(person=person, language="xx")
    people.set_language(person=person, language="en")
    person.refresh_from_db()
    assert person.language == "en"


def test_account_shows_no_contact_in_its_title():
    assert PHONE[-4:] not in str(User(pk=5, phone=PHONE, email=EMAIL))
