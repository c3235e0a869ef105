"""Every verb locks rows in the order of docs/decisions/0014-locks.md, slots by their ids."""

import datetime as dt
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from appointments import (
    booking,
    decide_by,
    offers,
    outages,
    plans,
    seats,
    slots,
    untold,
    visits,
    waiting_list,
)
from appointments.cuts import spread_total
from appointments.models import Appointment, Offer, Plan, Quota, Slot, SlotTemplate
from notifications import batches
from tests.domain.builders import (
    approve_as_seen,
    approved_plan,
    at,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_region,
    make_slot,
)
from tests.domain.lock_order import ORDER, watched_locks

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[2]
MINUTES = dt.timedelta(minutes=1)


class World:
    """Six people in two slots of a day which loses all seats but one; free slots before and after.

    Slots are made in another order than they are used in, so that ids and times differ.
    """

    def __init__(self, clock):
        self.clock = clock
        self.first, self.second = make_officer(), make_officer("approver")
        self.later = make_slot(day=in_days(8), seats=3)
        self.free = make_slot(day=in_days(6), seats=2)
        self.full = [make_slot(day=in_days(4), hour=hour, seats=3) for hour in (12, 10)]
        self.people = []
        for number in range(6):
            person = make_person()
            application = make_application(claimed_by=person)
            make_appointment(self.full[number % 2], application=application)
            self.people.append((person, application))
        self.newcomer = make_person()
        self.new_application = make_application(claimed_by=self.newcomer)

    def cuts(self, total, days=4):
        return spread_total(total_per_day=total, centres=[make_centre()], dates=[in_days(days)])

    def declared(self):
        self.outage = declare_for_test(self.first, self.cuts(1))
        return self.outage

    def after_grace(self):
        self.clock.shift(11 * MINUTES)

    def prepared(self):
        self.declared()
        self.after_grace()
        return plans.prepare(
            outage_id=self.outage.pk,
            region_id=make_region().pk,
            by=self.first,
            silence=Plan.Silence.REQUEUE,
        )

    def approved(self):
        self.declared()
        self.after_grace()
        return approved_plan(
            self.outage, by=self.first, second=self.second, silence=Plan.Silence.REQUEUE
        )

    def applied(self):
        return plans.apply(plan_id=self.approved().pk, by=self.first)

    def asked(self):
        """An open offer whose link works, and whose it is."""
        self.applied()
        self.after_grace()
        plans.settle(now=timezone.now())
        offer = Offer.objects.order_by("pk").first()
        return offer, offer.appointment.application.claimed_by

    def held(self, slot=None, *, by=None):
        person, application = by or (self.newcomer, self.new_application)
        slot = slot or self.free
        return booking.hold_seat(application=application, slot_id=slot.pk, by=person)


# --- One function for each verb: prepares, and returns the call to be watched --------------------


def hold(world):
    return world.held


def hold_another(world):
    world.held(world.later)
    return lambda: world.held(world.free)


def hold_where_a_hold_has_ended(world):
    """The slot is full of holds that have run out, and the minute-sweep has not come yet."""
    world.held(world.free, by=world.people[0])
    world.held(world.free, by=world.people[1])
    world.after_grace()
    return world.held


def claim(world):
    application = make_application()
    return lambda: booking.claim(
        arn=application.arn, date_of_birth=application.date_of_birth, by=world.newcomer
    )


def release(world):
    held = world.held()
    return lambda: booking.release_hold(hold_id=held.pk, by=world.newcomer)


def confirm_booking(world):
    held = world.held()
    return lambda: booking.confirm(hold_id=held.pk, by=world.newcomer)


def confirm_change(world):
    held = world.held(world.later, by=world.people[0])
    return lambda: booking.confirm(hold_id=held.pk, by=world.people[0][0])


def confirm_answer(world):
    """Another time than the offered one."""
    offer, person = world.asked()
    extra = make_slot(day=in_days(9), seats=2)
    held = world.held(extra, by=(person, offer.appointment.application))
    return lambda: booking.confirm(hold_id=held.pk, by=person)


