"""Who comes first: tiers, ranks within a class, and ties."""

import json
import random

from appointments.planning.solver import solve
from tests.planning.builders import (
    FRIDAY,
    MONDAY,
    THURSDAY,
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


def test_tiers_in_order():
    people = [
        person(tier[0], 1, tier=tier) for tier in ("normal", "vulnerable", "urgent", "tatkaal")
    ]
    days = [(2, TUESDAY), (3, WEDNESDAY), (4, THURSDAY), (5, FRIDAY)]
    plan = plan_of([cut(1, MONDAY, 4)] + [slot(*row) for row in days], people)
    assert seats_of(plan) == {"u": 2, "t": 3, "v": 4, "n": 5}


def test_tiers_are_not_traded_off():
    # If u took Wednesday, for 115 more, n would have a seat as well. It does not have to.
    slots = [cut(1, MONDAY, 2), slot(2, TUESDAY), slot(3, WEDNESDAY)]
    people = [person("u", 1, tier="urgent"), person("n", 1, travel_date=WEDNESDAY)]
    assert seats_of(plan_of(slots, people)) == {"u": 2, "n": None}


def test_rank_within_a_class_by_booking_then_arn():
    people = [
        person("d", 1, booked_at="2025-06-10T10:01"),
        person("c", 1, booked_at="2025-06-10T10:00"),
        person("b", 1, booked_at="2025-06-10T10:00"),
        person("a", 1, booked_at="2025-06-10T04:31Z"),  # 10:01 in India
    ]
    slots = [cut(1, MONDAY, 4, 1), slot(2, TUESDAY), slot(3, WEDNESDAY)]
    assert seats_of(plan_of(slots, people)) == {"b": 1, "c": 2, "a": 3, "d": None}


def test_equal_cost_goes_by_start_then_id():
    people = [
        person(arn, 1, booked_at=f"2025-06-10T10:0{n}", service="tatkaal")
        for n, arn in enumerate("abcd")
    ]
    slots = [
        cut(1, MONDAY, 4, quota="tatkaal"),
        slot(9, TUESDAY, start=f"{TUESDAY}T11:00"),
        slot(8, TUESDAY, start=f"{TUESDAY}T13:00"),
        slot(7, TUESDAY, start=f"{TUESDAY}T13:00", quota="tatkaal"),
        slot(6, TUESDAY, start=f"{TUESDAY}T12:00"),
    ]
    assert seats_of(plan_of(slots, people)) == {"a": 6, "b": 9, "c": 7, "d": 8}


def test_original_written_out_is_the_same_class_as_none():
    people = [
        person("a", 1, booked_at="2025-06-11T10:00"),
        person("b", 1, booked_at="2025-06-10T10:00", original=MONDAY),
    ]
    plan = plan_of([cut(1, MONDAY, 2, 1), slot(2, TUESDAY)], people)
    assert seats_of(plan) == {"b": 1, "a": 2}


def test_equal_sums_leave_people_where_they_are():
    # For a and b staying (4 days late: 480) costs just what moving to Monday does (0 + 480);
    # only c gains by going. There would be room on Monday for one more.
    slots = [cut(1, FRIDAY, 3, 2), slot(2, MONDAY, 2)]
    people = [person(arn, 1, original=MONDAY) for arn in "ab"]
    people.append(person("c", 1, original="2025-06-22"))
    assert seats_of(plan_of(slots, people, per_move=480)) == {"a": 1, "b": 1, "c": 2}


def test_the_order_of_the_file_does_not_matter():
    people = [
        person(f"25-{n:03}", 1 + n % 3, tier=["normal", "tatkaal"][n % 2], moved_before=n % 5 % 2)
        for n in range(60)
    ]
    slots = [cut(n, MONDAY, 20, 5, start=f"{MONDAY}T1{n}:00") for n in (1, 2, 3)]
    slots += [slot(n, TUESDAY, 7, start=f"{TUESDAY}T{n}:00") for n in range(10, 16)]
    data = scenario(slots, people, max_km=30, reserve_share=0.1)
    before = solve(problem_of(data))
    shuffled = random.Random(1)
    for part in ("slots", "appointments", "centres"):
        data[part] = shuffled.sample(data[part], len(data[part]))
    after = solve(problem_of(json.loads(json.dumps(data))))
    assert after.decisions == before.decisions
    assert after.tiers == before.tiers
