"""What can be booked: queries only, never a promise (a hold is the promise)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import F, Min, QuerySet, Sum

from appointments.models import Application, Centre, Slot

# Free seats over a group of slots, as SQL.
FREE = Sum(F("seats") - F("closed") - F("taken"))


@dataclass(frozen=True)
class CentreChoice:
    centre: Centre
    first_date: date
    free: int


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
        paused=False, starts_at__gte=earliest_start(now), taken__lt=F("seats") - F("closed")
    )


def for_application(application: Application, now: datetime) -> QuerySet[Slot]:
    return bookable(now).filter(region_id=application.region_id, quota__in=application.quotas())


def centres(application: Application, now: datetime) -> list[CentreChoice]:
    """Centres with free seats, the home centre first, then the soonest date."""
    rows = (
        for_application(application, now)
        .values("centre")
        .annotate(first=Min("date"), free_seats=FREE)
    )
    by_id = Centre.objects.in_bulk([row["centre"] for row in rows])
    choices = [CentreChoice(by_id[r["centre"]], r["first"], r["free_seats"]) for r in rows]
    home = application.home_centre_id
    return sorted(choices, key=lambda c: (c.centre.pk != home, c.first_date, c.centre.name_en))


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
