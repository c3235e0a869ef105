"""Say that something is to be said: the only way other apps write to the outbox.

A caller enqueues inside the transaction of the change itself, so that the change and the words
about it are committed together or not at all. Nothing is sent here.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When
from django.utils import timezone

from notifications import kinds, nudge
from notifications.masking import masked_address
from notifications.models import Channel, Lane, Message, NotReached

CHUNK = 500
URGENT_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One message to be. ValueError says what would make it unsendable.

    `dedupe_key`: what changed, recipient, channel, purpose; a second draft with the same key is
    dropped for good. `notice`: messages of one notice say the same on different channels (default:
    a notice of its own). `other_address`: where the other channel brings it if this one does not;
    for a kind that is not sent on both anyway. `scope`: where it belongs, in a word of the
    caller's; lists are found by it ("": nowhere). `urgent_by`: the moment it is about; soonest
    leaves first. `send_after`: not before (default: now). `quiet_ok_from`: see quiet.py.
    `expires_at`: end of life; after it the message is never sent. A value whose key ends in `_at`
    is an ISO 8601 moment with its zone.
    """

    kind: str
    channel: str
    address: str
    language: str
    values: dict[str, Any] = field(repr=False)
    dedupe_key: str
    notice: str = ""
    other_address: str = field(default="", repr=False)
    reference: str = ""
    batch: str = ""
    scope: str = ""
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
            (len(self.notice) > 120, "notice too long"),
            (len(self.other_address) > 254, "other address too long"),
            (len(self.reference) > 60 or len(self.batch) > 60, "reference or batch too long"),
            (len(self.scope) > 24, "scope too long"),
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
        nudge_later((row.channel, row.lane) for row in rows)
    return written


def nudge_later(channels_and_lanes: Iterable[tuple[str, int]]) -> None:
    """Tell the workers of these lanes, once the transaction is committed."""
    found = {(channel, lane == Lane.URGENT) for channel, lane in channels_and_lanes}
    for channel, urgent in sorted(found):
        transaction.on_commit(partial(nudge.publish, channel, urgent=urgent))


# What was said and did not arrive, or whose receipt is owed: a repeat, the other channel, or an
# officer's "send again" of the batch may say it once more.
MAY_BE_REPEATED = Q(state__in=Message.TROUBLED_STATES) | Q(receipt_by__isnull=False)


def cancel(*, batch: str = "", reference: str = "", reason: str, at: datetime | None = None) -> int:
    """Take back what has not left, by batch, by reference, or by both; nothing says it any more.

    Returns how many queued messages ended as cancelled. One that a worker holds at this moment
    may leave, but it does not return to the queue if it did not. One that has left, or may have,
    stays as it is: no repeat, no other channel, and no resending of its batch follows. `at`: the
    moment of the decision, if the caller keeps one too.
    """
    chosen = _chosen(batch=batch, reference=reference)
    with transaction.atomic():
        _hold_fast(_to_take_back(chosen))
        return _end(chosen, reason, at or timezone.now())


def would_cancel(*, batch: str) -> bool:
    """Whether `cancel` would change anything in this batch."""
    return _to_take_back(_chosen(batch=batch)).exists()


def take_back(
    *,
    references: Collection[str],
    reason: str,
    kind: str = "",
    batch: str = "",
    written_since: datetime | None = None,
) -> int:
    """Cancel what is still queued about these matters, of one kind or one batch; how many.

    As with `cancel`, what a worker holds does not begin any more, unless it has, and what has left
    is not said again.
    """
    if not kind and not batch:
        raise ValueError("name a kind or a batch")
    given = {"kind": kind, "batch": batch, "created_at__gte": written_since}
    of = {key: value for key, value in given.items() if value}
    return _take_back(references, Q(**of), reason)


def not_again(*, references: Collection[str], kinds: Collection[str], reason: str) -> int:
    """What may have been heard of these kinds about these matters is not said once more.

    As `take_back`, but what nobody can have heard yet still leaves.
    """
    heard = MAY_BE_REPEATED | Q(repeated=True)
    return _take_back(references, heard & Q(kind__in=kinds), reason)


