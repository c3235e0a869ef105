"""Dates and times in words, in Hindi and English, as people at a passport office read them.

Django's own Hindi catalogue is not used: it renders AM and PM alike and misspells four months
and a weekday. Digits are Western, as on the receipts. Moments are aware and shown in Indian time.
"""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

INDIA = ZoneInfo("Asia/Kolkata")


@dataclass(frozen=True)
class _Words:
    weekdays: tuple[str, ...]  # Monday first, as date.weekday() counts
    short_weekdays: tuple[str, ...]
    months: tuple[str, ...]


_HINDI = _Words(
    weekdays=("सोमवार", "मंगलवार", "बुधवार", "गुरुवार", "शुक्रवार", "शनिवार", "रविवार"),
    short_weekdays=("सोम", "मंगल", "बुध", "गुरु", "शुक्र", "शनि", "रवि"),
    months=(
        *("जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून"),
        *("जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"),
    ),
)
_ENGLISH = _Words(
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    short_weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
)
_WORDS = {"hi": _HINDI, "en": _ENGLISH}


def short_day(moment: dt.date | dt.datetime, language: str) -> str:
    """Write "शुक्र 26/12" or "Fri 26/12": day before month."""
    day = _day(moment)
    return f"{_words(language).short_weekdays[day.weekday()]} {day.day}/{day.month}"


def short_moment(moment: dt.datetime, language: str) -> str:
    """Write "शुक्र 26/12 12:15": as short_day, with a 24-hour clock."""
    return f"{short_day(moment, language)} {_local(moment):%H:%M}"


def dated_day(moment: dt.date | dt.datetime, language: str) -> str:
    """Write "शुक्र 26/12/2025" or "Fri 26/12/2025": as short_day, of what may be years ago."""
    return f"{short_day(moment, language)}/{_day(moment).year}"


def dated_moment(moment: dt.datetime, language: str) -> str:
    """Write "शुक्र 26/12/2025 12:15": as dated_day, with a 24-hour clock."""
    return f"{dated_day(moment, language)} {_local(moment):%H:%M}"


def weekday(moment: dt.date | dt.datetime, language: str) -> str:
    """Write "सोमवार" or "Monday"."""
    return _words(language).weekdays[_day(moment).weekday()]


def day_month(moment: dt.date | dt.datetime, language: str) -> str:
    """Write "23 जून" or "23 June"."""
    day = _day(moment)
    return f"{day.day} {_words(language).months[day.month - 1]}"


def long_day(moment: dt.date | dt.datetime, language: str) -> str:
    """Write "सोमवार, 23 जून 2025" or "Monday, 23 June 2025"."""
    day = _day(moment)
    return f"{weekday(day, language)}, {day_month(day, language)} {day.year}"


def clock(moment: dt.datetime, language: str) -> str:
    """Write "सुबह 10:15 बजे" or "10:15 am".

    Twelve o'clock is said in words in English, where "12:00 pm" is read both ways.
    """
    local = _local(moment)
    time = f"{local.hour % 12 or 12}:{local:%M}"
    if _words(language) is _HINDI:
        return f"{_hindi_part_of_day(local.hour)} {time} बजे"
    if time == "12:00":
        return f"{time} {'noon' if local.hour else 'midnight'}"
    return f"{time} {'am' if local.hour < 12 else 'pm'}"


def day_part(moment: dt.datetime, language: str) -> str:
    """Write "in the morning", "in the afternoon" or "in the evening".

    Nothing in Hindi, where `clock` names the part of the day, nor at noon, which it says in words.
    """
    local = _local(moment)
    if _words(language) is _HINDI or (local.hour, local.minute) == (12, 0):
        return ""
    if 5 <= local.hour < 12:
        return "in the morning"
    if 12 <= local.hour < 17:
        return "in the afternoon"
    return "in the evening" if 17 <= local.hour < 21 else "at night"


def long_moment(moment: dt.datetime, language: str) -> str:
    """Write "सोमवार, 23 जून 2025, सुबह 10:15 बजे" or "Monday, 23 June 2025, 10:15 am"."""
    return f"{long_day(moment, language)}, {clock(moment, language)}"


def _words(language: str) -> _Words:
    try:
        return _WORDS[language]
    except KeyError:
        raise ValueError(f"dates are written in {sorted(_WORDS)}, not {language!r}") from None


def _local(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment must carry its time zone")
    return moment.astimezone(INDIA)


def _day(moment: dt.date | dt.datetime) -> dt.date:
    # A datetime is a date too, so the wider question comes first.
    return _local(moment).date() if isinstance(moment, dt.datetime) else moment


def _hindi_part_of_day(hour: int) -> str:
    if 5 <= hour < 12:
        return "सुबह"
    if 12 <= hour < 16:
        return "दोपहर"
    if 16 <= hour < 20:
        return "शाम"
    return "रात"
