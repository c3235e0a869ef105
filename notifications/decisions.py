"""What an officer may do about a message whose fate is unknown, or which was refused."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications import nudge
from notifications.errors import Refusal
from notifications.models import Decision, Message


def resend(*, message: Message, by: str, reason: str) -> Message:
    """Queue a message again that is unknown or failed. Returns it as it stands then.

    The person may get it twice: that is the officer's decision, kept with `by` (a label) and the
    reason. One that is on its way already stays as it is. Refusal: reason_required, not_troubled
    (it was sent, cancelled, ...), expired.
    """
    _require(by, reason)
    with transaction.atomic():
        current = _locked(message)
        if current.state in Message.OPEN_STATES:
            return current
        _require_trouble(current)
        now = timezone.now()
        if current.expires_at <= now:
            raise Refusal("expired", _("What this message says is out of date."))
        # Whoever may have it already gets a repeat; the sweeper adds none of its own.
        current.repeated = current.repeated or current.state == Message.State.UNKNOWN
        current.state = Message.State.QUEUED
        current.next_attempt_at = now
        current.failure_count = 0
        current.cancel_requested = False
        current.save()
        _note(current, Decision.Verb.RESEND, by, reason)
        transaction.on_commit(lambda: nudge.publish(current.channel))
    return current


def treat_as_sent(*, message: Message, by: str, reason: str) -> Message:
    """Note that a message whose fate is unknown did arrive. Returns it as it stands then.

    One that was sent already stays as it is. Refusal: reason_required, not_unknown.
    """
    _require(by, reason)
    with transaction.atomic():
        current = _locked(message)
        if current.state in Message.SENT_STATES:
            return current
        if current.state != Message.State.UNKNOWN:
            raise Refusal("not_unknown", _("It is known what became of this message."))
        current.state = Message.State.ACCEPTED
        current.sent_at = timezone.now()
        current.save()
        _note(current, Decision.Verb.TREAT_AS_SENT, by, reason)
    return current


def _require(by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise Refusal("reason_required", _("Write down the reason."))


def _require_trouble(message: Message) -> None:
    if message.state not in Message.TROUBLED_STATES:
        raise Refusal("not_troubled", _("Only a message that failed can be sent again."))


def _locked(message: Message) -> Message:
    return Message.objects.select_for_update().get(pk=message.pk)


def _note(message: Message, verb: Decision.Verb, by: str, reason: str) -> None:
    Decision.objects.create(
        message=message,
        verb=verb,
        by=by.strip()[:80],
        reason=reason.strip()[:200],
        at=timezone.now(),
    )
