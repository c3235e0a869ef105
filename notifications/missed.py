"""When a notice that no channel could bring has reached its person after all.

It has when a receipt says so, when an officer does, or when a gateway that sends no receipts takes
one of its messages: more will never be known of that one. What a gateway that reports has taken may
still be lost; its receipt is waited for.
"""

from collections.abc import Iterable
from datetime import datetime

from notifications.models import NotReached


def clear(notices: Iterable[str], *, at: datetime) -> None:
    """Take these notices off the list of those not reached. Part of the caller's transaction."""
    missed = NotReached.objects.filter(
        notice__in={notice for notice in notices if notice}, cleared_at__isnull=True
    )
    # Held fast in one order: two windows may hold messages of the same notices.
    ids = list(missed.order_by("id").select_for_update().values_list("id", flat=True))
    if ids:
        NotReached.objects.filter(id__in=ids).update(cleared_at=at)
