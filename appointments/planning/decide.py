"""From flows to people: who of a class gets which seat, and the reason in each case."""

from collections.abc import Iterator

import numpy as np

from appointments.planning import arcs
from appointments.planning.arcs import Arcs, Seats
from appointments.planning.plan import Decision, Outcome
from appointments.planning.problem import Person
from appointments.planning.reasons import Reason
from appointments.planning.tables import ClassTable, Ints, Tables


def decide(
    tables: Tables, classes: ClassTable, allowed: Arcs, flows: Ints, offered: Seats, left: Seats
) -> Iterator[Decision]:
    """One decision for each member of each class of a tier.

    `offered` are the seats before anybody was placed, `left` those after everybody was.
    """
    seats = _seats_by_class(tables, classes, allowed, flows)
    short = [row for row, members in enumerate(classes.members) if len(seats[row]) < len(members)]
    why_unplaced = _why_unplaced(tables, classes, np.array(short, dtype=np.int64), offered)
    why_moved = _WhyMoved(tables, classes, offered, left)
    for row, members in enumerate(classes.members):
        own = int(classes.own[row])
        for person, (slot, cost) in zip(members, seats[row], strict=False):
            reason = why_moved(row, cost) if slot != own else None
            yield _placed(tables, classes, row, person, slot, cost, reason)
        for person in members[len(seats[row]) :]:
            yield Decision(person.arn, Outcome.UNPLACED, None, why_unplaced[row], 0, None, 0)


def _seats_by_class(
    tables: Tables, classes: ClassTable, allowed: Arcs, flows: Ints
) -> list[list[tuple[int, int]]]:
    """By class, the (slot, cost) of each of its seats: cheaper, then earlier, then lower id."""
    used = np.flatnonzero(flows)
    slot = allowed.slot[used]
    order = np.lexsort(
        (tables.slots.id[slot], tables.slots.start[slot], allowed.cost[used], allowed.klass[used])
    )
    seats: list[list[tuple[int, int]]] = [[] for _ in range(len(classes))]
    for arc in used[order].tolist():
        seat = (int(allowed.slot[arc]), int(allowed.cost[arc]))
        seats[allowed.klass[arc]] += [seat] * int(flows[arc])
    return seats


def _placed(
    tables: Tables,
    classes: ClassTable,
    row: int,
    person: Person,
    slot: int,
    cost: int,
    reason: Reason | None,
) -> Decision:
    slots, own = tables.slots, classes.own[row]
    return Decision(
        arn=person.arn,
        outcome=Outcome.MOVE if reason else Outcome.KEEP,
        slot=int(slots.id[slot]),
        reason=reason,
        cost=cost,
        delay_days=int(slots.day[slot] - classes.original[row]),
        km=int(tables.km[slots.centre[own], slots.centre[slot]]),
    )


class _WhyMoved:
    """The first reason that is true, in the order of `reasons.WHY_MOVED`."""

    def __init__(self, tables: Tables, classes: ClassTable, offered: Seats, left: Seats) -> None:
        own = classes.own
        self._past = (~arcs.begins_later(tables)[own]).tolist()
        self._closed = (offered.slot[own] == 0).tolist()
        self._own_cost = arcs.delay_cost(tables, classes, np.arange(len(classes)), own).tolist()
        still_free = (left.slot[own] > 0) & (left.cell[tables.slots.cell[own]] > 0)
        self._still_free = still_free.tolist()

    def __call__(self, row: int, cost: int) -> Reason:
        if self._past[row]:
            return Reason.SLOT_PAST
        if self._closed[row]:
            return Reason.SLOT_CLOSED
        if cost < self._own_cost[row] or self._still_free[row]:
            return Reason.NEARER_DATE
        return Reason.SLOT_FULL


def _why_unplaced(
    tables: Tables, classes: ClassTable, rows: Ints, offered: Seats
) -> dict[int, Reason]:
    """By row, the first reason that is true, in the order of `reasons.WHY_UNPLACED`."""
    any_day = arcs.build(tables, classes.select(rows, travelling=False), offered)
    in_time = arcs.build(tables, classes.select(rows), offered)
    reasons = dict.fromkeys(rows.tolist(), Reason.NONE_IN_REACH)
    reasons |= dict.fromkeys(rows[any_day.klass].tolist(), Reason.NONE_BEFORE_TRAVEL)
    reasons |= dict.fromkeys(rows[in_time.klass].tolist(), Reason.SEATS_TAKEN)
    return reasons
