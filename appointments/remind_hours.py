"""The hours in which people are reminded of their visit: 18:00 to 20:00 in India."""

from datetime import date, datetime, time

from notifications.dates import INDIA

OPENS, CLOSES = time(18), time(20)


def contain(now: datetime) -> bool:
    return OPENS <= now.astimezone(INDIA).time() < CLOSES


def opening(day: date) -> datetime:
    return datetime.combine(day, OPENS, tzinfo=INDIA)


def closing(day: date) -> datetime:
    """No reminder of that evening leaves from this moment on."""
    return datetime.combine(day, CLOSES, tzinfo=INDIA)
