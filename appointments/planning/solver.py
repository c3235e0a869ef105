"""From a problem to a plan: region by region, tier by tier, each tier to its exact optimum."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from appointments.planning import arcs, flow
from appointments.planning.arcs import Seats
from appointments.planning.checks import check
from appointments.planning.decide import decide
from appointments.planning.plan import Decision, Outcome, Plan, TierResult, merge
from appointments.planning.problem import TIERS, Problem
from appointments.planning.tables import tabulate

Progress = Callable[[int, int], object]
"""Called with (people decided so far, people in all) after each tier of each region."""


def solve(problem: Problem, progress: Progress | None = None) -> Plan:
    """The plan of `problem`; the same one for the same problem, in whatever order it is listed.

    Raises ScenarioError if the problem is not sound, PlanningError if the solver fails.
    """
    started = time.perf_counter()
    check(problem)
    decisions: list[Decision] = []
    results: list[TierResult] = []
    for part in problem.by_region().values():
        for tier_decisions, result in _solve_region(part):
            decisions += tier_decisions
            results.append(result)
            if progress:
                progress(len(decisions), len(problem.pool))
    plan = merge(decisions, results)
    return replace(plan, solve_seconds=time.perf_counter() - started)


def _solve_region(problem: Problem) -> Iterator[tuple[list[Decision], TierResult]]:
    tables = tabulate(problem)
    offered = Seats(slot=tables.slots.offer, cell=tables.slots.cell_offer)
    left = Seats(slot=offered.slot.copy(), cell=offered.cell.copy())
    for tier in TIERS:
        classes = tables.tiers[tier]
        if len(classes):
            allowed = arcs.build(tables, classes, left)
            flows = flow.place(classes, tables.slots, allowed, left)
            left.take(allowed.slot, tables.slots.cell[allowed.slot], flows)
            decisions = list(decide(tables, classes, allowed, flows, offered, left))
            yield decisions, _result(tier, decisions)


def _result(tier: str, decisions: list[Decision]) -> TierResult:
    return TierResult(
        tier=tier,
        unplaced=sum(decision.outcome is Outcome.UNPLACED for decision in decisions),
        cost=sum(decision.cost for decision in decisions),
    )
