"""Form parts that applicants meet on several pages."""

import datetime as dt
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

EARLIEST_YEAR = 1900


class HintedLabel(str):
    """The label of a choice with a second, quieter line: HintedLabel("Bhopal", hint="12 km").

    Choices of the same `group` that follow each other stand under one line with its words.
    """

    hint: str | Promise
    group: str

    def __new__(cls, label: str, hint: str | Promise = "", group: str = "") -> "HintedLabel":
        instance = super().__new__(cls, label)
        instance.hint = hint
        instance.group = group
        return instance


class DayMonthYearWidget(forms.MultiWidget):
    """Three short boxes. No calendar: nobody finds a birthday in one, screen readers least."""

    template_name = "office/widgets/day_month_year.html"

    def __init__(self, attrs: dict[str, Any] | None = None, *, birthday: bool = True) -> None:
        parts = ("day", "month", "year")
        super().__init__({part: _box(f"bday-{part}" if birthday else "off") for part in parts})
        self.attrs = dict(attrs or {})

    def decompress(self, value: dt.date | None) -> list[Any]:
        return [value.day, value.month, value.year] if value else [None, None, None]


def _box(autocomplete: str) -> forms.TextInput:
    return forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": autocomplete})


class DayMonthYearField(forms.Field):
    """A date typed as day, month and year; Western or Devanagari digits.

    `past_only` refuses a day after today (Indian date). Value: datetime.date or None.
    """

    widget = DayMonthYearWidget
    default_error_messages = {
        "required": _("Enter the date: day, month and year."),
        "no_day": _("Enter the day too, for example 23."),
        "no_month": _("Enter the month too, as a number from 1 to 12."),
        "no_year": _("Enter the year too, with four digits."),
        "not_numbers": _("Write day, month and year as numbers, for example 23 6 1985."),
        "short_year": _("Write the year with four digits, for example 1985."),
        "invalid": _("There is no such date. Check day and month."),
        "future": _("The date must not be after today."),
    }

    def __init__(self, *, past_only: bool = True, **kwargs: Any) -> None:
        self.past_only = past_only
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> dt.date | None:
        if value is None or isinstance(value, dt.date):
            return value
        parts = [str(part or "").strip() for part in value]
        if not any(parts):
            return None
        return self._date(*parts)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.to_python(data))
        except ValidationError:
            return True

    def _date(self, day: str, month: str, year: str) -> dt.date:
        for name, part in (("day", day), ("month", month), ("year", year)):
            if not part:
                raise self._error(f"no_{name}")
        if not all(part.isdecimal() and len(part) <= 4 for part in (day, month, year)):
            raise self._error("not_numbers")
        # int() reads the digits of every script, Devanagari among them.
        if int(year) < EARLIEST_YEAR:
            raise self._error("short_year")
        try:
            date = dt.date(int(year), int(month), int(day))
        except ValueError:
            raise self._error("invalid") from None
        if self.past_only and date > timezone.localdate():
            raise self._error("future")
        return date

    def _error(self, code: str) -> ValidationError:
        return ValidationError(self.error_messages[code], code=code)


class SubmitButton(Submit):
    """A button without the class names that crispy-forms brings along for Bootstrap."""

    field_classes = ""


def form_helper(
    *, submit: str | Promise, label_is_heading: bool = False, action: str = ""
) -> FormHelper:
    """Helper of a page with one form: its button says what happens.

    `label_is_heading`: a page of one question, whose label is the page's h1.
    """
    helper = FormHelper()
    helper.form_class = "form"
    helper.form_action = action
    helper.label_is_heading = label_is_heading
    helper.add_input(SubmitButton("submit", submit))
    return helper
