"""Cancelling, and leaving the waiting list."""

import pytest
from django.utils import timezone

from appointments import seats
from appointments.models import Appointment
from notifications.models import Message
from tests.applicants.reading import page, text
from tests.domain.builders import in_days, make_appointment, make_slot

pytestmark = pytest.mark.django_db


@pytest.fixture
def appointment(application):
    return make_appointment(application=application)


def shown(appointment):
    """What the page's form sends."""
    return {"appointment": appointment.pk, "slot": appointment.slot_id or ""}


def test_cancel_asks_once_and_then_says_what_is_left(signed_in, application, appointment):
    cancel = page("cancel", application.pk)
    asked = signed_in.get(cancel)
    assert "Cancel this appointment?" in text(asked)
    assert "3 attempts left" in text(asked)
    assert Appointment.objects.get().state == "confirmed"
    for _ in range(2):
        answer = signed_in.post(cancel, shown(appointment), follow=True)
        assert "The appointment is cancelled" in text(answer)
    assert Message.objects.filter(kind="CANCELLED", channel="sms").count() == 1
    assert seats.check() == []


def test_cancel_without_an_attempt_left_warns_that_it_is_the_last(
    signed_in, application, appointment
):
    for number in range(3):
        application.visit_attempts.create(date=in_days(number), chosen_at=timezone.now())
    answer = signed_in.get(page("cancel", application.pk))
    assert "you cannot choose another date under this fee" in text(answer)


def test_cancel_sent_again_after_booking_anew_leaves_the_new_appointment(
    signed_in, application, appointment
):
    cancel = page("cancel", application.pk)
    signed_in.post(cancel, shown(appointment))
    booked = make_appointment(make_slot(day=in_days(8)), application=application)
    answer = signed_in.post(cancel, shown(appointment), follow=True)
    assert answer.redirect_chain[-1][0] == page("mine")
    booked.refresh_from_db()
    assert booked.state == "confirmed"


def test_cancel_in_a_second_tab_after_a_change_asks_again(signed_in, application, appointment):
    old_page = shown(appointment)
    appointment.slot = make_slot(day=in_days(8))
    appointment.save()
    answer = signed_in.post(page("cancel", application.pk), old_page, follow=True)
    assert "Your appointment has changed meanwhile" in text(answer)
    appointment.refresh_from_db()
    assert appointment.state == "confirmed"


@pytest.mark.parametrize("broken", ["", "abc", "9" * 40, "-1"])
def test_cancel_with_a_broken_form_changes_nothing(signed_in, application, appointment, broken):
    answer = signed_in.post(page("cancel", application.pk), {"appointment": broken}, follow=True)
    assert "Cancel this appointment?" in text(answer)


def test_cancel_of_a_visit_that_has_begun_is_refused_in_words(signed_in, application):
    appointment = make_appointment(make_slot(day=in_days(0), hour=0), application=application)
    answer = signed_in.post(page("cancel", application.pk), shown(appointment), follow=True)
    assert "has already begun" in text(answer)


def test_waiting_list_can_be_left(signed_in, application):
    waiting = application.appointments.create(
        state="waiting", booked_at=timezone.now(), waiting_since=timezone.now()
    )
    cancel = page("cancel", application.pk)
    assert cancel in signed_in.get(page("mine")).content.decode()
    assert "Leave the waiting list?" in text(signed_in.get(cancel))
    signed_in.post(cancel, shown(waiting))
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
