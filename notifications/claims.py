"""The transitions of a message between the queue and a worker's hands.

Each function is one short database transaction (or a part of one), without any network call. A
message in hand belongs to its lease token: whoever changes it names the token, so that a worker
which comes too late changes nothing.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When

from notifications import bulk, missed, quiet, receipts
from notifications.gateways.base import Outcome
from notifications.models import Attempt, Batch, Lane, Message, Part
from notifications.text import fit

# Waits after the first, second, ... transient answer; the last goes on until the end of life.
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300))

# Where a message goes that did not leave: back, unless it was taken back meanwhile.
BACK = Case(
    When(cancel_requested=True, then=Value(Message.State.CANCELLED.value)),
    default=Value(Message.State.QUEUED.value),
)
NO_LEASE = {"lease_token": None, "lease_until": None}
# It was late, perhaps, and somebody saw to that. What becomes of it now has to be seen to as well.
AS_NEW = {"followed_up_at": None}


@dataclass(frozen=True)
class Claim:
    """A message in this worker's hands, and the attempt at it. `reports`: a receipt will follow."""

    message: Message
    attempt: Attempt
    reports: bool = False


@dataclass(frozen=True)
class Share:
    """Which of a channel's due messages a gateway's worker takes.

    `gateway`: those that no gateway has in doubt, and its own. `reports`: it sends receipts.
    `pinned_only`: only its own in doubt, because another gateway is preferred. `urgent_only`: only
    the urgent lane.
    """

    channel: str
    gateway: str
    reports: bool = False
    pinned_only: bool = False
    urgent_only: bool = False


def due(share: Share, now: datetime) -> QuerySet[Message]:
    """What may leave now, lane by lane, in each the soonest matter first."""
    paused = Batch.objects.filter(is_paused=True).values("name")
    found = Message.objects.filter(
        quiet.allowed(share.channel, now),
        channel=share.channel,
        state=Message.State.QUEUED,
        next_attempt_at__lte=now,
        expires_at__gt=now,
        pinned_to__in=[share.gateway] if share.pinned_only else ["", share.gateway],
    ).exclude(batch__in=paused)
    if share.urgent_only:
        found = found.filter(lane=Lane.URGENT)
    return found.order_by("lane", "urgent_by", "id")


def claim(share: Share, *, limit: int, now: datetime) -> list[Claim]:
    """Take up to `limit` due messages that nobody else is taking."""
    token = uuid.uuid4()
    lease = {
        "lease_token": token,
        "lease_until": now + timedelta(seconds=settings.MESSAGE_LEASE_SECONDS),
    }
    with transaction.atomic():
        # SQLite knows no row locks: there the transaction, IMMEDIATE by settings, is the lock.
        messages = list(due(share, now).select_for_update(skip_locked=True)[:limit])
        Message.objects.filter(pk__in=[message.pk for message in messages]).update(
            state=Message.State.SENDING, attempt_count=F("attempt_count") + 1, **lease
        )
        attempts = Attempt.objects.bulk_create(
            Attempt(
                message=message,
                number=message.attempt_count + 1,
                lease_token=token,
                gateway=share.gateway,
                is_repeat=message.repeated,
                claimed_at=now,
            )
            for message in messages
        )
    return [Claim(*each, share.reports) for each in zip(messages, attempts, strict=True)]


def start(held: Sequence[Claim], now: datetime) -> set[int]:
    """Note that the calls of one claim begin; returns the attempts that may be called.

    The others must not: their lease is lost, or they were taken back. Part of the caller's
    transaction, which commits before the calls; run again, because nobody heard whether it was
    committed, it finds its own starts. It locks attempts alone: whoever ends a lease closes the
    attempt too, so one of the two finds that it came too late.
    """
    if not held:
        return set()
    ours = Message.objects.filter(
        pk=OuterRef("message"),
        state=Message.State.SENDING,
        lease_token=held[0].attempt.lease_token,
        cancel_requested=False,
    )
    began = max(now, held[0].attempt.claimed_at)  # a clock may have been set back
    startable = _open_attempts(held).filter(Exists(ours))
    begun = set(
        startable.order_by("id").select_for_update(of=("self",)).values_list("pk", flat=True)
    )
    _unstarted(begun).update(started_at=began)
    return begun


