"""How many seats a plan may give out: slots, holds, and the reserve of each day."""

import pytest

from tests.planning.builders import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    cut,
    person,
    plan_of,
    seats_of,
    slot,
)


def people_in(slot_id, number):
    return [
        person(f"25-{n:03}", slot_id, booked_at=f"2025-06-10T10:00:00.{n:06}")
        for n in range(number)
    ]


def placed(plan):
    return sum(slot is not None for slot in seats_of(plan).values())


def test_only_people_of_over_subscribed_slots_are_touched():
    slots = [cut(1, MONDAY, 2, 1), slot(2, MONDAY, 3, taken=2, closed=1), slot(3, TUESDAY)]
    people = [person("a", 1), person("b", 1), person("safe", 2, tier="urgent")]
    assert seats_of(plan_of(slots, people)) == {"a": 1, "b": 3}


def test_nobody_over_subscribed_gives_an_empty_plan():
    plan = plan_of([slot(1, MONDAY, 3, taken=2, closed=1)], [person("a", 1)])
    assert plan.decisions == ()
    assert [result.tier for result in plan.tiers] == ["urgent", "tatkaal", "vulnerable", "normal"]


def test_taken_seats_of_other_slots_are_not_offered():
    slots = [cut(1, MONDAY, 2), slot(2, TUESDAY, seats=5, taken=3, closed=1)]
    assert placed(plan_of(slots, people_in(1, 2))) == 1


def test_holds_in_an_over_subscribed_slot_keep_their_seats():
    # 5 taken, of which 3 by people in the file and 2 by holds; 3 seats remain: 1 to give out.
    slots = [slot(1, MONDAY, seats=5, closed=2, taken=5)]
    plan = plan_of(slots, people_in(1, 3))
    assert seats_of(plan) == {"25-000": 1, "25-001": None, "25-002": None}


def test_more_holds_than_seats_left_offer_none():
    slots = [slot(1, MONDAY, seats=5, closed=4, taken=5), slot(2, TUESDAY, 9)]
    plan = plan_of(slots, people_in(1, 2))
    assert set(seats_of(plan).values()) == {2}


def test_a_freed_seat_goes_to_somebody_else():
    # a keeps to the urgent seat of slot 2; its own seat, of the same day, is b's.
    slots = [cut(1, MONDAY, 2, 1), slot(2, WEDNESDAY)]
    people = [person("a", 1, tier="urgent"), person("b", 1)]
    assert seats_of(plan_of(slots, people)) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("share", "given"), [(0, 10), (0.05, 10), (0.1, 9), (0.19, 9), (0.2, 8), (0.99, 1), (1, 0)]
)
def test_reserve_is_a_share_rounded_down(share, given):
    slots = [cut(1, MONDAY, 12), slot(2, TUESDAY, 10)]
    assert placed(plan_of(slots, people_in(1, 12), reserve_share=share)) == given


@pytest.mark.parametrize("share", [0.07, 0.14, 0.28, 0.29, 0.55, 0.56, 0.57, 0.58])
def test_reserve_is_exact_where_binary_fractions_are_not(share):
    # 0.29 * 100 is 28.999... in binary.
    slots = [cut(1, MONDAY, 100), slot(2, TUESDAY, 100)]
    plan = plan_of(slots, people_in(1, 100), reserve_share=share)
    assert placed(plan) == 100 - round(share * 100)


def test_reserve_is_taken_of_the_whole_day_of_a_quota():
    # Two slots of 5 on one day: floor(0.1 * 10) = 1 stays; on two days floor(0.5) = 0 each.
    same_day = [cut(1, MONDAY, 12), slot(2, TUESDAY, 5), slot(3, TUESDAY, 5)]
    assert placed(plan_of(same_day, people_in(1, 12), reserve_share=0.1)) == 9
    two_days = [cut(1, MONDAY, 12), slot(2, TUESDAY, 5), slot(3, WEDNESDAY, 5)]
    assert placed(plan_of(two_days, people_in(1, 12), reserve_share=0.1)) == 10
    two_quotas = [cut(1, MONDAY, 12, quota="tatkaal"), slot(2, TUESDAY, 5)]
    two_quotas.append(slot(3, TUESDAY, 5, quota="tatkaal"))
    people = [row | {"service": "tatkaal"} for row in people_in(1, 12)]
    assert placed(plan_of(two_quotas, people, reserve_share=0.1)) == 10


def test_reserve_counts_slots_nobody_may_take_any_more():
    # The morning slot is too soon, but its 10 free seats are part of what the day offers:
    # 20 - floor(0.5 * 20) = 10, so the noon slot may be used up.
    slots = [cut(1, MONDAY, 12), slot(2, MONDAY, 10, start=f"{MONDAY}T09:00"), slot(3, MONDAY, 10)]
    assert placed(plan_of(slots, people_in(1, 12), reserve_share=0.5)) == 10


def test_reserve_leaves_over_subscribed_slots_alone():
    slots = [cut(1, MONDAY, 10, 6), slot(2, MONDAY, 4)]
    plan = plan_of(slots, people_in(1, 10), reserve_share=1)
    assert list(seats_of(plan).values()).count(1) == 6
    assert placed(plan) == 6


def test_seats_taken_by_an_earlier_tier_are_gone_for_the_day_too():
    # The day offers 4 - 1 = 3 in two slots; urgent people of another day take 2 of them.
    slots = [
        cut(1, MONDAY, 2),
        cut(2, MONDAY, 2, start=f"{MONDAY}T15:00"),
        slot(3, TUESDAY, 2),
        slot(4, TUESDAY, 2, start=f"{TUESDAY}T15:00"),
    ]
    people = [row | {"tier": "urgent"} for row in people_in(1, 2)]
    people += [person("b", 2), person("c", 2)]
    plan = plan_of(slots, people, reserve_share=0.25)
    assert [result.unplaced for result in plan.tiers] == [0, 0, 0, 1]