def cancel(world):
    person, application = world.people[0]
    world.held(world.later, by=(person, application))
    appointment = application.appointments.get()
    return lambda: booking.cancel(appointment_id=appointment.pk, by=person)


def cancel_while_choosing(world):
    """Asked about a new time, and another one is being held."""
    offer, person = world.asked()
    extra = make_slot(day=in_days(9), seats=2)
    world.held(extra, by=(person, offer.appointment.application))
    return lambda: booking.cancel(appointment_id=offer.appointment_id, by=person)


def expire_holds(world):
    world.held(world.later)
    world.held(world.free, by=world.people[0])
    world.after_grace()
    return lambda: booking.expire_holds(now=timezone.now())


def declare(world):
    return world.declared


def change_cut(world):
    outage = world.declared()
    change = [*world.cuts(6), *world.cuts(0, days=6)]
    return lambda: outages.change_cut(outage_id=outage.pk, cuts=change, by=world.first)


def take_back(world):
    outage = world.declared()
    return lambda: outages.take_back(outage_id=outage.pk, by=world.first)


def take_back_with_a_plan(world):
    outage = world.declared()
    plans.prepare(outage_id=outage.pk, region_id=make_region().pk, by=world.first)
    return lambda: outages.take_back(outage_id=outage.pk, by=world.first)


def change_cut_with_a_plan(world):
    plan = world.prepared()
    change = [*world.cuts(2), *world.cuts(0, days=6)]
    return lambda: outages.change_cut(outage_id=plan.outage_id, cuts=change, by=world.first)


def send_now(world):
    outage = world.declared()
    return lambda: outages.send_notices_now(outage_id=outage.pk, by=world.first)


def tell_again(world):
    outage = world.declared()
    batches.cancel(batch=f"hold:{outage.pk}", by="officer 1", reason="Wrong")
    return lambda: untold.tell_again(outage_id=outage.pk, by=world.first)


def restore(world):
    plan = world.prepared()
    return lambda: outages.restore(outage_id=plan.outage_id, by=world.first)


def prepare_again(world):
    plan = world.prepared()
    return lambda: plans.prepare(
        outage_id=plan.outage_id, region_id=plan.region_id, by=world.second
    )


def approve(world):
    plan = world.prepared()
    return lambda: approve_as_seen(plan, world.second)


def drop(world):
    plan = world.prepared()
    return lambda: plans.drop(plan_id=plan.pk, by=world.first)


def apply(world):
    plan = world.approved()
    return lambda: plans.apply(plan_id=plan.pk, by=world.first)


def set_hour(world):
    plan = world.approved()
    at = timezone.now() + MINUTES
    return lambda: decide_by.set_hour(plan_id=plan.pk, by=world.second, at=at)


def withdraw_hour(world):
    plan = struck(world)
    return lambda: decide_by.withdraw_hour(plan_id=plan.pk, by=world.first)


def struck(world):
    """A plan whose hour has just come."""
    plan = world.approved()
    decide_by.set_hour(plan_id=plan.pk, by=world.second, at=timezone.now() + MINUTES)
    world.clock.shift(MINUTES)
    return plan


def apply_at_its_hour(world):
    plan = struck(world)
    return lambda: decide_by.strike(plan_id=plan.pk)


def hold_back_at_its_hour(world):
    plan = struck(world)
    world.clock.shift(120 * MINUTES)
    return lambda: decide_by.strike(plan_id=plan.pk)


def undo(world):
    plan = world.applied()
    return lambda: plans.undo(plan_id=plan.pk, by=world.first)


def settle(world):
    plan = world.applied()
    world.after_grace()
    return lambda: plans.settle_one(plan_id=plan.pk, now=timezone.now())


def resume(world):
    outage = world.declared()
    outages.change_cut(outage_id=outage.pk, cuts=world.cuts(6), by=world.first)
    Slot.objects.filter(pk__in=[world.free.pk, world.later.pk]).update(paused=True)
    world.after_grace()
    return lambda: plans.resume_quiet_region(region_id=make_region().pk, now=timezone.now())


def accept(world):
    offer, person = world.asked()
    return lambda: offers.accept(offer_id=offer.pk, by=person)


