"""What was told, what was agreed to, and taking it back."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts import consents
from accounts.models import Consent, User
from tests.accounts.account_steps import signed_in_long_ago
from tests.accounts.conftest import MORNING

pytestmark = pytest.mark.django_db

LATER = MORNING + timedelta(days=1)
NOTICE = "/account/notice/"


def standing(person: User) -> set[str]:
    return set(consents.standing(person).values_list("item", flat=True))


def test_notice_is_due_until_it_is_answered(person: User):
    assert consents.notice_is_due(person)
    consents.answer_notice(person=person, wanted={"earlier_seats"}, now=MORNING)
    assert not consents.notice_is_due(person)
    assert standing(person) == {"notice", "earlier_seats"}
    person.refresh_from_db()
    assert (person.email_messages, person.earlier_seats) == (False, True)
    record = Consent.objects.get(item="earlier_seats")
    assert (record.version, record.given_at) == (consents.NOTICE_VERSION, MORNING)


def test_same_answer_again_changes_nothing(person: User):
    for moment in (MORNING, LATER):
        consents.answer_notice(person=person, wanted={"email"}, now=moment)
    assert set(Consent.objects.values_list("given_at", flat=True)) == {MORNING}


def test_consent_is_withdrawn_and_the_record_of_it_stays(person: User):
    consents.answer_notice(person=person, wanted={"email", "earlier_seats"}, now=MORNING)
    for _ in range(2):
        consents.choose(person=person, item="earlier_seats", wanted=False, now=LATER)
    person.refresh_from_db()
    assert not person.earlier_seats
    assert standing(person) == {"notice", "email"}
    assert Consent.objects.get(item="earlier_seats").withdrawn_at == LATER


def test_newer_notice_is_asked_again_and_older_answers_end_with_it(person: User, monkeypatch):
    consents.answer_notice(person=person, wanted={"email"}, now=MORNING)
    monkeypatch.setattr(consents, "NOTICE_VERSION", consents.NOTICE_VERSION + 1)
    assert consents.notice_is_due(person)
    consents.answer_notice(person=person, wanted={"email"}, now=LATER)
    assert not consents.notice_is_due(person)
    versions = Consent.objects.filter(item="email").values_list("version", "withdrawn_at")
    assert list(versions) == [(1, LATER), (2, None)]


def test_officers_are_shown_no_notice(officer: User):
    assert not consents.notice_is_due(officer)


def test_notice_names_each_purpose_and_how_to_withdraw_and_complain(person: User):
    text = signed_in_long_ago(person).get(NOTICE).text
    for words in ("Your mobile number", "Your application", "Where you are signed in"):
        assert words in text
    for words in ("To withdraw", "To complain", "Data Protection Board"):
        assert words in text
    # Nothing is ticked beforehand.
    assert "checked" not in text


def test_notice_without_an_answer_says_so_and_keeps_the_other(person: User):
    answer = signed_in_long_ago(person).post(NOTICE, {"email_messages": "yes"})
    assert "Say whether we shall offer you earlier seats." in answer.text
    assert answer.text.count("checked") == 1
    assert not Consent.objects.exists()


def test_notice_answered_is_read_again_with_its_date(person: User):
    client = signed_in_long_ago(person)
    client.post(NOTICE, {"email_messages": "no", "earlier_seats": "yes"})
    text = client.get(NOTICE).text
    assert "You read this on" in text
    assert 'name="earlier_seats"' not in text


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("consent_item_known", {"item": "newsletter"}),
        ("consent_version_counts", {"version": 0}),
        ("consent_ends_after_start", {"withdrawn_at": MORNING - timedelta(seconds=1)}),
    ],
)
def test_database_refuses_a_consent_that_cannot_be(person: User, name: str, change: dict):
    consents.choose(person=person, item="email", wanted=True, now=MORNING)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Consent.objects.update(**change)


def test_database_keeps_one_open_consent_for_each_item(person: User):
    consents.choose(person=person, item="email", wanted=True, now=MORNING)
    # SQLite names the columns, PostgreSQL the constraint.
    with pytest.raises(IntegrityError, match=r"consent_one_open|person_id"), transaction.atomic():
        Consent.objects.create(person=person, item="email", version=2, given_at=MORNING)
