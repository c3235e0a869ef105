"""How the gateways fare: resting or not, what they took lately, what their receipts were worth."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Sum

from appointments.admin.outbox.words import (
    CHANNEL_WORDS,
    OUTCOME_WORDS,
    SUSPICIOUS,
    VERDICT_WORDS,
)
from notifications import bucket, gates
from notifications.gateways import gateway_classes
from notifications.models import Attempt, Channel, Gate, GatewayState, ReceiptCount

LATELY = timedelta(hours=1)
RECEIPT_DAYS = 7
# The last hour is looked for among so many attempts: the newest, by their keys, and no more.
NEWEST = 20_000


@dataclass(frozen=True)
class GatewayFigures:
    """`rests_until`, `why`: set while it gets nothing. `rate`: parts a second, None: no limit."""

    name: str
    channels: list[str]
    reports: bool
    rate: float | None
    rests_until: datetime | None = None
    why: str = ""
    state: GatewayState | None = None
    # (words, attempts) of the last hour.
    outcomes: list[tuple[str, int]] = field(default_factory=list)
    # (words, reports, whether somebody should look into them) of the last days.
    receipts: list[tuple[str, int, bool]] = field(default_factory=list)

    @property
    def is_suspicious(self) -> bool:
        return any(looks for _words, count, looks in self.receipts if count)


@dataclass(frozen=True)
class Rest:
    """A channel of which every gateway rests, until the first is back."""

    channel: str
    until: datetime
    gateway: str
    why: str


@dataclass(frozen=True)
class Gateways:
    figures: list[GatewayFigures]
    resting: list[Rest]
    # The last hour holds more attempts than were looked at.
    is_cut: bool


def all_figures(now: datetime) -> Gateways:
    """Of every gateway in use, and of those no longer in use that still send receipts.

    Six queries for any number of gateways.
    """
    used: dict[str, list[str]] = defaultdict(list)
    reporting: dict[str, bool] = {}
    for channel in Channel.values:
        for gateway in gateway_classes(channel):
            used[gateway.name].append(CHANNEL_WORDS[channel])
            reporting[gateway.name] = gateway.reports
    states = {state.name: state for state in GatewayState.objects.all()}
    shut = _shut_gates(now)
    outcomes, is_cut = _outcomes(now)
    receipts = _receipts(now.date())
    names = [*used, *sorted(set(receipts) - set(used))]
    return Gateways(
        figures=[
            GatewayFigures(
                name=name,
                channels=used.get(name, []),
                reports=reporting.get(name, False),
                rate=bucket.rate(name),
                state=states.get(name),
                outcomes=_worded(outcomes.get(name, {}), OUTCOME_WORDS),
                receipts=_verdicts(receipts.get(name, {})),
                **_rest(shut.get(name)),
            )
            for name in names
        ],
        resting=_resting(shut),
        is_cut=is_cut,
    )


def _rest(gate: Gate | None) -> dict[str, Any]:
    return {"rests_until": gate.shut_until, "why": gate.reason} if gate else {}


def resting_channels(now: datetime) -> list[Rest]:
    return _resting(_shut_gates(now))


def _shut_gates(now: datetime) -> dict[str, Gate]:
    """A gateway's gate has its name. See gates.py for those that a clock shut by mistake."""
    shut = Gate.objects.filter(shut_until__gt=now, shut_until__lte=now + gates.LONGEST)
    return {gate.name: gate for gate in shut}


def _resting(shut: Mapping[str, Gate]) -> list[Rest]:
    rests = []
    for channel in Channel.values:
        names = {gateway.name for gateway in gateway_classes(channel)}
        if names <= set(shut):
            first = min((shut[name] for name in names), key=lambda gate: gate.shut_until)
            rests.append(Rest(channel, first.shut_until, first.name, first.reason))
    return rests


def _outcomes(now: datetime) -> tuple[dict[str, dict[str, int]], bool]:
    """Gateway -> outcome -> attempts that ended in the last hour; whether there are more."""
    last = Attempt.objects.aggregate(last=Max("pk"))["last"] or 0
    newest = Attempt.objects.filter(pk__gt=last - NEWEST)
    rows = (
        newest.filter(ended_at__gt=now - LATELY)
        .values_list("gateway", "outcome")
        .annotate(Count("pk"))
        .order_by()
    )
    by_gateway: dict[str, dict[str, int]] = defaultdict(dict)
    for gateway, outcome, count in rows:
        by_gateway[gateway][outcome] = count
    older = Attempt.objects.filter(pk__lte=last - NEWEST).order_by("-pk").first()
    is_cut = bool(older and older.ended_at and older.ended_at > now - LATELY)
    return by_gateway, is_cut


def _receipts(today: date) -> dict[str, dict[str, int]]:
    """Gateway -> verdict -> reports of the last days, today included."""
    rows = (
        ReceiptCount.objects.filter(day__gt=today - timedelta(days=RECEIPT_DAYS))
        .values_list("gateway", "verdict")
        .annotate(Sum("count"))
        .order_by()
    )
    by_gateway: dict[str, dict[str, int]] = defaultdict(dict)
    for gateway, verdict, count in rows:
        by_gateway[gateway][verdict] = count
    return by_gateway


def _worded(counts: Mapping[str, int], words: Mapping[str, str]) -> list[tuple[str, int]]:
    return [(said, counts[key]) for key, said in words.items() if counts.get(key)]


def _verdicts(counts: Mapping[str, int]) -> list[tuple[str, int, bool]]:
    verdicts: Iterable[str] = VERDICT_WORDS
    return [(VERDICT_WORDS[v], counts[v], v in SUSPICIOUS) for v in verdicts if counts.get(v)]
