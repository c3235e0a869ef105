"""Edges of the clock: midnight in India, ends of months and years, the very instant of a deadline.

The database stores UTC; 00:00 in India is 18:30 of the day before there.
"""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from appointments import availability, booking, offers, outages, plans, slots
from appointments.cuts import spread_total
from appointments.errors import Refusal
from appointments.models import Appointment, Hold, Offer, Plan, Quota, Slot, SlotTemplate
from tests.domain.builders import (
    INDIA,
    approved_plan,
    declare_for_test,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)
MICROSECOND = dt.timedelta(microseconds=1)


def india(year, month, day, hour=0, minute=0, second=0):
    return dt.datetime(year, month, day, hour, minute, second, tzinfo=INDIA)


def applicant(**fields):
    person = make_person()
    return person, make_application(claimed_by=person, **fields)


def hold(person, application, slot):
    return booking.hold_seat(application=application, slot_id=slot.pk, by=person)


def refusal(verb, **arguments):
    with pytest.raises(Refusal) as refused:
        verb(**arguments)
    return refused.value.code


# --- Holding and confirming ----------------------------------------------------------------------


def test_a_hold_before_midnight_is_confirmed_after_it():
    with time_machine.travel(india(2026, 6, 9, 23, 58), tick=False) as clock:
        person, application = applicant()
        slot = make_slot(day=dt.date(2026, 6, 12))
        held = hold(person, application, slot)
        clock.move_to(india(2026, 6, 10, 0, 3))
        booked = booking.confirm(hold_id=held.pk, by=person)
        assert booked.state == Appointment.State.CONFIRMED
        attempt = application.visit_attempts.get()
        assert timezone.localdate(attempt.chosen_at) == dt.date(2026, 6, 10)
        assert attempt.date == dt.date(2026, 6, 12)


@pytest.mark.parametrize("late", [-MICROSECOND, dt.timedelta(0)])
def test_a_hold_ends_at_the_very_instant_that_it_names(late):
    with time_machine.travel(india(2026, 6, 9, 12), tick=False) as clock:
        person, application = applicant()
        slot = make_slot(day=dt.date(2026, 6, 12), seats=1)
        held = hold(person, application, slot)
        clock.move_to(held.expires_at + late)
        swept = booking.expire_holds(now=timezone.now())
        slot.refresh_from_db()
        if late:
            assert (swept, slot.taken) == (0, 1)
            assert booking.confirm(hold_id=held.pk, by=person).slot_id == slot.pk
        else:
            assert (swept, slot.taken) == (1, 0)
            assert refusal(booking.confirm, hold_id=held.pk, by=person) == "hold_expired"


def test_a_hold_that_the_sweep_has_not_come_to_is_not_confirmed_but_held_anew():
    with time_machine.travel(india(2026, 6, 9, 12), tick=False) as clock:
        person, application = applicant()
        slot = make_slot(day=dt.date(2026, 6, 12), seats=1)
        held = hold(person, application, slot)
        clock.move_to(held.expires_at)
        assert refusal(booking.confirm, hold_id=held.pk, by=person) == "hold_expired"
        again = hold(person, application, slot)
        assert again.pk != held.pk
        assert Hold.objects.count() == 1
        slot.refresh_from_db()
        assert slot.taken == 1


def test_another_gets_the_seat_at_the_very_instant_that_a_hold_ends():
    with time_machine.travel(india(2026, 6, 9, 12), tick=False) as clock:
        first, second = applicant(), applicant()
        slot = make_slot(day=dt.date(2026, 6, 12), seats=1)
        held = hold(*first, slot)
        clock.move_to(held.expires_at - MICROSECOND)
        assert refusal(hold_of(second), slot=slot) == "slot_full"
        clock.move_to(held.expires_at)
        assert hold(*second, slot).slot_id == slot.pk


def hold_of(who):
    return lambda *, slot: hold(*who, slot)


def test_a_slot_that_comes_too_near_between_hold_and_confirm_is_refused(settings):
    settings.BOOKING_LEAD_HOURS = 18
    with time_machine.travel(india(2026, 6, 9, 15, 55), tick=False) as clock:
        person, application = applicant()
        slot = make_slot(day=dt.date(2026, 6, 10), hour=10)
        held = hold(person, application, slot)
        clock.move_to(india(2026, 6, 9, 16, 0, 1))
        assert refusal(booking.confirm, hold_id=held.pk, by=person) == "slot_too_soon"
        assert not Appointment.objects.exists()


def test_eighteen_hours_ahead_to_the_instant_is_far_enough(settings):
    settings.BOOKING_LEAD_HOURS = 18
    with time_machine.travel(india(2026, 6, 9, 15, 55), tick=False) as clock:
        person, application = applicant()
        slot = make_slot(day=dt.date(2026, 6, 10), hour=10)
        held = hold(person, application, slot)
        clock.move_to(india(2026, 6, 9, 16))
        assert slot in availability.times(application, slot.centre, slot.date, timezone.now())
        assert booking.confirm(hold_id=held.pk, by=person).slot_id == slot.pk


