"""A batch in an officer's hands: held, let go, taken back; and how far it has come.

The verbs take a label for who decides (this app knows nothing of accounts); who may, the caller
has asked. Each decision is kept with its reason.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import TruncSecond
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications import outbox, quiet
from notifications.errors import Refusal, require_reason
from notifications.models import Attempt, Batch, BatchDecision, Channel, Message, NotReached

State = Message.State
Verb = BatchDecision.Verb

# What the database says of the messages of one batch in one state.
Row = Mapping[str, Any]
# How far back the rate looks.
RATE_OVER = timedelta(minutes=1)
# So long without a message is a break: a rest is longer, a slow call is not. The rate is that of
# the time since the last one,
BREAK = timedelta(seconds=10)
# once that is long enough to tell.
SURE = timedelta(seconds=5)


# --- Verbs ----------------------------------------------------------------------------------------


def pause(*, batch: str, by: str, reason: str) -> Batch:
    """Hold what is queued in a batch, and what is enqueued under its name later.

    What a worker has in its hands at this moment, about two seconds' worth, still leaves. Again:
    changes nothing. Refusal: reason_required, no_such_batch.
    """
    require_reason(by, reason)
    with transaction.atomic():
        held = _locked(batch)
        if not held.is_paused:
            _set_paused(held, True)
            _note(held, Verb.PAUSE, by, reason)
    return held


def resume(*, batch: str, by: str, reason: str) -> Batch:
    """Let a paused batch go on. Again: changes nothing. Refusal: reason_required, no_such_batch."""
    require_reason(by, reason)
    with transaction.atomic():
        held = _locked(batch)
        if held.is_paused:
            _set_paused(held, False)
            _note(held, Verb.RESUME, by, reason)
            waiting = Message.objects.filter(batch=batch, state=State.QUEUED)
            outbox.nudge_later(waiting.values_list("channel", "lane").distinct())
    return held


def cancel(*, batch: str, by: str, reason: str) -> int:
    """Take back, for good, what of a batch has not left; how many messages that ends.

    Nor does anything of it leave again: no repeat of an unknown outcome, no other channel for what
    did not arrive, no "send again" of the batch. What is enqueued under its name later is another
    matter and leaves; but a paused batch stays paused, so that nothing leaves which an officer
    believes to be held. Whoever writes a batch bit by bit asks `may_go_on` and ends, even if all of
    it had left when it was taken back. Again, with nothing left to take back: changes nothing.
    Refusal: reason_required, no_such_batch.
    """
    require_reason(by, reason)
    with transaction.atomic():
        held, now = _locked(batch), timezone.now()
        if outbox.would_cancel(batch=batch) or not was_taken_back(batch):
            _note(held, Verb.CANCEL, by, reason, at=now)
        return outbox.cancel(batch=batch, reason=reason.strip(), at=now)


def was_taken_back(batch: str) -> bool:
    """By an officer, up to this moment."""
    return BatchDecision.objects.filter(batch__name=batch, verb=Verb.CANCEL).exists()


def hold_fast(batch: str) -> None:
    """No decision about a batch falls until the caller's transaction ends."""
    _made_and_locked(batch)


def may_go_on(batch: str) -> bool:
    """Whether more may be written under this name: no officer has taken it back.

    Part of the caller's transaction: until it ends no decision about the batch falls, so that
    whoever takes it back finds all that was written.
    """
    hold_fast(batch)
    return not was_taken_back(batch)


def _locked(name: str) -> Batch:
    """The row of a batch that has messages, held until the decision stands."""
    known = Batch.objects.filter(name=name).exists()
    if not known and (not name or not Message.objects.filter(batch=name).exists()):
        raise Refusal("no_such_batch", _("There is no message in this batch."))
    return _made_and_locked(name)


def _made_and_locked(name: str) -> Batch:
    """The row of a batch, made when it is first taken in hand."""
    Batch.objects.bulk_create([Batch(name=name)], ignore_conflicts=True)
    return Batch.objects.select_for_update().get(name=name)


def _set_paused(held: Batch, paused: bool) -> None:
    held.is_paused = paused
    held.save(update_fields=["is_paused"])


def _note(
    held: Batch, verb: BatchDecision.Verb, by: str, reason: str, *, at: datetime | None = None
) -> None:
    BatchDecision.objects.create(
        batch=held,
        verb=verb,
        by=by.strip()[:80],
        reason=reason.strip()[:200],
        at=at or timezone.now(),
    )