def _take_back(references: Collection[str], which: Q, reason: str) -> int:
    ordered, cancelled = sorted(references), 0
    with transaction.atomic():
        for at in range(0, len(ordered), CHUNK):
            theirs = Message.objects.filter(which, reference__in=ordered[at : at + CHUNK])
            _hold_fast(_to_take_back(theirs))
            cancelled += _end(theirs, reason, timezone.now())
    return cancelled


def _hold_fast(messages: QuerySet[Message]) -> None:
    """So that none changes its state between the steps of a change.

    Which they are is asked anew after this: whoever held one until now may have written another in
    its place (fallback.py), and a query that waited does not see it.
    """
    list(messages.order_by("id").values_list("id").select_for_update())


def _to_take_back(chosen: QuerySet[Message]) -> QuerySet[Message]:
    waits = Q(state__in=Message.OPEN_STATES) | MAY_BE_REPEATED
    return chosen.filter(waits, cancel_requested=False)


def _end(chosen: QuerySet[Message], reason: str, at: datetime) -> int:
    """Take these back, which the caller holds fast; how many of them were queued."""
    asked = {"cancel_requested": True, "taken_back_at": at}
    note = {**asked, "error": reason[:200]}
    # These keep their own error: why they did not arrive.
    chosen.filter(MAY_BE_REPEATED, cancel_requested=False).update(**asked)
    chosen.filter(state=Message.State.SENDING).update(**note)
    return chosen.filter(state=Message.State.QUEUED).update(state=Message.State.CANCELLED, **note)


def may_be_said(*, references: Collection[str]) -> list[Message]:
    """What is queued about these matters or in a worker's hands; and what has left, or may have,
    and might be said once more: see `cancel`.

    Held fast until the caller's transaction ends.
    """
    which = Q(state__in=Message.OPEN_STATES) | MAY_BE_REPEATED
    ordered, found = sorted(references), list[Message]()
    for at in range(0, len(ordered), CHUNK):
        theirs = Message.objects.filter(which, reference__in=ordered[at : at + CHUNK])
        _hold_fast(theirs)
        found += theirs.order_by("id").select_for_update()
    return found


def rewrite(messages: Collection[Message]) -> None:
    """Keep the values that the caller has changed in queued messages of `may_be_said`."""
    Message.objects.bulk_update(messages, ["values"], batch_size=CHUNK)


def readdress(*, reference: str, channel: str, address: str, reason: str) -> int:
    """Send what may leave yet about a matter to another address; returns how many messages.

    That is what is queued, what a worker has in hand and may give back, and what was not taken or
    may not have been and is perhaps said again: the old address may be somebody else's by now.

    An empty address cancels what is queued instead: there is nobody to send it to any more. What it
    says holds as before, so whatever else says it is followed up, once more if it was counted on.
    """
    with transaction.atomic():
        theirs = _chosen(batch="", reference=reference)
        _hold_fast(theirs.filter(state__in=(*FOLLOWED_UP, Message.State.SENDING)))
        stale = theirs.filter(channel=channel).exclude(address=address)
        if address:
            again = stale.filter(state__in=Message.TROUBLED_STATES, expires_at__gt=timezone.now())
            _note_where_tried(again)
            changed = again.update(address=address)
            return changed + stale.filter(state__in=Message.OPEN_STATES).update(address=address)
        # What may have arrived gets no repeat there.
        stale.filter(state=Message.State.UNKNOWN).update(repeated=True)
        queued = stale.filter(state=Message.State.QUEUED)
        notices = set(queued.values_list("notice", flat=True))
        # Not `cancel_requested`, which is for words that are not true any more.
        cancelled = queued.update(
            state=Message.State.CANCELLED, error=reason[:200], taken_back_at=timezone.now()
        )
        _follow_up_anew(theirs.filter(state__in=FOLLOWED_UP, notice__in=notices))
        return cancelled


