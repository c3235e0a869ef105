"""Small scenario files, written as a reader thinks of them."""

import json
from typing import Any

from appointments.planning.plan import Plan
from appointments.planning.problem import Problem
from appointments.planning.scenario import parse
from appointments.planning.solver import solve
from appointments.planning.verify import verify

# A Sunday evening; the first slots with 18 hours' notice begin on Monday at noon.
NOW = "2025-06-22T18:00:00+05:30"
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (f"2025-06-{day}" for day in range(23, 28))

# 25 km apart in one region, and one in another region next door.
BHOPAL = {"code": "BPL", "region": "MP", "lat": 23.0, "lon": 77.0}
SEHORE = {"code": "SHR", "region": "MP", "lat": 23.225, "lon": 77.0}
NAGPUR = {"code": "NGP", "region": "MH", "lat": 23.0, "lon": 77.1}


def slot(id: int, day: str, seats: int = 1, **changes: Any) -> dict[str, Any]:
    """A free slot at Bhopal at noon."""
    row = {"id": id, "centre": "BPL", "quota": "normal", "start": f"{day}T12:00"}
    return row | {"seats": seats, "closed": 0, "taken": 0} | changes


def cut(id: int, day: str, people: int, remain: int = 0, **changes: Any) -> dict[str, Any]:
    """A slot of which only `remain` seats are left, full of people."""
    return slot(id, day, people, closed=people - remain, taken=people, **changes)


def person(arn: str, slot: int, **changes: Any) -> dict[str, Any]:
    row = {"arn": arn, "slot": slot, "service": "normal", "tier": "normal", "travel_date": None}
    return row | {"moved_before": 0, "original": None, "booked_at": "2025-06-10T10:00"} | changes


def scenario(
    slots: list[dict[str, Any]], people: list[dict[str, Any]], now: str = NOW, **policy: Any
) -> dict[str, Any]:
    """No reserve unless asked for, so that small numbers of seats count in full."""
    return {
        "now": now,
        "policy": {"reserve_share": 0} | policy,
        "centres": [BHOPAL, SEHORE, NAGPUR],
        "slots": slots,
        "appointments": people,
    }


def problem_of(data: dict[str, Any]) -> Problem:
    return parse(json.dumps(data))


def plan_of(
    slots: list[dict[str, Any]], people: list[dict[str, Any]], now: str = NOW, **policy: Any
) -> Plan:
    """The plan, which the verifier has found in order."""
    problem = problem_of(scenario(slots, people, now, **policy))
    plan = solve(problem)
    verify(problem, plan)
    return plan


def seats_of(plan: Plan) -> dict[str, int | None]:
    """ARN -> id of the slot that the plan gives."""
    return {decision.arn: decision.slot for decision in plan.decisions}


def reasons_of(plan: Plan) -> dict[str, str | None]:
    return {decision.arn: decision.reason for decision in plan.decisions}
