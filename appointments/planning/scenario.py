"""Scenario files: a planning problem as JSON, to and fro. Format: docs/planning.md.

Whatever is wrong in a file raises ScenarioError, naming the place: `appointments[17].slot`.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, TypeVar

from appointments.planning import values
from appointments.planning.checks import check, check_policy
from appointments.planning.errors import ScenarioError
from appointments.planning.problem import (
    QUOTAS,
    SERVICES,
    TIERS,
    Centre,
    Person,
    Policy,
    Problem,
    Slot,
)

T = TypeVar("T")

# Where a JSON object keeps the name of a key it had twice; no key of JSON is None.
_REPEATED = None
_MOST_DIGITS = 100


def parse(data: bytes | str) -> Problem:
    """The problem in a scenario file, checked; raises ScenarioError at the first thing wrong."""
    root = _Object("scenario", _load(data), prefix="")
    problem = Problem(
        now=root.get("now", values.moment),
        policy=parse_policy(root.value.get("policy", {})),
        centres=tuple(_centre(item) for item in root.items("centres")),
        slots=tuple(_slot(item) for item in root.items("slots")),
        people=tuple(_person(item) for item in root.items("appointments")),
    )
    check(problem)
    return problem


def parse_policy(value: object, place: str = "policy") -> Policy:
    """A policy from plain values (a scenario file's or a JSON column's); missing keys default."""
    source = _Object(place, value)
    known = {field.name for field in fields(Policy)}
    for key in source.value:
        if key not in known:
            raise ScenarioError(place, f"unknown key {values.show(key)}")
    given: dict[str, Any] = {
        key: source.get(key, values.share if key == "reserve_share" else values.whole)
        for key in source.value
    }
    policy = Policy(**given)
    check_policy(policy, place)
    return policy


def policy_as_json(policy: Policy) -> dict[str, int | float]:
    """Plain values from which `parse_policy` makes an equal policy."""
    return {
        field.name: float(value) if isinstance(value, Fraction) else value
        for field in fields(policy)
        for value in [getattr(policy, field.name)]
    }


def dump(problem: Problem) -> bytes:
    """A scenario file from which `parse` makes an equal problem."""
    return json.dumps(
        {
            "now": problem.now.isoformat(),
            "policy": policy_as_json(problem.policy),
            "centres": [_plain(centre) for centre in problem.centres],
            "slots": [_plain(slot) for slot in problem.slots],
            "appointments": [_plain(person) for person in problem.people],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def _plain(row: Centre | Slot | Person) -> dict[str, Any]:
    plain = {field.name: getattr(row, field.name) for field in fields(row)}
    return {
        key: value.isoformat() if hasattr(value, "isoformat") else value
        for key, value in plain.items()
    }


def _centre(source: "_Object") -> Centre:
    return Centre(
        code=source.get("code", values.text),
        region=source.get("region", values.text),
        lat=source.get("lat", values.degrees(90)),
        lon=source.get("lon", values.degrees(180)),
    )


def _slot(source: "_Object") -> Slot:
    return Slot(
        id=source.get("id", values.identity),
        centre=source.get("centre", values.text),
        quota=source.get("quota", values.one_of(QUOTAS)),
        start=source.get("start", values.moment),
        seats=source.get("seats", values.whole),
        closed=source.get("closed", values.whole),
        taken=source.get("taken", values.whole),
    )


def _person(source: "_Object") -> Person:
    return Person(
        arn=source.get("arn", values.text),
        slot=source.get("slot", values.identity),
        service=source.get("service", values.one_of(SERVICES)),
        tier=source.get("tier", values.one_of(TIERS)),
        booked_at=source.get("booked_at", values.moment),
        travel_date=source.get("travel_date", values.nullable(values.day)),
        moved_before=source.get("moved_before", values.whole),
        original=source.get("original", values.nullable(values.day)),
    )


class _Object:
    """A JSON object and its place in the file."""

    def __init__(self, place: str, value: object, prefix: str | None = None) -> None:
        self.prefix = f"{place}." if prefix is None else prefix
        if not isinstance(value, Mapping):
            raise ScenarioError(place, f"must be an object, not {values.show(value)}")
        if _REPEATED in value:
            raise ScenarioError(
                place, f"the key {values.show(value[_REPEATED])} stands there twice"
            )
        self.value: Mapping[str, Any] = value

    def get(self, key: str, read: Callable[[Any], T]) -> T:
        if key not in self.value:
            raise ScenarioError(self.prefix + key, "is missing")
        try:
            return read(self.value[key])
        except ValueError as error:
            raise ScenarioError(self.prefix + key, str(error)) from None

    def items(self, key: str) -> list["_Object"]:
        """The objects of the list under `key`."""
        found = self.get(key, _list)
        return [_Object(f"{self.prefix}{key}[{index}]", item) for index, item in enumerate(found)]


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"must be a list, not {values.show(value)}")
    return value


def _load(data: bytes | str) -> object:
    try:
        return json.loads(
            data, parse_int=_int, parse_float=_exact, object_pairs_hook=_noting_repeats
        )
    except json.JSONDecodeError as error:
        raise ScenarioError(
            f"line {error.lineno} column {error.colno}", f"not JSON: {error.msg}"
        ) from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"byte {error.start}", "not JSON: not UTF-8 text") from None
    except RecursionError:
        raise ScenarioError("scenario", "not a scenario: nested too deeply") from None


def _int(text: str) -> int | Decimal:
    # Python refuses to convert thousands of digits; a Decimal is refused where it is used.
    return int(text) if len(text) <= _MOST_DIGITS else Decimal("Infinity")


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal holds
        return Decimal("NaN")


def _noting_repeats(pairs: list[tuple[str, object]]) -> dict[str | None, object]:
    result: dict[str | None, object] = dict(pairs)
    if len(result) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        result[_REPEATED] = next(key for key, count in counts.items() if count > 1)
    return result