def _note_where_tried(messages: QuerySet[Message]) -> None:
    """The row names where it goes next; that its latest attempt went elsewhere stands with that."""
    for message in messages:
        attempts = message.attempts.filter(number=message.attempt_count)
        for attempt in attempts.exclude(error__contains=TRIED_AT):
            attempt.error = f"{attempt.error[:130]}{TRIED_AT}{masked_address(message)[-50:]})"
            attempt.save(update_fields=["error"])


TRIED_AT = " (tried at "


# What the fallback may have seen to, and would see to again.
FOLLOWED_UP = (Message.State.QUEUED, Message.State.ACCEPTED, *Message.TROUBLED_STATES)


def _follow_up_anew(messages: QuerySet[Message]) -> None:
    """Those that were seen to while another message could still bring the notice: it cannot now.

    Of a receipt that was late already it is asked at once.
    """
    late = When(receipt_by__isnull=False, then=F("sent_at"))
    messages.filter(followed_up_at__isnull=False).update(
        followed_up_at=None, receipt_by=Case(late, default=None)
    )


# A message in one of these states has left, or may have.
HEARD = (*Message.SENT_STATES, Message.State.SENDING, Message.State.UNKNOWN)


def last_heard(
    *, references: Collection[str], or_missed: Collection[str] = ()
) -> dict[str, Message]:
    """Reference -> the newest message about it that has left, or may have.

    Of each: id, kind, batch, and whether it was taken back since (it is not said once more). Of one
    notice that which was not: it is enough that one of them arrives.

    Of the kinds `or_missed` those count too that did not arrive: an officer who called, or a page,
    may have told the same. One that was queued once more and then taken back counts as it did
    before.
    """
    noted = NotReached.objects.filter(notice=OuterRef("notice"))
    missed = Q(kind__in=or_missed) & (Q(state__in=Message.MISSED_STATES) | Exists(noted))
    counts = Q(state__in=HEARD) | Q(repeated=True) | missed
    ordered, heard = sorted(references), dict[str, Message]()
    for at in range(0, len(ordered), CHUNK):
        left = Message.objects.filter(counts, reference__in=ordered[at : at + CHUNK])
        newest = left.order_by("id").only(
            *("id", "kind", "batch", "reference", "notice", "cancel_requested")
        )
        for message in newest:
            before = heard.get(message.reference)
            if not (before and _holds_instead(before, message)):
                heard[message.reference] = message
    return heard


def _holds_instead(before: Message, message: Message) -> bool:
    """The message before says the same, on another channel, and was not taken back."""
    same = before.notice == message.notice
    return same and message.cancel_requested and not before.cancel_requested


def send_now(*, batch: str, now: datetime) -> int:
    """Let a batch leave without waiting any longer; returns how many messages that hurries.

    Quiet hours still hold.
    """
    waiting = _chosen(batch=batch).filter(state=Message.State.QUEUED, next_attempt_at__gt=now)
    with transaction.atomic():
        nudge_later(waiting.values_list("channel", "lane").distinct())
        return waiting.update(next_attempt_at=now)


def lane_of(kind: str, urgent_by: datetime, now: datetime) -> Lane:
    """Urgent is what is about the next 24 hours, or a kind that always is."""
    return Lane.URGENT if urgent_by - now <= URGENT_WITHIN else Lane(kinds.get(kind).lane)


def _row(draft: Draft, now: datetime) -> Message:
    return Message(
        kind=draft.kind,
        channel=draft.channel,
        address=draft.address,
        language=draft.language,
        values=draft.values,
        holds_secrets=not kinds.get(draft.kind).secrets.isdisjoint(draft.values),
        dedupe_key=draft.dedupe_key,
        notice=draft.notice or draft.dedupe_key,
        other_address=draft.other_address,
        lane=lane_of(draft.kind, draft.urgent_by, now),
        reference=draft.reference,
        batch=draft.batch,
        scope=draft.scope,
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
