"""When a notice that no channel could bring has reached its person after all.

It has when a receipt says so, when an officer does, or when a gateway that sends no receipts takes
one of its messages: more will never be known of that one. What a gateway that reports has taken may
still be lost; its receipt is waited for.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from notifications.models import NotReached


def clear(notices: Iterable[str], *, at: datetime) -> None:
    """Take these notices off the list of those not reached. Part of the caller's transaction."""
    clear_rows(NotReached.objects.filter(notice__in={each for each in notices if each}), at=at)


def clear_rows(rows: QuerySet[NotReached], *, at: datetime) -> int:
    """Take off the list what of these stands there; returns how many. In a transaction, as above.

    What was cleared before keeps its moment.
    """
    waiting = rows.filter(cleared_at__isnull=True)
    # Held fast in one order everywhere: who clears the same waits, and does not deadlock.
    ids = list(waiting.order_by("id").select_for_update().values_list("id", flat=True))
    return NotReached.objects.filter(id__in=ids).update(cleared_at=at) if ids else 0
