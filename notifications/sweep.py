"""The sweeper: puts right what workers and the broker left undone. Beat calls it every few seconds.

One at a time: a second sweeper finds the gate shut and goes away. Every step is a conditional
change in short transactions, so that even two would do no harm.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from notifications import claims, fallback, gates, health, kinds, nudge, outbox, receipts
from notifications.gateways import gateway_class, gateway_classes
from notifications.gateways.base import Gateway
from notifications.models import Attempt, Channel, Lane, Message
from notifications.render import put_into_words

GATE = "sweep"
TURN = timedelta(seconds=60)
CHUNK = 500
# Chunks of one step in one turn; what is left waits for the next.
CHUNKS = 20

WHY_UNKNOWN = "its worker stopped after the call had begun"
WHY_NOT_STARTED = "its worker stopped before the call"


@dataclass(frozen=True)
class Swept:
    """What one turn changed, in messages."""

    returned: int = 0  # claimed by a worker that stopped, but not begun: back in the queue
    unknown: int = 0  # begun by a worker that stopped
    repeated: int = 0
    hurried: int = 0  # moved to the urgent lane
    late: int = 0  # in the queue for longer than they should be
    silent: int = 0  # without a receipt for longer than they should be
    followed_up: int = 0  # at a bad end: the other channel tries, or an officer is told
    matched: int = 0  # receipts that had come early
    expired: int = 0
    wiped: int = 0


def sweep() -> Swept | None:
    """One turn; None: another sweeper is at it."""
    now = timezone.now()
    until = now + TURN
    if not gates.pass_alone(GATE, now=now, until=until):
        return None
    try:
        return _turn(now)
    finally:
        gates.leave(GATE, now=timezone.now(), until=until)


def _turn(now: datetime) -> Swept:
    returned, unknown = end_leases(now)
    swept = Swept(
        returned=returned,
        unknown=unknown,
        repeated=repeat_unknown(now),
        hurried=hurry(now),
        matched=receipts.match_parked(limit=CHUNK),
        late=fallback.look_for_late(now),
        silent=fallback.look_for_receipts(now),
        followed_up=fallback.follow_up(now),
        expired=expire(now),
        wiped=wipe_secrets(now),
    )
    receipts.forget_parked(now)
    for channel in Channel.values:
        _nudge(channel, now)
    return swept


def _nudge(channel: str, now: datetime) -> None:
    """Wake a worker of each lane in which something is due that a gateway may take now."""
    awake = [kind for kind in gateway_classes(channel) if not health.rests(kind.name, now)]
    shares = [
        claims.Share(channel=channel, gateway=kind.name, pinned_only=at > 0)
        for at, kind in enumerate(awake)
    ]
    if any(claims.due(share, now).filter(lane=Lane.URGENT).exists() for share in shares):
        nudge.publish(channel, urgent=True)
    if any(claims.due(share, now).exists() for share in shares):
        nudge.publish(channel)


def end_leases(now: datetime) -> tuple[int, int]:
    """Take messages from workers whose lease is over.

    Returns how many had not begun and go back, and how many had: their fate is unknown.
    """
    returned = unknown = 0
    for _ in range(CHUNKS):
        with transaction.atomic():
            ended = _locked(Message.objects.filter(_lease_ended(now), state=Message.State.SENDING))
            unknown += _give_up(ended, now)
            returned += _take_back(ended, now)
        if not ended:
            break
    return returned, unknown


def repeat_unknown(now: datetime) -> int:
    """Give each message of an urgent kind whose fate is unknown its one repeat."""
    return fallback.may_repeat(now).update(
        state=Message.State.QUEUED, repeated=True, next_attempt_at=now
    )


def hurry(now: datetime) -> int:
    """Move to the urgent lane what has come to be about the next 24 hours."""
    near = Message.objects.filter(
        # Each channel and lane is named, so that the index of the queue finds them.
        channel__in=Channel.values,
        lane__in=[lane for lane in Lane.values if lane != Lane.URGENT],
        state=Message.State.QUEUED,
        urgent_by__lte=now + outbox.URGENT_WITHIN,
    )
    return near.update(lane=Lane.URGENT)


def expire(now: datetime) -> int:
    """End what waits past its end of life."""
    expired = 0
    for _ in range(CHUNKS):
        with transaction.atomic():
            past = _locked(Message.objects.filter(state=Message.State.QUEUED, expires_at__lte=now))
            Message.objects.filter(pk__in=past).update(state=Message.State.EXPIRED)
        expired += len(past)
        if not past:
            break
    return expired


def wipe_secrets(now: datetime) -> int:
    """Forget one-time codes and links of messages which need them no more."""
    ended = [*Message.SENT_STATES, Message.State.CANCELLED, Message.State.EXPIRED]
    left = ~Q(state__in=Message.OPEN_STATES)  # as the index says it
    useless = Message.objects.filter(left, holds_secrets=True, receipt_by__isnull=True).filter(
        Q(state__in=ended) | Q(state__in=Message.TROUBLED_STATES, expires_at__lte=now)
    )
    messages = list(useless.order_by("expires_at")[:CHUNK])
    for message in messages:
        secrets = _secrets(message.kind)
        message.values = {key: v for key, v in message.values.items() if key not in secrets}
        message.holds_secrets = False
    Message.objects.bulk_update(messages, ["values", "holds_secrets"], batch_size=100)
    return len(messages)


def _lease_ended(now: datetime) -> Q:
    # One that ends later than any lease can was written before the clock was set back.
    impossible = now + 2 * timedelta(seconds=settings.MESSAGE_LEASE_SECONDS)
    return Q(lease_until__lte=now) | Q(lease_until__gt=impossible)


def _locked(messages: QuerySet[Message]) -> list[int]:
    """Lock a chunk of rows; those that someone else is changing come next time."""
    return list(
        messages.order_by("id")
        .select_for_update(skip_locked=True)
        .values_list("pk", flat=True)[:CHUNK]
    )


def _give_up(ended: list[int], now: datetime) -> int:
    begun = Attempt.objects.filter(message__in=ended, outcome="", started_at__isnull=False)
    lost = list(Message.objects.filter(Exists(begun.filter(message=OuterRef("pk")))))
    gateways = dict(begun.values_list("message", "gateway"))
    for message in lost:
        message.state, message.error = Message.State.UNKNOWN, WHY_UNKNOWN
        message.lease_token = message.lease_until = message.followed_up_at = None
        message.pinned_to = gateways[message.pk]
        with suppress(Exception):  # the officer then sees no words, but the rest is put right
            put_into_words(message, _gateway(message.pinned_to))
        message.save()
    begun.filter(message__in=lost).update(
        outcome=Attempt.Outcome.UNKNOWN, ended_at=now, error=WHY_UNKNOWN
    )
    return len(lost)


def _gateway(name: str) -> Gateway | None:
    """Whose filed words a message has; None: it is no longer in use."""
    try:
        return gateway_class(name)()
    except KeyError:
        return None


def _take_back(ended: list[int], now: datetime) -> int:
    open_attempts = Attempt.objects.filter(message__in=ended, outcome="")
    open_attempts.filter(started_at__isnull=True).update(
        outcome=Attempt.Outcome.NOT_STARTED, ended_at=now, error=WHY_NOT_STARTED
    )
    # One that a late worker began between these steps is still open: next turn gives it up.
    closed = ~Exists(open_attempts.filter(message=OuterRef("pk")))
    return Message.objects.filter(closed, pk__in=ended, state=Message.State.SENDING).update(
        state=claims.BACK, **claims.NO_LEASE
    )


def _secrets(code: str) -> frozenset[str]:
    try:
        return kinds.get(code).secrets
    except KeyError:  # a kind which this version no longer knows
        return frozenset()
