"""What can be booked: queries only, never a promise (a hold is the promise)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import F, Min, QuerySet, Sum

from appointments import seats
from appointments.models import Application, Centre, Slot
from appointments.planning import geometry
from appointments.planning import problem as planning

# Free seats over a group of slots, as SQL.
FREE = Sum(F("seats") - F("closed") - F("taken"))


@dataclass(frozen=True)
class CentreChoice:
    centre: Centre
    first_date: date
    # Seats that can be booked, over all days.
    free: int
    # From the home centre, whole kilometres.
    km: int


@dataclass(frozen=True)
class DayChoice:
    date: date
    free: int


def earliest_start(now: datetime) -> datetime:
    """The public books this long ahead (settings.BOOKING_LEAD_HOURS)."""
    return now + timedelta(hours=settings.BOOKING_LEAD_HOURS)


def bookable(now: datetime) -> QuerySet[Slot]:
    """Slots with a free seat that the public may take now, whatever the quota."""
    return Slot.objects.filter(
        seats.is_free(now, in_line=False), starts_at__gte=earliest_start(now)
    )


def for_application(application: Application, now: datetime) -> QuerySet[Slot]:
    return bookable(now).filter(region_id=application.region_id, quota__in=application.quotas())


def centres(application: Application, now: datetime) -> list[CentreChoice]:
    """Centres with free seats, the home centre first, then the nearest."""
    rows = (
        for_application(application, now)
        .values("centre")
        .annotate(first=Min("date"), free_seats=FREE)
    )
    found = {row["centre"]: row for row in rows}
    home = application.home_centre
    choices = [
        CentreChoice(
            centre=centre,
            first_date=found[centre.pk]["first"],
            free=found[centre.pk]["free_seats"],
            km=km_between(home, centre),
        )
        for centre in Centre.objects.filter(pk__in=found)
    ]
    return sorted(choices, key=lambda c: (c.centre.pk != home.pk, c.km, c.centre.name_en))


def days(application: Application, centre: Centre, now: datetime) -> list[DayChoice]:
    rows = (
        for_application(application, now)
        .filter(centre=centre)
        .values("date")
        .annotate(free_seats=FREE)
        .order_by("date")
    )
    return [DayChoice(row["date"], row["free_seats"]) for row in rows]


def times(application: Application, centre: Centre, day: date, now: datetime) -> list[Slot]:
    """Free slots of one day, in order of time, the application's own quota first."""
    slots = for_application(application, now).filter(centre=centre, date=day)
    order = {quota: place for place, quota in enumerate(application.quotas())}
    return sorted(slots.select_related("centre"), key=lambda s: (s.starts_at, order[s.quota]))


# How many of the nearest times are shown, at most so many at one centre and on one day.
NEAREST = 6
NEAREST_PER_CENTRE = 4
NEAREST_PER_DAY = 2
# Other centres this near are worth showing at once; all others are a page further.
NEAR_KM = 120


def nearest(
    application: Application, around: Slot | None, now: datetime, *, but: int | None = None
) -> list[Slot]:
    """A few free times worth asking about first, in order of time; never the slot `but`.

    At the centre of `around` those nearest to it (None: the soonest at the home centre), then the
    soonest at centres nearby.
    """
    home = around.centre if around else application.home_centre
    free = for_application(application, now).select_related("centre").order_by("starts_at", "pk")
    free = free.exclude(pk=but) if but else free
    wanted = around.starts_at if around else now
    here = sorted(
        free.filter(centre=home)[: 40 * NEAREST], key=lambda s: (abs(s.starts_at - wanted), s.pk)
    )
    chosen = _some_of_each_day(here, NEAREST_PER_CENTRE)
    nearby = [
        c
        for c in Centre.objects.filter(region=application.region).exclude(pk=home.pk)
        if km_between(home, c) <= NEAR_KM
    ]
    elsewhere = free.filter(centre__in=nearby)[: 20 * NEAREST]
    chosen += _some_of_each_day(elsewhere, NEAREST - len(chosen))
    return sorted(chosen, key=lambda slot: (slot.starts_at, slot.pk))


def _some_of_each_day(slots: Iterable[Slot], most: int) -> list[Slot]:
    per_day: Counter[date] = Counter()
    chosen: list[Slot] = []
    for slot in slots:
        if len(chosen) == most:
            break
        if per_day[slot.date] < NEAREST_PER_DAY:
            per_day[slot.date] += 1
            chosen.append(slot)
    return chosen


def km_between(one: Centre, other: Centre) -> int:
    """Whole kilometres, as plans count them."""
    return geometry.km_between(_point(one), _point(other))


def _point(centre: Centre) -> planning.Centre:
    return planning.Centre(code=centre.code, region="", lat=centre.lat, lon=centre.lon)
