"""The plan is as good as two other planners, written apart from it, find possible."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings

from appointments.planning.plan import Outcome
from appointments.planning.scenario import parse
from appointments.planning.solver import solve
from appointments.planning.verify import verify
from tests.planning.oracle import TIERS, Oracle
from tests.planning.strategies import scenarios

PATIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=300
)


@PATIENT
@given(scenarios())
def test_each_tier_the_best_given_what_the_tiers_before_took(data: dict[str, Any]) -> None:
    problem = parse(json.dumps(data))
    plan = solve(problem)
    verify(problem, plan)
    written = json.loads(plan.as_bytes())
    oracle = Oracle(data)
    by_slot, by_cell = oracle.seats()
    for tier, result in zip(TIERS, written["tiers"], strict=True):
        unplaced, cost = oracle.exact(tier, by_slot, by_cell)
        assert result == {"tier": tier, "unplaced": unplaced, "cost": cost}
        oracle.take(tier, written, by_slot, by_cell)
    assert min(by_slot.values(), default=0) >= 0
    assert min(by_cell.values(), default=0) >= 0


@PATIENT
@given(scenarios(most_people=6, most_slots=6))
def test_no_plan_at_all_is_better(data: dict[str, Any]) -> None:
    """Tier by tier, and of equally good plans this one moves the fewest people."""
    plan = solve(parse(json.dumps(data)))
    figures = [figure for tier in plan.tiers for figure in (tier.unplaced, tier.cost)]
    assert (*figures, len(plan.having(Outcome.MOVE))) == Oracle(data).brute_force()
