"""Hypothesis plays people, officers and the clock against a model of who sits where.

After each step nothing may be wrong in the rows (tests/storm/invariants.py), and everybody must
have the state and the seat that the last answer told them. Officers' verbs may change that for
others, but only in the ways that each verb is for.

    MACHINE_EXAMPLES=500 MACHINE_STEPS=80 pytest tests/domain/test_machine.py    a longer search
"""

import datetime as dt
import os
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from appointments import booking, cuts, offers, outages, plans, slots, waiting_list
from appointments.errors import Refusal
from appointments.models import (
    Application,
    Appointment,
    Centre,
    Hold,
    Offer,
    Plan,
    Quota,
    Slot,
    SlotTemplate,
)
from tests.domain.builders import (
    at,
    declare_for_test,
    in_days,
    make_application,
    make_centre,
    make_officer,
    make_person,
    make_slot,
)
from tests.storm.invariants import findings

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "50"))
STEPS = int(os.environ.get("MACHINE_STEPS", "40"))
MONDAY = at(dt.date(2026, 6, 1), 10)
PEOPLE = 7
DAYS = range(2, 7)

# What a person has: the state and the seat of the newest appointment.
Place = tuple[str, int | None] | None

# What every run must have come to; else it has proved little.
EXPECTED = {"hold_seat", "confirm", "cancel", "expire_holds", "declare_for_test"}
EXPECTED |= {"prepare", "approve", "applied", "undo"}
# And what a long one must.
if EXAMPLES >= 300:
    EXPECTED |= {"release_hold", "change_cut", "take_back", "send_notices_now", "restore"}
    EXPECTED |= {"accept", "give_up", "close_silent", "settle", "open_slots"}
    EXPECTED |= {"join", "offer_seats", "decline", "taken"}
PHASES = ["applied", "live", "undone", "prepared", "declared", "calm"]

people = st.integers(0, PEOPLE - 1)
minutes = st.sampled_from([1, 9, 10, 11, 60, 18 * 60, 24 * 60, 3 * 24 * 60])


@dataclass
class World:
    centres: list[Centre]
    officers: list[User]
    slots: list[Slot]
    persons: list[User] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)


