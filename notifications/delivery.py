"""Hand over what is due: claim, render, call the gateway, record.

Between two calls there is exactly one commit, which records the answer to the last message and
the start of the next. So a worker that dies leaves at most one message whose fate is not known,
and a message whose start is not recorded has certainly not left.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from notifications import claims, gates, nudge, quiet
from notifications.claims import Claim
from notifications.gateways import gateway_for
from notifications.gateways.base import Gateway, GatewayDown, Outcome, Outgoing
from notifications.models import Attempt, Message
from notifications.render import Rendered, put_into_words

T = TypeVar("T")
logger = logging.getLogger(__name__)

# A claim holds what the gateway takes in about two seconds, so that little waits in the hands of
# a worker which dies.
CLAIM_SECONDS = 2
LARGEST_CLAIM = 200
# A gateway which cannot be reached is tried again after this.
DOWN_FOR = timedelta(seconds=15)
# A gateway that leaves so many messages in a row without an answer gets no more for a while: each
# would end unknown too.
UNANSWERED_IN_A_ROW = 2
PASSED_OVER_FOR = timedelta(seconds=5)
# A database that restarts is back within seconds; an answer in hand is worth waiting for it.
DATABASE_TRIES = 5


@dataclass(frozen=True)
class Answer:
    """What the gateway said about a message, not recorded yet."""

    claim: Claim
    outcome: Outcome
    down: bool = False
    unanswered: int = 0  # how many in a row, up to this one, ended unknown

    @property
    def ends_run(self) -> bool:
        asked_to_wait = self.outcome.retry_after is not None
        return self.down or asked_to_wait or self.unanswered >= UNANSWERED_IN_A_ROW


def run(channel: str) -> bool:
    """Hand over due messages until none is left or MESSAGE_RUN_SECONDS are up.

    True: time was up, and more may be due.
    """
    now = timezone.now()
    if gates.is_shut(channel, now) or not claims.due(channel, now).exists():
        return False
    try:
        with gateway_for(channel) as gateway:
            return _drain(channel, gateway)
    except GatewayDown as error:
        _pause(channel, DOWN_FOR, f"gateway down: {error}")
        return False


def _drain(channel: str, gateway: Gateway) -> bool:
    ends_at = time.monotonic() + settings.MESSAGE_RUN_SECONDS
    last: Answer | None = None
    size = 1  # the first message shows whether the gateway works, and how fast
    while time.monotonic() < ends_at:
        begins_at = time.monotonic()
        held = _persist(
            partial(
                claims.claim, channel=channel, gateway=gateway.name, limit=size, now=timezone.now()
            )
        )
        if not held:
            return False
        if len(held) == size > 1:
            nudge.publish(channel)  # there is more: another worker may take part
        until = min(ends_at, begins_at + _lease_in_use())
        last = _hand_over(gateway, held, last=last, until=until)
        if last and last.ends_run:
            _pause(channel, last.outcome.retry_after or DOWN_FOR, last.outcome.error)
            return False
        if size == 1:
            gates.reopen(channel, timezone.now())
        size = _next_size(len(held), time.monotonic() - begins_at)
    return True


def _lease_in_use() -> float:
    """Seconds of a lease in which a call may begin: it, and a slow commit, must fit in the rest."""
    return settings.MESSAGE_LEASE_SECONDS - 2 * settings.MESSAGE_CALL_SECONDS


def _next_size(handed_over: int, seconds: float) -> int:
    fits = int(handed_over * CLAIM_SECONDS / max(seconds, 0.001))
    return max(1, min(fits, LARGEST_CLAIM))


def _hand_over(
    gateway: Gateway, held: list[Claim], *, last: Answer | None, until: float
) -> Answer | None:
    """Hand over a claim, message by message; takes and returns the last answer of the turn.

    Whatever has not begun when time is up, or when the gateway wants rest, is given back.
    """
    waiting = deque(held)
    passed_over: list[Claim] = []
    answer: Answer | None = None  # not recorded yet
    while waiting and time.monotonic() < until and not (last and last.ends_run):
        claim = waiting.popleft()
        outgoing = _persist(partial(_step, answer, claim))
        answer = _call(gateway, claim, outgoing, last) if outgoing else None
        last = answer or last
        if not outgoing:
            passed_over.append(claim)
    _persist(partial(_finish, answer, passed_over, waiting))
    return last


def _step(answer: Answer | None, claim: Claim) -> Outgoing | None:
    """One commit: record the last answer, note the start of the next message.

    None: that message must not leave now.
    """
    now = timezone.now()
    words = _words(claim.message)
    leaves = words is not None and claim.message.expires_at > now
    with transaction.atomic():
        if answer:
            claims.record(answer.claim, answer.outcome, now)
        begins = leaves and quiet.may_leave(claim.message, now) and claims.start(claim, now)
    if begins and words:
        return _outgoing(claim.message, words)
    if not leaves:
        _drop(claim, now)
    return None


def _words(message: Message) -> Rendered | None:
    """None: it cannot be put into words, now or later. The row then says why."""
    try:
        return put_into_words(message)
    except Exception as error:  # whatever a template may raise must not stop the queue
        logger.error("message %s cannot be put into words", message.public_id)
        message.error = str(error) or type(error).__name__
        return None


def _drop(claim: Claim, now: datetime) -> None:
    """In a transaction of its own: it waits for the row, which a transaction holding another
    row must not (outbox.cancel locks many)."""
    past = claim.message.expires_at <= now
    state = Message.State.EXPIRED if past else Message.State.FAILED
    claims.drop(claim, now, state=state, error=claim.message.error)


def _outgoing(message: Message, words: Rendered) -> Outgoing:
    return Outgoing(
        public_id=message.public_id,
        kind=message.kind,
        channel=message.channel,
        address=message.address,
        language=message.language,
        text=words.text,
        subject=words.subject,
        html=words.html,
        ics=words.ics,
    )


def _finish(
    answer: Answer | None, passed_over: Collection[Claim], waiting: Collection[Claim]
) -> None:
    """Record the last answer and give back what has not begun."""
    now = timezone.now()
    if answer:
        claims.record(answer.claim, answer.outcome, now)
    # Not at once: what keeps a message from leaving may last a moment.
    claims.give_back(passed_over, now, at=now + PASSED_OVER_FOR)
    claims.give_back(waiting, now)


def _call(gateway: Gateway, claim: Claim, outgoing: Outgoing, last: Answer | None) -> Answer:
    try:
        outcome = gateway.send(outgoing, claim.attempt.client_reference)
    except GatewayDown as error:
        outcome = Outcome(Attempt.Outcome.TRANSIENT, error=f"gateway down: {error}")
        return Answer(claim, outcome, down=True)
    except Exception as error:
        # Also the task's soft time limit. The text may name the recipient: it goes to the row,
        # not to the log.
        logger.error("gateway %s broke: %s", gateway.name, type(error).__name__)
        outcome = Outcome(Attempt.Outcome.UNKNOWN, error=f"{type(error).__name__}: {error}")
    # Mail servers quote the address in their answers; officers see it masked.
    outcome = replace(outcome, error=outcome.error.replace(outgoing.address, "[recipient]"))
    unknown = outcome.kind == Attempt.Outcome.UNKNOWN
    before = last.unanswered if last else 0
    return Answer(claim, outcome, unanswered=before + 1 if unknown else 0)


def _pause(channel: str, wait: timedelta, reason: str) -> None:
    now = timezone.now()
    logger.warning("%s rests for %s", channel, wait)  # why: in the gate's row
    gates.shut(channel, until=now + wait, now=now, reason=reason)


def _persist(step: Callable[[], T]) -> T:
    """Run a database step, again if the connection broke: each step may safely run twice."""
    for tries_left in reversed(range(DATABASE_TRIES)):
        try:
            return step()
        except (OperationalError, InterfaceError) as error:
            if not tries_left or connection.in_atomic_block:
                raise
            logger.warning("the database did not answer: %s", type(error).__name__)
            connection.close_if_unusable_or_obsolete()
            time.sleep(1)
    raise AssertionError("unreachable")
