"""Receipts: what a gateway reports of a message after it took it.

A receipt names its message by our own reference, signed when the message left, or by the name that
the gateway gave a part of it. Each is stored once. The first final word stands; one that comes
before the attempt was recorded is parked, and matched when it is (or by the sweeper). See
docs/delivery.md.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.db.models import F, Q, QuerySet

from notifications import missed
from notifications.models import (
    Arrival,
    Attempt,
    Message,
    Part,
    Receipt,
    ReceiptCount,
)
from notifications.text import fit

Verdict = ReceiptCount.Verdict
# A receipt that comes later changes nothing, and a message without one is no longer waited for.
LIFE = timedelta(hours=72)
# So long a gateway has for its receipt before the silence is looked at,
SILENCE = timedelta(minutes=30)
# if the matter is so near.
NEAR = timedelta(hours=48)
FORGOTTEN_AT_ONCE = 500


class Forged(Exception):
    """The reference does not carry our signature for this gateway."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a gateway says of one message, or of one part of it.

    `arrival` None: it is on its way. One of the two references is needed: ours, which was signed,
    or the gateway's. `detail`: the gateway's own code and words; no address in it.
    """

    arrival: Arrival | None
    client_reference: UUID | None = None
    gateway_reference: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        if self.client_reference is None and not self.gateway_reference:
            raise ValueError("a report names no message")

    def key(self, gateway: str) -> str:
        """The same report again has the same key."""
        name = self.client_reference.hex if self.client_reference else self.gateway_reference[:100]
        return f"{gateway}:{name}:{self.arrival}"


def sign(gateway: str, client_reference: UUID) -> str:
    """The reference as it is given to the gateway: letters, digits, `-`, `_` and `:` only."""
    return _signer(gateway).sign(client_reference.hex)


def unsign(gateway: str, signed: str) -> UUID:
    """Our reference out of what came back. Forged: it is not ours, or was given to another."""
    try:
        return UUID(hex=_signer(gateway).unsign(signed))
    except (signing.BadSignature, ValueError) as error:
        raise Forged from error


def take(*, gateway: str, report: Report, now: datetime) -> Verdict:
    """Take note of a report, in a transaction of its own; what was made of it.

    Twice the same report, or one about nothing, changes nothing and is counted.
    """
    verdict, receipt = _take(gateway, report, now)
    if verdict == Verdict.PARKED and receipt:
        verdict = _look_again(receipt)
    count(gateway=gateway, verdict=verdict, now=now)
    return verdict


def count(*, gateway: str, verdict: Verdict, now: datetime) -> None:
    """Count a report of today."""
    of_today = {"gateway": gateway[:40], "day": now.astimezone(UTC).date(), "verdict": verdict}
    one_more = {"count": F("count") + 1}
    if not ReceiptCount.objects.filter(**of_today).update(**one_more):
        ReceiptCount.objects.bulk_create([ReceiptCount(**of_today)], ignore_conflicts=True)
        ReceiptCount.objects.filter(**of_today).update(**one_more)


def owed_by(message: Message, sent_at: datetime) -> datetime:
    """When to look whether the receipt of a message has come: half an hour after it was sent, but
    not before its matter is near; after three days at the latest."""
    near = message.urgent_by - NEAR
    return min(max(sent_at + SILENCE, near), sent_at + LIFE)


def _look_again(receipt: Receipt) -> Verdict:
    """The parts may have been recorded at the same moment: whoever commits last sees the other."""
    with transaction.atomic():
        return _match(receipt) or Verdict.PARKED


def match_late(attempts: Collection[Attempt]) -> None:
    """As `match_early`, once the attempts are committed: for receipts of the same moment."""
    with transaction.atomic():
        match_early(attempts)


def match_early(attempts: Collection[Attempt]) -> None:
    """Apply the receipts that came before these attempts were recorded. In their transaction."""
    parts = Part.objects.filter(attempt__in=attempts).values_list("gateway", "reference")
    named = Q(client_reference__in=[attempt.client_reference for attempt in attempts])
    for gateway, reference in parts:
        named |= Q(gateway=gateway, gateway_reference=reference)
    for receipt in _parked().filter(named).order_by("id"):
        _match(receipt)


def free_names(names: Collection[str], *, attempts: Collection[Attempt], now: datetime) -> set[str]:
    """Let a gateway's names of parts be used again for these attempts, all of that gateway, if the
    parts that had them are past their receipts' life; returns those that others still have.

    What was told of such a part is forgotten with it, or the same about the new part would be taken
    for a repetition. What it meant for its attempt stays. In the transaction of the record.
    """
    if not names:
        return set()
    [gateway] = {attempt.gateway for attempt in attempts}
    others = Part.objects.filter(gateway=gateway, reference__in=names).exclude(attempt__in=attempts)
    found = list(others.select_related("attempt"))
    past = [part for part in found if (part.attempt.ended_at or now) <= now - LIFE]
    if past:
        Receipt.objects.filter(
            client_reference__isnull=True,
            gateway_reference__in=[part.reference for part in past],
            attempt__in=[part.attempt for part in past],
        ).delete()
        Part.objects.filter(pk__in=[part.pk for part in past]).delete()
    return {part.reference for part in found if part not in past}


def match_parked(*, limit: int) -> int:
    """Look again for the messages of parked receipts; how many were found."""
    found = 0
    # The newest first: old ones are not ours, or of attempts in doubt.
    for receipt in list(_parked().order_by("-id")[:limit]):
        with transaction.atomic():
            found += bool(_match(receipt))
    return found


def forget_parked(now: datetime) -> int:
    """Drop the receipts that no message claimed within their life; count them as foreign."""
    dropped = 0
    old = _parked().filter(received_at__lte=now - LIFE)
    for gateway, pk in list(old.values_list("gateway", "pk")[:FORGOTTEN_AT_ONCE]):
        gone, _ = _parked().filter(pk=pk).delete()
        if gone:
            count(gateway=gateway, verdict=Verdict.FOREIGN, now=now)
            dropped += 1
    return dropped


def _take(gateway: str, report: Report, now: datetime) -> tuple[Verdict, Receipt | None]:
    if report.arrival is None:
        return Verdict.ON_ITS_WAY, None
    receipt = Receipt(
        gateway=gateway,
        key=report.key(gateway),
        client_reference=report.client_reference,
        gateway_reference=fit(report.gateway_reference, 100),
        arrival=report.arrival,
        detail=fit(report.detail, 200),
        received_at=now,
    )
    with transaction.atomic():
        if not _store(receipt):
            return Verdict.REPEATED, None
        return _match(receipt) or Verdict.PARKED, receipt


def _store(receipt: Receipt) -> bool:
    """False: the same was stored before."""
    Receipt.objects.bulk_create([receipt], ignore_conflicts=True)
    stored = Receipt.objects.get(key=receipt.key)
    is_new = stored.received_at == receipt.received_at and stored.attempt_id is None
    receipt.pk = stored.pk
    return is_new


def _match(receipt: Receipt) -> Verdict | None:
    """Apply a parked receipt; None: its attempt is not there, or still in a worker's hands."""
    attempt, part = _attempt_of(receipt)
    if attempt is None:
        return None
    # The message is the lock, as for everybody who changes an attempt; receipts are not locked.
    message = Message.objects.select_for_update().get(pk=attempt.message_id)
    attempt.refresh_from_db()
    if not attempt.outcome or not _parked().filter(pk=receipt.pk).exists():
        return None
    receipt.attempt = attempt
    receipt.save(update_fields=["attempt"])
    return _apply(receipt, attempt, part, message)


