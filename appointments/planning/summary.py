"""A plan in figures, for the people who decide about it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from statistics import mean, median

from appointments.planning.plan import Decision, Outcome, Plan
from appointments.planning.problem import QUOTAS, TIERS, Person, Problem, Slot
from appointments.planning.reasons import Reason


@dataclass(frozen=True, slots=True)
class Count:
    """How many people, and what becomes of them."""

    people: int
    keep: int
    move: int
    unplaced: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Of the people moved: days from the date first promised, or kilometres."""

    mean: float
    median: float
    worst: int


@dataclass(frozen=True, slots=True)
class SeatsLeft:
    """From now to the horizon, after the plan."""

    seats: int
    reserved: int
    """Of these, those that the plan was not allowed to use."""


@dataclass(frozen=True, slots=True)
class Summary:
    total: Count
    over_subscribed_slots: int
    by_tier: dict[str, Count]
    by_quota: dict[str, Count]
    """By the quota of the own slot."""
    by_centre: dict[str, Count]
    """By the centre of the own slot."""
    delay: dict[str, Spread | None]
    """By tier; None where nobody is moved."""
    other_centre: Spread | None
    """Kilometres of those moved to another centre."""
    other_centre_people: int
    reasons: dict[Reason, int]
    seats_left: dict[str, SeatsLeft]
    """By quota."""
    last_day: date | None
    """Day of the last seat given to somebody moved: the backlog is cleared, but for the
    unplaced. None if nobody is moved."""


@dataclass(frozen=True, slots=True)
class _Row:
    person: Person
    decision: Decision
    own: Slot
    new: Slot | None


def summarise(problem: Problem, plan: Plan) -> Summary:
    rows = _rows(problem, plan)
    moved = [row for row in rows if row.decision.outcome is Outcome.MOVE]
    elsewhere = [row for row in moved if row.new and row.new.centre != row.own.centre]
    centres = [centre.code for centre in problem.centres]
    return Summary(
        total=_count(rows),
        over_subscribed_slots=sum(slot.over_subscribed for slot in problem.slots),
        by_tier=_counts(rows, TIERS, lambda row: row.person.tier),
        by_quota=_counts(rows, QUOTAS, lambda row: row.own.quota),
        by_centre=_counts(rows, centres, lambda row: row.own.centre),
        delay={
            tier: _spread(row.decision.delay_days or 0 for row in moved if row.person.tier == tier)
            for tier in TIERS
        },
        other_centre=_spread(row.decision.km for row in elsewhere),
        other_centre_people=len(elsewhere),
        reasons=dict(Counter(row.decision.reason for row in rows if row.decision.reason)),
        seats_left=_seats_left(problem, plan),
        last_day=max((row.new.day for row in moved if row.new), default=None),
    )


def _rows(problem: Problem, plan: Plan) -> list[_Row]:
    person_of = {person.arn: person for person in problem.pool}
    slot_of = problem.slot_of
    return [
        _Row(
            person=person_of[decision.arn],
            decision=decision,
            own=slot_of[person_of[decision.arn].slot],
            new=None if decision.slot is None else slot_of[decision.slot],
        )
        for decision in plan.decisions
    ]


def _counts(
    rows: list[_Row], names: Iterable[str], name_of: Callable[[_Row], str]
) -> dict[str, Count]:
    """By name, in the order of `names`, those without anybody left out."""
    grouped = defaultdict(list)
    for row in rows:
        grouped[name_of(row)].append(row)
    return {name: _count(grouped[name]) for name in names if name in grouped}


def _count(rows: list[_Row]) -> Count:
    outcomes = Counter(row.decision.outcome for row in rows)
    return Count(
        people=len(rows),
        keep=outcomes[Outcome.KEEP],
        move=outcomes[Outcome.MOVE],
        unplaced=outcomes[Outcome.UNPLACED],
    )


def _spread(numbers: Iterable[int]) -> Spread | None:
    listed = list(numbers)
    return Spread(mean(listed), median(listed), max(listed)) if listed else None


def _seats_left(problem: Problem, plan: Plan) -> dict[str, SeatsLeft]:
    used = Counter(decision.slot for decision in plan.decisions)
    last_day = problem.today.toordinal() + problem.policy.horizon_days
    seats: Counter[str] = Counter()
    untouched: Counter[tuple[str, date, str]] = Counter()
    for slot in problem.slots:
        if slot.start > problem.now and slot.day.toordinal() <= last_day:
            offer = problem.offer(slot)
            seats[slot.quota] += offer - used[slot.id]
            untouched[slot.centre, slot.day, slot.quota] += (not slot.over_subscribed) * offer
    reserved: Counter[str] = Counter()
    for (_, _, quota), offered in untouched.items():
        reserved[quota] += problem.policy.reserved(offered)
    return {quota: SeatsLeft(seats[quota], reserved[quota]) for quota in QUOTAS if quota in seats}
