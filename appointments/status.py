"""What everybody may know of a region or a centre, as plain values that a cache can keep.

No names of officers, no reasons, and no counts of people: seats, days and states. What a plan has
done is told when its grace is over.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import F, Sum
from django.utils import timezone

from appointments import service
from appointments.backlog import Forecast, forecast
from appointments.models import Centre, OfficeEntry, Outage, Plan, Region, Slot
from appointments.service import DaySeats, Service, State

# Today, or the next day with seats, and those after it.
DAYS_SHOWN = 10
# How long an outage that has ended stays in the history.
HISTORY = timedelta(days=30)


@dataclass(frozen=True)
class Words:
    """The same in both languages."""

    hi: str
    en: str

    def in_language(self, language: str) -> str:
        return self.en if language == "en" else self.hi


@dataclass(frozen=True)
class CentreStatus:
    code: str
    kind: str
    name: Words
    town: Words
    pin: str
    state: State
    # The next day that an outage cuts here, where seats remain.
    next_day: DaySeats | None


@dataclass(frozen=True)
class OutageStatus:
    """An outage that touches the place. `region`: of an outage of a whole region."""

    id: int
    state: str
    scope: str
    region: Words | None
    # Of an outage of chosen centres.
    towns: tuple[Words, ...]
    # Codes of the centres of this place that it touches.
    centres: tuple[str, ...]
    since: datetime
    declared_at: datetime
    expected_until: datetime | None
    # The expected end has passed, and the outage goes on.
    overdue: bool
    ended_at: datetime | None
    changed_at: datetime
    text: Words


class Event(StrEnum):
    BEGAN = "began"
    DECLARED = "declared"
    CUT_CHANGED = "cut_changed"
    PLANNED = "planned"
    RESTORED = "restored"


@dataclass(frozen=True)
class HistoryEntry:
    outage: OutageStatus
    at: datetime
    event: Event


@dataclass(frozen=True)
class Status:
    """Of a region, or (with `centre`) of one centre of it.

    Equal if it says the same; when it was read counts for nothing.
    """

    read_at: datetime = field(compare=False, repr=False)
    region_code: str
    region: Words
    has_regions: bool
    centre: CentreStatus | None
    state: State
    centres: tuple[CentreStatus, ...]
    # Open, or just ended; the newest first.
    outages: tuple[OutageStatus, ...]
    days: tuple[DaySeats, ...]
    forecast: Forecast
    # The newest first.
    history: tuple[HistoryEntry, ...]

    @property
    def affected(self) -> int:
        return sum(centre.state is not State.RUNNING for centre in self.centres)

    @property
    def changed_at(self) -> datetime | None:
        """When the office last had something to say; None on quiet days."""
        return max((outage.changed_at for outage in self.outages), default=None)


def status_of(*, region: Region, centre: Centre | None = None, now: datetime) -> Status:
    """Read it afresh, in as many queries for one centre and outage as for a hundred."""
    read = service.read(now, ended_within=HISTORY)
    centres = [centre] if centre else list(Centre.objects.filter(region=region))
    told = [centre_status(each, read) for each in centres]
    outages = _outages(read, {each.pk: each.code for each in centres})
    return Status(
        read_at=now,
        region_code=region.code,
        region=Words(region.name_hi, region.name_en),
        has_regions=read.has_regions,
        centre=told[0] if centre else None,
        state=_state_of_all(told),
        centres=tuple(told),
        outages=tuple(o for o in outages if _is_shown(o, now)),
        days=_days(region, centre, now),
        forecast=forecast(region=region, centre=centre, end_unknown=_end_unknown(outages), now=now),
        history=_history(region, outages, now),
    )


def centre_status(centre: Centre, read: Service) -> CentreStatus:
    state, next_day = read.state_of(centre)
    return CentreStatus(
        code=centre.code,
        kind=centre.kind,
        name=Words(centre.name_hi, centre.name_en),
        town=Words(centre.town_hi, centre.town_en),
        pin=centre.pin,
        state=state,
        next_day=next_day,
    )


def _state_of_all(centres: list[CentreStatus]) -> State:
    """As its centres, where these are alike; reduced where some work."""
    states = {centre.state for centre in centres}
    if len(states) == 1:
        return states.pop()
    return State.REDUCED if states else State.RUNNING


def _outages(read: Service, codes: dict[int, str]) -> list[OutageStatus]:
    return [
        OutageStatus(
            id=outage.pk,
            state=outage.state,
            scope=outage.scope,
            region=Words(outage.region.name_hi, outage.region.name_en) if outage.region else None,
            towns=tuple(Words(c.town_hi, c.town_en) for c in outage.centres.all()),
            centres=tuple(sorted(codes[pk] for pk in here)),
            since=outage.since,
            declared_at=outage.declared_at,
            expected_until=outage.expected_until,
            overdue=_is_overdue(outage, read.now),
            ended_at=outage.ended_at,
            changed_at=read.changed_at(outage),
            text=Words(outage.text_hi, outage.text_en),
        )
        for outage in read.outages
        if (here := read.touched_by(outage) & codes.keys())
    ]


def _is_shown(outage: OutageStatus, now: datetime) -> bool:
    """Also for a while after its end; later it is history."""
    return outage.ended_at is None or now - outage.ended_at < service.RESTORED_SHOWN_FOR


def _is_overdue(outage: Outage, now: datetime) -> bool:
    until = outage.expected_until
    return outage.is_open and until is not None and until <= now


def _end_unknown(outages: list[OutageStatus]) -> bool:
    return any(o.ended_at is None and (o.expected_until is None or o.overdue) for o in outages)


def _days(region: Region, centre: Centre | None, now: datetime) -> tuple[DaySeats, ...]:
    slots = Slot.objects.filter(date__gte=timezone.localdate(now))
    slots = slots.filter(centre=centre) if centre else slots.filter(region=region)
    rows = slots.values_list("date").annotate(
        total=Sum("seats"), left=Sum(F("seats") - F("closed"))
    )
    return tuple(DaySeats(*row) for row in rows.order_by("date")[:DAYS_SHOWN])


def _history(
    region: Region, outages: list[OutageStatus], now: datetime
) -> tuple[HistoryEntry, ...]:
    """What happened, when, in the order in which people could know of it."""
    by_id = {outage.id: outage for outage in outages}
    entries = [HistoryEntry(o, o.since, Event.BEGAN) for o in outages]
    entries += [HistoryEntry(o, o.declared_at, Event.DECLARED) for o in outages]
    cut = OfficeEntry.objects.filter(outage__in=by_id, event=OfficeEntry.Event.CUT_CHANGED)
    entries += [
        HistoryEntry(by_id[outage], at, Event.CUT_CHANGED)
        for outage, at in cut.values_list("outage_id", "at")
    ]
    plans = Plan.objects.filter(
        outage__in=by_id, region=region, state=Plan.State.APPLIED, live_at__lte=now
    )
    entries += [
        HistoryEntry(by_id[outage], live_at, Event.PLANNED)
        for outage, live_at in plans.values_list("outage_id", "live_at")
        if live_at
    ]
    for outage in outages:
        if outage.ended_at:
            entries.append(HistoryEntry(outage, outage.ended_at, Event.RESTORED))
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.outage.id), reverse=True))
