"""What an officer may do about a message whose fate is unknown, or which was refused or lost."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications import kinds, missed, outbox
from notifications.errors import Refusal, require_reason
from notifications.gateways import gateway_classes
from notifications.models import Channel, Decision, Message

State = Message.State
CHUNK = 500


def resend(*, message: Message, by: str, reason: str, though_taken_back: bool = False) -> Message:
    """Queue a message again that is unknown, failed or undelivered. Returns it as it stands then.

    The person may get an unknown one twice: that is the officer's decision, kept with `by` (a
    label) and the reason. One that is on its way already stays as it is. `though_taken_back`: the
    officer was told that it may not be true any more. Refusal: reason_required, not_troubled (it
    was sent, cancelled, ...), expired, words_wiped, taken_back.
    """
    require_reason(by, reason)
    with transaction.atomic():
        current = _locked(message)
        if current.state in Message.OPEN_STATES:
            return current
        now = timezone.now()
        _require_resendable(current, now)
        if current.cancel_requested and not though_taken_back:
            raise Refusal(
                "taken_back", _("It was taken back: open it, if it has to be sent all the same.")
            )
        _queue_again([current], now)
        current.refresh_from_db()
        _note(current, Decision.Verb.RESEND, by, reason)
        outbox.nudge_later([(current.channel, current.lane)])
    return current


@dataclass(frozen=True)
class Resent:
    """What became of the troubled messages of a batch, in messages."""

    queued: int = 0
    # Out of date, taken back, or their code or link is forgotten: they stay as they are.
    kept: int = 0
    # Not looked at yet: there were more than `at_most`.
    left: int = 0


def resend_batch(
    *,
    batch: str,
    by: str,
    reason: str,
    states: Collection[str] = (State.FAILED, State.UNDELIVERED),
    at_most: int = 5_000,
) -> Resent:
    """Queue the troubled messages of a batch again: a decision for each, in short transactions.

    Not those whose notice arrived on another channel, nor those that were taken back: an event
    since, or an officer, has made them wrong. Again: finds none. ValueError: a state that
    is no trouble. Refusal: reason_required.
    """
    require_reason(by, reason)
    if not set(states) <= set(Message.TROUBLED_STATES):
        raise ValueError(f"not all of {sorted(states)} are troubles")
    now, last, queued, kept, seen = timezone.now(), 0, 0, 0, 0
    while seen < at_most:
        with transaction.atomic():
            chunk = _troubled(batch, states, after=last)
            again = _resend_chunk(chunk, now, by, reason)
            outbox.nudge_later((message.channel, message.lane) for message in again)
        if not chunk:
            break
        last, seen = chunk[-1].pk, seen + len(chunk)
        queued, kept = queued + len(again), kept + len(chunk) - len(again)
    rest = Message.objects.filter(batch=batch, state__in=states, pk__gt=last)
    return Resent(queued=queued, kept=kept, left=rest.count())


def treat_as_sent(*, message: Message, by: str, reason: str) -> Message:
    """Note that a message whose fate is unknown did arrive. Returns it as it stands then.

    One that was sent already stays as it is. Refusal: reason_required, not_unknown.
    """
    require_reason(by, reason)
    with transaction.atomic():
        current = _locked(message)
        if current.state in Message.SENT_STATES:
            return current
        if refusal := why_not_as_sent(current):
            raise refusal
        current.state = State.ACCEPTED
        current.sent_at = now = timezone.now()
        current.save(update_fields=["state", "sent_at"])
        _note(current, Decision.Verb.TREAT_AS_SENT, by, reason)
        missed.clear([current.notice], at=now)
    return current


def why_not_again(message: Message, now: datetime) -> Refusal | None:
    """Why this message cannot be sent again, or None."""
    if message.state not in Message.TROUBLED_STATES:
        return Refusal("not_troubled", NOT_TROUBLED[State(message.state)])
    if message.expires_at <= now:
        return Refusal("expired", _("What this message says is out of date."))
    if _words_are_wiped(message):
        return Refusal(
            "words_wiped", _("Its code or link is not kept any more: a new one has to be sent.")
        )
    return None


def why_not_as_sent(message: Message) -> Refusal | None:
    """Why this message cannot be noted as sent, or None."""
    if message.state == State.UNKNOWN:
        return None
    return Refusal("not_unknown", _("It is known what became of this message."))


# It did not fail, so there is nothing to send again; which of these it is, the officer has to know.
NOT_TROUBLED = {
    State.QUEUED: _("It has not left yet: it waits."),
    State.SENDING: _("It leaves at this moment."),
    State.ACCEPTED: _("It was sent."),
    State.UNCONFIRMED: _("It was sent."),
    State.DELIVERED: _("It has arrived."),
    State.EXPIRED: _("What this message says is out of date."),
    State.CANCELLED: _("It was taken back before it left."),
}


def _require_resendable(message: Message, now: datetime) -> None:
    if refusal := why_not_again(message, now):
        raise refusal


def _words_are_wiped(message: Message) -> bool:
    """The sweeper forgets codes and links once a message was taken: it cannot be said again."""
    try:
        secrets = kinds.get(message.kind).secrets
    except KeyError:
        return True  # a kind which this version no longer knows
    return bool(secrets) and not message.holds_secrets and message.attempt_count > 0


def _queue_again(messages: Collection[Message], now: datetime) -> None:
    """As they were when they were new, but for what must not be forgotten: attempts, gateway.

    A gateway that is no longer in use is forgotten, or they would wait for it in vain.
    """
    classes = [found for channel in Channel.values for found in gateway_classes(channel)]
    in_use = {found.name for found in classes}
    Message.objects.filter(pk__in=[message.pk for message in messages]).update(
        # Whoever may have it already gets a repeat; the sweeper adds none of its own.
        repeated=Case(When(state=State.UNKNOWN, then=Value(True)), default=F("repeated")),
        pinned_to=Case(When(pinned_to__in=in_use, then=F("pinned_to")), default=Value("")),
        state=State.QUEUED,
        next_attempt_at=now,
        failure_count=0,
        error="",  # its attempts keep theirs
        cancel_requested=False,
        sent_at=None,
        receipt_by=None,
        delivered_at=None,
        # If it does not arrive this time either, the other channel has its turn again.
        followed_up_at=None,
    )


def _troubled(batch: str, states: Collection[str], *, after: int) -> list[Message]:
    """The next ones, held fast; those that somebody else is changing are theirs."""
    rows = Message.objects.filter(batch=batch, state__in=states, pk__gt=after).order_by("pk")
    return list(rows.select_for_update(skip_locked=True)[:CHUNK])


def _resend_chunk(chunk: Collection[Message], now: datetime, by: str, reason: str) -> list[Message]:
    notices = {message.notice for message in chunk if message.notice}
    arrived = set(
        Message.objects.filter(notice__in=notices, state=State.DELIVERED).values_list(
            "notice", flat=True
        )
    )
    wanted = [m for m in chunk if m.notice not in arrived and not m.cancel_requested]
    again = [m for m in wanted if why_not_again(m, now) is None]
    _queue_again(again, now)
    Decision.objects.bulk_create(
        _decision(message, Decision.Verb.RESEND, by, reason, now) for message in again
    )
    return again


def _locked(message: Message) -> Message:
    return Message.objects.select_for_update().get(pk=message.pk)


def _note(message: Message, verb: Decision.Verb, by: str, reason: str) -> None:
    _decision(message, verb, by, reason, timezone.now()).save()


def _decision(
    message: Message, verb: Decision.Verb, by: str, reason: str, now: datetime
) -> Decision:
    return Decision(
        message=message, verb=verb, by=by.strip()[:80], reason=reason.strip()[:200], at=now
    )
