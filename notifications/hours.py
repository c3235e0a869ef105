"""When a message leaves that becomes due in quiet hours (quiet.py), for those who plan ahead."""

from datetime import datetime, timedelta

from notifications.dates import INDIA
from notifications.quiet import QUIET_FROM, QUIET_UNTIL, is_quiet

A_DAY = timedelta(days=1)


def leaves_at(due: datetime, rings_from: datetime) -> datetime:
    """When an SMS leaves that is due at a moment and may ring at night from another."""
    if not is_quiet(due) or rings_from <= due:
        return due
    return min(rings_from, _morning_after(due))


def evening_before(moment: datetime) -> datetime:
    """The last time before a moment at which quiet hours began."""
    local = moment.astimezone(INDIA)
    evening = datetime.combine(local.date(), QUIET_FROM, tzinfo=INDIA)
    return evening if evening <= local else evening - A_DAY


def _morning_after(moment: datetime) -> datetime:
    local = moment.astimezone(INDIA)
    morning = datetime.combine(local.date(), QUIET_UNTIL, tzinfo=INDIA)
    return morning if morning > local else morning + A_DAY