def record(answers: Sequence[tuple[Claim, Outcome]], now: datetime) -> None:
    """Write down what became of messages that were handed over, and their words as kept.

    Part of the caller's transaction.
    """
    ours = _held_fast([held for held, _ in answers])
    accepted = [each for each in answers if each[1].kind == Attempt.Outcome.ACCEPTED]
    taken = [each for each in accepted if each[0].message.pk in ours]
    _record_accepted(taken, now)
    _clear_missed([held for held, _ in taken], now)
    for held, outcome in answers:
        if outcome.kind != Attempt.Outcome.ACCEPTED and held.message.pk in ours:
            Message.objects.filter(pk=held.message.pk).update(
                **_words(held.message), **_consequence(held, outcome, now), **NO_LEASE
            )
    _close(answers, now)
    for held, outcome in accepted:
        if held.message.pk not in ours:
            _record_late(held, outcome, now)
    _note_parts(accepted, now)
    receipts.arrived_before(held.message for held, _ in answers if held.reports)


def give_back(
    held: Collection[Claim], now: datetime, *, at: datetime | None = None, error: str = ""
) -> None:
    """Return messages whose call has not begun; they are due `at`, or as before."""
    later = {} if at is None else {"next_attempt_at": at}
    told = {"error": fit(error)} if error else {}
    _close_unstarted(held, now, {"state": BACK, **later, **told}, error)


def give_back_begun(held: Collection[Claim], now: datetime, *, at: datetime | None = None) -> None:
    """Return messages whose start was noted, but whose call this worker knows not to have made."""
    with transaction.atomic():
        _held_fast(held)
        _open_attempts(held).update(started_at=None)
        give_back(held, now, at=at)


def drop(held: Claim, now: datetime, *, state: Message.State, error: str) -> None:
    """End a message whose call has not begun and must not: past its life, or without words."""
    _close_unstarted([held], now, {"state": state, "error": fit(error), **AS_NEW}, error)


def _held_fast(held: Collection[Claim]) -> set[int]:
    """Lock the messages that are still in this worker's hands; returns which they are."""
    tokens = {each.attempt.lease_token for each in held}
    ours = Message.objects.filter(
        pk__in=[each.message.pk for each in held],
        state=Message.State.SENDING,
        lease_token__in=tokens,
    )
    found = ours.order_by("id").select_for_update(of=("self",)).values_list("pk", "lease_token")
    token_of = {each.message.pk: each.attempt.lease_token for each in held}
    return {pk for pk, token in found if token_of[pk] == token}


def _open_attempts(held: Collection[Claim]) -> QuerySet[Attempt]:
    return Attempt.objects.filter(pk__in=[each.attempt.pk for each in held], outcome="")


def _unstarted(attempts: Collection[int]) -> QuerySet[Attempt]:
    return Attempt.objects.filter(pk__in=attempts, outcome="", started_at__isnull=True)


def _close_unstarted(
    held: Collection[Claim], now: datetime, changes: dict[str, object], error: str
) -> None:
    attempts = _unstarted([each.attempt.pk for each in held])
    ours = Message.objects.filter(
        pk__in=[each.message.pk for each in held],
        state=Message.State.SENDING,
        lease_token__in={each.attempt.lease_token for each in held},
    )
    with transaction.atomic():
        # Held fast first, and in one order everywhere: see outbox.cancel.
        list(ours.order_by("id").values_list("id").select_for_update())
        ours.filter(Exists(attempts.filter(message=OuterRef("pk")))).update(**changes, **NO_LEASE)
        attempts.update(outcome=Attempt.Outcome.NOT_STARTED, ended_at=now, error=fit(error))


ACCEPTED = {
    # Where it went: the person may have got another one meanwhile (outbox.readdress).
    "address": "text",
    "sent_at": "timestamptz",
    "receipt_by": "timestamptz",
    "parts": "smallint",
    "subject": "text",
    "body": "text",
    "body_html": "text",
}
CLOSED = {
    "outcome": "text",
    "ended_at": "timestamptz",
    "gateway_reference": "text",
    "error": "text",
    "size": "smallint",
}


def _record_accepted(answers: Sequence[tuple[Claim, Outcome]], now: datetime) -> None:
    adapt = connection.ops.adapt_datetimefield_value
    bulk.update(
        "notifications_message",
        types=ACCEPTED,
        rows=[
            (
                held.message.address,
                adapt(now),
                adapt(receipts.owed_by(held.message, now) if held.reports else None),
                held.message.parts,
                held.message.subject,
                held.message.body,
                held.message.body_html,
                held.message.pk,
            )
            for held, _ in answers
        ],
        also="state = 'accepted', error = '', lease_token = NULL, lease_until = NULL, "
        "followed_up_at = NULL, ",
        where="",
    )


