"""Hand over what is due: claim, render, call the gateway, record.

Between two windows of calls there is exactly one commit, which records the answers to the last one
and the start of the next. With a window of one (the rule) a worker that dies leaves at most one
message whose fate is not known; a message whose start is not recorded has certainly not left.
"""

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from notifications import bucket, claims, health, nudge, quiet, receipts
from notifications.claims import Claim, Share
from notifications.gateways import gateway_classes
from notifications.gateways.base import Gateway, GatewayDown, Outcome, Outgoing
from notifications.models import Attempt, Channel, Lane, Message
from notifications.registry import verbs
from notifications.registry.errors import NotFiled
from notifications.render import Rendered, put_into_words

T = TypeVar("T")
logger = logging.getLogger(__name__)

# A claim holds what the gateway takes in about two seconds, so that little waits in the hands of
# a worker which dies.
CLAIM_SECONDS = 2
LARGEST_CLAIM = 200
# A gateway that leaves so many messages in a row without an answer gets no more for a while: each
# would end unknown too.
UNANSWERED_IN_A_ROW = 2
PASSED_OVER_FOR = timedelta(seconds=5)
# A database that restarts is back within seconds; an answer in hand is worth waiting for it.
DATABASE_TRIES = 5
# Tokens are taken for so long ahead, and looked for again after at most so long.
TOKENS_AHEAD_SECONDS = 0.25
LONGEST_NAP = 0.2


# Answers that show a gateway at work, whatever it makes of the message.
DEFINITE = (Attempt.Outcome.ACCEPTED, Attempt.Outcome.PERMANENT)


class End(Enum):
    """How a worker's time with one gateway ended."""

    DRAINED = auto()
    TIME_UP = auto()
    RESTS = auto()


@dataclass
class Turn:
    """A worker's turn on one channel."""

    ends_at: float
    others: bool = False  # there are other gateways for the channel
    tokens: int = 0  # taken out of the gateway's bucket, and not used yet
    unanswered: int = 0  # how many in a row ended unknown
    calls: int = 0  # since the last that failed
    wordless: set[str] = field(default_factory=set)  # what the log says already


@dataclass(frozen=True)
class Ready:
    """A claimed message in words; None: it cannot be put into words, now or later."""

    claim: Claim
    outgoing: Outgoing | None

    @property
    def tokens(self) -> int:
        size = self.outgoing.size if self.outgoing else None
        return size.parts if size else 1


@dataclass(frozen=True)
class Answer:
    """What the gateway said about a message, not recorded yet. `ends_turn`: it wants rest."""

    claim: Claim
    outcome: Outcome
    ends_turn: bool = False


def run(channel: str, *, urgent_only: bool = False) -> bool:
    """Hand over due messages until none is left or MESSAGE_RUN_SECONDS are up.

    The first gateway that does not rest gets them; the others only what they have in doubt. True:
    time was up, and more may be due.
    """
    kinds = gateway_classes(channel)
    ends_at = time.monotonic() + settings.MESSAGE_RUN_SECONDS
    turn = Turn(ends_at=ends_at, others=len(kinds) > 1)
    preferred = True
    for kind in kinds:
        now = timezone.now()
        if health.rests(kind.name, now):
            continue
        share = Share(
            channel=channel,
            gateway=kind.name,
            reports=kind.reports,
            pinned_only=not preferred,
            urgent_only=urgent_only,
        )
        if not claims.due(share, now).exists():
            preferred = False
            continue
        match _with(kind, share, turn):
            case End.TIME_UP:
                return True
            case End.DRAINED:
                preferred = False
            case End.RESTS:
                pass  # the next one takes over
    return False


def _with(kind: type[Gateway], share: Share, turn: Turn) -> End:
    try:
        with kind() as gateway:
            return _drain(gateway, share, turn)
    except GatewayDown as error:
        _rest(kind.name, f"gateway down: {error}")
        return End.RESTS
    finally:
        bucket.put_back(kind.name, turn.tokens)
        turn.tokens = 0


