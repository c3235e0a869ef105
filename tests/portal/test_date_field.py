"""The three-box date: what people type, and what they are told."""

import datetime as dt

import pytest
import time_machine
from django import forms
from django.utils import translation

from accounts.fields import DayMonthYearField


class BirthForm(forms.Form):
    born = DayMonthYearField()


def answer(day: str, month: str, year: str) -> BirthForm:
    return BirthForm({"born_day": day, "born_month": month, "born_year": year})


def error(day: str, month: str, year: str) -> str:
    with translation.override("en"):
        return str(answer(day, month, year).errors["born"][0])


def test_western_digits_are_read():
    form = answer("7", "06", " 1985 ")
    assert form.is_valid()
    assert form.cleaned_data["born"] == dt.date(1985, 6, 7)


def test_devanagari_digits_are_read():
    form = answer("२३", "६", "१९८५")
    assert form.is_valid()
    assert form.cleaned_data["born"] == dt.date(1985, 6, 23)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (("", "", ""), "Enter the date: day, month and year."),
        (("", "6", "1985"), "Enter the day too, for example 23."),
        (("23", "", "1985"), "Enter the month too, as a number from 1 to 12."),
        (("23", "6", ""), "Enter the year too, with four digits."),
        (("23", "June", "1985"), "Write day, month and year as numbers, for example 23 6 1985."),
        (("-3", "6", "1985"), "Write day, month and year as numbers, for example 23 6 1985."),
        (("²", "6", "1985"), "Write day, month and year as numbers, for example 23 6 1985."),
        (("23", "6", "99999"), "Write day, month and year as numbers, for example 23 6 1985."),
        (("23", "6", "85"), "Write the year with four digits, for example 1985."),
        (("31", "2", "1985"), "There is no such date. Check day and month."),
        (("1", "13", "1985"), "There is no such date. Check day and month."),
    ],
)
def test_wrong_date_is_answered_with_what_to_mend(parts: tuple[str, str, str], says: str):
    assert error(*parts) == says


@time_machine.travel("2025-06-22T20:00:00+00:00", tick=False)
def test_today_is_the_indian_day():
    # 20:00 UTC is half past one in the morning of the 23rd in India.
    assert answer("23", "6", "2025").is_valid()
    assert error("24", "6", "2025") == "The date must not be after today."


def test_date_to_come_is_read_where_it_may_be_one():
    class TravelForm(forms.Form):
        on = DayMonthYearField(past_only=False)

    form = TravelForm({"on_day": "1", "on_month": "1", "on_year": "2999"})
    assert form.is_valid()


def test_optional_date_left_empty_is_none():
    class Optional(forms.Form):
        on = DayMonthYearField(required=False)

    form = Optional({"on_day": "", "on_month": "", "on_year": ""})
    assert form.is_valid()
    assert form.cleaned_data["on"] is None


def test_what_was_typed_comes_back_with_the_error():
    html = str(answer("31", "2", "1985")["born"])
    for typed in ('value="31"', 'value="2"', 'value="1985"'):
        assert typed in html


def test_errors_are_said_in_hindi_too():
    with translation.override("hi"):
        assert str(answer("31", "2", "1985").errors["born"][0]).startswith("ऐसी कोई तिथि नहीं है")


def test_change_is_seen_by_value_not_by_spelling():
    field = DayMonthYearField()
    born = dt.date(1985, 6, 7)
    assert not field.has_changed(born, ["07", "6", "१९८५"])
    assert field.has_changed(born, ["8", "6", "1985"])
    assert field.has_changed(born, ["31", "2", "1985"])
