"""When everybody whose day fell to an outage has been seen: a reckoning, not a promise.

The people whom an outage leaves without a seat, or without one that can be kept, are counted
against the free seats of each coming day, each kind of appointment by itself; a Tatkaal applicant
may take a normal seat. The day on which there has been a seat for the last of them is the day.
Whoever has a new time already is seen on the day of it. What a plan does counts only after its
grace.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, Sum
from django.utils import timezone

from appointments.availability import FREE, earliest_start
from appointments.models import (
    Application,
    Appointment,
    Centre,
    Plan,
    PlanLine,
    Quota,
    Region,
    Slot,
)


class Outlook(StrEnum):
    # Nobody waits.
    NONE = "none"
    # Seen to the end on `day`, if no more seats are lost.
    DAY = "day"
    # An outage goes on, and nobody knows until when.
    END_UNKNOWN = "end_unknown"
    # More people than free seats on all days that are open.
    NO_SEATS = "no_seats"


@dataclass(frozen=True)
class Forecast:
    outlook: Outlook
    day: date | None = None


def forecast(
    *, region: Region, centre: Centre | None, end_unknown: bool, now: datetime
) -> Forecast:
    """For a region, or one of its centres. `end_unknown`: an open outage there has no known end."""
    hidden = _moves_in_grace(region, now)
    people = _without_seat(region, centre) + _kept_secret(hidden, centre)
    if people.total() and end_unknown:
        return Forecast(Outlook.END_UNKNOWN)
    last_visit = _last_new_visit(region, centre, now)
    if not people.total():
        return Forecast(Outlook.DAY, last_visit) if last_visit else Forecast(Outlook.NONE)
    day = _first_day_for_all(people, _free_seats(region, centre, hidden, now))
    if day is None:
        return Forecast(Outlook.NO_SEATS)
    return Forecast(Outlook.DAY, max(day, last_visit) if last_visit else day)


# A quota -> people, or seats.
Counts = Counter[str]


def _without_seat(region: Region, centre: Centre | None) -> Counts:
    """People too many in their slots, and people on the waiting list, by quota."""
    left = F("seats") - F("closed")
    crowded = _slots(region, centre).filter(taken__gt=left).values("quota")
    people: Counts = Counter()
    for row in crowded.annotate(people=Sum(F("taken") - left)):
        people[row["quota"]] += row["people"]
    here = Q(application__home_centre=centre) if centre else Q(application__region=region)
    waiting = Appointment.objects.filter(here, state=Appointment.State.WAITING)
    kinds = waiting.values("application__service", "application__on_hold")
    for row in kinds.annotate(people=Count("pk")):
        kind = Application(service=row["application__service"], on_hold=row["application__on_hold"])
        people[kind.quotas()[0]] += row["people"]
    return people


def _slots(region: Region, centre: Centre | None) -> Any:
    return Slot.objects.filter(centre=centre) if centre else Slot.objects.filter(region=region)


@dataclass(frozen=True)
class _Moves:
    """Moves of one kind that a plan in its grace has made."""

    centre: int
    quota: str
    to_centre: int
    to_quota: str
    to_day: date
    people: int


def _in_grace(now: datetime) -> Any:
    return PlanLine.objects.filter(plan__state=Plan.State.APPLIED, plan__live_at__gt=now)


def _moves_in_grace(region: Region, now: datetime) -> list[_Moves]:
    lines = _in_grace(now).filter(plan__region=region, outcome=PlanLine.Outcome.MOVE)
    rows = lines.values_list(
        *("from_slot__centre_id", "from_slot__quota"),
        *("to_slot__centre_id", "to_slot__quota", "to_slot__date"),
    )
    return [_Moves(*row) for row in rows.annotate(people=Count("pk"))]


def _kept_secret(moves: Iterable[_Moves], centre: Centre | None) -> Counts:
    people: Counts = Counter()
    for move in moves:
        if centre is None or move.centre == centre.pk:
            people[move.quota] += move.people
    return people


def _last_new_visit(region: Region, centre: Centre | None, now: datetime) -> date | None:
    """The last day to come on which somebody is seen whom an outage moved, as far as told."""
    moved = Appointment.objects.filter(
        ~Exists(_in_grace(now).filter(appointment=OuterRef("pk"))),
        state=Appointment.State.CONFIRMED,
        slot__in=_slots(region, centre).filter(date__gte=timezone.localdate(now)),
        original_date__lt=F("slot__date"),
    )
    return moved.aggregate(last=Max("slot__date"))["last"]


def _free_seats(
    region: Region, centre: Centre | None, hidden: Iterable[_Moves], now: datetime
) -> list[tuple[date, Counts]]:
    """Free seats by day and quota, as if a plan in its grace had not been applied."""
    left = F("seats") - F("closed")
    slots = _slots(region, centre).filter(starts_at__gte=earliest_start(now), taken__lt=left)
    days: dict[date, Counts] = {}
    for row in slots.values("date", "quota").annotate(free_seats=FREE):
        days.setdefault(row["date"], Counter())[row["quota"]] += row["free_seats"]
    for move in hidden:
        if centre is None or move.to_centre == centre.pk:
            days.setdefault(move.to_day, Counter())[move.to_quota] += move.people
    return sorted(days.items())


def _first_day_for_all(people: Counts, days: Iterable[tuple[date, Counts]]) -> date | None:
    """The first day by whose end there has been a seat for everybody; None: on no day."""
    free: Counts = Counter()
    for day, seats in days:
        free += seats
        normal = people[Quota.NORMAL] + max(0, people[Quota.TATKAAL] - free[Quota.TATKAAL])
        own = (Quota.PCC, Quota.ON_HOLD)
        if normal <= free[Quota.NORMAL] and all(people[quota] <= free[quota] for quota in own):
            return day
    return None
