"""No SMS costs more than its budget, at any centre, on any date, at any time.

Hindi: two parts, so 134 UTF-16 units. English: one part, so 160 septets of the GSM alphabet.
"""

import csv
import datetime as dt

import pytest
from django.conf import settings

from accounts.message_kinds import OTP
from appointments import message_kinds
from notifications import kinds
from notifications.dates import INDIA, short_day, short_moment
from notifications.models import Message
from notifications.render import render
from notifications.segments import Size, measure

URL = "passport.example/AbCdEfGhI"
KINDS = [kind for kind in (*message_kinds.ALL, OTP) if kind.sms]
PREFIXES = ("POPSK ", "PSK ", "पीओपीएसके ", "पीएसके ")


def town(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def towns(language: str) -> list[str]:
    path = settings.BASE_DIR / "data" / "centres_mp.csv"
    with path.open(encoding="utf-8") as file:
        return [town(row[f"name_{language}"]) for row in csv.DictReader(file)]


def moments() -> list[dt.datetime]:
    """Every day of a year, at an early, a two-digit and a late time in turn."""
    first = dt.datetime(2026, 1, 1, tzinfo=INDIA)
    hours = (9, 12, 16)
    return [first + dt.timedelta(days=day, hours=hours[day % 3], minutes=45) for day in range(365)]


def words(kind: kinds.Kind, language: str, place: str, moment: dt.datetime) -> str:
    values = {
        "a4": "4821",
        "otp": "604917",
        "d": short_day(moment, language),
        "dt": short_moment(moment, language),
        "by": short_moment(moment - dt.timedelta(days=1), language),
        "psk": place,
        "url": URL,
        "n": 3,
    }
    return render(Message(kind=kind.code, channel="sms", language=language, values=values)).text


def test_links_of_the_test_are_as_long_as_the_longest():
    assert len(URL) == 26


def test_all_centres_are_counted():
    assert len(towns("hi")) == len(towns("en")) == 26
    assert "नर्मदापुरम" in towns("hi")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_hindi_sms_fits_two_parts(kind):
    for place in towns("hi"):
        for moment in moments():
            size = measure(words(kind, "hi", place, moment))
            assert size.encoding == "UCS-2"
            assert size.units <= 134, (place, moment)
            assert size.parts <= 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_english_sms_fits_one_part(kind):
    for place in towns("en"):
        for moment in moments():
            text = words(kind, "en", place, moment)
            size = measure(text)
            assert size == Size("GSM-7", size.units, 1), text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_sms_has_at_most_five_values_and_says_the_same_in_both_languages(kind):
    fields = {language: text.count("{") - 1 for language, text in kind.sms.items()}  # less {brand}
    assert fields["hi"] == fields["en"] <= 5
