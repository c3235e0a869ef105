"""Whoever has chosen a date hears of nothing that was true before, however late it would leave."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from appointments import booking, offers, outages, seat_offers, seats
from appointments.cuts import Cut
from appointments.models import Appointment, Offer, Plan, Slot
from notifications import claims, sweep
from notifications.models import Message
from tests.applicants.builders import ask, ask_family, plan_again
from tests.domain.builders import (
    at,
    declare_for_test,
    far_from_midnight,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_day():
    with far_from_midnight():
        yield


def states(*kinds, **fields):
    return set(Message.objects.filter(kind__in=kinds, **fields).values_list("state", flat=True))


def leave(**fields):
    """What is queued has left, by a gateway that reports nothing more."""
    now = timezone.now()
    Message.objects.filter(state="queued", **fields).update(state="accepted", sent_at=now)


def choose(appointment, *, day=9):
    """The person takes a date that no outage has touched."""
    application = Appointment.objects.get(pk=appointment.pk).application
    found = Slot.objects.filter(date=in_days(day)).first()
    slot = found or make_slot(day=in_days(day), seats=9)
    person = application.claimed_by
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    return booking.confirm(hold_id=hold.pk, by=person)


def in_doubt(count, **fields):
    """So many people of one account who have heard of a doubt: people, outage."""
    person = make_person(email="own@example.org")
    slot = make_slot(day=in_days(3), seats=count)
    people = [
        make_appointment(slot, application=make_application(claimed_by=person))
        for _ in range(count)
    ]
    cuts = [Cut(slot.centre_id, slot.date, "normal", fields.pop("seats_left", 0))]
    outage = declare_for_test(make_officer(), cuts)
    leave()
    return people, outage


def restored(count=1):
    """That their seats stand waits to leave."""
    people, outage = in_doubt(count)
    outages.restore(outage_id=outage.pk, by=outage.declared_by)
    return people


def unplaced(count=1):
    """A plan has found no seat for them, and its grace is not over."""
    people, outage = in_doubt(count)
    plan_again(outage, make_centre().region)
    return people


def released():
    """Nobody answered, so the seat was freed."""
    person = make_person(email="own@example.org")
    _application, offer, _token = ask(person, silence=Plan.Silence.REQUEUE)
    leave()
    application = offer.appointment.application
    application.claimed_by, application.claimed_at = person, timezone.now()
    application.save()
    assert offers.close_silent_together(offer_ids=[offer.pk], now=offer.deadline)
    return [offer.appointment]


SAID = {"STANDS": restored, "NO_SEAT": unplaced, "RELEASED": released}


@pytest.mark.parametrize("kind", SAID)
def test_who_has_chosen_a_date_is_not_told_what_was_true_before(kind):
    (appointment,) = SAID[kind]()
    assert states(kind) == {"queued"}
    choose(appointment)
    assert states(kind) == {"cancelled"}
    assert states("CONFIRMED") == {"queued"}


def test_nor_is_whom_a_plan_has_kept_and_who_changes_within_its_grace():
    people, outage = in_doubt(2, seats_left=1)
    plan_again(outage, make_centre().region)
    assert states("STANDS") == states("NO_SEAT") == {"queued"}
    kept = next(a for a in people if Appointment.objects.get(pk=a.pk).slot_id)
    choose(kept)
    assert states("STANDS") == {"cancelled"}
    assert states("NO_SEAT") == {"queued"}


@pytest.mark.parametrize("kind", ["STANDS", "NO_SEAT"])
def test_nor_in_the_morning_what_the_night_has_held(kind):
    with time_machine.travel(at(in_days(0), 21, 30), tick=False):
        (appointment,) = SAID[kind]()
        Message.objects.filter(state="queued").update(next_attempt_at=timezone.now())
        leave(channel="email")
    with time_machine.travel(at(in_days(0), 22), tick=False):
        choose(appointment)
    with time_machine.travel(at(in_days(1), 8, 1), tick=False):
        due = claims.due(claims.Share("sms", "file"), timezone.now())
        assert [m.kind for m in due.exclude(reference="")] == ["CONFIRMED"]
    assert states(kind, channel="email") == {"accepted"}


def test_nor_is_it_repeated_or_sent_again():
    (appointment,) = restored()
    Message.objects.filter(kind="STANDS").update(state="unknown")
    choose(appointment)
    sweep.sweep()
    assert states("STANDS") == {"unknown"}
    assert set(
        Message.objects.filter(kind="STANDS").values_list("cancel_requested", flat=True)
    ) == {True}


def test_who_changes_twice_hears_the_later_date_alone():
    """The gateway rests; the sooner visit would leave first, and the other one come last."""
    (appointment,) = restored()
    choose(appointment, day=9)
    choose(appointment, day=7)
    left = Message.objects.filter(kind="CONFIRMED", state="queued", channel="sms")
    assert [dt.datetime.fromisoformat(m.values["new_at"]) for m in left] == [at(in_days(7))]


def test_who_takes_an_earlier_seat_is_not_told_that_the_old_one_stands():
    (appointment,) = restored()
    slot = make_slot(day=in_days(2))
    seats.take(slot_id=slot.pk, now=timezone.now())
    appointment.refresh_from_db()
    now = timezone.now()
    offer = seat_offers.make(appointment=appointment, slot=slot, kind=Offer.Kind.EARLIER, now=now)
    offers.accept(offer_id=offer.pk, by=None)
    assert states("STANDS", "EARLIER") == {"cancelled"}


def test_who_accepts_the_time_of_a_second_plan_hears_nothing_of_the_first():
    """The first plan's messages are paused: they have not left when the second one is accepted."""
    person = make_person()
    _application, first, _token = ask(person)
    seat = first.new_slot
    outage = declare_for_test(make_officer(), [Cut(seat.centre_id, seat.date, "normal", 0)])
    make_slot(day=in_days(8))
    plan = plan_again(outage, seat.region)
    plan.offers.update(live_at=plan.applied_at)
    offers.accept(offer_id=plan.offers.get().pk, by=None)
    assert states("MOVED_KEEP", "REPLACED", "HOLD") == {"cancelled"}


