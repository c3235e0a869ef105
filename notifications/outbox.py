"""Say that something is to be said: the only way other apps write to the outbox.

A caller enqueues inside the transaction of the change itself, so that the change and the words
about it are committed together or not at all. Nothing is sent here.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from notifications import kinds, nudge
from notifications.models import Channel, Message

CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One message to be. ValueError says what would make it unsendable.

    `dedupe_key`: what changed, recipient, channel, purpose; a second draft with the same key is
    dropped for good. `urgent_by`: the moment it is about; soonest leaves first. `send_after`: not
    before (default: now). `quiet_ok_from`: see quiet.py. `expires_at`: end of life; after it the
    message is never sent. A value whose key ends in `_at` is an ISO 8601 moment with its zone.
    """

    kind: str
    channel: str
    address: str
    language: str
    values: dict[str, Any] = field(repr=False)
    dedupe_key: str
    reference: str = ""
    batch: str = ""
    urgent_by: datetime
    send_after: datetime | None = None
    quiet_ok_from: datetime | None = None
    expires_at: datetime

    def __post_init__(self) -> None:
        # SQLite's INSERT OR IGNORE would drop a row which breaks any constraint without a word.
        for wrong, why in (
            (self.channel not in Channel.values, f"no channel {self.channel!r}"),
            (self.language not in kinds.LANGUAGES, f"no language {self.language!r}"),
            (not self.address or len(self.address) > 254, "no address, or too long a one"),
            (not self.dedupe_key or len(self.dedupe_key) > 120, "dedupe_key of 1 to 120 letters"),
            (len(self.reference) > 60 or len(self.batch) > 60, "reference or batch too long"),
            (any(_is_naive(moment) for moment in self._moments()), "a moment has no time zone"),
        ):
            if wrong:
                raise ValueError(f"{self.kind}: {why}")
        if not kinds.get(self.kind).speaks(self.channel):
            raise ValueError(f"{self.kind} has no words for {self.channel}")

    def _moments(self) -> tuple[datetime | None, ...]:
        return self.urgent_by, self.send_after, self.quiet_ok_from, self.expires_at


def enqueue(drafts: Iterable[Draft], *, now: datetime) -> int:
    """Write the messages of a change, in the caller's transaction.

    Returns how many are new: a draft whose dedupe key exists is dropped. Workers are nudged once
    per channel after the commit; without a broker the sweeper finds the rows.
    """
    # In one order everywhere, so that two changes with keys in common wait, not deadlock.
    rows = sorted((_row(draft, now) for draft in drafts), key=lambda row: row.dedupe_key)
    with transaction.atomic():
        written = sum(_insert(rows[at : at + CHUNK]) for at in range(0, len(rows), CHUNK))
        for channel in sorted({row.channel for row in rows}):
            transaction.on_commit(partial(nudge.publish, channel))
    return written


def cancel(*, batch: str = "", reference: str = "", reason: str) -> int:
    """Take back what has not left, by batch, by reference, or by both.

    Returns how many queued messages ended as cancelled. One that a worker holds at this moment
    may leave, but it does not return to the queue if it did not.
    """
    chosen = _chosen(batch=batch, reference=reference)
    note = {"cancel_requested": True, "error": reason[:200]}
    with transaction.atomic():
        # Held fast first, so that none changes its state between the two steps.
        list(
            chosen.filter(state__in=Message.OPEN_STATES)
            .order_by("id")
            .values_list("id")
            .select_for_update()
        )
        chosen.filter(state=Message.State.SENDING).update(**note)
        return chosen.filter(state=Message.State.QUEUED).update(
            state=Message.State.CANCELLED, **note
        )


