"""The verifier finds every kind of wrong plan."""

from dataclasses import replace
from typing import Any

import pytest

from appointments.planning.errors import InvalidPlanError
from appointments.planning.plan import Outcome, Plan
from appointments.planning.reasons import Reason
from appointments.planning.solver import solve
from appointments.planning.verify import verify, violations
from tests.planning.builders import (
    MONDAY,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    cut,
    person,
    problem_of,
    scenario,
    slot,
)

PROBLEM = problem_of(
    scenario(
        [
            cut(1, MONDAY, 4, 1),
            slot(2, TUESDAY),
            slot(3, WEDNESDAY, 2),
            slot(4, WEDNESDAY, 2, centre="SHR"),
            slot(5, THURSDAY, 9, quota="pcc"),
            cut(6, "2025-06-20", 1),
        ],
        [
            person("a", 1),
            person("b", 1, booked_at="2025-06-11T10:00"),
            person("c", 1, tier="urgent"),
            person("d", 1, tier="urgent", travel_date=MONDAY),
            person("e", 6, original="2025-06-20"),
        ],
        reserve_share=0.5,
    )
)
GOOD = solve(PROBLEM)


def with_decision(whose: str, **changes: Any) -> Plan:
    """GOOD with one person's decision changed and nothing else."""
    return replace(
        GOOD,
        decisions=tuple(
            replace(decision, **changes) if decision.arn == whose else decision
            for decision in GOOD.decisions
        ),
    )


def found(plan: Plan) -> str:
    with pytest.raises(InvalidPlanError) as caught:
        verify(PROBLEM, plan)
    assert caught.value.violations == violations(PROBLEM, plan)
    return "\n".join(caught.value.violations)


def test_plan_in_order():
    assert {d.arn: d.slot for d in GOOD.decisions} == {"a": 3, "b": None, "c": 2, "d": 1, "e": None}
    assert violations(PROBLEM, GOOD) == []


def test_person_forgotten():
    assert "a: has no decision" in found(replace(GOOD, decisions=GOOD.decisions[1:]))


def test_stranger_planned_for():
    assert "zz: is not in the pool" in found(with_decision("e", arn="zz"))


def test_person_decided_twice():
    assert "a: decided 2 times" in found(
        replace(GOOD, decisions=GOOD.decisions[:1] + GOOD.decisions)
    )


def test_not_sorted():
    assert "not sorted" in found(replace(GOOD, decisions=GOOD.decisions[::-1]))


def test_tier_left_out():
    assert "each tier" in found(replace(GOOD, tiers=GOOD.tiers[1:]))


@pytest.mark.parametrize(
    "changes",
    [
        {"slot": 1},
        {"slot": None},
        {"outcome": Outcome.KEEP},
        {"outcome": Outcome.UNPLACED},
        {"reason": None},
        {"reason": Reason.SEATS_TAKEN},
    ],
    ids=str,
)
def test_decision_that_contradicts_itself(changes):
    assert "a: " in found(with_decision("a", **changes))


def test_slot_that_does_not_exist():
    assert "a: no slot 77" in found(with_decision("a", slot=77))


@pytest.mark.parametrize(
    ("arn", "slot_id", "rule"),
    [
        ("a", 4, "is too far"),
        ("a", 5, "is of another quota"),
        ("a", 6, "starts too soon"),
        ("d", 2, "is not before the travel"),
    ],
)
def test_rule_broken(arn, slot_id, rule):
    plan = with_decision(arn, slot=slot_id, outcome=Outcome.MOVE, reason=Reason.SLOT_FULL)
    assert f"{arn}: slot {slot_id} {rule}" in found(plan)


def test_own_slot_kept_although_begun():
    keep = {"slot": 6, "outcome": Outcome.KEEP, "reason": None, "cost": 0, "delay_days": 0}
    assert "e: slot 6 the own slot has begun" in found(with_decision("e", **keep))


def test_more_people_than_seats_in_a_slot_and_on_a_day():
    move: dict[str, Any] = {"slot": 3, "outcome": Outcome.MOVE, "reason": Reason.SLOT_FULL}
    # half of Wednesday's two seats is reserved
    assert "2 people for 1 seats" in found(with_decision("b", **move))
    move["slot"] = 2
    assert "slot 2: 2 people for 1 seats" in found(with_decision("b", **move))


@pytest.mark.parametrize("changes", [{"cost": 1}, {"delay_days": 9}, {"km": 3}], ids=str)
def test_figures_that_are_not_so(changes):
    assert "a: cost, days and km are" in found(with_decision("a", **changes))
    assert "b: without a seat, but with figures" in found(with_decision("b", **changes))


def test_totals_that_are_not_so():
    better = replace(GOOD.tiers[3], cost=1)
    assert "tier normal: the result is" in found(replace(GOOD, tiers=(*GOOD.tiers[:3], better)))


def test_worse_rank_with_the_better_seat():
    seats = {d.arn: d for d in GOOD.decisions}
    swapped = [replace(seats["b"], arn="a"), replace(seats["a"], arn="b")]
    plan = replace(GOOD, decisions=(*swapped, *GOOD.decisions[2:]))
    assert "b: got a better seat than a, who ranks before" in found(plan)


def test_person_left_without_although_a_seat_is_free():
    nothing: dict[str, Any] = {
        "slot": None,
        "outcome": Outcome.UNPLACED,
        "reason": Reason.SEATS_TAKEN,
    }
    nothing |= {"cost": 0, "delay_days": None}
    assert "a: unplaced although slot 3 is free" in found(with_decision("a", **nothing))


def test_person_moved_although_the_own_seat_is_free():
    nothing: dict[str, Any] = {
        "slot": None,
        "outcome": Outcome.UNPLACED,
        "reason": Reason.SEATS_TAKEN,
    }
    plan = with_decision("d", **nothing, cost=0, delay_days=None)
    assert "a: moved although the own slot is free" in found(plan)


@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        ("a", Reason.SLOT_CLOSED),
        ("a", Reason.SLOT_PAST),
        ("a", Reason.NEARER_DATE),
        ("b", Reason.NONE_IN_REACH),
        ("b", Reason.NONE_BEFORE_TRAVEL),
    ],
)
def test_reason_that_is_not_true(arn, reason):
    assert f"{arn}: " in found(with_decision(arn, reason=reason))
