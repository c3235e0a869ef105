"""How each centre works: normally, partly, or not at all."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Min, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from appointments.models import CapacityCut, Centre, Outage, Slot
from notifications import dates
from portal.banners import touched_centre_ids
from portal.language import reader_language


@dataclass(frozen=True)
class CentreState:
    """`state`: running, reduced or outage. `word` says it; `more` gives the next day's seats."""

    centre: Centre
    state: str
    word: str
    more: str = ""


def centre_states(now: dt.datetime) -> list[CentreState]:
    """Every centre with its state on the first day from today on that an open outage cuts."""
    touched = _touched_centre_ids()
    days = _first_cut_days(touched, timezone.localdate(now))
    seats = _seats_on(set(days.values()))
    return [
        _state_of(centre, days.get(centre.pk), seats)
        if centre.pk in touched
        else CentreState(centre, "running", _("Working normally"))
        for centre in Centre.objects.all()
    ]


# (centre, day) -> (seats, closed)
Seats = dict[tuple[int, dt.date], tuple[int, int]]


def _touched_centre_ids() -> set[int]:
    outages = Outage.objects.filter(state=Outage.State.OPEN).prefetch_related("centres")
    return {pk for outage in outages for pk in touched_centre_ids(outage)}


def _first_cut_days(centre_ids: set[int], today: dt.date) -> dict[int, dt.date]:
    cuts = CapacityCut.objects.filter(
        outage__state=Outage.State.OPEN, centre__in=centre_ids, date__gte=today
    )
    return dict(cuts.values_list("centre_id").annotate(first=Min("date")))


def _seats_on(days: set[dt.date]) -> Seats:
    rows = Slot.objects.filter(date__in=days).values("centre_id", "date")
    rows = rows.annotate(all_seats=Sum("seats"), all_closed=Sum("closed"))
    return {(r["centre_id"], r["date"]): (r["all_seats"], r["all_closed"]) for r in rows}


def _state_of(centre: Centre, day: dt.date | None, seats: Seats) -> CentreState:
    total, closed = seats.get((centre.pk, day), (0, 0)) if day else (0, 0)
    if day is None or closed == total:
        return CentreState(centre, "outage", _("Interrupted: do not travel"))
    more = _("%(day)s: %(left)s of %(total)s appointments") % {
        "day": dates.long_day(day, reader_language()),
        "left": total - closed,
        "total": total,
    }
    return CentreState(centre, "reduced", _("Partial service"), more)
