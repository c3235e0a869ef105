"""Claim, hold, confirm, change, cancel: the rules as a person meets them."""

import datetime as dt

import pytest
from django.utils import timezone

from appointments import booking, seats
from appointments.errors import Refusal
from appointments.models import Appointment, Hold, Slot, TimelineEntry, VisitAttempt
from notifications.models import Message
from tests.domain.builders import (
    at,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_person,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return make_person()


@pytest.fixture
def application(person):
    return make_application(claimed_by=person)


def refused(code):
    return pytest.raises(Refusal, match=f"^{code}$")


def taken(slot):
    return Slot.objects.get(pk=slot.pk).taken


def book(application, slot, person):
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    return booking.confirm(hold_id=hold.pk, by=person)


# --- Claim ---


def test_claim_links_the_application_once(person):
    application = make_application()
    for _ in range(2):
        claimed = booking.claim(
            arn=application.arn, date_of_birth=application.date_of_birth, by=person
        )
    assert claimed.claimed_by == person


def test_claim_with_unknown_number_and_wrong_birth_date_look_the_same(person):
    application = make_application()
    with refused("application_not_found"):
        booking.claim(arn="26-9999999999", date_of_birth=application.date_of_birth, by=person)
    with refused("application_not_found"):
        booking.claim(arn=application.arn, date_of_birth=dt.date(2000, 1, 1), by=person)


def test_claim_of_an_application_linked_to_somebody_else_is_refused(application):
    with refused("application_claimed"):
        booking.claim(
            arn=application.arn, date_of_birth=application.date_of_birth, by=make_person()
        )


def test_claim_without_verified_phone_is_refused():
    application = make_application()
    with refused("phone_not_verified"):
        booking.claim(
            arn=application.arn,
            date_of_birth=application.date_of_birth,
            by=make_person(phone_verified=False),
        )


def test_claim_by_link_needs_the_phone_that_the_link_was_sent_to(person):
    application = make_application(phone=person.phone)
    assert booking.claim_by_link(application_id=application.pk, by=person).claimed_by == person
    other = make_application()
    with refused("not_yours"):
        booking.claim_by_link(application_id=other.pk, by=person)


# --- Hold and confirm ---


def test_hold_takes_a_seat_for_ten_minutes(application, person):
    slot = make_slot()
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    assert hold.expires_at - hold.created_at == dt.timedelta(minutes=10)
    assert taken(slot) == 1
    assert seats.check() == []


def test_hold_again_on_the_same_slot_is_the_same_hold(application, person):
    slot = make_slot()
    first = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    again = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    assert (again.pk, taken(slot)) == (first.pk, 1)


def test_hold_on_another_slot_frees_the_first_at_once(application, person):
    first, second = make_slot(), make_slot(hour=12)
    booking.hold_seat(application=application, slot_id=first.pk, by=person)
    booking.hold_seat(application=application, slot_id=second.pk, by=person)
    assert (taken(first), taken(second)) == (0, 1)


def test_hold_on_a_full_slot_keeps_the_seat_held_before(application, person):
    first, full = make_slot(), make_slot(hour=12, seats=1)
    make_appointment(full)
    hold = booking.hold_seat(application=application, slot_id=first.pk, by=person)
    with refused("slot_full"):
        booking.hold_seat(application=application, slot_id=full.pk, by=person)
    assert Hold.objects.filter(pk=hold.pk).exists()
    assert seats.check() == []


def test_hold_finds_the_seat_of_a_hold_that_has_run_out(application, person):
    slot = make_slot(seats=1)
    other = make_person()
    booking.hold_seat(application=make_application(claimed_by=other), slot_id=slot.pk, by=other)
    Hold.objects.update(
        created_at=timezone.now() - dt.timedelta(minutes=20),
        expires_at=timezone.now() - dt.timedelta(minutes=10),
    )
    booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    assert taken(slot) == 1
    assert seats.check() == []


def test_release_of_a_hold_twice_frees_one_seat(application, person):
    slot = make_slot()
    make_appointment(slot)
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    booking.release_hold(hold_id=hold.pk, by=person)
    booking.release_hold(hold_id=hold.pk, by=person)
    assert taken(slot) == 1


def test_release_of_somebody_elses_hold_is_refused(application, person):
    hold = booking.hold_seat(application=application, slot_id=make_slot().pk, by=person)
    with refused("not_yours"):
        booking.release_hold(hold_id=hold.pk, by=make_person())


def test_expired_holds_are_swept_once(application, person):
    slot = make_slot()
    booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    later = timezone.now() + dt.timedelta(minutes=11)
    assert booking.expire_holds(now=later) == 1
    assert booking.expire_holds(now=later) == 0
    assert taken(slot) == 0


def test_confirm_books_writes_timeline_attempt_and_messages(application, person):
    slot = make_slot()
    appointment = book(application, slot, person)
    assert appointment.state == Appointment.State.CONFIRMED
    assert taken(slot) == 1
    assert [e.event for e in appointment.timeline.all()] == [TimelineEntry.Event.BOOKED]
    assert VisitAttempt.objects.get().date == slot.date
    assert Message.objects.get().kind == "CONFIRMED"
    assert seats.check() == []


def test_confirm_clicked_twice_books_once(application, person):
    hold = booking.hold_seat(application=application, slot_id=make_slot().pk, by=person)
    first = booking.confirm(hold_id=hold.pk, by=person)
    assert booking.confirm(hold_id=hold.pk, by=person) == first
    assert (Message.objects.count(), VisitAttempt.objects.count()) == (1, 1)


def test_confirm_of_an_expired_hold_is_refused(application, person):
    hold = booking.hold_seat(application=application, slot_id=make_slot().pk, by=person)
    Hold.objects.update(
        created_at=timezone.now() - dt.timedelta(minutes=20),
        expires_at=timezone.now() - dt.timedelta(seconds=1),
    )
    with refused("hold_expired"):
        booking.confirm(hold_id=hold.pk, by=person)


def test_confirm_on_a_slot_that_an_outage_closed_meanwhile_is_refused(application, person):
    slot = make_slot()
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    Slot.objects.filter(pk=slot.pk).update(closed=2)
    with refused("slot_paused"):
        booking.confirm(hold_id=hold.pk, by=person)


def test_confirm_of_somebody_elses_hold_is_refused(application, person):
    hold = booking.hold_seat(application=application, slot_id=make_slot().pk, by=person)
    with refused("not_yours"):
        booking.confirm(hold_id=hold.pk, by=make_person())


@pytest.mark.parametrize(
    ("quota", "service", "code"),
    [
        ("tatkaal", "normal", "wrong_quota"),
        ("pcc", "tatkaal", "wrong_quota"),
        ("tatkaal", "tatkaal", None),
        ("normal", "tatkaal", None),
        ("on_hold", "normal", "wrong_quota"),
    ],
)
def test_quota_decides_who_may_take_a_seat(person, quota, service, code):
    application = make_application(claimed_by=person, service=service)
    slot = make_slot(quota=quota)
    if code is None:
        assert book(application, slot, person).slot == slot
    else:
        with refused(code):
            book(application, slot, person)


def test_slot_within_the_lead_time_or_past_is_refused(application, person, time_machine):
    time_machine.move_to(at(in_days(0), 10))  # shortly after midnight 23:59 would not be too soon
    soon = make_slot(day=in_days(0), hour=23, minute=59)
    past = make_slot(day=in_days(-1))
    for slot in (soon, past):
        with refused("slot_too_soon"):
            booking.hold_seat(application=application, slot_id=slot.pk, by=person)


def test_slot_of_another_region_is_refused(application, person):
    elsewhere = make_centre("LKO", region=make_region("LKO-RPO"))
    with refused("wrong_region"):
        booking.hold_seat(
            application=application, slot_id=make_slot(centre=elsewhere).pk, by=person
        )


def test_paused_slot_is_refused_though_it_has_room(application, person):
    slot = make_slot()
    Slot.objects.filter(pk=slot.pk).update(paused=True)
    with refused("slot_paused"):
        booking.hold_seat(application=application, slot_id=slot.pk, by=person)


def test_unknown_slot_is_refused(application, person):
    with refused("slot_not_found"):
        booking.hold_seat(application=application, slot_id=999_999, by=person)


# --- Change ---


def test_change_moves_the_appointment_and_frees_the_old_seat(application, person):
    old, new = make_slot(), make_slot(hour=12)
    book(application, old, person)
    appointment = book(application, new, person)
    assert (taken(old), taken(new)) == (0, 1)
    assert appointment.slot == new
    assert Appointment.objects.count() == 1
    assert VisitAttempt.objects.count() == 2
    assert seats.check() == []


def test_change_to_the_slot_one_has_is_refused(application, person):
    slot = make_slot()
    book(application, slot, person)
    with refused("same_slot"):
        booking.hold_seat(application=application, slot_id=slot.pk, by=person)


@pytest.mark.parametrize(("service", "allowed"), [("normal", 3), ("tatkaal", 2), ("pcc", 3)])
def test_visit_attempts_end_after_the_allowed_dates(person, service, allowed):
    application = make_application(claimed_by=person, service=service)
    slots = [make_slot(day=in_days(3 + n), quota=service) for n in range(allowed + 1)]
    for slot in slots[:allowed]:
        book(application, slot, person)
    assert booking.attempts_left(application, timezone.now()) == 0
    with refused("no_attempts_left"):
        book(application, slots[-1], person)


def test_visit_attempts_end_a_year_after_the_first(application, person):
    VisitAttempt.objects.create(
        application=application,
        date=in_days(-370),
        chosen_at=timezone.now() - dt.timedelta(days=366),
    )
    with refused("no_attempts_left"):
        book(application, make_slot(), person)


def test_change_while_in_doubt_is_refused(application, person):
    make_appointment(make_slot(), application=application, state=Appointment.State.IN_DOUBT)
    with refused("in_doubt"):
        booking.hold_seat(application=application, slot_id=make_slot(hour=12).pk, by=person)


def test_person_on_the_waiting_list_may_choose_a_seat_without_an_attempt(application, person):
    Appointment.objects.create(
        application=application,
        state=Appointment.State.WAITING,
        booked_at=timezone.now(),
        waiting_since=timezone.now(),
    )
    appointment = book(application, make_slot(), person)
    assert appointment.state == Appointment.State.CONFIRMED
    assert appointment.waiting_since is None
    assert VisitAttempt.objects.count() == 0


# --- Cancel ---


def test_cancel_frees_the_seat_and_says_what_is_left(application, person):
    slot = make_slot()
    appointment = book(application, slot, person)
    booking.cancel(appointment_id=appointment.pk, by=person)
    assert taken(slot) == 0
    message = Message.objects.get(kind="CANCELLED")
    assert message.values["n"] == 2
    assert seats.check() == []


def test_cancel_twice_changes_nothing_the_second_time(application, person):
    slot = make_slot()
    make_appointment(slot)
    appointment = book(application, slot, person)
    for _ in range(2):
        booking.cancel(appointment_id=appointment.pk, by=person)
    assert taken(slot) == 1
    assert appointment.timeline.count() == 2


def test_cancel_frees_the_hold_of_a_change_too(application, person):
    old, new = make_slot(), make_slot(hour=12)
    appointment = book(application, old, person)
    booking.hold_seat(application=application, slot_id=new.pk, by=person)
    booking.cancel(appointment_id=appointment.pk, by=person)
    assert (taken(old), taken(new)) == (0, 0)


def test_cancel_by_somebody_else_is_refused(application, person):
    appointment = book(application, make_slot(), person)
    with refused("not_yours"):
        booking.cancel(appointment_id=appointment.pk, by=make_person())


def test_cancel_of_a_visit_that_has_begun_is_refused(application, person):
    appointment = make_appointment(make_slot(day=in_days(-1)), application=application)
    with refused("appointment_started"):
        booking.cancel(appointment_id=appointment.pk, by=person)


def test_cancel_of_a_completed_visit_is_refused(application, person):
    appointment = make_appointment(
        make_slot(day=in_days(-1)), application=application, state=Appointment.State.COMPLETED
    )
    with refused("appointment_ended"):
        booking.cancel(appointment_id=appointment.pk, by=person)


def test_after_cancelling_a_new_booking_uses_the_next_attempt(application, person):
    appointment = book(application, make_slot(), person)
    booking.cancel(appointment_id=appointment.pk, by=person)
    book(application, make_slot(hour=12), person)
    assert booking.attempts_left(application, timezone.now()) == 1