def _drain(gateway: Gateway, share: Share, turn: Turn) -> End:
    size = 1  # the first message shows whether the gateway works, and how fast
    turn.unanswered = turn.calls = 0
    while time.monotonic() < turn.ends_at:
        if health.rests(gateway.name, timezone.now()):  # another worker met its end
            return End.RESTS
        begins_at = time.monotonic()
        held = _persist(partial(claims.claim, share, limit=size, now=timezone.now()))
        if not held:
            return End.DRAINED
        if len(held) == size > 1:
            nudge.publish(share.channel)  # there is more: another worker may take part
        until = min(turn.ends_at, begins_at + _lease_in_use())
        last = _hand_over(gateway, held, turn=turn, until=until)
        if last and last.ends_turn:
            outcome = last.outcome
            _rest(gateway.name, outcome.error, wait=outcome.retry_after)
            return End.RESTS
        if size == 1 and last and last.outcome.kind in DEFINITE:
            health.works(gateway.name, now=timezone.now())
        size = _next_size(len(held), time.monotonic() - begins_at)
    return End.TIME_UP


def _lease_in_use() -> float:
    """Seconds of a lease in which a call may begin: it, and a slow commit, must fit in the rest."""
    return settings.MESSAGE_LEASE_SECONDS - 2 * settings.MESSAGE_CALL_SECONDS


def _next_size(handed_over: int, seconds: float) -> int:
    fits = int(handed_over * CLAIM_SECONDS / max(seconds, 0.001))
    return max(1, min(fits, LARGEST_CLAIM))


def _hand_over(gateway: Gateway, held: list[Claim], *, turn: Turn, until: float) -> Answer | None:
    """Hand over a claim, window by window; returns its last answer.

    Whatever has not begun when time is up, or when the gateway wants rest, is given back.
    """
    with _words_ahead(held, gateway, turn) as words_of:
        return _by_windows(gateway, held, words_of=words_of, turn=turn, until=until)


@contextmanager
def _words_ahead(
    held: list[Claim], gateway: Gateway, turn: Turn
) -> Iterator[Callable[[Claim], Ready]]:
    """Emails are put into words while others are on the wire: both take some milliseconds.

    The thread touches no database: an SMS, whose filed text may lie there, is ready in no time.
    """
    if held[0].message.channel != Channel.EMAIL or len(held) == 1:
        yield lambda claim: _persist(partial(_ready, claim, gateway, turn))
        return
    with ThreadPoolExecutor(max_workers=1) as thread:
        coming = {each.attempt.pk: thread.submit(_ready, each, gateway, turn) for each in held}
        try:
            yield lambda claim: coming[claim.attempt.pk].result()
        finally:
            thread.shutdown(cancel_futures=True)


def _by_windows(
    gateway: Gateway,
    held: list[Claim],
    *,
    words_of: Callable[[Claim], Ready],
    turn: Turn,
    until: float,
) -> Answer | None:
    waiting = deque(held)
    passed_over: list[Claim] = []
    answers: list[Answer] = []  # not recorded yet
    last: Answer | None = None
    while waiting and time.monotonic() < until and not (last and last.ends_turn):
        window = [waiting.popleft() for _ in range(min(gateway.window, len(waiting)))]
        ready = [words_of(claim) for claim in window]
        if not _await_tokens(gateway.name, ready, answers, turn=turn, until=until):
            waiting.extendleft(reversed(window))
            break
        begun = _persist(partial(_step, answers, ready))
        called = {each.claim.attempt.pk for each in begun}
        passed_over += [claim for claim in window if claim.attempt.pk not in called]
        answers = _calls(gateway, begun, turn, until)
        last = answers[-1] if answers else last
    _persist(partial(_finish, answers, passed_over, waiting))
    return last


def _await_tokens(
    gateway: str, ready: Sequence[Ready], answers: list[Answer], *, turn: Turn, until: float
) -> bool:
    """Take the tokens that a window needs, once there are some; False: time was up before.

    Before it waits it records the answers and empties their list: what is known must not wait.
    """
    while wait := _take_tokens(gateway, ready, turn):
        if answers:
            _persist(partial(_finish, answers, [], []))
            answers.clear()
        time.sleep(min(wait, LONGEST_NAP))
        if time.monotonic() >= until:
            return False
    return True


