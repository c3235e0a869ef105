"""Until when an offer may be answered (docs/architecture.md, The life of an outage)."""

from datetime import datetime, timedelta

from django.utils import timezone

from notifications.quiet import QUIET_FROM, QUIET_UNTIL

DAYS_TO_ANSWER = timedelta(days=3)
BEFORE_VISIT = timedelta(hours=24)
LAST_MOMENT = timedelta(hours=2)
SHORTEST = timedelta(minutes=15)
WAKING_HOURS = timedelta(hours=6)


def after_waking_time(start: datetime, length: timedelta) -> datetime:
    """The moment at which `length` of waking time has passed since start.

    Awake is who may be told: all hours but the quiet ones, in which no SMS leaves.
    """
    at = timezone.localtime(start)
    left = length
    while True:
        wakes = datetime.combine(at.date(), QUIET_UNTIL, tzinfo=at.tzinfo)
        sleeps = datetime.combine(at.date(), QUIET_FROM, tzinfo=at.tzinfo)
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