def hold_another_by_link(world):
    offer, _ = world.asked()
    free = make_slot(day=in_days(7)).pk
    booking.hold_seat_by_link(offer_id=offer.pk, slot_id=make_slot(day=in_days(9)).pk)
    return lambda: booking.hold_seat_by_link(offer_id=offer.pk, slot_id=free)


def release_choice(world):
    offer, _ = world.asked()
    booking.hold_seat_by_link(offer_id=offer.pk, slot_id=make_slot(day=in_days(9)).pk)
    return lambda: booking.release_choice(offer_id=offer.pk, by=None)


def give_up(world):
    offer, _ = world.asked()
    return lambda: offers.give_up(offer_id=offer.pk, by=None)


def silence(world):
    offer, _ = world.asked()
    return lambda: offers.close_silent_together(offer_ids=[offer.pk], now=offer.deadline)


def silence_of_a_phone(world):
    """Several people behind one phone let their deadlines pass."""
    world.asked()
    for _person, application in world.people:
        type(application).objects.filter(pk=application.pk).update(
            claimed_by=None, claimed_at=None, phone="+919812345678"
        )
    asked = Offer.objects.filter(state="open")
    ids = list(asked.order_by("-pk").values_list("pk", flat=True))
    assert len(ids) > 2
    now = max(asked.values_list("deadline", flat=True))
    return lambda: offers.close_silent_together(offer_ids=ids, now=now)


def waits(world):
    """The newcomer waits, and a seat is free for them."""
    return waiting_list.join(application=world.new_application, by=world.newcomer)


def join(world):
    return lambda: waits(world)


def offered(world):
    """The newcomer is asked about the only free seats there are."""
    waits(world)
    waiting_list.offer_seats(now=timezone.now())
    return Offer.objects.get()


def earlier(world):
    """Somebody moved is asked about an earlier seat."""
    person, application = world.people[0]
    moved = application.appointments.filter(slot__isnull=False)
    moved.update(moved_count=1, original_date=in_days(1), slot=world.later)
    seats.recount()
    seats.first_refusal(slot_ids=[world.free.pk])
    waiting_list.offer_seats(now=timezone.now())
    return Offer.objects.get(), person


def ask(world):
    appointment = waits(world)
    asker = waiting_list.Asker(appointment, Offer.Kind.WAITING, (), [], frozenset())
    now = timezone.now()
    return lambda: waiting_list.ask(asker=asker, slot_id=world.free.pk, now=now)


def take_seat(world):
    offer = offered(world)
    return lambda: offers.accept(offer_id=offer.pk, by=world.newcomer)


def take_earlier(world):
    offer, person = earlier(world)
    return lambda: offers.accept(offer_id=offer.pk, by=person)


def decline(world):
    offer = offered(world)
    return lambda: offers.decline(offer_id=offer.pk, by=world.newcomer)


def silence_about_a_seat(world):
    offer = offered(world)
    return lambda: offers.close_silent_together(offer_ids=[offer.pk], now=offer.deadline)


def leave_with_a_seat_on_offer(world):
    offer = offered(world)
    return lambda: booking.cancel(appointment_id=offer.appointment_id, by=world.newcomer)


def choose_with_a_seat_on_offer(world):
    offered(world)
    held = world.held(world.later)
    return lambda: booking.confirm(hold_id=held.pk, by=world.newcomer)


def declare_on_seats_on_offer(world):
    """The earlier seat of one person and the own one of another lose all their seats."""
    earlier(world)
    cuts = [*world.cuts(0, days=6), *world.cuts(0, days=8)]
    return lambda: declare_for_test(world.first, cuts)


def completed(world):
    appointment = world.people[0][1].appointments.get()
    world.clock.move_to(at(appointment.slot.date, 17))
    officer = world.first
    return lambda: visits.mark_completed(appointment_id=appointment.pk, by=officer)


def no_show_while_choosing(world):
    offer, person = world.asked()
    extra = make_slot(day=in_days(20), seats=2)
    world.clock.move_to(offer.new_slot.starts_at - MINUTES)
    world.held(extra, by=(person, offer.appointment.application))
    world.clock.shift(2 * MINUTES)
    return lambda: visits.mark_no_show(appointment_id=offer.appointment_id, by=world.first)


