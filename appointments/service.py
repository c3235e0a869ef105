"""How the centres work at a moment: normally, partly or not at all, and because of what.

One reading in a handful of queries, however many centres and outages there are; banners, the list
of centres and the status pages all tell what stands here. Domain only, no words.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.db.models import Max, Min, Q, Sum
from django.utils import timezone

from appointments.models import CapacityCut, Centre, OfficeEntry, Outage, Region, Slot

# How long it is said that the service is back.
RESTORED_SHOWN_FOR = timedelta(hours=48)


class State(StrEnum):
    RUNNING = "running"
    REDUCED = "reduced"
    OUTAGE = "outage"


@dataclass(frozen=True)
class DaySeats:
    """Seats of a day: how many there are, and how many of them outages leave."""

    date: date
    total: int
    left: int


@dataclass(frozen=True)
class Service:
    """What was read. Without outages nothing else is: every centre works normally."""

    now: datetime
    # Open, or ended a short while ago; the newest first.
    outages: tuple[Outage, ...]
    centres: tuple[Centre, ...] = ()
    has_regions: bool = False
    touched: dict[int, set[int]] = field(default_factory=dict)
    # Outage (open ones only) -> centre -> first day from today on that it cuts there.
    cuts: dict[int, dict[int, date]] = field(default_factory=dict)
    # Centre and day -> (seats, closed). From the slots, not the cuts: a quota without a cut keeps
    # its seats, and another outage may have closed some of them too.
    seats: dict[tuple[int, date], tuple[int, int]] = field(default_factory=dict)
    # Outage -> when its cut last changed.
    cut_changed: dict[int, datetime] = field(default_factory=dict)

    @property
    def open_outages(self) -> list[Outage]:
        return [outage for outage in self.outages if outage.is_open]

    def touched_by(self, outage: Outage) -> set[int]:
        """Ids of the centres that it touches."""
        return self.touched[outage.pk]

    def changed_at(self, outage: Outage) -> datetime:
        """When what the office says of it last changed."""
        latest = self.cut_changed.get(outage.pk, outage.declared_at)
        return outage.ended_at or max(latest, outage.declared_at)

    def next_cut_day(self, outage: Outage) -> DaySeats | None:
        """The first day from today on that the outage cuts, over all its centres."""
        days = self.cuts.get(outage.pk, {}).values()
        return self._sum(self.touched_by(outage), min(days)) if days else None

    def state_of(self, centre: Centre) -> tuple[State, DaySeats | None]:
        """How the centre works on the first day that an open outage cuts there, and that day.

        An outage which has not said what it leaves leaves nothing.
        """
        touching = [o for o in self.open_outages if centre.pk in self.touched_by(o)]
        if not touching:
            return State.RUNNING, None
        cuts = [self.cuts.get(outage.pk, {}).get(centre.pk) for outage in touching]
        days = [day for day in cuts if day]
        seats = self._sum({centre.pk}, min(days)) if days else None
        return (State.REDUCED, seats) if seats and seats.left else (State.OUTAGE, None)

    def _sum(self, centre_ids: Iterable[int], day: date) -> DaySeats:
        found = [self.seats.get((pk, day), (0, 0)) for pk in centre_ids]
        total = sum(seats for seats, _closed in found)
        return DaySeats(day, total, total - sum(closed for _seats, closed in found))


def read(now: datetime, *, ended_within: timedelta = RESTORED_SHOWN_FOR) -> Service:
    """Outages that are open or ended within that time, and what they leave."""
    ended = Q(state=Outage.State.RESTORED, ended_at__gt=now - ended_within)
    outages = tuple(
        Outage.objects.filter(Q(state=Outage.State.OPEN) | ended)
        .select_related("region")
        .prefetch_related("centres")
    )
    if not outages:
        return Service(now, ())
    cuts = _first_cuts(outages, timezone.localdate(now))
    centres = tuple(Centre.objects.all())
    return Service(
        now=now,
        outages=outages,
        centres=centres,
        has_regions=Region.objects.count() > 1,
        touched={outage.pk: _touched(outage, centres) for outage in outages},
        cuts=cuts,
        seats=_seats_on({day for days in cuts.values() for day in days.values()}),
        cut_changed=_cut_changed(outages),
    )


def _touched(outage: Outage, centres: Iterable[Centre]) -> set[int]:
    """As outages.centres_of, from what has been read."""
    if outage.scope == Outage.Scope.CENTRES:
        return {centre.pk for centre in outage.centres.all()}
    whole = outage.scope == Outage.Scope.ALL
    return {c.pk for c in centres if whole or c.region_id == outage.region_id}


def _first_cuts(outages: Iterable[Outage], today: date) -> dict[int, dict[int, date]]:
    rows = (
        CapacityCut.objects.filter(outage__in=[o for o in outages if o.is_open], date__gte=today)
        .values_list("outage_id", "centre_id")
        .annotate(first=Min("date"))
    )
    found: dict[int, dict[int, date]] = defaultdict(dict)
    for outage, centre, first in rows:
        found[outage][centre] = first
    return dict(found)


def _seats_on(days: set[date]) -> dict[tuple[int, date], tuple[int, int]]:
    rows = Slot.objects.filter(date__in=days).values("centre_id", "date")
    rows = rows.annotate(all_seats=Sum("seats"), all_closed=Sum("closed"))
    return {(r["centre_id"], r["date"]): (r["all_seats"], r["all_closed"]) for r in rows}


def _cut_changed(outages: Iterable[Outage]) -> dict[int, datetime]:
    entries = OfficeEntry.objects.filter(
        outage__in=list(outages), event=OfficeEntry.Event.CUT_CHANGED
    )
    # Without the order of the log, which would make a group of each entry.
    return dict(entries.order_by().values_list("outage_id").annotate(latest=Max("at")))
