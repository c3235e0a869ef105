"""How each centre works: normally, partly, or not at all."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import QuerySet, Sum
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
    centres = list(Centre.objects.all())
    touched = _touched(Outage.objects.filter(state=Outage.State.OPEN).prefetch_related("centres"))
    cuts = _first_cut_days(touched, timezone.localdate(now))
    seats = _seats_on(set(cuts.values()))
    return [_state_of(centre, touched, cuts, seats) for centre in centres]


@dataclass(frozen=True)
class _Day:
    date: dt.date
    left: int


def _touched(outages: QuerySet[Outage]) -> set[int]:
    return {pk for outage in outages for pk in touched_centre_ids(outage)}


def _first_cut_days(centre_ids: set[int], today: dt.date) -> dict[int, _Day]:
    """For each centre the first day with a cut, and the fewest seats that a cut leaves there."""
    cuts = (
        CapacityCut.objects.filter(
            outage__state=Outage.State.OPEN, centre__in=centre_ids, date__gte=today
        )
        .values("centre_id", "date", "outage_id")
        .annotate(left=Sum("seats_left"))
        .order_by("date", "left")
    )
    days: dict[int, _Day] = {}
    for cut in cuts:
        days.setdefault(cut["centre_id"], _Day(cut["date"], cut["left"]))
    return days


def _seats_on(days: set[_Day]) -> dict[tuple[int, dt.date], int]:
    dates_in_question = {day.date for day in days}
    rows = (
        Slot.objects.filter(date__in=dates_in_question)
        .values("centre_id", "date")
        .annotate(n=Sum("seats"))
    )
    totals: dict[tuple[int, dt.date], int] = defaultdict(int)
    for row in rows:
        totals[row["centre_id"], row["date"]] = row["n"]
    return totals


def _state_of(
    centre: Centre,
    touched: set[int],
    cuts: dict[int, _Day],
    seats: dict[tuple[int, dt.date], int],
) -> CentreState:
    if centre.pk not in touched:
        return CentreState(centre, "running", _("Working normally"))
    day = cuts.get(centre.pk)
    if day is None or day.left == 0:
        return CentreState(centre, "outage", _("Interrupted: do not travel"))
    more = _("%(day)s: %(left)s of %(total)s appointments") % {
        "day": dates.long_day(day.date, reader_language()),
        "left": day.left,
        "total": seats[centre.pk, day.date],
    }
    return CentreState(centre, "reduced", _("Partial service"), more)