def _clear_missed(taken: Collection[Claim], now: datetime) -> None:
    """See missed.py: of these no receipt will ever tell more."""
    notices = [held.message.notice for held in taken if not held.reports]
    if notices:
        missed.clear(notices, at=now)


def _close(answers: Sequence[tuple[Claim, Outcome]], now: datetime) -> None:
    """End the attempts that are still open."""
    ended_at = connection.ops.adapt_datetimefield_value(now)
    bulk.update(
        "notifications_attempt",
        types=CLOSED,
        rows=[
            (
                outcome.kind.value,
                ended_at,
                fit(outcome.gateway_reference, 100),
                fit(outcome.error),
                held.message.parts,
                held.attempt.pk,
            )
            for held, outcome in answers
        ],
        also="",
        where=" AND notifications_attempt.outcome = ''",
    )


def _note_parts(accepted: Sequence[tuple[Claim, Outcome]], now: datetime) -> None:
    """The gateway's names of the parts, and the receipts that came before they were known here.

    Of a text with a name that is still another one's none is kept, so that receipts of the others
    do not say that all of it arrived.
    """
    reporting = [each for each in accepted if each[0].reports]
    if not reporting:
        return
    names = {fit(reference, 100) for _, outcome in reporting for reference in outcome.parts}
    taken = receipts.free_names(names, attempts=[held.attempt for held, _ in reporting], now=now)
    Part.objects.bulk_create(
        (
            Part(
                attempt=held.attempt,
                number=number,
                gateway=held.attempt.gateway,
                reference=fit(reference, 100),
            )
            for held, outcome in reporting
            if taken.isdisjoint(fit(reference, 100) for reference in outcome.parts)
            for number, reference in enumerate(outcome.parts, start=1)
        ),
        ignore_conflicts=True,
    )
    attempts = [held.attempt for held, _ in reporting]
    receipts.match_early(attempts)
    transaction.on_commit(partial(receipts.match_late, attempts))


def _words(message: Message) -> dict[str, object]:
    return {
        "subject": message.subject,
        "body": message.body,
        "body_html": message.body_html,
        "parts": message.parts,
    }


def _consequence(held: Claim, outcome: Outcome, now: datetime) -> dict[str, object]:
    """Changes of the message's row when the gateway did not take it, or may not have."""
    error = fit(outcome.error)
    if outcome.kind == Attempt.Outcome.PERMANENT:
        return {"state": Message.State.FAILED, "error": error, **AS_NEW}
    if outcome.kind == Attempt.Outcome.UNKNOWN:
        return {
            "state": Message.State.UNKNOWN,
            "error": error,
            "pinned_to": held.attempt.gateway,
            **AS_NEW,
        }
    if outcome.elsewhere:
        return {"state": BACK, "error": error, "next_attempt_at": now}
    wait = BACK_OFF[min(held.message.failure_count, len(BACK_OFF) - 1)]
    return {
        "state": BACK,
        "error": error,
        "failure_count": F("failure_count") + 1,
        "next_attempt_at": now + max(wait, outcome.retry_after or wait),
    }


def _record_late(held: Claim, outcome: Outcome, now: datetime) -> None:
    """The sweeper gave this attempt up as unknown, and now we know: it was accepted.

    A repeat that waits in the queue is no longer needed; one that has been claimed goes its way.
    """
    known = Attempt.objects.filter(pk=held.attempt.pk, outcome=Attempt.Outcome.UNKNOWN).update(
        outcome=Attempt.Outcome.ACCEPTED,
        gateway_reference=fit(outcome.gateway_reference, 100),
        error=fit(outcome.error),
        size=held.message.parts,
    )
    if not known:
        return
    settled = Message.objects.filter(
        pk=held.message.pk,
        state__in=[Message.State.UNKNOWN, Message.State.QUEUED],
        attempt_count=held.attempt.number,
    ).update(
        state=Message.State.ACCEPTED,
        address=held.message.address,
        sent_at=now,
        receipt_by=receipts.owed_by(held.message, now) if held.reports else None,
        error="",
    )
    if settled:
        _clear_missed([held], now)
