"""When a channel does not bring a notice: the other one tries, and if none does an officer knows.

A message failed, or the gateway said that it did not arrive, or nobody knows what became of it, or
the receipt, or the message itself, is half an hour late with the matter at hand: then the notice
goes to `other_address`, if it did not go there anyway. When every channel is at its end the notice
is `NotReached`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.module_loading import import_string

from notifications import kinds, outbox, quiet
from notifications.gateways import gateway_classes
from notifications.models import (
    Attempt,
    Batch,
    BatchDecision,
    Channel,
    Decision,
    Lane,
    Message,
    NotReached,
)
from notifications.receipts import LIFE, NEAR, SILENCE

State = Message.State
CHUNK = 500
# Messages in one turn which have been tried, and of which it is asked for how long.
TRIED = 2000
# A message in doubt with a gateway that reports may still get its receipt.
DOUBT = timedelta(minutes=2)
LATE = "it could not leave for half an hour"
# Messages in these states may still arrive, or have.
HOPEFUL = (State.QUEUED, State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNCONFIRMED)
# `_hopeful` says the same of one message.
HOPED_FOR = Q(state__in=HOPEFUL) & (Q(followed_up_at__isnull=True) | Q(state=State.DELIVERED))


def look_for_receipts(now: datetime) -> int:
    """See to the messages whose receipt is late; returns how many that were.

    Near their matter the other channel tries. After 72 hours it does in any case, because nothing
    is waited for any more, and nobody would look again.
    """
    late = Message.objects.filter(receipt_by__lte=now)
    with transaction.atomic():
        found = list(_locked(late.order_by("receipt_by")))
        for message in found:
            assert message.sent_at is not None
            ends_at = message.sent_at + LIFE
            is_over = ends_at <= now
            if (is_over or message.urgent_by <= now + NEAR) and not message.followed_up_at:
                _follow_up(message, now, why="no receipt came")
            message.receipt_by = None if is_over else ends_at
            if is_over:
                message.state = State.UNCONFIRMED
            message.save(update_fields=["receipt_by", "state", "followed_up_at"])
    return len(found)


def look_for_late(now: datetime) -> int:
    """See to what should have left half an hour ago, and has not; returns how many that were.

    The gateway is down, or says "later" each time. Such a message may leave yet, so it stays in the
    queue; but nobody counts on it any more. Once it has left it is followed up anew (claims.py).
    """
    done = 0
    # Its matter is at hand, or the end of its life: each by an index of its own.
    for near in ("urgent_by", "expires_at"):
        at_hand = _let_leave(now).filter(**{f"{near}__lte": now + NEAR}).order_by(near)
        for find in (_not_tried, _tried_in_vain):
            if done >= CHUNK:
                return done  # the rest waits for the next turn
            with transaction.atomic():
                for message in _locked(find(at_hand, now)):
                    _follow_up(message, now, why=message.error or LATE)
                    message.save(update_fields=["followed_up_at"])
                    done += 1
    return done


def follow_up(now: datetime) -> int:
    """See to the messages that came to a bad end; returns for how many something was done."""
    done = 0
    with transaction.atomic():
        for message in _locked(_at_a_bad_end(now).order_by("id")):
            why = message.error or str(message.get_state_display())
            done += _follow_up(message, now, why=why)
            message.save(update_fields=["followed_up_at"])
    return done


def may_repeat(now: datetime) -> QuerySet[Message]:
    """Messages in doubt that may be said once more: of an urgent kind, by the gateway that may have
    them, and not while its receipt may still come."""
    urgent = [kind.code for kind in kinds.all_kinds() if kind.repeat_unknown]
    in_use = {channel: gateway_classes(channel) for channel in Channel.values}
    theirs = Q()
    for channel, gateways in in_use.items():
        theirs |= Q(channel=channel, pinned_to__in=["", *(each.name for each in gateways)])
    reporting = [each.name for gateways in in_use.values() for each in gateways if each.reports]
    fresh = Attempt.objects.filter(
        message=OuterRef("pk"), gateway__in=reporting, ended_at__gt=now - DOUBT
    )
    return Message.objects.filter(
        theirs,
        ~Exists(fresh),
        state=State.UNKNOWN,
        kind__in=urgent,
        repeated=False,
        cancel_requested=False,
        expires_at__gt=now,
    )


def _let_leave(now: datetime) -> QuerySet[Message]:
    """What waits though nothing has kept it back for half an hour, and was not seen to yet.

    Not what waits for the end of the night or of a pause; after those it has its half hour like any
    other.
    """
    then = now - SILENCE
    by_hour = Q()
    for channel in Channel.values:
        allowed = quiet.allowed(channel, then) & quiet.allowed(channel, now)
        by_hour |= Q(allowed, channel=channel)
    paused = Batch.objects.filter(is_paused=True).values("name")
    resumed = BatchDecision.objects.filter(verb=BatchDecision.Verb.RESUME, at__gt=then)
    waiting = Message.objects.filter(
        by_hour,
        # Each channel and lane is named, so that the index of the queue finds them.
        channel__in=Channel.values,
        lane__in=Lane.values,
        state=State.QUEUED,
        created_at__lte=then,
        expires_at__gt=now,
        followed_up_at__isnull=True,
    )
    return waiting.exclude(batch__in=paused).exclude(batch__in=resumed.values("batch__name"))


def _not_tried(messages: QuerySet[Message], now: datetime) -> QuerySet[Message]:
    """Those that have been due for half an hour."""
    return messages.filter(next_attempt_at__lte=now - SILENCE)


def _tried_in_vain(messages: QuerySet[Message], now: datetime) -> QuerySet[Message]:
    """Those that no gateway has taken for half an hour: their next try is always soon."""
    then = now - SILENCE
    tried = messages.filter(attempt_count__gt=0, next_attempt_at__gt=then)
    # Asked for first, and only so many: attempts are many, and are found by their message alone.
    ids = list(tried.values_list("pk", flat=True)[:TRIED])
    of_it = {"message": OuterRef("pk")}
    refused = Attempt.objects.filter(**of_it, outcome=Attempt.Outcome.TRANSIENT, ended_at__lte=then)
    sent_again = Decision.objects.filter(**of_it, verb=Decision.Verb.RESEND, at__gt=then)
    return messages.filter(Exists(refused), ~Exists(sent_again), pk__in=ids)


def _at_a_bad_end(now: datetime) -> QuerySet[Message]:
    bad = Message.objects.filter(state__in=Message.TROUBLED_STATES, followed_up_at__isnull=True)
    will_be_repeated = may_repeat(now).filter(pk=OuterRef("pk"))
    young = Attempt.objects.filter(message=OuterRef("pk"), ended_at__gt=now - DOUBT)
    return bad.exclude(Q(state=State.UNKNOWN) & (Exists(will_be_repeated) | Exists(young)))


def _locked(messages: QuerySet[Message]) -> Iterable[Message]:
    return messages.select_for_update(skip_locked=True, of=("self",))[:CHUNK]


def _follow_up(message: Message, now: datetime, *, why: str) -> bool:
    """Bring the notice by the other channel, or note that nothing brings it; False: no need."""
    message.followed_up_at = now
    if message.cancel_requested or message.expires_at <= now:
        return False
    others = _siblings(message)
    if any(other.cancel_requested or _hopeful(other) for other in others):
        return False
    if not others and _by_the_other_channel(message, now):
        return True
    to_each = not others and _one_by_one(message, now)
    return (_must_reach(message.kind) and _note(message, now, why)) or to_each


def _siblings(message: Message) -> list[Message]:
    return list(Message.objects.filter(notice=message.notice).exclude(pk=message.pk))


def _hopeful(message: Message) -> bool:
    """It may still arrive, or has. One that is so late, or its receipt, that it was followed up
    has not. HOPED_FOR says the same to the database."""
    silent = message.followed_up_at is not None and message.state != State.DELIVERED
    return message.state in HOPEFUL and not silent


def _by_the_other_channel(message: Message, now: datetime) -> bool:
    """Queue the notice on the other channel; False: it has no address there, or no words."""
    channel = Channel.EMAIL if message.channel == Channel.SMS else Channel.SMS
    try:
        speaks = kinds.get(message.kind).speaks(channel)
    except KeyError:  # a kind which this version no longer knows
        return False
    if not message.other_address or not speaks:
        return False
    draft = outbox.Draft(
        kind=message.kind,
        channel=channel,
        address=message.other_address,
        language=message.language,
        values=message.values,
        dedupe_key=f"fallback:{message.public_id}",
        notice=message.notice,
        reference=message.reference,
        batch=message.batch,
        scope=message.scope,
        urgent_by=message.urgent_by,
        quiet_ok_from=message.quiet_ok_from,
        expires_at=message.expires_at,
    )
    return _stand_in(message, [draft], now)


def _one_by_one(message: Message, now: datetime) -> bool:
    """Queue what its kind says to each of several people instead; False: nothing to anybody."""
    try:
        name = kinds.get(message.kind).one_by_one
    except KeyError:
        return False
    return bool(name) and _stand_in(message, import_string(name)(message, now=now), now)


def _stand_in(message: Message, drafts: Sequence[outbox.Draft], now: datetime) -> bool:
    """Queue these in the place of a message; False: there are none."""
    outbox.enqueue(drafts, now=now)
    keys = [draft.dedupe_key for draft in drafts]
    Message.objects.filter(dedupe_key__in=keys).update(fallback_for=message)
    return bool(keys)


def _must_reach(code: str) -> bool:
    """Whether somebody has to be told by other means if no channel brings this kind."""
    try:
        return kinds.get(code).must_reach
    except KeyError:
        return True


def _note(message: Message, now: datetime, why: str) -> bool:
    missed = NotReached(
        notice=message.notice,
        reference=message.reference,
        batch=message.batch,
        kind=message.kind,
        urgent_by=message.urgent_by,
        why=why[:200],
        since=now,
    )
    NotReached.objects.bulk_create([missed], ignore_conflicts=True)
    # Somebody had heard of it, and an officer sent it again since: in vain, as it turns out.
    resent = message.decisions.filter(verb=Decision.Verb.RESEND).last()
    if resent:
        cleared = NotReached.objects.filter(notice=message.notice, cleared_at__lt=resent.at)
        cleared.update(cleared_at=None, since=now, why=missed.why)
    return True
