"""What if more seats stay open?"""

from appointments.planning.plan import Outcome
from appointments.planning.solver import solve
from appointments.planning.what_if import with_open_seats
from tests.planning.builders import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    cut,
    person,
    problem_of,
    scenario,
    slot,
)

SLOTS = [
    cut(1, MONDAY, 10, 2),
    cut(2, MONDAY, 5, 1, centre="SHR"),
    cut(3, MONDAY, 1, 1, quota="pcc"),
    cut(4, TUESDAY, 10, 8),
    slot(5, WEDNESDAY, 3),
]
PEOPLE = [person(f"25-{n:02}", 1) for n in range(10)] + [person(f"26-{n}", 2) for n in range(5)]
PROBLEM = problem_of(scenario(SLOTS, PEOPLE))


def closed(problem):
    return [slot.closed for slot in problem.slots]


def test_seats_given_back_in_proportion_to_what_is_closed():
    # Monday has 4 of 16 open. 3 more for 8 + 4 closed: 2 and 1.
    assert closed(with_open_seats(PROBLEM, 7)) == [6, 3, 0, 2, 0]


def test_remainder_goes_to_the_largest_then_to_the_lower_id():
    assert closed(with_open_seats(PROBLEM, 5)) == [7, 4, 0, 2, 0]
    assert closed(with_open_seats(PROBLEM, 8)) == [5, 3, 0, 2, 0]


def test_days_with_enough_open_stay_as_they_are():
    assert closed(with_open_seats(PROBLEM, 4)) == closed(PROBLEM)
    assert closed(with_open_seats(PROBLEM, 0)) == closed(PROBLEM)


def test_no_more_than_all_is_given_back():
    problem = with_open_seats(PROBLEM, 1_000)
    assert closed(problem) == [0, 0, 0, 0, 0]
    assert solve(problem).decisions == ()


def test_more_open_seats_leave_fewer_people_without_their_own():
    plans = [solve(with_open_seats(PROBLEM, seats)) for seats in (4, 8, 12, 16)]
    displaced = [
        sum(decision.outcome is not Outcome.KEEP for decision in plan.decisions) for plan in plans
    ]
    assert displaced == [12, 8, 4, 0]
