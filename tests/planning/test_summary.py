"""The figures that officers decide by."""

from datetime import date

from appointments.planning.report import report
from appointments.planning.solver import solve
from appointments.planning.summary import Count, SeatsLeft, Spread, summarise
from tests.planning.builders import (
    FRIDAY,
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

SLOTS = [
    cut(1, MONDAY, 4, 1),
    cut(2, MONDAY, 2, quota="pcc"),
    slot(3, TUESDAY, centre="SHR"),
    slot(4, WEDNESDAY),
    slot(5, FRIDAY, 10),
    slot(6, THURSDAY, 10, quota="pcc"),
    slot(7, "2025-06-20", 50),
    slot(8, "2025-08-20", 50),
]
PEOPLE = [
    person("a", 1, tier="urgent"),
    person("b", 1, booked_at="2025-06-01T10:00"),
    person("c", 1, booked_at="2025-06-02T10:00"),
    person("d", 1, booked_at="2025-06-03T10:00"),
    person("e", 2, service="pcc"),
    person("f", 2, service="pcc", travel_date=WEDNESDAY),
]
PROBLEM = problem_of(scenario(SLOTS, PEOPLE, max_km=30, reserve_share=0.1, centre_change=0))
PLAN = solve(PROBLEM)
SUMMARY = summarise(PROBLEM, PLAN)


def test_counts():
    assert SUMMARY.total == Count(people=6, keep=1, move=4, unplaced=1)
    assert SUMMARY.by_tier == {
        "urgent": Count(people=1, keep=1, move=0, unplaced=0),
        "normal": Count(people=5, keep=0, move=4, unplaced=1),
    }
    assert SUMMARY.by_quota == {
        "normal": Count(people=4, keep=1, move=3, unplaced=0),
        "pcc": Count(people=2, keep=0, move=1, unplaced=1),
    }
    assert SUMMARY.by_centre == {"BPL": Count(people=6, keep=1, move=4, unplaced=1)}
    assert SUMMARY.over_subscribed_slots == 2


def test_delay_of_those_moved():
    # b to Tuesday at Sehore, c to Wednesday, d to Friday, e to Thursday.
    assert SUMMARY.delay["normal"] == Spread(mean=2.5, median=2.5, worst=4)
    assert SUMMARY.delay["urgent"] is None


def test_distance_of_those_sent_elsewhere():
    assert SUMMARY.other_centre_people == 1
    assert SUMMARY.other_centre == Spread(mean=25, median=25, worst=25)


def test_reasons_counted():
    assert SUMMARY.reasons == {"slot_full": 3, "slot_closed": 1, "none_before_travel": 1}


def test_seats_left_between_now_and_the_horizon():
    assert SUMMARY.seats_left == {"normal": SeatsLeft(9, 1), "pcc": SeatsLeft(9, 1)}


def test_day_on_which_the_backlog_is_cleared():
    assert SUMMARY.last_day == date(2025, 6, 27)


def test_report_says_all_that_in_words():
    text = report(PROBLEM, PLAN, SUMMARY)
    assert "As of Sunday 22 June 2025, 18:00 (Asia/Kolkata)" in text
    assert "6 people competing, over-subscribed slots: 2. Kept 1, moved 4, without a seat 1" in text
    assert "reserve_share 0.1" in text
    rows = [line.split() for line in text.splitlines()]
    cost = PLAN.tiers[-1].cost
    assert ["normal", "5", "0", "4", "1", "2.5", "2.5", "4", f"{cost:,}"] in rows
    assert "Moved to another centre: 1 person; km: mean 25, median 25, worst 25" in text
    assert "normal 9 (1 of them kept back for the public)" in text
    assert "Backlog cleared: on Friday 27 June 2025, but for 1 person without a seat" in text


def test_report_of_an_empty_plan():
    problem = problem_of(scenario([slot(1, MONDAY)], []))
    text = report(problem, solve(problem), summarise(problem, solve(problem)))
    assert "0 people competing, over-subscribed slots: 0" in text
    assert "Backlog cleared: nobody has to move" in text
