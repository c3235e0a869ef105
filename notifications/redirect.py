"""Where a notice would go on the other channel, when that address changes."""

from django.db import transaction

from notifications.models import Message


def redirect_other(*, reference: str, channel: str, address: str) -> int:
    """Let messages of `channel` about a matter fall back to another address; how many changed.

    "": to none, because there is no such address any more, or its owner wants nothing there. Those
    that never had another address stay so: what is sent on both channels needs none.
    """
    with transaction.atomic():
        waiting = Message.objects.filter(
            reference=reference, channel=channel, followed_up_at__isnull=True
        ).exclude(other_address__in=["", address])
        ids = list(waiting.order_by("id").select_for_update().values_list("id", flat=True))
        return Message.objects.filter(id__in=ids).update(other_address=address)
