"""Scenario files: what is read, and every way in which one can be wrong."""

import copy
import json
from dataclasses import fields
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from appointments.planning.errors import ScenarioError
from appointments.planning.problem import Policy
from appointments.planning.scenario import dump, parse, parse_policy, policy_as_json
from appointments.planning.solver import solve
from tests.planning.builders import MONDAY, TUESDAY, cut, person, scenario, slot

GOOD = scenario(
    [cut(1, MONDAY, 3, 1), slot(2, TUESDAY, 4)],
    [person("25-1", 1), person("25-2", 1, travel_date=TUESDAY), person("25-3", 1)],
)
LEAVE_OUT = object()


def changed(path, value):
    """GOOD with one value set, or left out."""
    data = copy.deepcopy(GOOD)
    *parents, last = path
    spot = data
    for key in parents:
        spot = spot[key]
    if value is LEAVE_OUT:
        del spot[last]
    else:
        spot[last] = value
    return data


def refusal(text):
    with pytest.raises(ScenarioError) as caught:
        parse(text)
    assert str(caught.value) == f"{caught.value.place}: {caught.value.message}"
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200
    return str(caught.value)


def name_of(path):
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def test_values_as_read():
    problem = parse(
        json.dumps(
            scenario(
                [cut(1, MONDAY, 1, quota="pcc", start="2025-06-23T04:00Z")],
                [person("25-1", 1, moved_before=2, original="2025-06-20", travel_date=TUESDAY)],
            )
        )
    )
    assert problem.now == datetime(2025, 6, 22, 12, 30, tzinfo=UTC)
    assert (problem.slots[0].day, problem.slots[0].minute) == (date(2025, 6, 23), 9 * 60 + 30)
    assert problem.slots[0].over_subscribed
    someone = problem.people[0]
    assert (someone.travel_date, someone.original) == (date(2025, 6, 24), date(2025, 6, 20))
    assert someone.booked_at == datetime(2025, 6, 10, 4, 30, tzinfo=UTC)  # India without offset


def test_missing_policy_keys_take_the_values_of_the_format():
    data = changed(["policy"], {"max_km": 30})
    expected = Policy(
        max_km=30,
        reserve_share=Fraction(1, 10),
        horizon_days=40,
        lead_hours=18,
        per_day=100,
        per_day_squared=5,
        per_move=300,
        centre_change=200,
        per_km=1,
        per_hour=5,
        moved_before_factor=1,
    )
    assert parse(json.dumps(data)).policy == expected
    assert parse(json.dumps(changed(["policy"], LEAVE_OUT))).policy == Policy()


def test_reserve_share_read_exactly():
    text = json.dumps(GOOD).replace('"reserve_share": 0', '"reserve_share": 0.29')
    assert parse(text).policy.reserve_share == Fraction(29, 100)
    assert parse_policy({"reserve_share": 0.29}).reserve_share == Fraction(29, 100)


def test_keys_beyond_the_format_are_let_be():
    parse(json.dumps(changed(["centres", 0, "name"], "PSK Bhopal")))


def test_byte_order_mark_let_be():
    parse(b"\xef\xbb\xbf" + json.dumps(GOOD).encode())


def test_dump_and_parse_give_the_same_problem():
    problem = parse(json.dumps(GOOD))
    assert parse(dump(problem)) == problem


def test_policy_there_and_back():
    policy = Policy(max_km=50, reserve_share=Fraction(29, 100))
    assert parse_policy(json.loads(json.dumps(policy_as_json(policy)))) == policy
    assert set(policy_as_json(policy)) == {field.name for field in fields(Policy)}


REQUIRED = [
    *[["now"], ["centres"], ["slots"], ["appointments"]],
    *[["centres", 1, key] for key in GOOD["centres"][0]],
    *[["slots", 1, key] for key in GOOD["slots"][0]],
    *[["appointments", 2, key] for key in GOOD["appointments"][0]],
]


@pytest.mark.parametrize("path", REQUIRED, ids=name_of)
def test_missing_key(path):
    assert refusal(json.dumps(changed(path, LEAVE_OUT))) == f"{name_of(path)}: is missing"


