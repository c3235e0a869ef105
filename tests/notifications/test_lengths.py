"""No SMS costs more than its budget, at any centre, on any date, at any time.

Hindi: two parts, so 134 UTF-16 units. English: one part, so 160 septets of the GSM alphabet.
"""

import csv
import datetime as dt
import string
from collections.abc import Iterator
from functools import cache

import pytest
from django.conf import settings
from django.urls import reverse

from accounts.message_kinds import OTP
from appointments import message_kinds, tokens
from appointments.checks import LONGEST_LINK, check_link_length
from notifications import kinds
from notifications.dates import INDIA, short_day, short_moment
from notifications.models import Message
from notifications.render import render
from notifications.segments import Size, measure

HOST = "psk.example.in"
URL = f"{HOST}/AbCdEfGhIjK"
KINDS = [kind for kind in (*message_kinds.ALL, OTP) if kind.sms]
PREFIXES = ("POPSK ", "PSK ", "पीओपीएसके ", "पीएसके ")
# Moments of a message, beside the day `d` and `day`.
MOMENTS = ("dt", "by", "at", "since", "first")


def town(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


@cache
def towns(language: str) -> list[str]:
    path = settings.BASE_DIR / "data" / "centres_mp.csv"
    with path.open(encoding="utf-8") as file:
        return [town(row[f"name_{language}"]) for row in csv.DictReader(file)]


@cache
def moments() -> list[dt.datetime]:
    """Each weekday of each day of each month once: within 28 years all of them come.

    At an early, a noon and a late time in turn.
    """
    found: dict[tuple[int, int, int], dt.datetime] = {}
    day = dt.datetime(2026, 1, 1, tzinfo=INDIA)
    while len(found) < 7 * 366:
        hour = (9, 12, 16)[len(found) % 3]
        found.setdefault(
            (day.weekday(), day.day, day.month), day + dt.timedelta(hours=hour, minutes=45)
        )
        day += dt.timedelta(days=1)
    return list(found.values())


@cache
def of_each_length(language: str) -> list[dt.datetime]:
    """One of these moments for each length that any of them has as a day, and as a moment.

    What a text costs is the sum of its parts, so the others cost the same.
    """
    lengths = {
        (_size(short_day(moment, language)), _size(short_moment(moment, language))): moment
        for moment in moments()
    }
    return list(lengths.values())


def _size(text: str) -> tuple[str, int]:
    size = measure(text)
    return size.encoding, size.units


def values(language: str, place: str, moment: dt.datetime, by: dt.datetime) -> dict[str, object]:
    """The longest that each value may become, for a place and a moment."""
    return {
        "a4": "4821",
        "otp": "604917",
        "d": short_day(moment, language),
        "day": short_day(moment, language),
        **dict.fromkeys(MOMENTS, short_moment(moment, language)),
        "by": short_moment(by, language),
        "psk": place,
        "url": URL,
        "today": f"{HOST}{reverse('admin:index')}",
        "n": 3,
        "plan": 99999,
        "outage": 99999,
        **dict.fromkeys(("people", "moved", "waiting"), 999999),
        "gateway": "mobile seva",
    }


def words(kind: kinds.Kind, language: str, given: dict[str, object]) -> str:
    return render(Message(kind=kind.code, channel="sms", language=language, values=given)).text


def fields(kind: kinds.Kind, language: str) -> set[str]:
    parsed = string.Formatter().parse(kind.sms[language])
    return {name for _text, name, _spec, _conversion in parsed if name}


def texts(kind: kinds.Kind, language: str) -> Iterator[str]:
    """The kind at all centres and on all dates, as far as its text names them."""
    named = fields(kind, language)
    places = towns(language) if "psk" in named else towns(language)[:1]
    deadlines = of_each_length(language) if "by" in named else of_each_length(language)[:1]
    many = 999999 if kind in message_kinds.ALERTS else 99
    for place in places:
        for moment in of_each_length(language):
            for by in deadlines:
                given = values(language, place, moment, by)
                yield words(kind, language, {**given, "n": many})


def test_links_of_the_test_are_as_long_as_the_longest():
    assert len(URL) == LONGEST_LINK == 26
    assert len(URL.rpartition("/")[2]) == tokens.LENGTH


def test_all_centres_are_counted():
    assert len(towns("hi")) == len(towns("en")) == 26
    assert "नर्मदापुरम" in towns("hi")


@pytest.mark.parametrize("language", ["hi", "en"])
def test_all_dates_are_counted(language):
    assert len(moments()) == 7 * 366
    counted = {_size(short_moment(moment, language)) for moment in of_each_length(language)}
    assert counted == {_size(short_moment(moment, language)) for moment in moments()}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_hindi_sms_fits_two_parts(kind):
    for text in texts(kind, "hi"):
        size = measure(text)
        assert size.encoding == "UCS-2"
        assert size.units <= 134, text
        assert size.parts <= 2, text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_english_sms_fits_one_part(kind):
    for text in texts(kind, "en"):
        size = measure(text)
        assert size == Size("GSM-7", size.units, 1), text
        assert size.units <= 160, text


# Hindi, English: with the longest town, a visit on a Friday in December, a deadline the day before.
FILED = {
    "OTP": (96, 94),
    "HOLD": (131, 138),
    "STANDS": (88, 94),
    "MOVED_KEEP": (127, 136),
    "MOVED_ANSWER": (132, 136),
    "REMIND_ANSWER": (122, 125),
    "RELEASED": (121, 127),
    "NO_SEAT": (118, 118),
    "REPLACED": (130, 135),
    "EARLIER": (130, 140),
    "SEAT_FOUND": (119, 124),
    "CONFIRMED": (112, 111),
    "CANCELLED": (67, 84),
    "VISIT": (89, 89),
}


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.code in FILED], ids=lambda kind: kind.code
)
def test_lengths_are_those_that_were_counted_when_the_texts_were_filed(kind):
    visit = dt.datetime(2025, 12, 26, 12, 15, tzinfo=INDIA)
    longest = {"hi": "नर्मदापुरम", "en": "Narmadapuram"}
    counted = [
        measure(words(kind, language, values(language, place, visit, visit - dt.timedelta(1))))
        for language, place in longest.items()
    ]
    assert tuple(size.units for size in counted) == FILED[kind.code]


def test_every_kind_whose_length_was_counted_is_there():
    assert set(FILED) <= {kind.code for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_sms_has_at_most_five_values_and_says_the_same_in_both_languages(kind):
    hindi, english = (fields(kind, language) - {"brand"} for language in ("hi", "en"))
    assert hindi == english
    assert len(hindi) <= 5


def test_the_address_that_officers_read_is_no_longer_than_a_link():
    assert len(f"{HOST}{reverse('admin:index')}") <= len(URL)


@pytest.mark.parametrize(
    ("host", "brand", "fits"),
    [
        ("psk.example.in", "-PSKMP", True),
        ("psks.example.in", "-PSKMP", False),
        ("psks.example.in", "-PSKM", True),
        ("psk.example.in", "-PSKMPX", False),
    ],
)
def test_site_whose_name_is_too_long_for_the_texts_is_told_at_start_up(settings, host, brand, fits):
    settings.SITE_HOST, settings.SMS_BRAND = host, brand
    assert [found.id for found in check_link_length(None)] == (
        [] if fits else ["appointments.W003"]
    )
