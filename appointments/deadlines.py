"""Until when an offer may be answered (docs/architecture.md, The life of an outage)."""

from datetime import datetime, time, timedelta

from django.utils import timezone

DAYS_TO_ANSWER = timedelta(days=3)
BEFORE_VISIT = timedelta(hours=24)
LAST_MOMENT = timedelta(hours=2)
SHORTEST = timedelta(minutes=15)
WAKING_HOURS = timedelta(hours=6)
WAKES, SLEEPS = time(8), time(21)


def after_waking_time(start: datetime, length: timedelta) -> datetime:
    """The moment at which `length` of waking time (08:00-21:00, local) has passed since start."""
    at = timezone.localtime(start)
    left = length
    while True:
        wakes = at.replace(hour=WAKES.hour, minute=0, second=0, microsecond=0)
        sleeps = at.replace(hour=SLEEPS.hour, minute=0, second=0, microsecond=0)
        at = max(at, wakes)
        awake = max(sleeps - at, timedelta(0))
        if left <= awake:
            return at + left
        left -= awake
        at = wakes + timedelta(days=1)


def answer_deadline(*, live_at: datetime, visit_at: datetime) -> datetime:
    """Three days, at most until 24 h before the visit, at least six waking hours; if the visit is
    sooner than that, until two hours before it.

    An office that plans without notice (lead_hours below three) still leaves SHORTEST to answer.
    """
    wanted = min(live_at + DAYS_TO_ANSWER, visit_at - BEFORE_VISIT)
    fair = max(wanted, after_waking_time(live_at, WAKING_HOURS))
    return max(min(fair, visit_at - LAST_MOMENT), live_at + SHORTEST)