def _attempt_of(receipt: Receipt) -> tuple[Attempt | None, Part | None]:
    if receipt.client_reference:
        named = Attempt.objects.filter(
            client_reference=receipt.client_reference, gateway=receipt.gateway
        )
        return named.first(), None
    part = (
        Part.objects.filter(gateway=receipt.gateway, reference=receipt.gateway_reference)
        .select_related("attempt")
        .first()
    )
    return (part.attempt, part) if part else (None, None)


def _apply(receipt: Receipt, attempt: Attempt, part: Part | None, message: Message) -> Verdict:
    if attempt.ended_at and receipt.received_at >= attempt.ended_at + LIFE:
        return Verdict.LATE
    if attempt.receipt or (part and part.arrival):
        return Verdict.OVERTAKEN
    if part:
        part.arrival, part.arrival_at = receipt.arrival, receipt.received_at
        part.save(update_fields=["arrival", "arrival_at"])
    arrival = _of_all_parts(attempt) if part else Arrival(receipt.arrival)
    if arrival:
        _settle(attempt, message, arrival, receipt)
    return Verdict.APPLIED


def _of_all_parts(attempt: Attempt) -> Arrival | None:
    """One part that is lost makes the text unreadable; all must arrive."""
    arrivals = set(attempt.parts.values_list("arrival", flat=True))
    if Arrival.UNDELIVERED in arrivals:
        return Arrival.UNDELIVERED
    return Arrival.DELIVERED if arrivals == {Arrival.DELIVERED} else None


