"""Checks a plan against its problem, sharing no code with the solver.

Whether each tier's total is the least possible is not decided here (the tests compare it with
other solvers); that no person could do better by one free seat alone is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from itertools import pairwise

from appointments.planning import rules
from appointments.planning.errors import InvalidPlanError
from appointments.planning.plan import Decision, Outcome, Plan, TierResult
from appointments.planning.problem import TIERS, Person, Problem, Slot
from appointments.planning.reasons import WHY_MOVED, WHY_UNPLACED, Reason

Cell = tuple[str, date, str]


def verify(problem: Problem, plan: Plan) -> None:
    """Raise InvalidPlanError with every violation found, if there is one."""
    found = violations(problem, plan)
    if found:
        raise InvalidPlanError(found)


def violations(problem: Problem, plan: Plan) -> list[str]:
    """One sentence for each breach, beginning with the ARN or slot it concerns."""
    # The later checks look people and slots up, so they only make sense on a plan in form.
    return list(_Form(problem, plan).check()) or list(_Content(problem, plan).check())


def _cell(slot: Slot) -> Cell:
    return slot.centre, slot.day, slot.quota


class _Form:
    """Exactly the pool, each decision complete in itself."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan

    def check(self) -> Iterator[str]:
        over = {slot.id for slot in self.problem.slots if slot.taken > slot.seats - slot.closed}
        pool = {person.arn: person for person in self.problem.people if person.slot in over}
        planned = Counter(decision.arn for decision in self.plan.decisions)
        yield from (f"{arn}: has no decision" for arn in sorted(pool.keys() - planned.keys()))
        yield from (f"{arn}: is not in the pool" for arn in sorted(planned.keys() - pool.keys()))
        yield from (f"{arn}: decided {n} times" for arn, n in sorted(planned.items()) if n > 1)
        arns = [decision.arn for decision in self.plan.decisions]
        if arns != sorted(arns):
            yield "plan: not sorted by ARN"
        if [result.tier for result in self.plan.tiers] != list(TIERS):
            yield "plan: not one result for each tier in order"
        for decision in self.plan.decisions:
            if decision.arn in pool:
                yield from self._decision(decision, pool[decision.arn])

    def _decision(self, decision: Decision, person: Person) -> Iterator[str]:
        if decision.slot is not None and decision.slot not in self.problem.slot_of:
            yield f"{decision.arn}: no slot {decision.slot}"
        match decision.outcome:
            case Outcome.KEEP:
                fits = decision.slot == person.slot and decision.reason is None
            case Outcome.MOVE:
                fits = decision.slot not in (None, person.slot) and decision.reason in WHY_MOVED
            case Outcome.UNPLACED:
                fits = decision.slot is None and decision.reason in WHY_UNPLACED
        if not fits:
            yield f"{decision.arn}: {decision.outcome} does not fit its slot and reason"