# --- Progress -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pace:
    """How fast a batch leaves on one channel.

    `due`: messages that could leave now. `rate`: messages a second since the last break; None:
    nothing leaves, or not for long enough to tell. `is_held`: night keeps some of them back.
    """

    channel: str
    due: int
    rate: float | None = None
    is_held: bool = False

    @property
    def seconds_left(self) -> float | None:
        if not self.due:
            return 0
        return None if self.is_held or not self.rate else self.due / self.rate


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a batch has come. Counts are messages, one for each channel that a person has."""

    batch: str
    # Every state is named.
    counts: dict[str, int]
    # Notices that no channel could bring.
    not_reached: int = 0
    is_paused: bool = False
    # Of each channel that it has messages for.
    paces: tuple[Pace, ...] = ()
    # Queued, but not to leave before a moment; the first such moment.
    later: int = 0
    next_at: datetime | None = None
    last_sent_at: datetime | None = None

    @property
    def total(self) -> int:
        """Messages that were to leave: those taken back are not among them."""
        return self.written - self.taken_back

    @property
    def written(self) -> int:
        return sum(self.counts.values())

    @property
    def taken_back(self) -> int:
        return self.counts[State.CANCELLED]

    @property
    def sent(self) -> int:
        """Taken by a gateway, and not reported as lost."""
        return self._sum(*Message.SENT_STATES)

    @property
    def arrived(self) -> int:
        return self.counts[State.DELIVERED]

    @property
    def trouble(self) -> int:
        return self._sum(*Message.MISSED_STATES)

    @property
    def to_leave(self) -> int:
        """Queued or in a worker's hands."""
        return self._sum(*Message.OPEN_STATES)

    @property
    def due(self) -> int:
        """What could leave now, if nothing held it."""
        return self.to_leave - self.later

    @property
    def seconds_left(self) -> float | None:
        """Until all that is due has left, by the slower channel; None: nobody can say."""
        if self.is_paused and self.due:
            return None
        left = [pace.seconds_left for pace in self.paces]
        known = [seconds for seconds in left if seconds is not None]
        return max(known, default=0) if len(known) == len(left) else None

    def _sum(self, *states: str) -> int:
        return sum(self.counts[state] for state in states)


def progress(batch: str, now: datetime) -> Progress:
    """How far one batch has come; all zero for a name that no message has."""
    return progress_of([batch], now)[batch]


def progress_of(names: Collection[str], now: datetime) -> dict[str, Progress]:
    """How far each of these batches has come, in four queries, each by an index on the batch."""
    waits = Q(state=State.QUEUED, next_attempt_at__gt=now)
    rows = (
        Message.objects.filter(batch__in=names)
        .values("batch", "state", "channel")
        .annotate(
            count=Count("id"),
            last_sent_at=Max("sent_at"),
            later=Count("id", filter=waits),
            next_at=Min("next_attempt_at", filter=waits),
        )
        .order_by()
    )
    by_batch: dict[str, list[Row]] = {name: [] for name in names}
    for row in rows:
        by_batch[row["batch"]].append(row)
    seconds = _seconds_in_which_some_left(names, now)
    paused = set(
        Batch.objects.filter(name__in=names, is_paused=True).values_list("name", flat=True)
    )
    missed = dict(
        NotReached.objects.filter(batch__in=names, cleared_at__isnull=True)
        .values_list("batch")
        .annotate(Count("id"))
        .order_by()
    )
    return {
        name: Progress(
            batch=name,
            is_paused=name in paused,
            not_reached=missed.get(name, 0),
            **_figures(states),
            paces=_paces(states, seconds[name], now),
        )
        for name, states in by_batch.items()
    }


def paid_parts(batch: str) -> int:
    """SMS of a batch that a gateway took, each part of a long one: what the office pays for.

    One that was taken twice counts twice, one that was refused does not. Left out: what a worker
    that died had handed over, even if a receipt tells later that it was taken.
    """
    taken = Attempt.objects.filter(message__batch=batch, outcome=Attempt.Outcome.ACCEPTED)
    return taken.aggregate(parts=Sum("size"))["parts"] or 0


def _figures(states: list[Row]) -> dict[str, Any]:
    counts = dict.fromkeys(State.values, 0)
    for row in states:
        counts[row["state"]] += row["count"]
    return {
        "counts": counts,
        "later": sum(row["later"] for row in states),
        "next_at": min((row["next_at"] for row in states if row["next_at"]), default=None),
        "last_sent_at": max(
            (row["last_sent_at"] for row in states if row["last_sent_at"]), default=None
        ),
    }


# Channel -> second -> messages that left in it.
Seconds = dict[str, dict[datetime, int]]


def _seconds_in_which_some_left(names: Collection[str], now: datetime) -> dict[str, Seconds]:
    rows = (
        Message.objects.filter(batch__in=names, sent_at__gt=now - RATE_OVER, sent_at__lte=now)
        .annotate(second=TruncSecond("sent_at"))
        .values_list("batch", "channel", "second")
        .annotate(Count("id"))
        .order_by()
    )
    found: dict[str, Seconds] = {name: {} for name in names}
    for batch, channel, second, count in rows:
        found[batch].setdefault(channel, {})[second] = count
    return found


def _paces(states: list[Row], seconds: Seconds, now: datetime) -> tuple[Pace, ...]:
    return tuple(
        Pace(
            channel=channel,
            due=sum(
                row["count"] - row["later"]
                for row in states
                if row["channel"] == channel and row["state"] in Message.OPEN_STATES
            ),
            rate=_rate(seconds.get(channel, {}), now),
            is_held=channel == Channel.SMS and quiet.is_quiet(now),
        )
        for channel in Channel.values
        if any(row["channel"] == channel for row in states)
    )


def _rate(left_in: Mapping[datetime, int], now: datetime) -> float | None:
    """Messages a second, of the seconds since the last break: a rest is no speed."""
    newest_first = sorted(left_in, reverse=True)
    if not newest_first or now - newest_first[0] > BREAK:
        return None
    last = first = newest_first[0]
    for second in newest_first[1:]:
        if first - second > BREAK:
            break
        first = second
    lasted = last - first + timedelta(seconds=1)
    if lasted < SURE:
        return None
    return sum(left_in[second] for second in left_in if second >= first) / lasted.total_seconds()