def _ready(claim: Claim, gateway: Gateway, turn: Turn) -> Ready:
    message = claim.message
    words = _words(message, gateway, turn)
    if words is None:
        return Ready(claim, None)
    message.parts = words.size.parts if words.size else 0
    reference = claim.attempt.client_reference
    outgoing = Outgoing(
        public_id=message.public_id,
        kind=message.kind,
        channel=message.channel,
        address=message.address,
        language=message.language,
        text=words.text,
        subject=words.subject,
        html=words.html,
        ics=words.ics,
        size=words.size,
        filed=words.filed,
        signed_reference=receipts.sign(gateway.name, reference) if gateway.reports else "",
    )
    return Ready(claim, outgoing)


def _words(message: Message, gateway: Gateway, turn: Turn) -> Rendered | None:
    """None: it cannot be put into words, now or later. The row then says why."""
    try:
        return put_into_words(message, gateway)
    except (OperationalError, InterfaceError):  # the registry of templates is in the database
        raise
    except Exception as error:  # whatever a template may raise must not stop the queue
        _log_wordless(message, gateway, turn, error)
        message.error = str(error) or type(error).__name__
        return None


def _log_wordless(message: Message, gateway: Gateway, turn: Turn, error: Exception) -> None:
    """Once in a turn for each text: hundreds may come of one that was withdrawn.

    What else an error says may name a value; it goes to the row, not to the log.
    """
    problem = error.problem.value if isinstance(error, NotFiled) else type(error).__name__
    text = f"{message.kind} {message.language} for {gateway.name}: {problem}"
    if text not in turn.wordless:
        turn.wordless.add(text)
        logger.error("%s: such messages cannot be put into words", text)


def _take_tokens(gateway: str, ready: Sequence[Ready], turn: Turn) -> float:
    """Take the tokens that a window needs; returns 0, or in how many seconds there may be some."""
    needed = sum(each.tokens for each in ready)
    if turn.tokens < needed:
        lacking = needed - turn.tokens
        ahead = int((bucket.rate(gateway) or 0) * TOKENS_AHEAD_SECONDS)
        take = partial(
            bucket.take,
            gateway,
            least=lacking,
            most=max(lacking, ahead),
            urgent=all(each.claim.message.lane == Lane.URGENT for each in ready),
            now=timezone.now(),
        )
        grant = _persist(take)  # answers may be in hand; tokens taken twice are lost, not spent
        turn.tokens += grant.tokens
        if not grant.tokens:
            return max(grant.wait, 0.001)
    turn.tokens -= needed
    return 0.0


def _step(answers: Sequence[Answer], ready: Sequence[Ready]) -> list[Ready]:
    """One commit: record the last answers, note the start of the next calls.

    Returns those that may be called; the others must not leave now.
    """
    now = timezone.now()
    alive, over = _parted(ready, now)
    awake = [each for each in alive if quiet.may_leave(each.claim.message, now)]
    with transaction.atomic():
        claims.record([(answer.claim, answer.outcome) for answer in answers], now)
        begun = claims.start([each.claim for each in awake], now)
    for each in over:
        _drop(each.claim, now)
    return [each for each in awake if each.claim.attempt.pk in begun]


def _parted(ready: Sequence[Ready], now: datetime) -> tuple[list[Ready], list[Ready]]:
    """Those that may leave, now or later, and those that never may."""
    alive: list[Ready] = []
    over: list[Ready] = []
    for each in ready:
        lives = each.outgoing and each.claim.message.expires_at > now
        (alive if lives else over).append(each)
    return alive, over


def _drop(claim: Claim, now: datetime) -> None:
    """In a transaction of its own: it waits for the row, which a transaction holding another
    row must not (outbox.cancel locks many)."""
    past = claim.message.expires_at <= now
    state = Message.State.EXPIRED if past else Message.State.FAILED
    claims.drop(claim, now, state=state, error=claim.message.error)