WHOLE = [
    *[["policy", field.name] for field in fields(Policy) if field.name != "reserve_share"],
    *[["slots", 1, key] for key in ("id", "seats", "closed", "taken")],
    *[["appointments", 2, key] for key in ("slot", "moved_before")],
]


@pytest.mark.parametrize("path", WHOLE, ids=name_of)
@pytest.mark.parametrize("value", [-1, 1.5, "1", True, None, [], {}, 10**19, float("nan")], ids=str)
def test_no_whole_number(path, value):
    line = refusal(json.dumps(changed(path, value)))
    assert line.startswith(f"{name_of(path)}: must ")


@pytest.mark.parametrize("value", [-0.1, 1.01, 2, "0.1", True, None, float("inf"), float("nan")])
def test_no_share(value):
    line = refusal(json.dumps(changed(["policy", "reserve_share"], value)))
    assert line.startswith("policy.reserve_share: must be ")


@pytest.mark.parametrize("literal", ["1e-999999999", "1e999999999", "1e99999999999999999999"])
def test_share_that_would_fill_the_memory(literal):
    text = json.dumps(GOOD).replace('"reserve_share": 0', f'"reserve_share": {literal}')
    assert refusal(text).startswith("policy.reserve_share: must ")


@pytest.mark.parametrize("key", ["lat", "lon"])
@pytest.mark.parametrize("value", [181, -181.0, "23", None, True, float("nan"), float("-inf")])
def test_no_degrees(key, value):
    line = refusal(json.dumps(changed(["centres", 2, key], value)))
    assert line.startswith(f"centres[2].{key}: must be ")


@pytest.mark.parametrize(
    "path",
    [["centres", 1, "code"], ["centres", 1, "region"], ["appointments", 2, "arn"]],
    ids=name_of,
)
@pytest.mark.parametrize(
    "value", ["", " ", "a\nb", "\ud800", "\u2028", 7, None, "x" * 81], ids=repr
)
def test_no_text(path, value):
    assert refusal(json.dumps(changed(path, value))).startswith(f"{name_of(path)}: must ")


@pytest.mark.parametrize(
    "path",
    [["slots", 0, "quota"], ["appointments", 1, "tier"], ["appointments", 1, "service"]],
    ids=name_of,
)
@pytest.mark.parametrize("value", ["vip", "", "Normal", 1, None, ["normal"]], ids=repr)
def test_no_such_name(path, value):
    assert refusal(json.dumps(changed(path, value))).startswith(f"{name_of(path)}: must be one of")


MOMENTS = [["now"], ["slots", 0, "start"], ["appointments", 1, "booked_at"]]
DAYS = [["appointments", 1, "travel_date"], ["appointments", 1, "original"]]


@pytest.mark.parametrize("path", MOMENTS, ids=name_of)
@pytest.mark.parametrize(
    "value",
    [
        *["2025-06-23", "2025-06-23 09:30", "2025-6-23T09:30", "2025-06-23T9:30", "23.06.2025"],
        *["2025-02-30T09:30", "2025-06-23T24:01", "2025-06-23T09:30+25:00", "2025-W26-1T09:30"],
        *[
            "0001-01-01T00:00+05:30",
            "9999-12-31T23:59Z",
            "",
            None,
            0,
            1750688400,
            "२०२५-06-23T09:30",
        ],
    ],
    ids=str,
)
def test_no_moment(path, value):
    assert refusal(json.dumps(changed(path, value))).startswith(f"{name_of(path)}: ")


@pytest.mark.parametrize("path", DAYS, ids=name_of)
@pytest.mark.parametrize(
    "value",
    ["2025-02-30", "2025-06-31", "2025-13-01", "20250623", "2025-06-23T09:30", "", 0, "0000-01-01"],
    ids=str,
)
def test_no_date(path, value):
    assert refusal(json.dumps(changed(path, value))).startswith(f"{name_of(path)}: ")


def test_date_that_does_not_exist():
    line = refusal(json.dumps(changed(["appointments", 1, "travel_date"], "2025-02-30")))
    assert line == "appointments[1].travel_date: there is no date 2025-02-30"


def test_unknown_slot():
    line = refusal(json.dumps(changed(["appointments", 2, "slot"], 99)))
    assert line == "appointments[2].slot: no slot 99"


