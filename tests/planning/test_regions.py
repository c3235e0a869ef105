"""Regions are planned apart, and moves to other centres stay within them."""

from appointments.planning.plan import merge
from appointments.planning.solver import solve
from appointments.planning.verify import verify
from tests.planning.builders import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    cut,
    person,
    plan_of,
    problem_of,
    scenario,
    seats_of,
    slot,
)

SLOTS = [
    cut(1, MONDAY, 2),
    cut(2, MONDAY, 2, centre="NGP"),
    slot(3, TUESDAY, centre="SHR"),
    slot(4, TUESDAY, centre="NGP"),
    slot(5, WEDNESDAY, 5),
    slot(6, WEDNESDAY, 5, centre="NGP"),
]
PEOPLE = [person("a", 1), person("b", 1), person("c", 2), person("d", 2)]


def test_moves_to_the_cheaper_centre_of_the_own_region():
    # Tuesday at Sehore: 105 + 300 + 200 + 25 = 630; Wednesday at Bhopal: 220 + 300 = 520.
    assert seats_of(plan_of(SLOTS, PEOPLE, max_km=30)) == {"a": 5, "b": 5, "c": 4, "d": 6}
    near = plan_of(SLOTS, PEOPLE, max_km=30, centre_change=0, per_km=1)
    assert seats_of(near) == {"a": 3, "b": 5, "c": 4, "d": 6}
    assert [decision.km for decision in near.decisions] == [25, 0, 0, 0]


def test_centres_in_one_town_are_within_no_distance():
    slots = [cut(1, MONDAY, 1), slot(2, TUESDAY, centre="TWN")]
    data = scenario(slots, [person("a", 1)], max_km=0)
    data["centres"].append(data["centres"][0] | {"code": "TWN"})
    plan = solve(problem_of(data))
    assert seats_of(plan) == {"a": 2}
    assert plan.tiers[-1].cost == 100 + 5 + 300 + 200


def test_parts_by_region_give_the_plan_of_the_whole():
    problem = problem_of(scenario(SLOTS, PEOPLE, max_km=30))
    parts = problem.by_region()
    assert list(parts) == ["MH", "MP"]
    plans = [solve(part) for part in parts.values()]
    for part, plan in zip(parts.values(), plans, strict=True):
        verify(part, plan)
    whole = solve(problem)
    merged = merge(
        [decision for plan in plans for decision in plan.decisions],
        [result for plan in plans for result in plan.tiers],
    )
    assert (merged.decisions, merged.tiers) == (whole.decisions, whole.tiers)


def test_region_without_anybody_to_plan_for_is_left_out():
    slots = [slot(1, MONDAY), cut(2, MONDAY, 1, centre="NGP")]
    assert list(problem_of(scenario(slots, [person("c", 2)])).by_region()) == ["MH"]


def test_progress_ends_with_everybody():
    calls = []
    solve(
        problem_of(scenario(SLOTS, PEOPLE)),
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls[-1] == (4, 4)
    assert calls == sorted(calls)