def open_slots(world):
    world.declared()
    SlotTemplate.objects.create(centre=make_centre(), quota=Quota.NORMAL, start="14:00", seats=1)
    return lambda: slots.open_days(region=make_region(), days=[in_days(3), in_days(4)])


PEOPLE = [hold, hold_another, release, confirm_booking, confirm_change, confirm_answer, cancel]
OFFICERS = [
    declare,
    change_cut,
    take_back,
    send_now,
    tell_again,
    restore,
    prepare_again,
    approve,
    drop,
    apply,
]
PEOPLE += [hold_where_a_hold_has_ended, claim, cancel_while_choosing]
OFFICERS += [set_hour, withdraw_hour, apply_at_its_hour, hold_back_at_its_hour]
OFFICERS += [undo, completed, no_show_while_choosing]
OFFICERS += [take_back_with_a_plan, change_cut_with_a_plan]
LINE = [join, ask, take_seat, take_earlier, decline, silence_about_a_seat]
LINE += [leave_with_a_seat_on_offer, choose_with_a_seat_on_offer, declare_on_seats_on_offer]
REST = [
    hold_another_by_link,
    release_choice,
    accept,
    give_up,
    silence,
    silence_of_a_phone,
    expire_holds,
    settle,
    resume,
    open_slots,
]


@pytest.fixture
def world():
    with time_machine.travel(at(dt.date(2026, 6, 1), 9), tick=False) as clock:
        yield World(clock)


@pytest.mark.parametrize("verb", [*PEOPLE, *OFFICERS, *LINE, *REST], ids=lambda verb: verb.__name__)
def test_verb_locks_in_the_order_of_the_decision(world, verb):
    call = verb(world)
    with watched_locks() as locks:
        call()
    assert locks.wrong == []
    assert locks.held, "it locked nothing: nothing was watched"


def test_apply_locks_all_there_is_to_lock(world):
    """The watch sees rows: a plan's locks come as the decision lists them."""
    call = apply(world)
    with watched_locks() as locks:
        call()
    assert locks.tables[:5] == ["outage", "plan", "region", "slot", "appointment"]
    assert set(locks.held["appointments_slot"]) >= {slot.pk for slot in world.full}
    assert len(locks.held["appointments_appointment"]) == len(world.people)


# --- The watch finds an order that is swapped ----------------------------------------------------


def test_an_appointment_locked_before_its_slot_is_found(world, monkeypatch):
    real = booking.lock_seats

    def swapped(application, *slot_ids):
        Appointment.objects.select_for_update(no_key=True).get(application=application)
        return real(application, *slot_ids)

    call = cancel(world)
    monkeypatch.setattr(booking, "lock_seats", swapped)
    with watched_locks() as locks:
        call()
    assert any("appointments_slot" in wrong and "after" in wrong for wrong in locks.wrong)


def test_slots_locked_out_of_the_order_of_their_ids_are_found(world, monkeypatch):
    real = seats.lock_ids

    def backwards(slot_ids):
        ids = sorted(set(slot_ids), reverse=True)
        return sorted(pk for one in ids for pk in real([one]))

    call = apply(world)
    monkeypatch.setattr(seats, "lock_ids", backwards)
    with watched_locks() as locks:
        call()
    assert any("appointments_slot" in wrong for wrong in locks.wrong)


def test_slots_locked_in_no_order_are_found(world, monkeypatch):
    call = apply(world)
    monkeypatch.setattr(seats, "lock_ids", sorted)  # locked by their UPDATE alone
    with watched_locks() as locks:
        call()
    assert any("appointments_slot" in wrong for wrong in locks.wrong)


def test_the_order_is_the_one_that_the_decision_states():
    decision = (ROOT / "docs/decisions/0014-locks.md").read_text()
    stated = decision.partition("in this order: ")[2].partition(". ")[0]
    words = [word.split()[0].rstrip("s") for word in stated.split(", ")]
    assert words == [t.partition("_")[2] for t in ORDER[:-1]] + ["outbox"]