def make_world() -> World:
    """Two centres, five days, hardly more seats than people; all but two have booked."""
    centres = [make_centre("BPL"), make_centre("IDR", lat=22.72, lon=75.86)]
    seats = {(day, hour): 1 + (day + hour) % 2 for day in DAYS for hour in (10, 15)}
    made = [
        make_slot(centre=centre, day=in_days(day), hour=hour, seats=number)
        for centre in centres
        for (day, hour), number in seats.items()
    ]
    made.append(make_slot(centre=centres[0], day=in_days(3), quota=Quota.TATKAAL, seats=1))
    for centre in centres:
        SlotTemplate.objects.create(centre=centre, quota=Quota.NORMAL, start="12:00", seats=1)
    world = World(centres, [make_officer(), make_officer("approver")], made)
    for number in range(PEOPLE):
        person = make_person(email=None)
        application = make_application(
            centre=centres[number % 2],
            claimed_by=person,
            service="tatkaal" if number == 0 else "normal",
        )
        world.persons.append(person)
        world.applications.append(application)
        if number < PEOPLE - 2:
            slot = made[number // 2 + 3 * (number % 2)]
            hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
            booking.confirm(hold_id=hold.pk, by=person)
    return world


def places(world: World) -> list[Place]:
    """What each person has, as the rows say."""
    newest: dict[int, Place] = {}
    rows = Appointment.objects.order_by("pk")
    for application_id, state, slot_id in rows.values_list("application_id", "state", "slot_id"):
        newest[application_id] = (state, slot_id)
    return [newest.get(application.pk) for application in world.applications]


State = Appointment.State
Change = Callable[[tuple[str, int | None], tuple[str, int | None]], bool]


def doubted(old: tuple[str, int | None], new: tuple[str, int | None]) -> bool:
    return old[0] == State.CONFIRMED and new == (State.IN_DOUBT, old[1])


def stands(old: tuple[str, int | None], new: tuple[str, int | None]) -> bool:
    return old[0] == State.IN_DOUBT and new == (State.CONFIRMED, old[1])


def lost_seat(old: tuple[str, int | None], new: tuple[str, int | None]) -> bool:
    return old[0] == State.IN_DOUBT and new == (State.WAITING, None)


def moved(old: tuple[str, int | None], new: tuple[str, int | None]) -> bool:
    return old[0] == State.IN_DOUBT and new[0] == State.CONFIRMED


class Machine(RuleBasedStateMachine):
    world: World
    # Verbs that were not refused, over all examples.
    done: Counter[str] = Counter()

    @initialize(phase=st.sampled_from(PHASES))
    def begin(self, phase: str) -> None:
        self.clock = time_machine.travel(MONDAY + dt.timedelta(minutes=1), tick=False)
        self.now = self.clock.start()
        self.rows = transaction.atomic()
        self.rows.__enter__()
        self.model = places(self.world)
        self.slots = list(self.world.slots)
        self.holds: dict[int, tuple[int, int]] = {}  # person -> (hold, its slot)
        self.confirmed: set[int] = set()
        self.outages: list[int] = []
        self.plans: list[int] = []
        # Plan -> what everybody had before it, without those who have acted since.
        self.before: dict[int, dict[int, Place]] = {}
        self.begin_in(phase)

    def begin_in(self, phase: str) -> None:
        """A random walk seldom comes as far as a plan: most examples begin in an outage."""
        if phase == "calm":
            return
        days = sorted({slot.date for slot in self.slots})[:3]
        lost = cuts.spread_total(total_per_day=1, centres=self.world.centres, dates=days)
        self.declare_now(lost)
        if phase == "declared":
            return
        self.now.shift(dt.timedelta(minutes=11))
        self.prepare_now(self.outages[0], self.world.officers[0], Plan.Silence.REQUEUE)
        if phase in ("applied", "live", "undone"):
            self.apply_now(Plan.objects.get(pk=self.plans[0]))
        if phase == "undone":
            self.undo_now(Plan.objects.get(pk=self.plans[0]))
        if phase == "live":
            self.now.shift(dt.timedelta(minutes=11))

    def teardown(self) -> None:
        if not hasattr(self, "rows"):
            return
        transaction.set_rollback(True)
        self.rows.__exit__(None, None, None)
        self.clock.stop()

    # --- Steps --------------------------------------------------------------------------------

    def ask(self, verb: Callable[..., Any], **arguments: Any) -> Any:
        """The verb's answer, None when it refuses; each step has a second of its own."""
        self.now.shift(1)
        try:
            answer = verb(**arguments)
        except Refusal:
            return None
        self.done[verb.__name__] += 1
        return answer

    def now_has(self, person: int, place: Place) -> None:
        self.model[person] = place
        for before in self.before.values():
            before.pop(person, None)

    def adopt(self, *allowed: Change) -> None:
        """Take over what an officer's verb has changed; every change is of an allowed kind."""
        for person, (old, new) in enumerate(zip(self.model, places(self.world), strict=True)):
            if old != new:
                assert old is not None
                assert new is not None
                assert any(change(old, new) for change in allowed), (person, old, new)
                self.model[person] = new

    # --- People -------------------------------------------------------------------------------

    @rule(who=people, choice=st.integers(0, 30))
    def hold(self, who: int, choice: int) -> None:
        slot = self.slots[choice % len(self.slots)]
        held = self.ask(
            booking.hold_seat,
            application=self.world.applications[who],
            slot_id=slot.pk,
            by=self.world.persons[who],
        )
        if held:
            assert held.slot_id == slot.pk
            self.holds[who] = (held.pk, slot.pk)

    @precondition(lambda self: self.holds)
    @rule(who=people)
    def release(self, who: int) -> None:
        if who in self.holds:
            self.ask(booking.release_hold, hold_id=self.holds[who][0], by=self.world.persons[who])

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        """A second click, and a hold that is long gone, are tried as well."""
        self.confirm_now(data.draw(st.sampled_from(sorted(self.holds))))

    def confirm_now(self, who: int) -> None:
        hold_id, slot_id = self.holds[who]
        booked = self.ask(booking.confirm, hold_id=hold_id, by=self.world.persons[who])
        if booked and hold_id not in self.confirmed:
            assert (booked.state, booked.slot_id) == (State.CONFIRMED, slot_id)
            self.confirmed.add(hold_id)
            self.now_has(who, (State.CONFIRMED, slot_id))

    @rule(who=people, choice=st.integers(0, 30))
    def hold_and_confirm(self, who: int, choice: int) -> None:
        self.hold(who, choice)
        if who in self.holds:
            self.confirm_now(who)

    @precondition(lambda self: self.holds)
    @rule(who=people, data=st.data())
    def confirm_for_another(self, who: int, data: st.DataObject) -> None:
        """A hold of somebody else is never confirmed."""
        owner = data.draw(st.sampled_from(sorted(self.holds)))
        if owner != who:
            hold_id, _ = self.holds[owner]
            by = self.world.persons[who]
            assert self.ask(booking.confirm, hold_id=hold_id, by=by) is None

    @rule(who=people)
    def cancel(self, who: int) -> None:
        newest = self.world.applications[who].appointments.order_by("pk").last()
        if newest and self.ask(
            booking.cancel, appointment_id=newest.pk, by=self.world.persons[who]
        ):
            self.now_has(who, (State.CANCELLED, None))

    def _offer(self, data: st.DataObject) -> tuple[int, Offer] | None:
        """Mostly one that is open, and mostly once its link works."""
        known = Offer.objects.select_related("appointment").order_by("pk")
        found = list(known.filter(state=Offer.State.OPEN)) + list(known)
        if not found:
            return None
        offer = data.draw(st.sampled_from(found))
        if timezone.now() < offer.live_at and data.draw(st.sampled_from([True, True, False])):
            self.now.move_to(offer.live_at)
        by_application = {a.pk: n for n, a in enumerate(self.world.applications)}
        return by_application[offer.appointment.application_id], offer

    @precondition(lambda self: Offer.objects.exists())
    @rule(data=st.data(), signed_in=st.booleans())
    def accept(self, data: st.DataObject, signed_in: bool) -> None:
        """A plan's time is theirs already: nobody moves. A seat that is kept is taken."""
        if asked := self._offer(data):
            who, offer = asked
            by = self.world.persons[who] if signed_in else None
            answer = self.ask(offers.accept, offer_id=offer.pk, by=by)
            if answer and offer.is_open and offer.is_seat_offer:
                self.done["taken"] += 1
                self.now_has(who, (State.CONFIRMED, offer.new_slot_id))

    @precondition(lambda self: Offer.objects.exists())
    @rule(data=st.data(), signed_in=st.booleans())
    def decline(self, data: st.DataObject, signed_in: bool) -> None:
        """Nobody is moved by it."""
        if asked := self._offer(data):
            who, offer = asked
            by = self.world.persons[who] if signed_in else None
            self.ask(offers.decline, offer_id=offer.pk, by=by)

    @rule(who=people)
    def join(self, who: int) -> None:
        application = self.world.applications[who]
        joined = self.ask(waiting_list.join, application=application, by=self.world.persons[who])
        if joined:
            self.now_has(who, (State.WAITING, None))

    @precondition(lambda self: Offer.objects.exists())
    @rule(data=st.data(), signed_in=st.booleans())
    def give_up(self, data: st.DataObject, signed_in: bool) -> None:
        if asked := self._offer(data):
            who, offer = asked
            by = self.world.persons[who] if signed_in else None
            answer = self.ask(offers.give_up, offer_id=offer.pk, by=by)
            if answer and offer.state == Offer.State.OPEN:
                assert answer.state == Offer.State.GIVEN_UP
                self.now_has(who, (State.CANCELLED, None))

    # --- The clock ----------------------------------------------------------------------------

    @rule(passes=minutes, beats=st.booleans())
    def wait(self, passes: int, beats: bool) -> None:
        """Time passes; the beat may be late, or stand still."""
        self.now.shift(dt.timedelta(minutes=passes))
        if beats:
            self.expire_holds()
            self.silence()
            self.done["settle"] += plans.settle(now=timezone.now())
            self.offer_seats()

    @rule()
    def offer_seats(self) -> None:
        """Those in line are asked, and nobody is moved by that; again asks nobody."""
        self.done["offer_seats"] += waiting_list.offer_seats(now=timezone.now())
        assert waiting_list.offer_seats(now=timezone.now()) == 0

    @precondition(lambda self: Offer.objects.exists())
    @rule()
    def wait_for_a_deadline(self) -> None:
        """To the very instant of the next one."""
        still_open = Offer.objects.filter(state=Offer.State.OPEN, deadline__gte=timezone.now())
        if first := still_open.order_by("deadline").first():
            self.now.move_to(first.deadline)
            self.silence()
            self.done["settle"] += plans.settle(now=timezone.now())

    def expire_holds(self) -> None:
        self.ask(booking.expire_holds, now=timezone.now())
        own = Hold.objects.filter(purpose__in=booking.OWN_PURPOSES)
        assert not own.filter(expires_at__lte=timezone.now()).exists()

    def silence(self) -> None:
        """Whoever did not answer keeps the new time, or waits first in line."""
        now = timezone.now()
        due = Offer.objects.filter(
            state=Offer.State.OPEN,
            deadline__lte=now,
            kind=Offer.Kind.MOVED,
            silence=Plan.Silence.REQUEUE,
            appointment__state=State.CONFIRMED,
        )
        waits = set(due.values_list("appointment__application_id", flat=True))
        self.done["close_silent"] += offers.close_silent(now=now)
        for person, application in enumerate(self.world.applications):
            if application.pk in waits:
                self.now_has(person, (State.WAITING, None))

    @rule()
    def open_slots(self) -> None:
        self.done["open_slots"] += slots.open_slots(now=timezone.now())
        assert slots.open_slots(now=timezone.now()) == 0
        self.slots = list(Slot.objects.order_by("pk"))

    # --- Officers -----------------------------------------------------------------------------

    def _cuts(self, data: st.DataObject) -> list[cuts.Cut]:
        days = cuts.working_dates(self.world.centres, timezone.localdate(), 5)
        if not days:
            return []
        chosen = data.draw(st.lists(st.sampled_from(days), unique=True, min_size=1, max_size=4))
        return cuts.spread_total(
            total_per_day=data.draw(st.integers(0, 4)),
            centres=self.world.centres,
            dates=sorted(chosen),
        )

    def _outage(self, data: st.DataObject) -> dict[str, Any]:
        officer = data.draw(st.sampled_from(self.world.officers))
        return {"outage_id": data.draw(st.sampled_from(self.outages)), "by": officer}

    def _plan(self, data: st.DataObject) -> Plan:
        return Plan.objects.get(pk=data.draw(st.sampled_from(self.plans[-2:])))

    @precondition(lambda self: len(self.outages) < 3)
    @rule(data=st.data())
    def declare(self, data: st.DataObject) -> None:
        self.declare_now(self._cuts(data))

    def declare_now(self, lost: list[cuts.Cut]) -> None:
        wanted = {"by": self.world.officers[0], "cuts": lost}
        key = uuid.UUID(int=len(self.outages) + 1)
        outage = self.ask(declare_for_test, request_key=key, **wanted)
        if outage:
            again = self.ask(declare_for_test, request_key=key, **wanted)
            assert again == outage
            self.outages.append(outage.pk)
        self.adopt(doubted)

    @precondition(lambda self: self.outages)
    @rule(data=st.data())
    def change_cut(self, data: st.DataObject) -> None:
        self.ask(outages.change_cut, cuts=self._cuts(data), **self._outage(data))
        self.adopt(doubted, stands, lost_seat)

    @precondition(lambda self: self.outages)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        self.ask(outages.take_back, **self._outage(data))
        self.adopt(stands)

    @precondition(lambda self: self.outages)
    @rule(data=st.data())
    def send_now(self, data: st.DataObject) -> None:
        self.ask(outages.send_notices_now, **self._outage(data))

    @precondition(lambda self: self.outages)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        self.ask(outages.restore, **self._outage(data))
        self.adopt(stands, lost_seat)

    @precondition(lambda self: self.outages)
    @rule(data=st.data(), silence=st.sampled_from(Plan.Silence.values))
    def prepare(self, data: st.DataObject, silence: str) -> None:
        self.prepare_now(*self._outage(data).values(), silence)

    def prepare_now(self, outage_id: int, by: User, silence: str) -> None:
        region_id = self.world.centres[0].region_id
        plan = self.ask(
            plans.prepare, outage_id=outage_id, region_id=region_id, by=by, silence=silence
        )
        if plan:
            self.plans.append(plan.pk)

    @precondition(lambda self: self.plans)
    @rule(data=st.data())
    def approve(self, data: st.DataObject) -> None:
        self.approve_now(self._plan(data))

    def approve_now(self, plan: Plan) -> None:
        self.ask(
            plans.approve,
            plan_id=plan.pk,
            by=self.world.officers[1],
            bounds=plans.suggested_bounds(plan),
            fingerprint=plan.fingerprint,
        )

    @precondition(lambda self: self.plans)
    @rule(data=st.data())
    def apply(self, data: st.DataObject) -> None:
        self.apply_now(self._plan(data))

    def apply_now(self, plan: Plan) -> None:
        """Approved on the way if it was not: a walk in between seldom happens upon both."""
        if plan.state == Plan.State.PREPARED:
            self.approve_now(plan)
        applied = self.ask(plans.apply, plan_id=plan.pk, by=self.world.officers[0])
        if applied and applied.state == Plan.State.APPLIED and plan.pk not in self.before:
            self.before[plan.pk] = dict(enumerate(self.model))
            self.adopt(stands, moved, lost_seat)
            self.done["applied"] += 1

    @precondition(lambda self: self.before)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        self.undo_now(self._plan(data))

    def undo_now(self, plan: Plan) -> None:
        """Everybody whom the plan touched and who has not acted since has what they had."""
        undone = self.ask(plans.undo, plan_id=plan.pk, by=self.world.officers[0])
        if undone and plan.state == Plan.State.APPLIED:
            touched = set(plan.lines.values_list("appointment__application_id", flat=True))
            for person, place in self.before[plan.pk].items():
                if self.world.applications[person].pk in touched:
                    self.model[person] = place

    # --- What always holds --------------------------------------------------------------------

    @invariant()
    def everybody_has_what_they_were_told(self) -> None:
        if hasattr(self, "model"):
            assert places(self.world) == self.model

    @invariant()
    def nothing_is_wrong_in_the_rows(self) -> None:
        if hasattr(self, "model"):
            assert list(findings()) == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # each example is a transaction, and rolled back
@override_settings(HORIZON_WORKING_DAYS=7)
def test_nobody_loses_a_seat_but_by_a_verb_that_says_so():
    with time_machine.travel(MONDAY, tick=False):
        Machine.world = make_world()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize="MACHINE_EXAMPLES" not in os.environ,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert EXPECTED - set(+Machine.done) == set()