def test_unknown_centre():
    line = refusal(json.dumps(changed(["slots", 1, "centre"], "XYZ")))
    assert line == "slots[1].centre: no centre XYZ"


def test_unknown_policy_key():
    line = refusal(json.dumps(changed(["policy", "max_kms"], 5)))
    assert line == 'policy: unknown key "max_kms"'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["centres", 2, "code"], "BPL"),
        (["slots", 1, "id"], 1),
        (["appointments", 2, "arn"], "25-1"),
    ],
    ids=["code", "id", "arn"],
)
def test_given_twice(path, value):
    line = refusal(json.dumps(changed(path, value)))
    assert line == f"{name_of(path)}: {value} is already in {path[0]}[0]"


def test_more_closed_than_seats():
    line = refusal(json.dumps(changed(["slots", 1, "closed"], 5)))
    assert line == "slots[1].closed: 5 closed, but the slot has 4 seats"


def test_more_taken_than_seats():
    line = refusal(json.dumps(changed(["slots", 1, "taken"], 5)))
    assert line == "slots[1].taken: 5 taken, but the slot has 4 seats"


def test_more_appointments_than_taken():
    data = changed(["slots", 0, "taken"], 2)
    assert refusal(json.dumps(data)) == "slots[0].taken: 2 taken, but 3 appointments listed"


@pytest.mark.parametrize("key", ["centres", "slots", "appointments"])
@pytest.mark.parametrize("value", [None, {}, "x", 3])
def test_no_list(key, value):
    assert refusal(json.dumps(changed([key], value))).startswith(f"{key}: must be a list")


@pytest.mark.parametrize("path", [["slots", 0], ["policy"], ["centres", 1], ["appointments", 2]])
@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_no_object(path, value):
    line = refusal(json.dumps(changed(path, value)))
    assert line.startswith(f"{name_of(path)}: must be an object")


@pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', "NaN"])
def test_no_scenario(text):
    assert refusal(text).startswith("scenario: must be an object")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"", "line 1 column 1"),
        (b"\n{", "line 2 column 2"),
        (b'{"now": 1,}', "line 1 column 11"),
        (b"{'now': 1}", "line 1 column 2"),
        (b"\x80abc", "byte 0"),
        (b"PK\x03\x04", "line 1 column 1"),
        (b"[" * 100_000, "scenario"),
    ],
)
def test_not_json(text, place):
    assert refusal(text).startswith(f"{place}: not ")


def test_key_twice_in_one_object():
    text = json.dumps(GOOD).replace('"closed": 0', '"closed": 0, "closed": 1')
    assert refusal(text) == 'slots[1]: the key "closed" stands there twice'


def test_number_of_thousands_of_digits():
    text = json.dumps(GOOD).replace('"closed": 0', f'"closed": {"9" * 5000}')
    assert refusal(text).startswith("slots[1].closed: must be a whole number")


@pytest.mark.parametrize("key", ["per_day", "per_day_squared", "per_move", "per_km", "per_hour"])
def test_policy_beyond_what_can_be_counted(key):
    assert refusal(json.dumps(changed(["policy", key], 10**12))).startswith("policy: one move")


def test_original_so_long_ago_that_costs_overflow():
    data = changed(["appointments", 0, "original"], "1900-01-01")
    data["policy"]["per_day_squared"] = 1000
    assert refusal(json.dumps(data)).startswith("policy: one move could cost ")


def test_largest_costs_that_can_be_counted_are_solved():
    data = changed(["policy"], {"per_move": 9 * 10**11, "reserve_share": 0})
    plan = solve(parse(json.dumps(data)))
    assert plan.tiers[-1].cost == 2 * (9 * 10**11 + 105)
    assert [decision.slot for decision in plan.decisions] == [2, 1, 2]


@pytest.mark.parametrize(
    ("key", "value"), [("horizon_days", 10**6), ("lead_hours", 10**9)], ids=lambda v: str(v)
)
def test_times_beyond_the_calendar(key, value):
    line = refusal(json.dumps(changed(["policy", key], value)))
    assert line.startswith(f"policy.{key}: must be at most ")


def test_nothing_to_plan():
    empty = scenario([], [])
    empty["centres"] = []
    assert solve(parse(json.dumps(empty))).decisions == ()
