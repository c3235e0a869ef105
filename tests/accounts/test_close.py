"""Closing one's account, and what follows a number that changes."""

import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import app_tokens, consents, contacts
from accounts.models import AppToken, Device, SignInCode, User
from appointments import leaving
from appointments.models import Application, Appointment
from notifications import fallback
from notifications.models import Message, NotReached
from portal.closing import close_account
from tests.accounts.account_steps import NEW_PHONE, signed_in_long_ago, signed_in_now
from tests.accounts.conftest import CODE, PHONE, english_client, last_code
from tests.accounts.conftest import ask as ask_for_code
from tests.applicants.builders import ask
from tests.domain.builders import make_application, make_appointment, make_officer, make_person

pytestmark = pytest.mark.django_db


def close(person: User) -> None:
    close_account(person=person, now=timezone.now())


def test_closed_account_holds_nothing_personal_and_opens_nothing():
    person = make_person(email="s@example.in", name="Sunita Verma")
    client = signed_in_long_ago(person)
    consents.answer_notice(person=person, wanted={"email"}, now=timezone.now())
    app_tokens._issue(person, "applicant", "App", "s" * 40, timezone.now() - timedelta(days=1))
    close(person)
    person.refresh_from_db()
    assert (person.phone, person.email, person.name) == (None, None, "")
    assert not person.is_active
    assert not person.earlier_seats
    assert not AppToken.objects.exists()
    assert not Device.objects.exists()
    assert not SignInCode.objects.filter(person=person).exists()
    assert not consents.standing(person).exists()
    assert person.consents.count() == 2
    assert client.get("/my/").status_code == 302


def test_appointment_stands_and_its_messages_go_to_the_registers_contacts():
    person = make_person(language="en")
    application = make_application(
        claimed_by=person, phone="+919700000001", email="register@example.in", language="hi"
    )
    appointment = make_appointment(application=application)
    close(person)
    appointment = Appointment.objects.with_people().get(pk=appointment.pk)
    assert appointment.state == "confirmed"
    assert appointment.application.claimed_by is None
    assert appointment.application.claimed_at is None
    assert appointment.contact == ("+919700000001", "register@example.in", "hi")


def test_closing_again_changes_nothing():
    person = make_person()
    close(person)
    first = User.objects.values().get(pk=person.pk)
    close(person)
    assert User.objects.values().get(pk=person.pk) == first


def test_same_number_signs_in_to_a_fresh_account_and_links_again():
    person = User.objects.create_user(phone=PHONE, phone_verified=True)
    application = make_application(claimed_by=person)
    close(person)
    client = english_client()
    client.post(CODE, {"code": ask_for_code(client)})
    fresh = User.objects.get(phone=PHONE)
    assert fresh.pk != person.pk
    assert fresh.notice_version == 0
    Application.objects.filter(pk=application.pk, claimed_by=None).get()


def test_log_says_that_an_account_was_closed_and_not_whose(caplog):
    person = make_person(name="Sunita Verma", email="s@example.in")
    phone = person.phone
    with caplog.at_level(logging.INFO):
        close(person)
    said = " ".join(record.getMessage() for record in caplog.records)
    assert f"account {person.pk} closed" in said
    for personal in (phone, "Sunita", "s@example.in"):
        assert personal not in said


def test_officers_account_is_not_closed_here():
    officer = make_officer()
    close(officer)
    officer.refresh_from_db()
    assert officer.is_active
    assert officer.email


def test_applications_of_others_stay_linked():
    mine, other = make_person(), make_person()
    theirs = make_application(claimed_by=other)
    make_application(claimed_by=mine)
    assert leaving.unlink_all(by=mine) == 1
    assert leaving.unlink_all(by=mine) == 0
    theirs.refresh_from_db()
    assert theirs.claimed_by == other


def test_page_explains_then_asks_then_closes():
    client = signed_in_now()
    person = User.objects.get(phone=PHONE)
    make_appointment(application=make_application(claimed_by=person))
    text = client.get("/account/close/").text
    assert "You have 1 appointment." in text
    assert "What stays" in text
    client.post("/account/close/")
    client.get("/account/close/sure/")
    assert User.objects.get(pk=person.pk).is_active
    answer = client.post("/account/close/sure/", follow=True)
    assert "Your account is closed." in answer.text
    assert "_auth_user_id" not in client.session
    assert not User.objects.get(pk=person.pk).is_active


# --- What is queued follows ----------------------------------------------------------------------


def queued(channel: str = "sms") -> set[str]:
    """Where what is queued about appointments would go."""
    waiting = Message.objects.filter(
        state="queued", channel=channel, reference__startswith="appointment:"
    )
    return set(waiting.values_list("address", flat=True))


def test_queued_messages_follow_a_new_number():
    person = make_person()
    ask(person, claimed_by=person, silence="requeue")
    assert queued() == {person.phone}
    User.objects.filter(pk=person.pk).update(phone=NEW_PHONE)
    assert leaving.follow_contact(person=person) >= 1
    assert leaving.follow_contact(person=person) == 0
    assert queued() == {NEW_PHONE}


def test_page_of_a_new_number_makes_queued_messages_follow(client: Client):
    client = signed_in_now()
    person = User.objects.get(phone=PHONE)
    ask(person, claimed_by=person)
    client.post("/account/phone/", {"address": NEW_PHONE})
    client.post("/account/phone/code/", {"code": last_code(NEW_PHONE)})
    assert queued() == {NEW_PHONE}


def test_queued_emails_are_taken_back_when_emails_are_not_wanted():
    person = make_person(email="s@example.in")
    ask(person, claimed_by=person)
    assert queued("email") == {"s@example.in"}
    client = signed_in_long_ago(person)
    client.post("/account/messages/", {"email_messages": "no", "earlier_seats": "yes"})
    assert queued("email") == set()
    assert queued() == {person.phone}


def test_queued_messages_of_a_closed_account_go_to_the_register():
    person = make_person(email="s@example.in")
    application, _offer, _token = ask(person, claimed_by=person, phone="+919700000009")
    close(person)
    assert queued() == {"+919700000009"}
    assert queued("email") == set()
    application.refresh_from_db()
    assert application.claimed_by is None


def test_who_has_no_phone_after_closing_is_called_if_the_email_does_not_arrive():
    person = make_person()
    application, _offer, _token = ask(person, claimed_by=person, phone="", email="r@example.in")
    close(person)
    assert queued() == set()
    Message.objects.filter(channel="email", kind="MOVED_KEEP").update(state="failed")
    fallback.follow_up(timezone.now())
    (missed,) = NotReached.objects.all()
    appointment = application.appointments.get()
    assert (missed.kind, missed.reference) == ("MOVED_KEEP", f"appointment:{appointment.pk}")


# --- Only what is verified counts ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "email"),
    [
        ({"email_verified": True}, "own@example.in"),
        ({"email_verified": False}, "register@example.in"),
        ({"email_verified": True, "email_messages": False}, ""),
        ({"email_verified": False, "email_messages": False}, ""),
    ],
)
def test_unverified_or_unwanted_address_gets_no_message(changes: dict, email: str):
    person = make_person(email="own@example.in", **{"email_messages": True, **changes})
    application = make_application(claimed_by=person, email="register@example.in")
    assert make_appointment(application=application).contact[1] == email


def test_removed_address_is_forgotten_by_contact_too():
    person = make_person(email="own@example.in")
    appointment = make_appointment(application=make_application(claimed_by=person))
    contacts.remove_email(person=person)
    fresh = Appointment.objects.with_people().get(pk=appointment.pk)
    assert fresh.contact[1] == ""