def _settle(attempt: Attempt, message: Message, arrival: Arrival, receipt: Receipt) -> None:
    """What the attempt's final word means for the attempt and its message."""
    attempt.receipt, attempt.receipt_at = arrival, receipt.received_at
    if attempt.outcome == Attempt.Outcome.UNKNOWN:
        attempt.outcome = Attempt.Outcome.ACCEPTED  # so it had taken it
    attempt.save(update_fields=["receipt", "receipt_at", "outcome"])
    if arrival == Arrival.DELIVERED:
        _arrived(attempt, message, receipt.received_at)
    elif attempt.number == message.attempt_count and message.state in NOT_FINAL:
        message.state = Message.State.UNDELIVERED
        message.error = receipt.detail or "the gateway says that it did not arrive"
        message.sent_at = message.sent_at or attempt.ended_at
        message.receipt_by = None
        if message.followed_up_at:  # its silence has been seen to: from now on it is a trouble
            message.followed_up_at = receipt.received_at
        message.save(update_fields=["state", "error", "sent_at", "receipt_by", "followed_up_at"])


# From here a receipt moves a message on.
NOT_FINAL = (Message.State.ACCEPTED, Message.State.UNCONFIRMED, Message.State.UNKNOWN)


def _arrived(attempt: Attempt, message: Message, at: datetime) -> None:
    """By whichever attempt. A repeat that waits is no longer needed; one that is under way stays
    in its worker's hands, which finds the arrival when it is done (`arrived_before`)."""
    waits = message.state == Message.State.QUEUED and attempt.number == message.attempt_count
    if waits or message.state in (*NOT_FINAL, *Message.TROUBLED_STATES):
        _deliver(message, at, attempt.ended_at)


def _deliver(message: Message, at: datetime, sent_at: datetime | None) -> None:
    message.state = Message.State.DELIVERED
    message.sent_at = message.sent_at or sent_at or at
    message.delivered_at = at
    message.receipt_by, message.error = None, ""
    message.save(update_fields=["state", "sent_at", "delivered_at", "receipt_by", "error"])
    missed.clear([message.notice], at=at)


def arrived_before(messages: Iterable[Message]) -> None:
    """Settle repeats that were under way when an earlier attempt turned out to have arrived.

    In the transaction that recorded them.
    """
    repeats = [message.pk for message in messages if message.attempt_count]
    for attempt in Attempt.objects.filter(message__in=repeats, receipt=Arrival.DELIVERED):
        message = Message.objects.select_for_update().get(pk=attempt.message_id)
        if message.state in (*NOT_FINAL, *Message.TROUBLED_STATES) and attempt.receipt_at:
            _deliver(message, attempt.receipt_at, attempt.ended_at)


def _parked() -> QuerySet[Receipt]:
    return Receipt.objects.filter(attempt__isnull=True)


def _signer(gateway: str) -> signing.Signer:
    return signing.Signer(salt=f"notifications.receipts.{gateway}")
