"""Which seat a person may be given: one rule after the other."""

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

NOW = "2025-06-22T18:00:00+05:30"


def given(slots, own_person, **policy):
    """Id of the slot that the only person, in a slot that is lost, gets."""
    return seats_of(plan_of(slots, [own_person], **policy))[own_person["arn"]]


def test_own_slot_kept_when_a_seat_remains():
    people = [person("a", 1), person("b", 1)]
    plan = plan_of([cut(1, MONDAY, people=2, remain=1)], people)
    assert plan.as_json()["keep"] == ["a"]


def test_own_slot_kept_whatever_the_other_rules():
    slots = [cut(1, MONDAY, 2, 1, start="2025-06-22T18:01")]  # no notice, after the travel,
    late = person("a", 1, travel_date="2025-06-20", original="2025-07-01")  # before the promise
    assert seats_of(plan_of(slots, [late, person("b", 1)], horizon_days=0))["a"] == 1


def test_own_slot_lost_when_it_begins_now():
    people = [person("a", 1), person("b", 1)]
    plan = plan_of([cut(1, MONDAY, 2, 1, start=NOW)], people)
    assert seats_of(plan) == {"a": None, "b": None}


def test_other_slot_that_begins_now_taken_without_notice_wanted():
    slots = [cut(1, MONDAY, 1, start="2025-06-22T15:00"), slot(2, MONDAY, start=NOW)]
    assert given(slots, person("a", 1), lead_hours=0) == 2


@pytest.mark.parametrize(("start", "taken"), [("12:00", 2), ("11:59", None)])
def test_notice_of_18_hours_to_the_minute(start, taken):
    slots = [cut(1, MONDAY, 1), slot(2, MONDAY, start=f"{MONDAY}T{start}")]
    assert given(slots, person("a", 1), lead_hours=18) == taken


def test_notice_counted_across_offsets():
    slots = [cut(1, MONDAY, 1), slot(2, MONDAY, start=f"{MONDAY}T06:30Z")]  # noon in India
    assert given(slots, person("a", 1), now="2025-06-22T12:30Z") == 2


@pytest.mark.parametrize(("days", "taken"), [(3, 2), (2, None)])
def test_horizon_counted_from_the_day_of_now(days, taken):
    slots = [cut(1, MONDAY, 1), slot(2, WEDNESDAY, start=f"{WEDNESDAY}T23:59")]
    assert given(slots, person("a", 1), horizon_days=days) == taken


def test_days_are_indian_days():
    # 20:00 UTC on Sunday is Monday in India: two days on is Wednesday, not Tuesday.
    slots = [cut(1, MONDAY, 1), slot(2, WEDNESDAY)]
    assert given(slots, person("a", 1), now="2025-06-22T20:00Z", horizon_days=2) == 2


def test_nothing_before_the_day_of_the_own_slot():
    slots = [cut(1, THURSDAY, 1), slot(2, WEDNESDAY), slot(3, FRIDAY)]
    assert given(slots, person("a", 1)) == 3


def test_earlier_than_the_own_slot_when_promised_earlier():
    slots = [cut(1, THURSDAY, 1), slot(2, TUESDAY), slot(3, WEDNESDAY), slot(4, FRIDAY)]
    assert given(slots, person("a", 1, original=WEDNESDAY)) == 3


@pytest.mark.parametrize(("travel", "taken"), [(FRIDAY, 2), (THURSDAY, None), (WEDNESDAY, None)])
def test_visit_strictly_before_the_day_of_travel(travel, taken):
    slots = [cut(1, MONDAY, 1), slot(2, THURSDAY)]
    assert given(slots, person("a", 1, travel_date=travel)) == taken


@pytest.mark.parametrize(("max_km", "taken"), [(0, None), (24, None), (25, 2)])
def test_other_centre_of_the_region_within_max_km(max_km, taken):
    slots = [cut(1, MONDAY, 1), slot(2, TUESDAY, centre="SHR")]
    assert given(slots, person("a", 1), max_km=max_km) == taken


def test_other_region_never_however_near():
    slots = [cut(1, MONDAY, 1), slot(2, TUESDAY, centre="NGP")]
    assert given(slots, person("a", 1), max_km=20_000) is None


@pytest.mark.parametrize(
    ("service", "own", "other", "taken"),
    [
        ("normal", "normal", "normal", 2),
        ("normal", "normal", "tatkaal", None),
        ("normal", "pcc", "normal", None),
        ("pcc", "pcc", "pcc", 2),
        ("normal", "on_hold", "normal", None),
        ("tatkaal", "tatkaal", "tatkaal", 2),
        ("tatkaal", "tatkaal", "normal", 2),
        # who chose a normal seat is in the normal quota now
        ("tatkaal", "normal", "tatkaal", None),
        ("tatkaal", "normal", "normal", 2),
        ("tatkaal", "pcc", "normal", 2),
    ],
)
def test_quota(service, own, other, taken):
    slots = [cut(1, MONDAY, 1, quota=own), slot(2, TUESDAY, quota=other)]
    assert given(slots, person("a", 1, service=service)) == taken
