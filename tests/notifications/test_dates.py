"""Dates in words: the traps are Django's own Hindi catalogue, time zones and twelve o'clock."""

import datetime as dt

import pytest
from django.template import Context, Template
from django.utils import translation

from notifications import dates

UTC = dt.UTC


def india(hour: int, minute: int = 0, day: int = 23) -> dt.datetime:
    return dt.datetime(2025, 6, day, hour, minute, tzinfo=dates.INDIA)


def test_long_moment_is_written_in_full_in_both_languages():
    assert dates.long_moment(india(10, 15), "hi") == "सोमवार, 23 जून 2025, सुबह 10:15 बजे"
    assert dates.long_moment(india(10, 15), "en") == "Monday, 23 June 2025, 10:15 am"


def test_short_forms_put_the_day_before_the_month_and_use_a_24_hour_clock():
    moment = dt.datetime(2025, 12, 26, 12, 15, tzinfo=dates.INDIA)
    assert dates.short_day(moment, "hi") == "शुक्र 26/12"
    assert dates.short_moment(moment, "hi") == "शुक्र 26/12 12:15"
    assert dates.short_moment(moment, "en") == "Fri 26/12 12:15"
    assert dates.short_moment(india(9, 5), "en") == "Mon 23/6 09:05"


def test_utc_moment_is_shown_on_the_indian_day_and_clock():
    late_sunday_in_london = dt.datetime(2025, 6, 22, 18, 45, tzinfo=UTC)
    assert dates.long_moment(late_sunday_in_london, "hi") == "सोमवार, 23 जून 2025, रात 12:15 बजे"
    assert dates.weekday(late_sunday_in_london, "en") == "Monday"
    assert dates.short_day(late_sunday_in_london, "hi") == "सोम 23/6"
    assert dates.day_month(late_sunday_in_london, "hi") == "23 जून"


@pytest.mark.parametrize(
    ("hour", "minute", "hindi", "english"),
    [
        (0, 0, "रात 12:00 बजे", "12:00 midnight"),
        (0, 1, "रात 12:01 बजे", "12:01 am"),
        (4, 59, "रात 4:59 बजे", "4:59 am"),
        (5, 0, "सुबह 5:00 बजे", "5:00 am"),
        (11, 59, "सुबह 11:59 बजे", "11:59 am"),
        (12, 0, "दोपहर 12:00 बजे", "12:00 noon"),
        (12, 15, "दोपहर 12:15 बजे", "12:15 pm"),
        (15, 59, "दोपहर 3:59 बजे", "3:59 pm"),
        (16, 0, "शाम 4:00 बजे", "4:00 pm"),
        (19, 59, "शाम 7:59 बजे", "7:59 pm"),
        (20, 0, "रात 8:00 बजे", "8:00 pm"),
        (23, 59, "रात 11:59 बजे", "11:59 pm"),
    ],
)
def test_clock_names_the_part_of_the_day(hour, minute, hindi, english):
    assert dates.clock(india(hour, minute), "hi") == hindi
    assert dates.clock(india(hour, minute), "en") == english


def test_hindi_months_and_weekdays_are_spelled_as_people_write_them():
    months = [dates.day_month(dt.date(2025, month, 1), "hi") for month in range(1, 13)]
    assert months == [
        *("1 जनवरी", "1 फ़रवरी", "1 मार्च", "1 अप्रैल", "1 मई", "1 जून"),
        *("1 जुलाई", "1 अगस्त", "1 सितंबर", "1 अक्टूबर", "1 नवंबर", "1 दिसंबर"),
    ]
    week = [dates.weekday(dt.date(2025, 6, 23 + day), "hi") for day in range(7)]
    assert week == ["सोमवार", "मंगलवार", "बुधवार", "गुरुवार", "शुक्रवार", "शनिवार", "रविवार"]


def test_plain_date_has_no_time_zone_to_shift_it():
    assert dates.long_day(dt.date(2025, 6, 23), "en") == "Monday, 23 June 2025"


def test_moment_without_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        dates.clock(dt.datetime(2025, 6, 23, 10, 15), "hi")


def test_other_language_is_refused():
    with pytest.raises(ValueError, match="not 'fr'"):
        dates.long_day(dt.date(2025, 6, 23), "fr")


FILTERS = [
    ("short_day", "सोम 23/6", "Mon 23/6"),
    ("short_moment", "सोम 23/6 10:15", "Mon 23/6 10:15"),
    ("dated_day", "सोम 23/6/2025", "Mon 23/6/2025"),
    ("dated_moment", "सोम 23/6/2025 10:15", "Mon 23/6/2025 10:15"),
    ("weekday", "सोमवार", "Monday"),
    ("day_month", "23 जून", "23 June"),
    ("long_day", "सोमवार, 23 जून 2025", "Monday, 23 June 2025"),
    ("clock", "सुबह 10:15 बजे", "10:15 am"),
    ("long_moment", "सोमवार, 23 जून 2025, सुबह 10:15 बजे", "Monday, 23 June 2025, 10:15 am"),
]


def render(filter_: str, moment: dt.datetime | None) -> str:
    source = "{% load moments %}{{ moment|" + filter_ + " }}"
    return Template(source).render(Context({"moment": moment}))


@pytest.mark.parametrize(("name", "hindi", "english"), FILTERS)
def test_filter_follows_the_active_language_unless_one_is_named(name, hindi, english):
    moment = india(10, 15).astimezone(UTC)
    with translation.override("hi"):
        assert render(name, moment) == hindi
        assert render(f'{name}:"en"', moment) == english
    with translation.override("en-gb"):
        assert render(name, moment) == english
    with translation.override(None):
        assert render(name, moment) == hindi


@pytest.mark.parametrize("name", [name for name, _, _ in FILTERS])
def test_filter_writes_nothing_for_an_absent_moment(name):
    assert render(name, None) == ""
