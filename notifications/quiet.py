"""Quiet hours: between 21:00 and 08:00 in India no SMS leaves, unless its row says otherwise.

`quiet_ok_from` of a message says from when on it may leave in quiet hours too: at once for an
answer to one's own action, a set time before the visit for a message which cannot wait. Emails
wake nobody.
"""

from datetime import datetime, time

from django.db.models import Q

from notifications.dates import INDIA
from notifications.models import Channel, Message

QUIET_FROM = time(21)
QUIET_UNTIL = time(8)


def is_quiet(now: datetime) -> bool:
    """Whether it is night in India, when an SMS would wake people."""
    clock = now.astimezone(INDIA).time()
    return clock >= QUIET_FROM or clock < QUIET_UNTIL


def may_leave(message: Message, now: datetime) -> bool:
    """Whether the hour allows it. `allowed` says the same to the database."""
    if message.channel != Channel.SMS or not is_quiet(now):
        return True
    return message.quiet_ok_from is not None and message.quiet_ok_from <= now


def allowed(channel: str, now: datetime) -> Q:
    """Messages of that channel which the hour allows to leave."""
    if channel != Channel.SMS or not is_quiet(now):
        return Q()
    return Q(quiet_ok_from__lte=now)
