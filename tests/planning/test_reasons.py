"""The reason that a person is given is the true one."""

from appointments.planning.reasons import SENTENCES, WHY_MOVED, WHY_UNPLACED, Reason
from tests.planning.builders import (
    FRIDAY,
    MONDAY,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    cut,
    person,
    plan_of,
    reasons_of,
    slot,
)


def test_every_code_has_a_sentence_and_a_place():
    assert set(SENTENCES) == set(Reason) == {*WHY_MOVED, *WHY_UNPLACED}


def test_kept_has_no_reason():
    plan = plan_of([cut(1, MONDAY, 2, 1)], [person("a", 1), person("b", 1)])
    assert reasons_of(plan)["a"] is None


def test_moved_because_the_slot_is_past():
    # Friday's server was down; those not seen then have no own seat to keep.
    slots = [cut(1, "2025-06-20", 2, 1), slot(2, TUESDAY)]
    plan = plan_of(slots, [person("a", 1), person("b", 1, tier="urgent")])
    assert reasons_of(plan) == {"a": "seats_taken", "b": "slot_past"}


def test_moved_because_the_slot_is_closed_or_all_held():
    assert reasons_of(plan_of([cut(1, MONDAY, 1), slot(2, TUESDAY)], [person("a", 1)])) == {
        "a": "slot_closed"
    }
    held = slot(1, MONDAY, seats=3, closed=2, taken=2)
    assert reasons_of(plan_of([held, slot(2, TUESDAY)], [person("a", 1)])) == {"a": "slot_closed"}


def test_moved_because_others_have_the_seats_of_the_slot():
    people = [person("a", 1), person("b", 1, tier="urgent")]
    plan = plan_of([cut(1, MONDAY, 2, 1), slot(2, TUESDAY)], people)
    assert reasons_of(plan) == {"a": "slot_full", "b": None}


def test_moved_because_others_have_the_seats_of_the_day():
    # Monday offers 1 + 2 - floor(0.5 * 2) = 2 in all; two urgent people take the untouched slot
    # whole, because their own is closed, so that nothing is left for a's own slot.
    slots = [
        cut(1, MONDAY, 2, 1, start=f"{MONDAY}T15:00"),
        slot(2, MONDAY, 2, start=f"{MONDAY}T14:00"),
        cut(3, MONDAY, 2, start=f"{MONDAY}T13:00"),
        slot(4, WEDNESDAY, 9),
    ]
    people = [person(arn, 3, tier="urgent") for arn in "uv"] + [person(arn, 1) for arn in "ab"]
    plan = plan_of(slots, people, reserve_share=0.5)
    assert reasons_of(plan) == {
        "u": "slot_closed",
        "v": "slot_closed",
        "a": "slot_full",
        "b": "slot_full",
    }


def test_moved_because_another_seat_is_nearer_the_promise():
    # a, moved from Monday to Friday before, now finds Tuesday; the Friday seat stays free.
    slots = [cut(1, FRIDAY, 2, 1), slot(2, TUESDAY, 2)]
    people = [person(arn, 1, original=MONDAY, moved_before=0) for arn in "ab"]
    plan = plan_of(slots, people, per_move=100)
    assert reasons_of(plan) == {"a": "nearer_date", "b": "nearer_date"}


def test_unplaced_because_all_seats_are_taken():
    plan = plan_of(
        [cut(1, MONDAY, 2), slot(2, TUESDAY)],
        [person("a", 1, travel_date=THURSDAY), person("b", 1, tier="urgent")],
    )
    assert reasons_of(plan)["a"] == "seats_taken"


def test_unplaced_because_of_the_travel():
    slots = [cut(1, MONDAY, 2), slot(2, THURSDAY, 5)]
    plan = plan_of(slots, [person("a", 1, travel_date=THURSDAY)])
    assert reasons_of(plan) == {"a": "none_before_travel"}


def test_unplaced_because_nothing_is_in_reach():
    slots = [cut(1, MONDAY, 3), slot(2, THURSDAY, 5, quota="pcc"), slot(3, THURSDAY, centre="NGP")]
    people = [person("a", 1), person("b", 1, travel_date=TUESDAY)]
    assert set(reasons_of(plan_of(slots, people)).values()) == {"none_in_reach"}
