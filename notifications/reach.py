"""Notices that no channel could bring to their person, and what has arrived after all.

Whoever knows the matter behind a reference ("appointment:17") may call that person. `NotReached`
rows are written by the fallback, and cleared here once somebody has heard of it otherwise; what a
receipt, a gateway or a decision tells of a message clears its notice (missed.py).
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import BigIntegerField, Max, QuerySet
from django.db.models.functions import Cast, Substr

from notifications import missed
from notifications.fallback import HOPED_FOR
from notifications.models import Message, NotReached

# References in one statement.
CHUNK = 2000


def open_ones() -> QuerySet[NotReached]:
    """Notices that nobody has heard of yet, the most urgent first."""
    return NotReached.objects.filter(cleared_at__isnull=True).order_by("urgent_by", "pk")


def numbers(prefix: str) -> QuerySet[NotReached, int]:
    """The numbers N of open references "<prefix>:N", as a subquery."""
    behind = len(prefix) + 2  # after the colon; SQL counts from 1
    return (
        NotReached.objects.filter(
            cleared_at__isnull=True, reference__regex=rf"^{prefix}:[0-9]{{1,18}}$"
        )
        .annotate(number=Cast(Substr("reference", behind), BigIntegerField()))
        .values_list("number", flat=True)
    )


def about(references: Collection[str]) -> dict[str, list[NotReached]]:
    """Open notices of these references, each reference's most urgent first; none: not named."""
    found: dict[str, list[NotReached]] = defaultdict(list)
    for part in _parts(references):
        for row in open_ones().filter(reference__in=part):
            found[row.reference].append(row)
    return dict(found)


def arrived(references: Collection[str]) -> dict[str, datetime]:
    """Reference -> when the newest message about it that is known to have arrived was written.

    Whatever was true when it was written, the person has been told.
    """
    written: dict[str, datetime] = {}
    for part in _parts(references):
        delivered = Message.objects.filter(reference__in=part, state=Message.State.DELIVERED)
        written.update(delivered.values_list("reference").annotate(Max("created_at")).order_by())
    return written


def hopeful(references: Collection[str]) -> dict[str, set[tuple[str, str]]]:
    """Reference -> (kind, batch) of the messages about it that have arrived, or still may."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for part in _parts(references):
        rows = Message.objects.filter(HOPED_FOR, reference__in=part)
        for reference, kind, batch in rows.values_list("reference", "kind", "batch"):
            found[reference].add((kind, batch))
    return found


def clear(*, now: datetime, references: Collection[str]) -> int:
    """The people of these references have heard of it all; returns how many notices that clears.

    Again: changes nothing, the first moment stays.
    """
    with transaction.atomic():
        return sum(
            missed.clear_rows(NotReached.objects.filter(reference__in=part), at=now)
            for part in _parts(references)
        )


def _parts(values: Collection[str]) -> list[list[str]]:
    """Without empty ones: "" is the reference of all that have none."""
    ordered = sorted({value for value in values if value})
    return [ordered[at : at + CHUNK] for at in range(0, len(ordered), CHUNK)]
