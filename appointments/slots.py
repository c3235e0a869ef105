"""Opening slots from the weekly templates, up to the booking horizon.

Two sentences of the design meet here: opening *pauses where an outage is open*, and *a slot opened
during a cut gets its closures at once*. Together they mean:

- While an outage is open and its end is unknown or still to come, its centres open no further
  day. Nobody knows what those days can hold, and a plan should count on them first. After the
  restoration the next run opens all that was missed.
- When the expected end has passed and nobody has restored or extended the outage, days open
  again: an outage left open by mistake must not dry up the calendar.
- Such a slot (and any that an officer opens in the middle of an outage) may lie on a day that a
  cut in force names. It is closed by its share before the transaction ends, so that the public
  never sees a seat of it that is not there.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from appointments import closures, outages, seats
from appointments.models import Centre, Holiday, Region, Slot, SlotTemplate

ONE_DAY = timedelta(days=1)
SATURDAY = 5
BATCH = 500


# --- Which days ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class WorkingDays:
    """Monday to Friday without the region's holidays."""

    holidays: frozenset[date]

    @classmethod
    def of(cls, region: Region) -> "WorkingDays":
        here = Q(region=region) | Q(region__isnull=True)
        return cls(frozenset(Holiday.objects.filter(here).values_list("date", flat=True)))

    def __contains__(self, day: date) -> bool:
        return day.weekday() < SATURDAY and day not in self.holidays

    def after(self, day: date, count: int) -> list[date]:
        """The next `count` working days, `day` itself not among them."""
        return self._walk(day, count, ONE_DAY)

    def before(self, day: date, count: int) -> list[date]:
        """The last `count` working days before `day`, in calendar order."""
        return self._walk(day, count, -ONE_DAY)[::-1]

    def _walk(self, day: date, count: int, step: timedelta) -> list[date]:
        found: list[date] = []
        while len(found) < count:
            day += step
            if day in self:
                found.append(day)
        return found


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day of the calendar, both ends included."""
    while first <= last:
        yield first
        first += ONE_DAY


# --- Opening ------------------------------------------------------------------------------------


def open_slots(*, now: datetime) -> int:
    """Open what is missing from now to the horizon; returns the number of slots opened.

    The horizon is settings.HORIZON_WORKING_DAYS working days after today, in each region by its
    own holidays. A slot that exists stays as it is, whatever its template says today. Safe at any
    time, and twice at once.
    """
    today = timezone.localdate(now)
    paused = paused_centres(now=now)
    opened = 0
    for region in Region.objects.order_by("pk"):
        working = WorkingDays.of(region)
        horizon = working.after(today, settings.HORIZON_WORKING_DAYS)
        days = days_between(today, horizon[-1] if horizon else today)
        opened += open_days(region=region, days=days, after=now, except_centres=paused)
    return opened


def paused_centres(*, now: datetime) -> set[int]:
    """Centres of open outages whose end is unknown or still to come."""
    unsettled = Q(expected_until__isnull=True) | Q(expected_until__gt=now)
    touching = outages.open_outages_at().filter(unsettled)
    return {centre.pk for outage in touching for centre in outages.centres_of(outage)}


@transaction.atomic
def open_days(
    *,
    region: Region,
    days: Iterable[date],
    after: datetime | None = None,
    except_centres: Collection[int] = (),
) -> int:
    """Open the region's missing slots on these days, holidays left out; returns how many.

    `after`: only slots that start later than this. Cuts in force close their share at once.
    """
    # One run at a time in a region, so that each counts what it opened itself. Inserts that point
    # to the region are not held up by this lock.
    Region.objects.select_for_update(no_key=True).get(pk=region.pk)
    wanted = [
        slot
        for slot in _slots_of_templates(region, days)
        if slot.centre_id not in except_centres and (after is None or slot.starts_at > after)
    ]
    known = _known(region, {slot.date for slot in wanted})
    missing = [slot for slot in wanted if _key(slot) not in known]
    # ON CONFLICT DO NOTHING: an officer may be opening a special day by hand.
    Slot.objects.bulk_create(missing, batch_size=BATCH, ignore_conflicts=True)
    now_known = _known(region, {slot.date for slot in missing})
    ids = [now_known[_key(slot)] for slot in missing]
    closures.close_new_slots(slot_ids=ids)
    seats.first_refusal(slot_ids=ids)
    return len(ids)


Key = tuple[int, str, datetime]


def _key(slot: Slot) -> Key:
    return (slot.centre_id, slot.quota, slot.starts_at)


def _known(region: Region, days: set[date]) -> dict[Key, int]:
    """Ids of the slots that are there on these days."""
    if not days:
        return {}
    rows = Slot.objects.filter(region=region, date__range=(min(days), max(days)))
    return {
        (centre, quota, starts_at): pk
        for pk, centre, quota, starts_at in rows.values_list(
            "pk", "centre_id", "quota", "starts_at"
        )
    }


def _slots_of_templates(region: Region, days: Iterable[date]) -> list[Slot]:
    """Unsaved slots for each of the days that is no holiday, in order of day and centre."""
    working = WorkingDays.of(region)
    templates = _templates_by_weekday(region)
    return [
        Slot(
            centre_id=template.centre_id,
            region_id=region.pk,
            quota=template.quota,
            date=day,
            starts_at=local_moment(day, template.start),
            seats=template.seats,
        )
        for day in days
        if day not in working.holidays
        for template in templates[day.weekday()]
    ]


def _templates_by_weekday(region: Region) -> list[list[SlotTemplate]]:
    """Seven lists. A template of one weekday takes the place of the everyday one at its start."""
    week: list[dict[tuple[int, str, time], SlotTemplate]] = [{} for _ in range(7)]
    centres = Centre.objects.filter(region=region)
    templates = SlotTemplate.objects.filter(centre__in=centres).order_by(
        "centre__code", "quota", "start"
    )
    everyday = [t for t in templates if t.weekday is None]
    special = [t for t in templates if t.weekday is not None]
    for template in everyday:
        for weekday in range(SATURDAY):
            week[weekday][template.centre_id, template.quota, template.start] = template
    for template in special:
        assert template.weekday is not None
        key = (template.centre_id, template.quota, template.start)
        week[template.weekday][key] = template
    return [list(day.values()) for day in week]


def local_moment(day: date, start: time) -> datetime:
    """A local day and clock time as an aware moment."""
    return datetime.combine(day, start, tzinfo=timezone.get_default_timezone())
