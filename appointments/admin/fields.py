"""Form parts of the officers' pages: days and times in native inputs, Indian time."""

from datetime import date, datetime, time
from typing import Any

from django import forms

from notifications.dates import INDIA


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%Y-%m-%d", **kwargs)


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%H:%M", **kwargs)


def day_field(label: str, **kwargs: Any) -> forms.DateField:
    errors = {"required": "Give the date.", "invalid": "Give a date, such as 2026-03-24."}
    return forms.DateField(label=label, widget=DayInput(), error_messages=errors, **kwargs)


def clock_field(label: str, **kwargs: Any) -> forms.TimeField:
    errors = {"required": "Give the time.", "invalid": "Give a time, such as 14:30."}
    return forms.TimeField(label=label, widget=ClockInput(), error_messages=errors, **kwargs)


def moment_of(day: date | None, clock: time | None) -> datetime | None:
    """The moment by the Indian clock, if both parts are there."""
    return datetime.combine(day, clock, tzinfo=INDIA) if day and clock else None
