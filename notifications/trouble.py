"""What is wrong with messages at a moment, in a few numbers: for alerts to officers.

Nothing here names a person. Who has to be told of it, and where, is the caller's affair.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, F, Max, Q, When

from notifications import kinds
from notifications.gateways import gateway_classes
from notifications.models import Channel, Gate, Message

State = Message.State
# What is older has been alerted about, and stands in the list of messages.
LOOK_BACK = timedelta(days=1)
DOWN_FOR = timedelta(minutes=5)


@dataclass(frozen=True)
class Troubled:
    """Messages of a batch of which nobody knows whether they left, or which did not arrive.

    `failed`: also those that were never sent, though somebody has to be reached. `newest`: when
    the last of them came to its end.
    """

    batch: str
    unknown: int
    failed: int
    newest: datetime

    @property
    def count(self) -> int:
        return self.unknown + self.failed


def by_batch(now: datetime) -> list[Troubled]:
    """Batches with messages that came to a bad end within the last day, the worst first; "" is of
    no batch.

    However long ago they were written: a reminder waits for days, a paused batch too. Only those
    which no repeat and no receipt will settle any more.
    """
    rows = (
        Message.objects.filter(_at_a_bad_end(now - LOOK_BACK), cancel_requested=False)
        .values_list("batch", "state")
        .annotate(count=Count("id"), newest=Max(ENDED_AT))
    )
    found: dict[str, dict[str, tuple[int, datetime]]] = defaultdict(dict)
    for batch, state, count, newest in rows:
        found[batch][state] = (count, newest)
    troubled = [_troubled(batch, states) for batch, states in found.items()]
    return sorted(troubled, key=lambda each: (-each.count, each.batch))


# An end of life is known beforehand; of any other bad end it is known since it was seen to.
ENDED_AT = Case(When(state=State.EXPIRED, then=F("expires_at")), default=F("followed_up_at"))


def _at_a_bad_end(since: datetime) -> Q:
    """Each part by an index of its own."""
    troubled = Q(state__in=Message.TROUBLED_STATES, followed_up_at__gt=since)
    never_sent = Q(state=State.EXPIRED, expires_at__gt=since)
    optional = [kind.code for kind in kinds.all_kinds() if not kind.must_reach]
    return troubled | (never_sent & ~Q(kind__in=optional))


def _troubled(batch: str, states: dict[str, tuple[int, datetime]]) -> Troubled:
    unknown, _ = states.get(State.UNKNOWN, (0, None))
    every = sum(count for count, _newest in states.values())
    newest = max(newest for _count, newest in states.values())
    return Troubled(batch=batch, unknown=unknown, failed=every - unknown, newest=newest)


@dataclass(frozen=True)
class Down:
    """A gateway that has taken nothing for more than five minutes, or wants to rest so long.

    `others`: how many gateways of its channel are not down. `waiting`: messages of the channel that
    are due.
    """

    gateway: str
    channel: str
    since: datetime
    others: int
    waiting: int


def gateways_down(now: datetime) -> list[Down]:
    """In the order of the settings."""
    found = []
    for channel in Channel.values:
        names = [each.name for each in gateway_classes(channel)]
        down = {name: since for name in names if (since := _down_since(name, now))}
        for name, since in down.items():
            others = len(names) - len(down)
            found.append(Down(name, channel, since, others, _waiting(channel, now)))
    return found


def _down_since(gateway: str, now: datetime) -> datetime | None:
    """Since when it rests, if that is long: from the first of its rests in a row.

    After its last rest only what it rested counts: nobody may have had anything for it since.
    """
    gate = Gate.objects.filter(name=gateway).exclude(reason="").first()
    if gate is None:
        return None
    since = min(gate.shut_at or now, now)
    long_ago = min(now, gate.shut_until) - since > DOWN_FOR
    return since if long_ago or gate.shut_until - now > DOWN_FOR else None


def _waiting(channel: str, now: datetime) -> int:
    return Message.objects.filter(
        channel=channel, state=State.QUEUED, next_attempt_at__lte=now, expires_at__gt=now
    ).count()


# Each says, in English, what is wrong with the texts that operators have on file.
Source = Callable[[datetime], Sequence[str]]
_sources: list[Source] = []


def add_source(source: Source) -> None:
    """Let what `source` finds about texts on file be alerted; called in AppConfig.ready."""
    if source not in _sources:
        _sources.append(source)


def text_problems(now: datetime) -> list[str]:
    """Texts that are missing, have expired or do not fit, so that their messages do not leave."""
    return [problem for source in _sources for problem in source(now)]
