"""From a problem to a plan: region by region, tier by tier, each tier to its exact optimum."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from appointments.planning import arcs
from appointments.planning.arcs import Seats
from appointments.planning.checks import check
from appointments.planning.decide import decide
from appointments.planning.network import Network
from appointments.planning.plan import Decision, Outcome, Plan, TierResult, merge
from appointments.planning.problem import TIERS, Problem
from appointments.planning.pruning import Crowd, cheapest_enough
from appointments.planning.tables import Tables, sum_by, tabulate

Progress = Callable[[int, int], object]
"""Called with (people decided so far, people in all) after each tier of each region."""


def solve(problem: Problem, progress: Progress | None = None) -> Plan:
    """The plan of `problem`; the same one for the same problem, in whatever order it is listed.

    Raises ScenarioError if the problem is not sound, PlanningError if the solver fails.
    """
    started = time.perf_counter()
    check(problem)
    count = _Counter(len(problem.pool), progress)
    decisions: list[Decision] = []
    results: list[TierResult] = []
    for part in problem.by_region().values():
        for tier_decisions, result in _solve_region(part, count):
            decisions += tier_decisions
            results.append(result)
    plan = merge(decisions, results)
    return replace(plan, solve_seconds=time.perf_counter() - started)


def _solve_region(
    problem: Problem, progress: Callable[[int], object]
) -> Iterator[tuple[list[Decision], TierResult]]:
    tables = tabulate(problem)
    crowd, network = Crowd(tables), Network(tables.slots)
    first_of_tier: dict[str, int] = {}
    for tier in TIERS:
        classes, first = tables.tiers[tier], len(network)
        if len(classes):
            first_of_tier[tier] = first
            crowd.join(classes)
            seats = network.seats()
            allowed = arcs.build(tables, classes, seats)
            network.add(classes, cheapest_enough(tables, allowed, seats, crowd.rivals(classes)))
            network.seat_best(first)
            progress(int(classes.size.sum()))
    network.move_fewest(np.concatenate([tables.tiers[tier].own for tier in first_of_tier]))
    offered, left = _offered_and_left(tables, network)
    for tier, first in first_of_tier.items():
        classes = tables.tiers[tier]
        seated, flow = network.part(first, first + len(classes))
        decisions = list(decide(tables, classes, seated, flow, offered, left))
        yield decisions, _result(tier, decisions)


def _offered_and_left(tables: Tables, network: Network) -> tuple[Seats, Seats]:
    """Seats before the first person of the plan, and after the last."""
    slots = tables.slots
    in_slot = sum_by(network.arcs.slot, network.flow, len(slots))
    in_cell = sum_by(slots.cell, in_slot, len(slots.cell_offer))
    return (
        Seats(slot=slots.offer, cell=slots.cell_offer),
        Seats(slot=slots.offer - in_slot, cell=slots.cell_offer - in_cell),
    )


def _result(tier: str, decisions: list[Decision]) -> TierResult:
    return TierResult(
        tier=tier,
        unplaced=sum(decision.outcome is Outcome.UNPLACED for decision in decisions),
        cost=sum(decision.cost for decision in decisions),
    )


class _Counter:
    def __init__(self, people: int, progress: Progress | None) -> None:
        self.people, self.done, self.progress = people, 0, progress

    def __call__(self, more: int) -> None:
        self.done += more
        if self.progress:
            self.progress(self.done, self.people)
