"""The plan file, and the plan of the sample state."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from appointments.planning.scenario import parse
from appointments.planning.solver import solve
from appointments.planning.verify import verify
from tests.planning.builders import MONDAY, TUESDAY, cut, person, plan_of, slot
from tests.planning.oracle import Oracle

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "scenario_mp_2025_06.json"
SOLVE = """
import sys
from pathlib import Path
from appointments.planning.scenario import parse
from appointments.planning.solver import solve
sys.stdout.buffer.write(solve(parse(Path(sys.argv[1]).read_bytes())).as_bytes())
"""


def without_seconds(content: bytes) -> bytes:
    head, _, tail = content.rpartition(b',"seconds":')
    assert set(json.loads(b"{" + b'"seconds":' + tail)["seconds"]) == {"read", "solve"}
    return head


def test_keys_and_order():
    people = [
        person("25-3", 1),
        person("25-2", 1, booked_at="2025-06-09T10:00"),
        person("25-1", 1, booked_at="2025-06-11T10:00"),
        person("25-0", 1, tier="urgent", travel_date="2025-06-20"),
        person("24-9", 1, booked_at="2025-06-12T10:00"),
    ]
    plan = plan_of([cut(1, MONDAY, 5, 1), slot(2, TUESDAY, 2)], people)
    assert json.loads(plan.as_bytes()) == {
        "keep": ["25-0"],
        "move": [
            {"arn": "25-2", "slot": 2, "reason": "slot_full"},
            {"arn": "25-3", "slot": 2, "reason": "slot_full"},
        ],
        "unplaced": [
            {"arn": "24-9", "reason": "seats_taken"},
            {"arn": "25-1", "reason": "seats_taken"},
        ],
        "tiers": [
            {"tier": "urgent", "unplaced": 0, "cost": 0},
            {"tier": "tatkaal", "unplaced": 0, "cost": 0},
            {"tier": "vulnerable", "unplaced": 0, "cost": 0},
            {"tier": "normal", "unplaced": 2, "cost": 2 * (100 + 5 + 300)},
        ],
        "seconds": {"read": 0.0, "solve": round(plan.solve_seconds, 3)},
    }


def test_sample_plans_everybody_once():
    problem = parse(SAMPLE.read_bytes())
    plan = solve(problem)
    verify(problem, plan)
    written = json.loads(plan.as_bytes())
    arns = written["keep"] + [row["arn"] for row in written["move"] + written["unplaced"]]
    assert len(arns) == 6511
    assert Counter(arns) == Counter(person.arn for person in problem.people)
    assert written["keep"] == sorted(written["keep"])
    for part in ("move", "unplaced"):
        assert written[part] == sorted(written[part], key=lambda row: row["arn"])


def test_sample_urgent_tier_as_good_as_networkx_finds():
    data = json.loads(SAMPLE.read_bytes())
    # Urgent people are few and go first: only slots that one of them may take matter.
    oracle = Oracle(data)
    by_slot, by_cell = oracle.seats()
    unplaced, cost = oracle.exact("urgent", by_slot, by_cell)
    result = solve(parse(json.dumps(data))).tiers[0]
    assert (result.unplaced, result.cost) == (unplaced, cost)


def test_same_bytes_in_any_process():
    plans = [
        subprocess.run(
            [sys.executable, "-c", SOLVE, SAMPLE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    ]
    assert len({without_seconds(plan) for plan in plans}) == 1


@pytest.mark.parametrize("max_km", [0, 50, 2000])
def test_sample_in_order_at_any_distance(max_km):
    data = json.loads(SAMPLE.read_bytes())
    data["policy"] = {"max_km": max_km}
    problem = parse(json.dumps(data))
    plan = solve(problem)
    verify(problem, plan)
    assert max(decision.km for decision in plan.decisions) <= max_km


def test_farther_centres_never_leave_more_urgent_people_without():
    data = json.loads(SAMPLE.read_bytes())
    unplaced = []
    for max_km in (0, 50, 100, 300):
        data["policy"] = {"max_km": max_km}
        unplaced.append(solve(parse(json.dumps(data))).tiers[0].unplaced)
    assert unplaced == sorted(unplaced, reverse=True)
    assert (unplaced[0], unplaced[-1]) == (2, 0)
