"""One message's life: everything that happened to it, in order, in plain words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import User
from appointments.admin.outbox.causes import cause_of
from appointments.admin.outbox.words import (
    CHANNEL_WORDS,
    DECISION_WORDS,
    OUTCOME_WORDS,
    state_words,
)
from appointments.message_batches import officer_id
from notifications import dates
from notifications.models import (
    Arrival,
    Attempt,
    BatchDecision,
    Decision,
    Message,
    NotReached,
    Part,
    Receipt,
)

ARRIVAL_WORDS = {Arrival.DELIVERED: "it arrived", Arrival.UNDELIVERED: "it did not arrive"}
TOO_LATE = "It came too late and changed nothing: a final word had been said, or three days passed"


@dataclass(frozen=True)
class Moment:
    """`more`: what somebody wrote, or facts. `said`: a gateway's or a program's words, whose
    meaning the page says first. `other`: another message it speaks of."""

    at: datetime
    what: str
    more: str = ""
    tone: str = ""
    other: Message | None = None
    said: str = ""


@dataclass(frozen=True)
class Life:
    moments: list[Moment]
    # Other messages of the same notice.
    siblings: list[Message] = field(default_factory=list)
    not_reached: NotReached | None = None
    # SMS that a gateway took, of all attempts together; refused ones are not paid for.
    paid: int = 0
    # That it was sent an officer says, and no gateway.
    noted_as_sent: bool = False


def life_of(message: Message) -> Life:
    """In a bounded number of queries, whatever happened."""
    attempts = list(message.attempts.prefetch_related("parts", "receipts"))
    decisions = list(message.decisions.all())
    pauses = list(_batch_decisions(message))
    fallbacks = list(message.fallbacks.order_by("pk"))
    missed = NotReached.objects.filter(notice=message.notice).first() if message.notice else None
    names = names_of([*decisions, *pauses])
    moments = [
        _written(message),
        *(moment for attempt in attempts for moment in _attempt(attempt)),
        *_decided(decisions, names),
        *_decided(pauses, names),
        *(_fallback(other) for other in fallbacks),
        *(_missed(missed) if missed else ()),
        *_taken_back(message, pauses),
        *_ended(message),
    ]
    return Life(
        moments=sorted(moments, key=lambda moment: moment.at),
        siblings=_siblings(message, fallbacks),
        not_reached=missed,
        noted_as_sent=_noted_as_sent(message, decisions),
        paid=sum(a.size for a in attempts if a.outcome == Attempt.Outcome.ACCEPTED),
    )


def _noted_as_sent(message: Message, decisions: Sequence[Decision]) -> bool:
    """Since then no gateway has said anything of it."""
    last = decisions[-1] if decisions else None
    noted = last is not None and last.verb == Decision.Verb.TREAT_AS_SENT
    return noted and message.state == Message.State.ACCEPTED


def _batch_decisions(message: Message) -> QuerySet[BatchDecision]:
    """Those that could concern it: after it was written and before it had left, and the one that
    took it back."""
    if not message.batch:
        return BatchDecision.objects.none()
    made = BatchDecision.objects.filter(batch__name=message.batch, at__gte=message.created_at)
    if not message.sent_at:
        return made
    return made.filter(Q(at__lte=message.sent_at) | Q(at=message.taken_back_at))


def names_of(decisions: Iterable[Decision | BatchDecision]) -> dict[str, str]:
    """Label of who decided -> their name."""
    ids = {each.by: officer_id(each.by) for each in decisions}
    people = User.objects.in_bulk([pk for pk in ids.values() if pk is not None])
    return {label: str(people[pk]) for label, pk in ids.items() if pk in people}


def _written(message: Message) -> Moment:
    waits = message.next_attempt_at > message.created_at and not message.attempt_count
    until = dates.short_moment(message.next_attempt_at, "en")
    return Moment(
        message.created_at,
        f"Written, as {CHANNEL_WORDS[message.channel]}",
        f"To leave from {until} on" if waits else "",
        other=message.fallback_for,
    )


def _attempt(attempt: Attempt) -> Iterator[Moment]:
    repeat = ", as a repeat: the person may have it already" if attempt.is_repeat else ""
    yield Moment(
        attempt.claimed_at, f"Attempt {attempt.number}: taken in hand for {attempt.gateway}{repeat}"
    )
    if attempt.started_at:
        yield Moment(attempt.started_at, f"Attempt {attempt.number}: the call began")
    if attempt.ended_at:
        yield _answer(attempt, attempt.ended_at)
    for receipt in attempt.receipts.all():
        yield _receipt(attempt, receipt)
    if attempt.receipt and attempt.receipt_at and attempt.parts.all():
        words = ARRIVAL_WORDS[Arrival(attempt.receipt)]
        yield Moment(
            attempt.receipt_at, f"Attempt {attempt.number}, all its parts together: {words}"
        )


def _answer(attempt: Attempt, at: datetime) -> Moment:
    outcome = Attempt.Outcome(attempt.outcome)
    seconds, parts = attempt.seconds(), len(attempt.parts.all())
    said = [
        f"after {seconds:.2f} s" if seconds is not None else "",
        f"{parts} parts" if parts > 1 else "",
        f"reference {attempt.gateway_reference}" if attempt.gateway_reference else "",
    ]
    tones = {Attempt.Outcome.ACCEPTED: "go", Attempt.Outcome.PERMANENT: "stop"}
    return Moment(
        at,
        f"Attempt {attempt.number}: {OUTCOME_WORDS[outcome]}",
        ", ".join(filter(None, said)),
        tones.get(outcome, "" if outcome == Attempt.Outcome.NOT_STARTED else "act"),
        said=attempt.error,
    )


def _receipt(attempt: Attempt, receipt: Receipt) -> Moment:
    arrival = Arrival(receipt.arrival)
    part = next((p for p in attempt.parts.all() if p.reference == receipt.gateway_reference), None)
    of = f" of part {part.number}" if part and len(attempt.parts.all()) > 1 else ""
    what = f"Receipt from {receipt.gateway}{of}: {ARRIVAL_WORDS[arrival]}"
    if not _counted(attempt, part, receipt):
        return Moment(receipt.received_at, what, TOO_LATE, said=receipt.detail)
    tone = "go" if arrival == Arrival.DELIVERED else "stop"
    return Moment(receipt.received_at, what, tone=tone, said=receipt.detail)


def _counted(attempt: Attempt, part: Part | None, receipt: Receipt) -> bool:
    """Whether it is the one whose word stands for its part, or for the attempt: the first."""
    if part and not receipt.client_reference:
        return (part.arrival, part.arrival_at) == (receipt.arrival, receipt.received_at)
    return (attempt.receipt, attempt.receipt_at) == (receipt.arrival, receipt.received_at)


def _decided(
    decisions: Iterable[Decision | BatchDecision], names: dict[str, str]
) -> Iterator[Moment]:
    for decision in decisions:
        who = names.get(decision.by, decision.by)
        yield Moment(decision.at, f"{who} {DECISION_WORDS[decision.verb]}", decision.reason, "act")


def _fallback(other: Message) -> Moment:
    channel = CHANNEL_WORDS[other.channel]
    return Moment(
        other.created_at,
        f"The same went by {channel} instead: {state_words(other.state)}",
        other=other,
        tone="act",
    )


def _missed(missed: NotReached) -> Iterator[Moment]:
    yield Moment(
        missed.since, "The person was not reached on any channel", "", "stop", said=missed.why
    )
    if missed.cleared_at:
        yield Moment(missed.cleared_at, "No longer counted as not reached", tone="go")


def _taken_back(message: Message, of_batch: Iterable[BatchDecision]) -> Iterator[Moment]:
    """By what happened to its matter. With its batch it was an officer, who has a line."""
    at = message.taken_back_at
    if at is None or any(decision.at == at for decision in of_batch):
        return
    if message.state == Message.State.CANCELLED:
        why = cause_of(message).words
        yield Moment(at, "The portal took it back before it left", why, "stop")
    else:
        yield Moment(at, "The portal took it back: it is not said once more by itself")


def _ended(message: Message) -> Iterator[Moment]:
    """Ends that no attempt tells of."""
    if message.state == Message.State.EXPIRED:
        yield Moment(message.expires_at, "Its end of life came", "", "stop", said=message.error)


def _siblings(message: Message, fallbacks: Iterable[Message]) -> list[Message]:
    if not message.notice:
        return []
    others = Message.objects.filter(notice=message.notice).exclude(pk=message.pk)
    told = {other.pk for other in fallbacks}
    return [other for other in others.order_by("pk") if other.pk not in told]