# --- Several behind one phone -------------------------------------------------------------------


@pytest.mark.parametrize("world", [restored, unplaced])
def test_who_has_chosen_is_off_the_list(world):
    people = world(3)
    many = Message.objects.get(kind__in=["STANDS_MANY", "NO_SEAT_MANY"])
    choose(people[0])
    many.refresh_from_db()
    assert (many.state, many.values["n"]) == ("queued", 2)
    mails = Message.objects.filter(kind__in=["STANDS", "NO_SEAT"], channel="email")
    assert sorted(m.state for m in mails) == ["cancelled", "queued", "queued"]
    for appointment in people[1:]:
        choose(appointment)
    many.refresh_from_db()
    assert many.state == "cancelled"


def test_who_chose_one_after_the_other_hear_no_repeat():
    """Nobody leaves the list of an SMS that may have been heard; yet it is true of nobody."""
    people = restored(3)
    Message.objects.filter(kind="STANDS_MANY").update(state="unknown")
    for appointment in people:
        choose(appointment)
    sweep.sweep()
    assert states("STANDS_MANY") == {"unknown"}


def test_nor_who_cancelled_one_after_the_other():
    people, _outage = in_doubt(3)
    Message.objects.filter(kind="HOLD_MANY").update(state="unknown", sent_at=None)
    for appointment in people:
        booking.cancel(appointment_id=appointment.pk, by=appointment.application.claimed_by)
    sweep.sweep()
    assert states("HOLD_MANY") == {"unknown"}


def test_it_is_repeated_while_one_has_not_chosen():
    people = restored(3)
    Message.objects.filter(kind="STANDS_MANY").update(state="unknown")
    for appointment in people[1:]:
        choose(appointment)
    sweep.sweep()
    assert states("STANDS_MANY") == {"queued"}


def test_shared_mail_that_stood_in_for_the_sms_names_the_others():
    _plan, asked = ask_family(make_person(), 3, email="family@example.org")
    Message.objects.filter(kind="MOVED_MANY_KEEP").update(state="failed")
    sweep.sweep()
    offers.accept(offer_id=asked[0].pk, by=None)
    mail = Message.objects.get(kind="MOVED_MANY_KEEP", channel="email")
    assert (mail.state, mail.values["n"]) == ("queued", 2)
    assert asked[0].appointment_id not in {row["of"] for row in mail.values["listed"]}
