"""What was said about some matters, for the person whom they concern."""

from collections.abc import Collection
from typing import Any

from notifications.models import Message


def export(*, references: Collection[str]) -> list[dict[str, Any]]:
    """JSON-ready, oldest first, in one query. Codes and links are masked in what is kept.

    Without addresses: a message may have gone to a number of the register that is not theirs.
    """
    told = Message.objects.filter(reference__in=references).order_by("id")
    return [
        {
            "about": message.reference,
            "kind": message.kind,
            "channel": message.channel,
            "language": message.language,
            "state": message.state,
            "written_at": message.created_at,
            "sent_at": message.sent_at,
            "subject": message.subject,
            "text": message.body,
        }
        for message in told
    ]
