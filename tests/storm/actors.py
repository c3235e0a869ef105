"""What people, officers and the clock do in a storm: each step is one verb, chosen at random."""

import random
import uuid
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from appointments import (
    availability,
    booking,
    cuts,
    decide_by,
    offers,
    outages,
    plans,
    seats,
    slots,
    waiting_list,
)
from appointments.cuts import Cut
from appointments.models import Application, Hold, Offer, Outage, Plan
from tests.domain.builders import declare_for_test
from tests.storm.answers import Answer, told_appointment, told_hold, told_nothing
from tests.storm.world import World

Step = Callable[[], object]
# After it the clock applies some approved plans, unless an officer is faster.
A_MOMENT = timedelta(seconds=1)


class Applicant:
    """One person who books, changes, cancels, answers, and clicks twice."""

    rng: random.Random  # a new one for each step (lanes.py), as for the others

    def __init__(self, person: User, application: Application) -> None:
        self.person, self.application = person, application

    def steps(self) -> list[tuple[int, Step]]:
        return [
            (10, self.hold),
            (8, self.confirm),
            (2, self.release),
            (2, self.cancel),
            (4, self.accept),
            (1, self.give_up),
            (2, self.decline),
            (2, self.join),
        ]

    def hold(self) -> Answer | None:
        free = list(availability.for_application(self.application, timezone.now())[:12])
        if not free:
            return None
        held = booking.hold_seat(
            application=self.application, slot_id=self.rng.choice(free).pk, by=self.person
        )
        return told_hold("hold", held)

    def _held(self) -> int | None:
        holds = Hold.objects.filter(application=self.application, purpose__in=seats.OWN_PURPOSES)
        return holds.values_list("pk", flat=True).first()

    def confirm(self) -> Answer | None:
        hold_id = self._held()
        if hold_id is None:
            return None
        mine = booking.confirm(hold_id=hold_id, by=self.person)
        return told_appointment("confirm", mine, state=mine.state, slot=mine.slot_id, hold=hold_id)

    def release(self) -> Answer | None:
        hold_id = self._held()
        if hold_id is None:
            return None
        booking.release_hold(hold_id=hold_id, by=self.person)
        return told_nothing("release", self.application.pk)

    def cancel(self) -> Answer | None:
        mine = booking.live_appointment(self.application)
        if mine is None:
            return None
        mine = booking.cancel(appointment_id=mine.pk, by=self.person)
        return told_appointment("cancel", mine, state=mine.state, slot=mine.slot_id)

    def _question(self) -> int | None:
        questions = Offer.objects.filter(
            appointment__application=self.application, state=Offer.State.OPEN
        )
        return questions.values_list("pk", flat=True).first()

    def accept(self) -> Answer | None:
        offer_id = self._question()
        if offer_id is None:
            return None
        offer = offers.accept(offer_id=offer_id, by=self.person)
        if offer.state != Offer.State.ACCEPTED:
            return None  # it ended otherwise: the page shows how
        return told_appointment(
            "accept", offer.appointment, state="confirmed", slot=offer.new_slot_id
        )

    def give_up(self) -> Answer | None:
        offer_id = self._question()
        if offer_id is None:
            return None
        offer = offers.give_up(offer_id=offer_id, by=None)
        if offer.state != Offer.State.GIVEN_UP:
            return None
        return told_appointment("give_up", offer.appointment, state="cancelled", slot=None)

    def decline(self) -> object:
        offer_id = self._question()
        return offer_id and offers.decline(offer_id=offer_id, by=self.person)

    def join(self) -> Answer | None:
        mine = waiting_list.join(application=self.application, by=self.person)
        return told_appointment("join", mine, state="waiting", slot=None)


class Officer:
    """One of several officers who declare, cut, plan, undo and restore against each other."""

    rng: random.Random

    def __init__(self, world: World, me: User) -> None:
        self.world, self.me = world, me

    def steps(self) -> list[tuple[int, Step]]:
        return [
            (2, self.declare),
            (3, self.change_cut),
            (1, self.take_back),
            (2, self.send_now),
            (5, self.prepare),
            (6, self.approve),
            (6, self.apply),
            (2, self.undo),
            (1, self.restore),
        ]

    def _cut(self) -> list[Cut]:
        dates = cuts.working_dates(self.world.centres, timezone.localdate(), 8)
        chosen = self.rng.sample(dates, k=min(len(dates), self.rng.randint(1, 4)))
        return cuts.spread_total(
            total_per_day=self.rng.randint(0, 25), centres=self.world.centres, dates=chosen
        )

    def _open(self) -> int | None:
        found = Outage.objects.filter(state=Outage.State.OPEN).values_list("pk", flat=True)
        return self.rng.choice(list(found)) if found else None

    def declare(self) -> object:
        if Outage.objects.filter(state=Outage.State.OPEN).count() > 1:
            return None
        return declare_for_test(
            self.me, self._cut(), request_key=uuid.UUID(int=self.rng.getrandbits(128))
        )

    def change_cut(self) -> object:
        outage_id = self._open()
        return outage_id and outages.change_cut(outage_id=outage_id, cuts=self._cut(), by=self.me)

    def take_back(self) -> object:
        outage_id = self._open()
        return outage_id and outages.take_back(outage_id=outage_id, by=self.me)

    def send_now(self) -> object:
        outage_id = self._open()
        return outage_id and outages.send_notices_now(outage_id=outage_id, by=self.me)

    def restore(self) -> object:
        outage_id = self._open()
        return outage_id and outages.restore(outage_id=outage_id, by=self.me)

    def prepare(self) -> object:
        outage_id = self._open()
        return outage_id and plans.prepare(
            outage_id=outage_id,
            region_id=self.world.region.pk,
            by=self.me,
            silence=self.rng.choice(Plan.Silence.values),
        )

    def _plan(self, state: str) -> Plan | None:
        return Plan.objects.filter(state=state).order_by("-pk").first()

    def approve(self) -> object:
        plan = self._plan(Plan.State.PREPARED)
        return plan and plans.approve(
            plan_id=plan.pk,
            by=self.me,
            bounds=plans.suggested_bounds(plan),
            fingerprint=plan.fingerprint,
            decide_by=self.rng.choice([None, timezone.now() + A_MOMENT]),
        )

    def apply(self) -> object:
        plan = self._plan(Plan.State.APPROVED)
        return plan and plans.apply(plan_id=plan.pk, by=self.me)

    def undo(self) -> object:
        plan = self._plan(Plan.State.APPLIED)
        return plan and plans.undo(plan_id=plan.pk, by=self.me)


class Clock:
    """Beat: sweeps, silence (time runs ahead for it), settling, opening days."""

    rng: random.Random

    def steps(self) -> list[tuple[int, Step]]:
        return [
            (6, self.expire_holds),
            (4, self.settle),
            (4, self.decide),
            (2, self.silence),
            (1, self.open_slots),
            (6, self.offer_seats),
        ]

    def expire_holds(self) -> object:
        return booking.expire_holds(now=timezone.now())

    def settle(self) -> object:
        return plans.settle(now=timezone.now())

    def decide(self) -> object:
        return [decide_by.strike(plan_id=pk) for pk in decide_by.due(now=timezone.now())]

    def open_slots(self) -> object:
        return slots.open_slots(now=timezone.now())

    def offer_seats(self) -> object:
        return waiting_list.offer_seats(now=timezone.now())

    def silence(self) -> int:
        return offers.close_silent(now=timezone.now() + timedelta(days=self.rng.randint(0, 4)))
