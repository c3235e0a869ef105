"""Reminders of the visit: two days before, and on the evening before, from 18:00 to 20:00.

Who is reminded: whoever has a seat that stands and has heard of it before this evening. So not
- who is in doubt, or waits;
- who booked, changed or accepted this evening, or was told that the seat stands: that message is
  their reminder;
- whom a plan has moved or kept, until its grace is over; also who hears of it this evening;
- whose seat is freed if they do not answer: they are reminded of the answer (REMIND_ANSWER);
- who comes to a centre that has a day off then: they must not come, and officers are alerted.
"""

import logging
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from appointments import messages, remind_hours
from appointments.models import (
    Appointment,
    Holiday,
    Offer,
    Plan,
    PlanLine,
    Region,
    TimelineEntry,
)
from appointments.models.appointments import AppointmentQuerySet
from appointments.outages import lock_regions
from appointments.verbs import batches, verb
from notifications import told
from notifications.batches import may_go_on, was_taken_back
from notifications.dates import INDIA

log = logging.getLogger(__name__)

# Days before the visit.
REMIND_BEFORE = (2, 1)
# How `batch_of` calls the reminders of a region, a day of visits, and the days before it.
NAME = re.compile(r"visits:([0-9]{1,18}):([0-9]{4}-[0-9]{2}-[0-9]{2}):([0-9])")
# What tells a person when to come, at that very moment.
TELLING = (
    TimelineEntry.Event.BOOKED,
    TimelineEntry.Event.CHANGED,
    TimelineEntry.Event.ACCEPTED,
)


def remind(*, now: datetime) -> int:
    """Queue this evening's reminders; returns how many are new. Outside the hours: none.

    Each region by itself, so that one in which an officer is at work holds up none of the others.
    Who comes to be reminded later in the evening is found by the next call.
    """
    if not remind_hours.contain(now):
        return 0
    regions = Region.objects.order_by("pk").values_list("pk", flat=True)
    return sum(
        remind_region(region_id=region_id, days=days, now=now)
        for region_id in regions
        for days in REMIND_BEFORE
        if due(region_id, days, now)
    )


def due(region_id: int, days: int, now: datetime) -> dict[int, int]:
    """Appointments that are to be reminded -> how many reminders of it were taken back tonight.

    A reminder that was taken back has not left. If the visit stands after all (an outage was
    declared by mistake), there is a new one; none if officers have taken back the whole batch.
    """
    today = now.astimezone(INDIA).date()
    day, evening = today + timedelta(days=days), remind_hours.opening(today)
    batch = batch_of(region_id, day, days)
    if is_day_off(region_id, day) or was_taken_back(batch):
        return {}
    said = messages.told_in(batch)
    silent = {
        pk: known.taken_back
        for pk in _with_visit(region_id, day, evening).values_list("pk", flat=True)
        if not (known := said.get(pk, told.Told())).holds
    }
    # Told tonight that it stands; who never heard of a doubt was not.
    heard = messages.told_since(kind="STANDS", appointment_ids=silent, since=evening)
    return {pk: again for pk, again in silent.items() if pk not in heard}


def _with_visit(region_id: int, day: date, evening: datetime) -> AppointmentQuerySet:
    """Who comes on that day for sure, and knew it before this evening."""
    of_person = {"appointment": OuterRef("pk")}
    told_now = TimelineEntry.objects.filter(event__in=TELLING, at__gte=evening, **of_person)
    in_grace = PlanLine.objects.filter(
        plan__state=Plan.State.APPLIED, plan__live_at__gt=evening, **of_person
    )
    asked = Offer.objects.filter(state=Offer.State.OPEN, silence=Plan.Silence.REQUEUE, **of_person)
    return Appointment.objects.filter(
        ~Exists(told_now),
        ~Exists(in_grace),
        ~Exists(asked),
        state=Appointment.State.CONFIRMED,
        slot__region=region_id,
        slot__date=day,
    )


def batch_of(region_id: int, day: date, days: int) -> str:
    """Of the reminders of visits on `day` in a region, sent `days` before."""
    return f"visits:{region_id}:{day:%Y-%m-%d}:{days}"


def is_about(batch: str) -> tuple[int, date, int] | None:
    """Region, day and days before it of such a name; None: it is none."""
    found = NAME.fullmatch(batch)
    try:
        return found and (int(found[1]), date.fromisoformat(found[2]), int(found[3]))
    except ValueError:  # a day that no calendar has
        return None


def batches_in_hand(region_ids: Iterable[int], now: datetime) -> list[str]:
    """Names of those of this evening, or of the last one until then."""
    today = now.astimezone(INDIA).date()
    evening = today if now >= remind_hours.opening(today) else today - timedelta(days=1)
    return [
        batch_of(region_id, evening + timedelta(days=days), days)
        for region_id in region_ids
        for days in REMIND_BEFORE
    ]


def may_be_written(batch: str, now: datetime) -> bool:
    """Whether this is a batch of reminders that still grows this evening."""
    about = is_about(batch)
    if about is None or not remind_hours.contain(now) or was_taken_back(batch):
        return False
    _region_id, day, days = about
    return day == now.astimezone(INDIA).date() + timedelta(days=days)


def is_day_off(region_id: int, day: date) -> bool:
    here = Q(region=region_id) | Q(region__isnull=True)
    return Holiday.objects.filter(here, date=day).exists()


@verb
def remind_region(*, region_id: int, days: int, now: datetime) -> int:
    """Remind everybody in a region who is to be, of visits in so many days; how many that were.

    Again, or twice at once: changes nothing. The region is locked, so that no outage or plan
    begins meanwhile, and then the appointments: whoever cancels or changes at this moment does so
    before (and is not reminded) or after (and takes the reminder back). So is the batch: whoever
    takes it back does so before (and nobody is reminded) or after (and takes these back too).
    """
    lock_regions([region_id])
    today = now.astimezone(INDIA).date()
    day, evening = today + timedelta(days=days), remind_hours.opening(today)
    taken_back = due(region_id, days, now)
    people: list[Appointment] = []
    for part in batches(sorted(taken_back)):
        rows = _with_visit(region_id, day, evening).with_people().filter(pk__in=part)
        people += rows.order_by("pk").select_for_update(of=("self",), no_key=True)
    batch = batch_of(region_id, day, days)
    if not people or not may_go_on(batch):
        return 0
    written = messages.visits_near(
        people,
        keys={pk: f"{days}:{again}" for pk, again in taken_back.items()},
        batch=batch,
        until=remind_hours.closing(today),
        now=now,
    )
    if written:
        log.info("region %s: %s reminders of visits on %s", region_id, written, day)
    return written