def _finish(
    answers: Sequence[Answer], passed_over: Collection[Claim], waiting: Collection[Claim]
) -> None:
    """Record the last answers and give back what has not begun."""
    now = timezone.now()
    with transaction.atomic():
        claims.record([(answer.claim, answer.outcome) for answer in answers], now)
    # Not at once: what keeps a message from leaving may last a moment. A start may be noted all the
    # same: nobody heard of that commit, and the step, run again, found that it must not leave.
    claims.give_back_begun(passed_over, now, at=now + PASSED_OVER_FOR)
    claims.give_back(waiting, now)


def _calls(gateway: Gateway, begun: Sequence[Ready], turn: Turn, until: float) -> list[Answer]:
    """Call the gateway for each; the rest goes back if it wants rest, or if time is up."""
    answers: list[Answer] = []
    for each in begun:
        if answers and (answers[-1].ends_turn or time.monotonic() >= until):
            break
        answers.append(_call(gateway, each, turn))
    left = [each.claim for each in begun[len(answers) :]]
    if left:
        _persist(partial(claims.give_back_begun, left, timezone.now()))
    return answers


def _call(gateway: Gateway, ready: Ready, turn: Turn) -> Answer:
    claim, outgoing = ready.claim, ready.outgoing
    assert outgoing is not None
    try:
        outcome = gateway.send(outgoing, claim.attempt.client_reference)
    except GatewayDown as error:
        outcome = Outcome(
            Attempt.Outcome.TRANSIENT, error=f"gateway down: {error}", elsewhere=turn.others
        )
        return Answer(claim, _without_address(outcome, outgoing), ends_turn=True)
    except Exception as error:
        # Also the task's soft time limit. The text may name the recipient: it goes to the row,
        # not to the log.
        logger.error("gateway %s broke: %s", gateway.name, type(error).__name__)
        outcome = Outcome(Attempt.Outcome.UNKNOWN, error=f"{type(error).__name__}: {error}")
    outcome = _without_address(outcome, outgoing)
    if outcome.template_unknown:
        _persist(partial(_note_unknown, gateway.name, outgoing))
    ends_turn = _count(gateway.name, outcome, turn)
    if ends_turn and outcome.kind == Attempt.Outcome.TRANSIENT:
        outcome = replace(outcome, elsewhere=turn.others)
    return Answer(claim, outcome, ends_turn)


def _without_address(outcome: Outcome, outgoing: Outgoing) -> Outcome:
    """Mail servers and providers quote the address, some in small letters; officers see it masked.

    Before the words are cut to fit a column: half an address is no longer found.
    """
    mask = partial(re.compile(re.escape(outgoing.address), re.IGNORECASE).sub, "[recipient]")
    return replace(
        outcome, error=mask(outcome.error), gateway_reference=mask(outcome.gateway_reference)
    )


def _count(gateway: str, outcome: Outcome, turn: Turn) -> bool:
    """Count this answer; True: it, or how many like it came in a row, ends the turn."""
    turn.calls += 1
    if outcome.template_unknown:
        # It works, but not for this text. Another gateway has all of them at once; without one the
        # rest must not wait for a text that the office has to mend.
        return turn.others
    if outcome.kind in DEFINITE:
        turn.unanswered = 0
        return False
    turn.unanswered += outcome.kind == Attempt.Outcome.UNKNOWN
    too_many = _persist(partial(health.failed, gateway, calls=turn.calls, now=timezone.now()))
    turn.calls = 0
    asked_to = outcome.retry_after is not None
    return asked_to or too_many or turn.unanswered >= UNANSWERED_IN_A_ROW


def _note_unknown(gateway: str, outgoing: Outgoing) -> None:
    verbs.not_known(
        kind=outgoing.kind,
        language=outgoing.language,
        gateway=gateway,
        gateway_template_id=outgoing.filed.gateway_template_id if outgoing.filed else "",
        now=timezone.now(),
    )


def _rest(gateway: str, reason: str, wait: timedelta | None = None) -> None:
    waits = health.rest(gateway, now=timezone.now(), reason=reason, wait=wait)
    logger.warning("%s rests for %s", gateway, waits)  # why: in the gate's row


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