class _Content:
    """Rules, seats, figures, ranks and reasons."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.person_of = {person.arn: person for person in problem.pool}
        self.used = Counter(d.slot for d in plan.decisions if d.slot is not None)
        self.used_cell: Counter[Cell] = Counter()
        for slot_id, people in self.used.items():
            self.used_cell[_cell(problem.slot_of[slot_id])] += people

    def check(self) -> Iterator[str]:
        for decision in self.plan.decisions:
            person = self.person_of[decision.arn]
            if decision.slot is None:
                yield from self._unplaced(decision, person)
            else:
                yield from self._placed(decision, person, self.problem.slot_of[decision.slot])
        yield from self._seats()
        yield from self._totals()
        yield from self._ranks()

    @cached_property
    def offer(self) -> dict[int, int]:
        listed = Counter(person.slot for person in self.problem.people)
        offer = {}
        for slot in self.problem.slots:
            remaining = slot.seats - slot.closed
            if slot.taken > remaining:
                offer[slot.id] = max(0, remaining - (slot.taken - listed[slot.id]))
            else:
                offer[slot.id] = remaining - slot.taken
        return offer

    @cached_property
    def cell_offer(self) -> dict[Cell, int]:
        whole: Counter[Cell] = Counter()
        untouched: Counter[Cell] = Counter()
        for slot in self.problem.slots:
            whole[_cell(slot)] += self.offer[slot.id]
            if slot.taken <= slot.seats - slot.closed:
                untouched[_cell(slot)] += self.offer[slot.id]
        share = self.problem.policy.reserve_share
        return {cell: seats - int(share * untouched[cell]) for cell, seats in whole.items()}

    def _free(self, slot: Slot) -> bool:
        cell = _cell(slot)
        return (
            self.used[slot.id] < self.offer[slot.id]
            and self.used_cell[cell] < self.cell_offer[cell]
        )

    def _placed(self, decision: Decision, person: Person, slot: Slot) -> Iterator[str]:
        rule = rules.broken_rule(self.problem, person, slot)
        if rule:
            yield f"{decision.arn}: slot {slot.id} {rule}"
        stated = (decision.cost, decision.delay_days, decision.km)
        true = (
            rules.cost(self.problem, person, slot),
            rules.delay_days(self.problem, person, slot),
            rules.distance(self.problem, person, slot),
        )
        if stated != true:
            yield f"{decision.arn}: cost, days and km are {true}, not {stated}"
        if decision.outcome is Outcome.MOVE:
            yield from self._moved(decision, person)

    def _moved(self, decision: Decision, person: Person) -> Iterator[str]:
        own = self.problem.slot_of[person.slot]
        own_cost = rules.cost(self.problem, person, own)
        if own.start <= self.problem.now:
            true = Reason.SLOT_PAST
        elif self.offer[own.id] == 0:
            true = Reason.SLOT_CLOSED
        elif decision.cost < own_cost:
            true = Reason.NEARER_DATE
        else:
            true = Reason.SLOT_FULL
            if decision.cost > own_cost and self._free(own):
                yield f"{decision.arn}: moved although the own slot is free"
        if decision.reason is not true:
            yield f"{decision.arn}: the reason is {true}, not {decision.reason}"

    def _unplaced(self, decision: Decision, person: Person) -> Iterator[str]:
        if (decision.cost, decision.delay_days, decision.km) != (0, None, 0):
            yield f"{decision.arn}: without a seat, but with figures"
        reachable = self._reachable(person)
        free = next((slot for slot in reachable if self._free(slot)), None)
        if free:
            yield f"{decision.arn}: unplaced although slot {free.id} is free"
        if bool(reachable) != (decision.reason is Reason.SEATS_TAKEN):
            yield f"{decision.arn}: {decision.reason} is not the reason"
        if decision.reason is Reason.NONE_BEFORE_TRAVEL and not person.travel_date:
            yield f"{decision.arn}: has no date of travel"

    def _reachable(self, person: Person) -> list[Slot]:
        """Slots with seats on offer that the rules allow the person."""
        own = self.problem.slot_of[person.slot]
        region = self.problem.centre_of[own.centre].region
        return [
            slot
            for quota in sorted({own.quota, "normal"})
            for slot in self._offering.get((region, quota), ())
            if rules.broken_rule(self.problem, person, slot) is None
        ]

    @cached_property
    def _offering(self) -> dict[tuple[str, str], list[Slot]]:
        """By region and quota."""
        offering = defaultdict(list)
        for slot in self.problem.slots:
            if self.offer[slot.id] and self.cell_offer[_cell(slot)]:
                region = self.problem.centre_of[slot.centre].region
                offering[region, slot.quota].append(slot)
        return offering

    def _seats(self) -> Iterator[str]:
        for slot_id, people in sorted(self.used.items()):
            if people > self.offer[slot_id]:
                yield f"slot {slot_id}: {people} people for {self.offer[slot_id]} seats"
        for cell, people in sorted(self.used_cell.items()):
            if people > self.cell_offer[cell]:
                yield f"{cell}: {people} people for {self.cell_offer[cell]} seats"

    def _totals(self) -> Iterator[str]:
        unplaced = dict.fromkeys(TIERS, 0)
        cost = dict.fromkeys(TIERS, 0)
        for decision in self.plan.decisions:
            tier = self.person_of[decision.arn].tier
            cost[tier] += decision.cost
            unplaced[tier] += decision.slot is None
        for stated in self.plan.tiers:
            true = TierResult(stated.tier, unplaced[stated.tier], cost[stated.tier])
            if stated != true:
                yield f"tier {stated.tier}: the result is {true}, not {stated}"

    def _ranks(self) -> Iterator[str]:
        classes = defaultdict(list)
        for person in self.person_of.values():
            key = (
                person.tier,
                person.slot,
                person.service,
                person.travel_date,
                person.moved_before,
                self.problem.original_of(person),
            )
            classes[key].append(person)
        for people in classes.values():
            people.sort(key=lambda person: (person.booked_at, person.arn))
            for better, worse in pairwise(people):
                if self._seat_rank(better) > self._seat_rank(worse):
                    yield f"{worse.arn}: got a better seat than {better.arn}, who ranks before"

    def _seat_rank(self, person: Person) -> tuple[bool, int, float, int]:
        decision = self.plan.by_arn[person.arn]
        if decision.slot is None:
            return True, 0, 0.0, 0
        start = self.problem.slot_of[decision.slot].start.timestamp()
        return False, decision.cost, start, decision.slot
