"""Each tier is served as well as can be, as two other planners find."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings

from appointments.planning.scenario import parse
from appointments.planning.solver import solve
from appointments.planning.verify import verify
from tests.planning.oracle import TIERS, Oracle
from tests.planning.strategies import scenarios

PATIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=300
)


def assert_exact(data: dict[str, Any], method: str) -> None:
    problem = parse(json.dumps(data))
    plan = solve(problem)
    verify(problem, plan)
    written = json.loads(plan.as_bytes())
    oracle = Oracle(data)
    by_slot, by_cell = oracle.seats()
    for tier, result in zip(TIERS, written["tiers"], strict=True):
        best = getattr(oracle, method)(tier, by_slot, by_cell)
        assert (result["tier"], result["unplaced"], result["cost"]) == (tier, *best)
        oracle.take(tier, written, by_slot, by_cell)
    assert min(by_slot.values(), default=0) >= 0
    assert min(by_cell.values(), default=0) >= 0


@PATIENT
@given(scenarios())
def test_every_tier_as_good_as_networkx_finds(data: dict[str, Any]) -> None:
    assert_exact(data, "exact")


@PATIENT
@given(scenarios(most_people=5, most_slots=5))
def test_every_tier_as_good_as_trying_everything(data: dict[str, Any]) -> None:
    assert_exact(data, "brute_force")
