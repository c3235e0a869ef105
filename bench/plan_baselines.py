"""What offices do without a planner: one person after the other takes a seat.

Both keep every rule and the reserve; they only do not look ahead.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from appointments.planning import arcs
from appointments.planning.arcs import Seats
from appointments.planning.problem import TIERS, Person, Problem
from appointments.planning.tables import Tables, tabulate

Wanted = Callable[[Any, Any], tuple[Any, Any]]
"""From cost and start to what a person goes by, first and second; of arrays."""


@dataclass(frozen=True)
class Figures:
    """By tier: people without a seat, and the cost of the others."""

    unplaced: dict[str, int]
    cost: dict[str, int]


@dataclass(frozen=True)
class _Turn:
    person: Person
    options: list[tuple[int, int]]
    """(slot row, cost), the most wanted first."""


def greedy(problem: Problem) -> Figures:
    """Tier by tier, in order of booking, each the cheapest seat still free."""
    return _serve(
        problem,
        wanted=lambda cost, start: (cost, start),
        turn=lambda person: (TIERS.index(person.tier), person.booked_at, person.arn),
    )


def first_come(problem: Problem) -> Figures:
    """In order of booking whatever the tier, each the earliest seat still free."""
    return _serve(
        problem,
        wanted=lambda cost, start: (start, cost),
        turn=lambda person: (person.booked_at, person.arn),
    )


def _serve(
    problem: Problem,
    wanted: Wanted,
    turn: Callable[[Person], tuple[object, ...]],
) -> Figures:
    figures = Figures(dict.fromkeys(TIERS, 0), dict.fromkeys(TIERS, 0))
    for part in problem.by_region().values():
        tables = tabulate(part)
        slot_left = tables.slots.offer.tolist()
        cell_left = tables.slots.cell_offer.tolist()
        cell_of = tables.slots.cell.tolist()
        for turn_of in sorted(_turns(tables, wanted), key=lambda t: turn(t.person)):
            for slot, cost in turn_of.options:
                if slot_left[slot] and cell_left[cell_of[slot]]:
                    slot_left[slot] -= 1
                    cell_left[cell_of[slot]] -= 1
                    figures.cost[turn_of.person.tier] += cost
                    break
            else:
                figures.unplaced[turn_of.person.tier] += 1
    return figures


def _turns(tables: Tables, wanted: Wanted) -> Iterator[_Turn]:
    seats = Seats(tables.slots.offer, tables.slots.cell_offer)
    for classes in tables.tiers.values():
        if not len(classes):
            continue
        allowed = arcs.build(tables, classes, seats)
        first, second = wanted(allowed.cost, tables.slots.start[allowed.slot])
        order = np.lexsort((second, first, allowed.klass))
        ends = np.searchsorted(allowed.klass[order], np.arange(len(classes) + 1))
        pairs = list(zip(allowed.slot[order].tolist(), allowed.cost[order].tolist(), strict=True))
        for row, members in enumerate(classes.members):
            options = pairs[ends[row] : ends[row + 1]]
            yield from (_Turn(person, options) for person in members)