def test_a_slot_that_begins_between_hold_and_confirm_is_refused(settings):
    settings.BOOKING_LEAD_HOURS = 0
    with time_machine.travel(india(2026, 6, 10, 9, 55), tick=False) as clock:
        person, application = applicant()
        slot = make_slot(day=dt.date(2026, 6, 10), hour=10)
        held = hold(person, application, slot)
        clock.move_to(india(2026, 6, 10, 10, 0, 1))
        assert refusal(booking.confirm, hold_id=held.pk, by=person) == "slot_too_soon"


def test_an_appointment_is_changed_until_it_begins():
    with time_machine.travel(india(2026, 6, 10, 9, 59, 59), tick=False) as clock:
        person, application = applicant()
        make_appointment(make_slot(day=dt.date(2026, 6, 10)), application=application)
        later = make_slot(day=dt.date(2026, 6, 16))
        held = hold(person, application, later)
        clock.move_to(india(2026, 6, 10, 10))
        assert refusal(booking.confirm, hold_id=held.pk, by=person) == "appointment_started"


# --- Calendar ------------------------------------------------------------------------------------


def opened_days(now, settings, *, horizon):
    settings.HORIZON_WORKING_DAYS = horizon
    SlotTemplate.objects.create(centre=make_centre(), quota=Quota.NORMAL, start="10:00", seats=1)
    slots.open_slots(now=now)
    return list(Slot.objects.order_by("date").values_list("date", flat=True))


@pytest.mark.parametrize(
    ("now", "last"),
    [
        pytest.param(india(2026, 1, 30, 8), dt.date(2026, 2, 3), id="end of a month"),
        pytest.param(india(2026, 12, 30, 8), dt.date(2027, 1, 1), id="end of a year"),
        pytest.param(india(2028, 2, 28, 8), dt.date(2028, 3, 1), id="29 February"),
        pytest.param(india(2027, 2, 26, 8), dt.date(2027, 3, 2), id="no 29 February"),
    ],
)
def test_the_horizon_counts_working_days_across(now, last, settings):
    days = opened_days(now, settings, horizon=2)
    assert days[0] == now.date()
    assert days[-1] == last
    assert len(days) == 3


def test_the_day_that_opens_is_the_indian_one(settings):
    """At 00:05 in India it is still yesterday in UTC."""
    opened = opened_days(india(2026, 6, 10, 0, 5), settings, horizon=1)
    assert opened == [dt.date(2026, 6, 10), dt.date(2026, 6, 11)]


def test_a_visit_on_29_february_is_booked_and_kept_under_that_day():
    with time_machine.travel(india(2028, 2, 25, 12), tick=False):
        person, application = applicant()
        slot = make_slot(day=dt.date(2028, 2, 29), hour=9)
        [day] = availability.days(application, slot.centre, timezone.now())
        assert day.date == dt.date(2028, 2, 29)
        held = hold(person, application, slot)
        booking.confirm(hold_id=held.pk, by=person)
        assert application.visit_attempts.get().date == dt.date(2028, 2, 29)


def test_times_of_new_years_day_are_shown_on_it():
    with time_machine.travel(india(2026, 12, 30, 12), tick=False):
        _, application = applicant()
        slot = make_slot(day=dt.date(2027, 1, 1), hour=0, minute=15)  # 31 December in UTC
        now = timezone.now()
        assert availability.times(application, slot.centre, dt.date(2027, 1, 1), now) == [slot]
        assert availability.times(application, slot.centre, dt.date(2026, 12, 31), now) == []


@pytest.mark.parametrize(
    "paid", [india(2026, 6, 9, 23, 59), india(2028, 2, 29, 12)], ids=["any", "29 February"]
)
def test_dates_are_chosen_for_a_year_from_the_first(paid):
    """365 days to the instant, then the fee has lapsed."""
    with time_machine.travel(paid, tick=False) as clock:
        person, application = applicant()
        application.visit_attempts.create(date=paid.date(), chosen_at=paid)
        clock.move_to(paid + dt.timedelta(days=365))
        slot = make_slot(day=timezone.localdate() + dt.timedelta(days=5))
        assert hold(person, application, slot)
        clock.move_to(paid + dt.timedelta(days=365) + SECOND)
        held = Hold.objects.get()
        assert refusal(booking.confirm, hold_id=held.pk, by=person) == "no_attempts_left"


# --- Outages, plans, offers ----------------------------------------------------------------------


