"""Single values of a scenario file: each function returns the value or raises ValueError."""

import json
import re
import unicodedata
from collections.abc import Callable, Collection
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from appointments.planning.problem import LOCAL_ZONE

T = TypeVar("T")

LARGEST_NUMBER = 10**12
LARGEST_ID = 2**63 - 1
LONGEST_TEXT = 80
_DECIMAL_PLACES = 100
# Control characters, line ends, halves of surrogate pairs: none can stand in a one-line message.
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
_YEARS = range(1900, 3000)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.]\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


def show(value: Any) -> str:
    """A value as it stood in the file, on one line and not too long."""
    text = str(value) if isinstance(value, Decimal | float) else json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."


def whole(value: Any, largest: int = LARGEST_NUMBER) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"must be a whole number, not {show(value)}")
    if value < 0:
        raise ValueError(f"must not be negative, but is {show(value)}")
    if value > largest:
        raise ValueError(f"must be at most {largest}")
    return value


def identity(value: Any) -> int:
    return whole(value, LARGEST_ID)


def decimal(value: Any) -> Decimal:
    """Exactly the number written; a binary float counts as the decimal it is shown as."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"must be a number, not {show(value)}")
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise ValueError(f"must be a number, not {show(value)}")
    return number


def share(value: Any) -> Fraction:
    number = decimal(value)
    if not 0 <= number <= 1:
        raise ValueError(f"must be from 0 to 1, but is {show(value)}")
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _DECIMAL_PLACES:
        raise ValueError(f"must have at most {_DECIMAL_PLACES} decimal places")
    return Fraction(number)


def degrees(limit: int) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        number = decimal(value)
        if abs(number) > limit:
            raise ValueError(f"must be from -{limit} to {limit}, but is {show(value)}")
        return float(number)

    return read


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a text, not {show(value)}")
    if not value.strip() or any(unicodedata.category(letter) in _UNPRINTABLE for letter in value):
        raise ValueError(f"must be a printable text, not {show(value)}")
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"must have at most {LONGEST_TEXT} characters")
    return value


def one_of(allowed: Collection[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {show(value)}")
        return value

    return read


def day(value: Any) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError(f"must be a date such as 2025-06-23, not {show(value)}")
    try:
        result = date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"there is no date {value}") from None
    _check_year(result)
    return result


def moment(value: Any) -> datetime:
    """Aware; without an offset in the file it is Asia/Kolkata."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError(f"must be a time such as 2025-06-23T09:30, not {show(value)}")
    try:
        result = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"there is no time {value}") from None
    _check_year(result)
    return result if result.tzinfo else result.replace(tzinfo=LOCAL_ZONE)


def _check_year(value: date) -> None:
    if value.year not in _YEARS:
        raise ValueError(f"the year must be from {_YEARS[0]} to {_YEARS[-1]}")


def nullable(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else read(value)
