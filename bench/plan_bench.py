"""How good and how quick is the planner? Ratios against what else one could do, in one run.

    python -m bench.plan_bench                      the sample state, about a minute
    python -m bench.plan_bench --nation 210000      a synthetic nation, planner and greedy only

Writes build/bench_plan.json and prints a table. Seconds are processor seconds of this machine; only
the ratios of one run mean anything. Before timing it makes sure that the other exact solvers find
the very same best figures for each tier, and that the verifier passes the plan.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from appointments.planning import arcs
from appointments.planning.arcs import Seats
from appointments.planning.plan import Plan, TierResult
from appointments.planning.problem import TIERS, Problem
from appointments.planning.pruning import Crowd, cheapest_enough
from appointments.planning.scenario import parse
from appointments.planning.solver import solve
from appointments.planning.tables import tabulate
from appointments.planning.verify import verify
from bench.plan_baselines import Figures, first_come, greedy
from bench.plan_nation import nation
from bench.plan_rivals import highs, network_simplex

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "scenario_mp_2025_06.json"
RESULT = ROOT / "build" / "bench_plan.json"

Rival = Callable[..., Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nation", type=int, metavar="PEOPLE", default=0)
    parser.add_argument("--pairs", type=int, default=5, help="runs of each, by turns")
    options = parser.parse_args()

    problem = parse(SAMPLE.read_bytes())
    rivals: list[Rival] = [highs, network_simplex]
    if options.nation:
        problem, rivals = nation(problem, options.nation), []
    plan = solve(problem)
    verify(problem, plan)
    result = {
        "people": len(problem.pool),
        "slots": len(problem.slots),
        "quality": [
            _quality("planner", _figures(plan), problem, plan),
            _quality("greedy, cheapest seat", greedy(problem), problem, plan),
            _quality("first come, earliest seat", first_come(problem), problem, plan),
        ],
        "same_best_as": [_assert_same_best(problem, plan, rival) for rival in rivals],
        "seconds": _race(problem, plan, rivals, options.pairs),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    _print(result)


def _figures(plan: Plan) -> Figures:
    return Figures(
        {result.tier: result.unplaced for result in plan.tiers},
        {result.tier: result.cost for result in plan.tiers},
    )


def _quality(name: str, figures: Figures, problem: Problem, plan: Plan) -> dict[str, Any]:
    return {
        "name": name,
        "unplaced": figures.unplaced,
        "cost": figures.cost,
        "cost_ratio": _total(figures, problem) / _total(_figures(plan), problem),
    }


def _total(figures: Figures, problem: Problem) -> int:
    """All costs, a person without a seat counted as moved to the day after the horizon."""
    policy = problem.policy
    days = policy.horizon_days + 1
    too_late = policy.per_day * days + policy.per_day_squared * days**2 + policy.per_move
    return sum(figures.cost.values()) + too_late * sum(figures.unplaced.values())


def _sequential(problem: Problem, plan: Plan, rival: Rival) -> list[TierResult]:
    """What the rival finds best for each tier, given what the tiers before have in the plan."""
    results = []
    for part in problem.by_region().values():
        tables = tabulate(part)
        crowd = Crowd(tables)
        left = Seats(tables.slots.offer.copy(), tables.slots.cell_offer.copy())
        row_of = {slot: row for row, slot in enumerate(tables.slots.id.tolist())}
        for tier in TIERS:
            classes = tables.tiers[tier]
            crowd.join(classes)
            allowed = arcs.build(tables, classes, left)
            # Pruned by the seats of the beginning, since rivals of earlier tiers count as people.
            offered = Seats(tables.slots.offer, tables.slots.cell_offer)
            allowed = cheapest_enough(tables, allowed, offered, crowd.rivals(classes))
            flow = rival(classes, tables.slots, allowed, left)
            unplaced = int(classes.size.sum() - flow.sum())
            results.append(TierResult(tier, unplaced, int((flow * allowed.cost).sum())))
            for members in classes.members:
                taken = [plan.by_arn[person.arn].slot for person in members]
                rows = np.array([row_of[slot] for slot in taken if slot is not None], dtype=int)
                np.subtract.at(left.slot, rows, 1)
                np.subtract.at(left.cell, tables.slots.cell[rows], 1)
    return results


def _assert_same_best(problem: Problem, plan: Plan, rival: Rival) -> str:
    found = _sequential(problem, plan, rival)
    if found != list(plan.tiers):
        raise AssertionError(f"{rival.__name__} found {found}, the planner {plan.tiers}")
    return rival.__name__


def _race(problem: Problem, plan: Plan, rivals: list[Rival], pairs: int) -> dict[str, Any]:
    """Processor seconds of each by turns, and the ratio to the planner's turn by turn."""
    racers: dict[str, Callable[[], object]] = {
        "planner": lambda: solve(problem),
        "greedy": lambda: greedy(problem),
        "first_come": lambda: first_come(problem),
    }
    for rival in rivals:
        racers[rival.__name__] = partial(_sequential, problem, plan, rival)
    seconds: dict[str, list[float]] = {name: [] for name in racers}
    for _ in range(pairs):
        for name, run in racers.items():
            started = time.process_time()
            run()
            seconds[name].append(time.process_time() - started)
    return {name: _timing(times, seconds["planner"]) for name, times in seconds.items()}


def _timing(times: list[float], planner: list[float]) -> dict[str, float]:
    ratios = [mine / ours for mine, ours in zip(times, planner, strict=True)]
    return {
        "median": median(times),
        "ratio": median(ratios),
        "ratio_least": min(ratios),
        "ratio_most": max(ratios),
    }


def _print(result: dict[str, Any]) -> None:
    print(f"{result['people']:,} people, {result['slots']:,} slots\n")
    print(f"{'plan':<28}{'cost ratio':>12}{'no seat':>10}")
    for row in result["quality"]:
        unplaced = sum(row["unplaced"].values())
        print(f"{row['name']:<28}{row['cost_ratio']:>12.3f}{unplaced:>10,}")
    for name in result["same_best_as"]:
        print(f"{name}: same best figures for every tier")
    print(f"\n{'seconds':<28}{'median':>12}{'ratio':>10}{'least':>10}{'most':>10}")
    for name, row in result["seconds"].items():
        numbers = "".join(f"{row[key]:>10.2f}" for key in ("ratio", "ratio_least", "ratio_most"))
        print(f"{name:<28}{row['median']:>12.3f}{numbers}")


if __name__ == "__main__":
    main()
