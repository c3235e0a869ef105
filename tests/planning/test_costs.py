"""What a seat costs, figure by figure, as the plan states it for the tier."""

from typing import Any

import pytest

from tests.planning.builders import (
    FRIDAY,
    MONDAY,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    cut,
    person,
    plan_of,
    seats_of,
    slot,
)


def cost_of_move(own_person, to, **policy):
    plan = plan_of([cut(1, MONDAY, 1), to], [own_person], **policy)
    assert seats_of(plan) == {"a": to["id"]}
    return plan.tiers[-1].cost


def test_keeping_the_day_promised_costs_nothing():
    plan = plan_of([cut(1, MONDAY, 2, 1)], [person("a", 1), person("b", 1)])
    assert [(result.unplaced, result.cost) for result in plan.tiers][-1] == (1, 0)


def test_three_days_later():
    assert cost_of_move(person("a", 1), slot(2, THURSDAY)) == 3 * 100 + 9 * 5 + 300


def test_days_counted_from_the_date_first_promised():
    moved = person("a", 1, original="2025-06-20")
    assert cost_of_move(moved, slot(2, TUESDAY)) == 4 * 100 + 16 * 5 + 300


def test_own_slot_after_the_date_first_promised_costs_its_days():
    moved = person("a", 1, original="2025-06-20")
    plan = plan_of([cut(1, MONDAY, 2, 1)], [moved, person("b", 1, booked_at="2025-06-11T00:00")])
    assert seats_of(plan) == {"a": None, "b": 1}
    plan = plan_of([cut(1, MONDAY, 2, 1)], [moved | {"tier": "urgent"}, person("b", 1)])
    assert (seats_of(plan), plan.tiers[0].cost) == ({"a": 1, "b": None}, 3 * 100 + 9 * 5)


def test_moved_before_costs_double_and_triple():
    assert cost_of_move(person("a", 1, moved_before=1), slot(2, MONDAY)) == 600
    assert cost_of_move(person("a", 1, moved_before=2), slot(2, MONDAY)) == 900
    tripled = cost_of_move(person("a", 1, moved_before=1), slot(2, MONDAY), moved_before_factor=2)
    assert tripled == 900


def test_moved_before_spared_among_equals():
    people = [person("a", 1), person("b", 1, moved_before=1, booked_at="2025-06-20T10:00")]
    plan = plan_of([cut(1, MONDAY, 2, 1), slot(2, TUESDAY)], people)
    assert seats_of(plan) == {"a": 2, "b": 1}


def test_other_centre():
    to = slot(2, MONDAY, centre="SHR")
    assert cost_of_move(person("a", 1), to, max_km=30) == 300 + 200 + 25
    assert cost_of_move(person("a", 1), to, max_km=30, per_km=3, centre_change=0) == 300 + 75


@pytest.mark.parametrize(
    ("start", "cost"), [("12:11", 0), ("12:12", 1), ("12:59", 4), ("13:00", 5), ("19:30", 37)]
)
def test_time_of_day_rounded_down_once(start, cost):
    assert cost_of_move(person("a", 1), slot(2, MONDAY, start=f"{MONDAY}T{start}")) == 300 + cost


def test_time_of_day_counts_both_ways():
    to = slot(2, TUESDAY, start=f"{TUESDAY}T09:00")
    assert cost_of_move(person("a", 1), to) == 105 + 300 + 15


def test_long_delays_shared_out():
    # One at 0 and one at 4 days would cost 480, two and two days 440: squares share out.
    slots = [
        cut(1, MONDAY, 1),
        cut(2, WEDNESDAY, 1),
        slot(3, WEDNESDAY),
        slot(4, FRIDAY),
    ]
    plan = plan_of(slots, [person("a", 1), person("b", 2)])
    assert seats_of(plan) == {"a": 3, "b": 4}


def test_total_decides_not_the_single_person():
    # Greedy would give slot 3 to a (nearest); then b, who cannot wait, would have none.
    slots = [cut(1, MONDAY, 1), cut(2, MONDAY, 1), slot(3, TUESDAY), slot(4, WEDNESDAY)]
    people = [
        person("a", 1, booked_at="2025-06-01T10:00"),
        person("b", 2, travel_date=WEDNESDAY),
    ]
    assert seats_of(plan_of(slots, people)) == {"a": 4, "b": 3}


def test_fewest_unplaced_before_least_cost():
    # b alone could take Tuesday cheaply; only b can wait until Friday, though at a price.
    slots = [
        cut(1, MONDAY, 1),
        cut(2, MONDAY, 1),
        slot(3, TUESDAY),
        slot(4, FRIDAY, start=f"{FRIDAY}T23:00"),
    ]
    people = [person("a", 1, travel_date=WEDNESDAY), person("b", 2, moved_before=1)]
    plan = plan_of(slots, people, per_move=100_000)
    assert seats_of(plan) == {"a": 3, "b": 4}


def test_policy_without_any_cost_moves_nobody_needlessly():
    nothing: dict[str, Any] = dict.fromkeys(
        ["per_day", "per_day_squared", "per_move", "centre_change", "per_km", "per_hour"], 0
    )
    people = [person(arn, 1) for arn in "abc"]
    plan = plan_of([slot(2, MONDAY, 5), cut(1, MONDAY, 3, 2)], people, **nothing)
    assert len(plan.as_json()["keep"]) == 2