def two_moved(silence):
    """Declared at 23:30, applied at 23:50: the grace of ten minutes ends at midnight."""
    first, second = make_officer(), make_officer("approver")
    centre = make_centre()
    day = dt.date(2026, 6, 15)
    full = make_slot(centre=centre, day=day, seats=2)
    make_slot(centre=centre, day=dt.date(2026, 6, 17), seats=5)
    who = [applicant(), applicant()]
    for _, application in who:
        make_appointment(full, application=application)
    with time_machine.travel(india(2026, 6, 9, 23, 30), tick=False) as clock:
        outage = declare_for_test(
            first, spread_total(total_per_day=0, centres=[centre], dates=[day])
        )
        clock.move_to(india(2026, 6, 9, 23, 50))
        plan = approved_plan(outage, by=first, second=second, silence=silence)
        plan = plans.apply(plan_id=plan.pk, by=first)
    assert plan.state == Plan.State.APPLIED
    return plan, first, who


@pytest.fixture
def moved_to_keep():
    with time_machine.travel(india(2026, 6, 9, 12), tick=False):
        return two_moved(Plan.Silence.KEEP)


@pytest.fixture
def moved_to_requeue():
    with time_machine.travel(india(2026, 6, 9, 12), tick=False):
        return two_moved(Plan.Silence.REQUEUE)


def test_a_grace_that_ends_at_midnight_is_over_at_midnight(moved_to_keep):
    plan, officer, _ = moved_to_keep
    assert plan.live_at == india(2026, 6, 10)
    with time_machine.travel(india(2026, 6, 10), tick=False):
        assert refusal(plans.undo, plan_id=plan.pk, by=officer) == "plan_not_undoable"
        assert plans.settle(now=timezone.now()) == 1
    with time_machine.travel(india(2026, 6, 9, 23, 59, 59), tick=False):
        assert refusal(plans.undo, plan_id=plan.pk, by=make_person()) == "not_permitted"


def test_a_plan_is_undone_and_not_settled_a_second_before_midnight(moved_to_keep):
    plan, officer, _ = moved_to_keep
    with time_machine.travel(india(2026, 6, 9, 23, 59, 59), tick=False):
        assert plans.settle(now=timezone.now()) == 0
        assert plans.undo(plan_id=plan.pk, by=officer).state == Plan.State.UNDONE
    assert {a.state for a in Appointment.objects.all()} == {Appointment.State.IN_DOUBT}


def test_a_declaration_is_taken_back_until_its_grace_ends():
    officer = make_officer()
    slot = make_slot(day=dt.date(2026, 6, 15))
    cut = spread_total(total_per_day=0, centres=[slot.centre], dates=[slot.date])
    with time_machine.travel(india(2026, 6, 9, 23, 50), tick=False) as clock:
        outage = declare_for_test(officer, cut)
        clock.move_to(india(2026, 6, 10))
        take_back = {"outage_id": outage.pk, "by": officer}
        assert refusal(outages.take_back, **take_back) == "outage_grace_over"
        clock.move_to(india(2026, 6, 10) - SECOND)
        assert outages.take_back(**take_back).state == outage.State.WITHDRAWN


def test_an_offer_is_answered_from_the_instant_that_its_grace_ends(moved_to_keep):
    _, _, [(person, application), _] = moved_to_keep
    offer = Offer.objects.get(appointment__application=application)
    with time_machine.travel(offer.live_at - MICROSECOND, tick=False) as clock:
        assert refusal(offers.accept, offer_id=offer.pk, by=person) == "offer_not_live"
        clock.move_to(offer.live_at)
        assert offers.accept(offer_id=offer.pk, by=person).state == Offer.State.ACCEPTED


def test_silence_counts_from_the_instant_of_the_deadline(moved_to_requeue):
    """Three days after midnight: until then the seat is kept, then it is free again."""
    deadline = india(2026, 6, 13)
    assert set(Offer.objects.values_list("deadline", flat=True)) == {deadline}
    assert offers.close_silent(now=deadline - MICROSECOND) == 0
    assert offers.close_silent(now=deadline) == 2
    assert {a.state for a in Appointment.objects.all()} == {Appointment.State.WAITING}
    assert Slot.objects.get(date=dt.date(2026, 6, 17)).taken == 0


def test_at_the_deadline_whoever_is_first_counts(moved_to_requeue):
    """The answer of the last instant, before the sweep, stands; after the sweep it is too late."""
    _, _, [(quick, quick_application), (slow, slow_application)] = moved_to_requeue
    with time_machine.travel(india(2026, 6, 13), tick=False):
        in_time = Offer.objects.get(appointment__application=quick_application)
        too_late = Offer.objects.get(appointment__application=slow_application)
        assert offers.accept(offer_id=in_time.pk, by=quick).state == Offer.State.ACCEPTED
        assert offers.close_silent(now=timezone.now()) == 1
        assert offers.accept(offer_id=too_late.pk, by=slow).state == Offer.State.RELEASED
    assert quick_application.appointments.get().state == Appointment.State.CONFIRMED
    assert slow_application.appointments.get().state == Appointment.State.WAITING
