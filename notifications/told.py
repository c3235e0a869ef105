"""What has been said about a matter, or is about to be: for those who decide what else to say."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, QuerySet
from django.db.models.functions import Cast, Substr

from notifications.models import Channel, Message

CHUNK = 500


@dataclass
class Told:
    """Messages about one matter: is there one that holds, and how many were taken back in time."""

    holds: bool = False
    taken_back: int = 0


def in_batch(batch: str) -> dict[str, Told]:
    """Reference -> what a batch says about it."""
    found: dict[str, Told] = defaultdict(Told)
    for reference, state in Message.objects.filter(batch=batch).values_list("reference", "state"):
        if state == Message.State.CANCELLED:
            found[reference].taken_back += 1
        else:
            found[reference].holds = True
    return dict(found)


def numbers_taken_back(
    prefix: str, *, batches: Collection[str], kinds: Collection[str]
) -> QuerySet[Message, int]:
    """The numbers N of references "<prefix>:N" about which a message of these batches was taken
    back, as a subquery.
    """
    taken_back = Message.objects.filter(
        batch__in=batches,
        kind__in=kinds,
        state=Message.State.CANCELLED,
        reference__regex=rf"^{prefix}:[0-9]{{1,18}}$",
    )
    behind = len(prefix) + 2  # after the colon; SQL counts from 1
    number = Cast(Substr("reference", behind), BigIntegerField())
    return taken_back.annotate(number=number).values_list("number", flat=True)


def holding(kinds: Collection[str]) -> QuerySet[Message]:
    """Messages of these kinds that were not taken back: whatever became of them."""
    return Message.objects.filter(kind__in=kinds).exclude(state=Message.State.CANCELLED)


def beside(
    message: Message, *, references: Collection[str], kinds: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Reference -> (kind, notice) of the email about it that says the same as this message.

    One event wrote both. `kinds`: what says the same; the event may have said other things too.
    """
    emails = Message.objects.filter(
        reference__in=references,
        kind__in=kinds,
        batch=message.batch,
        created_at=message.created_at,
        channel=Channel.EMAIL,
    )
    rows = emails.values_list("reference", "kind", "notice")
    return {reference: (kind, notice) for reference, kind, notice in rows}


def told_since(*, kinds: Collection[str], references: Collection[str], since: datetime) -> set[str]:
    """About which of these matters a message of such a kind was written since, and holds."""
    ordered, found = sorted(references), set[str]()
    for at in range(0, len(ordered), CHUNK):
        written = Message.objects.filter(
            reference__in=ordered[at : at + CHUNK], kind__in=kinds, created_at__gte=since
        ).exclude(state=Message.State.CANCELLED)
        found.update(written.values_list("reference", flat=True))
    return found