def take_back(
    *,
    references: Collection[str],
    reason: str,
    kind: str = "",
    batch: str = "",
    written_since: datetime | None = None,
) -> int:
    """Cancel what is still queued about these matters, of one kind or one batch; how many."""
    if not kind and not batch:
        raise ValueError("name a kind or a batch")
    given = {"kind": kind, "batch": batch, "created_at__gte": written_since}
    of = {key: value for key, value in given.items() if value}
    ordered, cancelled = sorted(references), 0
    with transaction.atomic():
        for at in range(0, len(ordered), CHUNK):
            waiting = Message.objects.filter(
                reference__in=ordered[at : at + CHUNK], state=Message.State.QUEUED, **of
            )
            ids = list(waiting.order_by("id").select_for_update().values_list("id", flat=True))
            cancelled += Message.objects.filter(id__in=ids).update(
                state=Message.State.CANCELLED, cancel_requested=True, error=reason[:200]
            )
    return cancelled


def readdress(*, reference: str, channel: str, address: str, reason: str) -> int:
    """Send what is still queued about a matter to another address; returns how many messages.

    An empty address cancels them instead: there is nobody to send them to any more.
    """
    with transaction.atomic():
        waiting = _chosen(batch="", reference=reference).filter(
            channel=channel, state=Message.State.QUEUED
        )
        elsewhere = waiting.exclude(address=address)
        ids = list(elsewhere.order_by("id").select_for_update().values_list("id", flat=True))
        if address:
            return Message.objects.filter(id__in=ids).update(address=address)
        return Message.objects.filter(id__in=ids).update(
            state=Message.State.CANCELLED, cancel_requested=True, error=reason[:200]
        )


# A message in one of these states has left, or may have.
HEARD = (*Message.SENT_STATES, Message.State.SENDING, Message.State.UNKNOWN)


def last_heard(*, references: Collection[str]) -> dict[str, str]:
    """Reference -> kind of the newest message about it that has left, or may have."""
    ordered, heard = sorted(references), dict[str, str]()
    for at in range(0, len(ordered), CHUNK):
        left = Message.objects.filter(reference__in=ordered[at : at + CHUNK], state__in=HEARD)
        heard.update(left.order_by("id").values_list("reference", "kind"))
    return heard


def send_now(*, batch: str, now: datetime) -> int:
    """Let a batch leave without waiting any longer; returns how many messages that hurries.

    Quiet hours still hold.
    """
    waiting = _chosen(batch=batch).filter(state=Message.State.QUEUED, next_attempt_at__gt=now)
    with transaction.atomic():
        channels = sorted(set(waiting.values_list("channel", flat=True)))
        hurried = waiting.update(next_attempt_at=now)
        for channel in channels:
            transaction.on_commit(partial(nudge.publish, channel))
    return hurried


def progress(*, batch: str) -> dict[str, int]:
    """How many messages of a batch are in each state; every state is named."""
    counted = _chosen(batch=batch).values_list("state").annotate(Count("id"))
    return {**dict.fromkeys(Message.State.values, 0), **dict(counted)}


def _row(draft: Draft, now: datetime) -> Message:
    return Message(
        kind=draft.kind,
        channel=draft.channel,
        address=draft.address,
        language=draft.language,
        values=draft.values,
        holds_secrets=not kinds.get(draft.kind).secrets.isdisjoint(draft.values),
        dedupe_key=draft.dedupe_key,
        reference=draft.reference,
        batch=draft.batch,
        urgent_by=draft.urgent_by,
        next_attempt_at=draft.send_after or now,
        quiet_ok_from=draft.quiet_ok_from,
        expires_at=draft.expires_at,
        created_at=now,
    )


def _insert(rows: list[Message]) -> int:
    """Insert those whose dedupe key is new; returns how many that were."""
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    return Message.objects.filter(public_id__in=[row.public_id for row in rows]).count()


def _chosen(*, batch: str, reference: str = "") -> QuerySet[Message]:
    if not batch and not reference:
        raise ValueError("name a batch or a reference: neither would mean every message")
    chosen = Message.objects.all()
    if batch:
        chosen = chosen.filter(batch=batch)
    return chosen.filter(reference=reference) if reference else chosen


def _is_naive(moment: datetime | None) -> bool:
    return moment is not None and moment.tzinfo is None
