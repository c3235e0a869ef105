"""The transitions of a message between the queue and a worker's hands.

Each function is one short database transaction (or a part of one), without any network call. A
message in hand belongs to its lease token: whoever changes it names the token, so that a worker
which comes too late changes nothing.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When

from notifications import quiet
from notifications.gateways.base import Outcome
from notifications.models import Attempt, Message

# Waits after the first, second, ... transient answer; the last goes on until the end of life.
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300))

# Where a message goes that did not leave: back, unless it was taken back meanwhile.
BACK = Case(
    When(cancel_requested=True, then=Value(Message.State.CANCELLED.value)),
    default=Value(Message.State.QUEUED.value),
)
NO_LEASE = {"lease_token": None, "lease_until": None}


@dataclass(frozen=True)
class Claim:
    """A message in this worker's hands, and the attempt at it."""

    message: Message
    attempt: Attempt


def due(channel: str, now: datetime) -> QuerySet[Message]:
    """What may leave now, soonest matter first."""
    return Message.objects.filter(
        quiet.allowed(channel, now),
        channel=channel,
        state=Message.State.QUEUED,
        next_attempt_at__lte=now,
        expires_at__gt=now,
    ).order_by("urgent_by", "id")


def claim(*, channel: str, gateway: str, limit: int, now: datetime) -> list[Claim]:
    """Take up to `limit` due messages that nobody else is taking."""
    token = uuid.uuid4()
    lease = {
        "lease_token": token,
        "lease_until": now + timedelta(seconds=settings.MESSAGE_LEASE_SECONDS),
    }
    with transaction.atomic():
        # SQLite knows no row locks: there the transaction, IMMEDIATE by settings, is the lock.
        messages = list(due(channel, now).select_for_update(skip_locked=True)[:limit])
        Message.objects.filter(pk__in=[message.pk for message in messages]).update(
            state=Message.State.SENDING, attempt_count=F("attempt_count") + 1, **lease
        )
        attempts = Attempt.objects.bulk_create(
            Attempt(
                message=message,
                number=message.attempt_count + 1,
                lease_token=token,
                gateway=gateway,
                is_repeat=message.repeated,
                claimed_at=now,
            )
            for message in messages
        )
    return [Claim(message, attempt) for message, attempt in zip(messages, attempts, strict=True)]


def start(held: Claim, now: datetime) -> bool:
    """Note that the call begins. False: it must not; the lease is lost, or it was taken back.

    Part of the caller's transaction, which commits before the call. It locks the attempt alone:
    whoever ends a lease closes the attempt too, so one of the two finds that it came too late.
    """
    ours = _in_hand(held).filter(cancel_requested=False)
    began = max(now, held.attempt.claimed_at)  # a clock may have been set back
    started = _unstarted(held.attempt.pk).filter(Exists(ours)).update(started_at=began)
    return bool(started)


def record(held: Claim, outcome: Outcome, now: datetime) -> None:
    """Write down what became of a message that was handed over, and its words as kept."""
    message = held.message
    ours = _in_hand(held).update(
        subject=message.subject,
        body=message.body,
        body_html=message.body_html,
        **_consequence(message, outcome, now),
        **NO_LEASE,
    )
    Attempt.objects.filter(pk=held.attempt.pk, outcome="").update(
        outcome=outcome.kind, ended_at=now, **_answer(outcome)
    )
    if not ours and outcome.kind == Attempt.Outcome.ACCEPTED:
        _record_late(held, outcome, now)


def give_back(
    held: Collection[Claim], now: datetime, *, at: datetime | None = None, error: str = ""
) -> None:
    """Return messages whose call has not begun; they are due `at`, or as before."""
    later = {} if at is None else {"next_attempt_at": at}
    told = {"error": _fit(error)} if error else {}
    _close_unstarted(held, now, {"state": BACK, **later, **told}, error)


def drop(held: Claim, now: datetime, *, state: Message.State, error: str) -> None:
    """End a message whose call has not begun and must not: past its life, or without words."""
    _close_unstarted([held], now, {"state": state, "error": _fit(error)}, error)


def _in_hand(held: Claim) -> QuerySet[Message]:
    return Message.objects.filter(
        pk=held.message.pk,
        state=Message.State.SENDING,
        lease_token=held.attempt.lease_token,
    )


def _unstarted(*attempts: int) -> QuerySet[Attempt]:
    return Attempt.objects.filter(pk__in=attempts, outcome="", started_at__isnull=True)


def _close_unstarted(
    held: Collection[Claim], now: datetime, changes: dict[str, object], error: str
) -> None:
    attempts = _unstarted(*(each.attempt.pk for each in held))
    ours = Message.objects.filter(
        pk__in=[each.message.pk for each in held],
        state=Message.State.SENDING,
        lease_token__in={each.attempt.lease_token for each in held},
    )
    with transaction.atomic():
        # Held fast first, and in one order everywhere: see outbox.cancel.
        list(ours.order_by("id").values_list("id").select_for_update())
        ours.filter(Exists(attempts.filter(message=OuterRef("pk")))).update(**changes, **NO_LEASE)
        attempts.update(outcome=Attempt.Outcome.NOT_STARTED, ended_at=now, error=_fit(error))


def _consequence(message: Message, outcome: Outcome, now: datetime) -> dict[str, object]:
    """Changes of the message's row."""
    kind, error = outcome.kind, _fit(outcome.error)
    if kind == Attempt.Outcome.ACCEPTED:
        return {"state": Message.State.ACCEPTED, "sent_at": now, "error": ""}
    if kind == Attempt.Outcome.PERMANENT:
        return {"state": Message.State.FAILED, "error": error}
    if kind == Attempt.Outcome.UNKNOWN:
        return {"state": Message.State.UNKNOWN, "error": error}
    wait = BACK_OFF[min(message.failure_count, len(BACK_OFF) - 1)]
    return {
        "state": BACK,
        "error": error,
        "failure_count": F("failure_count") + 1,
        "next_attempt_at": now + max(wait, outcome.retry_after or wait),
    }


def _answer(outcome: Outcome) -> dict[str, str]:
    return {
        "gateway_reference": _fit(outcome.gateway_reference, 100),
        "error": _fit(outcome.error),
    }


def _fit(words: str, length: int = 200) -> str:
    """What a gateway said, as a column takes it: PostgreSQL knows no NUL in texts."""
    return words.replace("\0", "")[:length]


def _record_late(held: Claim, outcome: Outcome, now: datetime) -> None:
    """The sweeper gave this attempt up as unknown, and now we know: it was accepted.

    A repeat that waits in the queue is no longer needed; one that has been claimed goes its way.
    """
    known = Attempt.objects.filter(pk=held.attempt.pk, outcome=Attempt.Outcome.UNKNOWN).update(
        outcome=Attempt.Outcome.ACCEPTED, **_answer(outcome)
    )
    if known:
        Message.objects.filter(
            pk=held.message.pk,
            state__in=[Message.State.UNKNOWN, Message.State.QUEUED],
            attempt_count=held.attempt.number,
        ).update(state=Message.State.ACCEPTED, sent_at=now, error="")
