"""Build the demo in one transaction, so that an interrupted one leaves nothing behind."""

import gc
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from appointments import reference, seats
from appointments.demo.cast import OFFICERS, Cast, create_officers
from appointments.demo.crowd import Crowd, Day
from appointments.demo.names import read_names
from appointments.demo.people import People, Wish
from appointments.demo.records import Records
from appointments.models import Application, Appointment, Centre, Region, Slot
from appointments.slots import WorkingDays, local_moment, open_days

REGION = "BPL"
SEED = 2025
PAST_DAYS = 5
FEWEST_DAYS = 5  # the cast has appointments up to then
# Of the register without an appointment, for each centre: never booked, and cancelled.
UNBOOKED, CANCELLED = 4, 2

Bar = Callable[[Iterable[Day]], Iterable[Day]]


class CannotBuild(Exception):
    """The demo may not or cannot be built here; the text says why."""


@dataclass(frozen=True)
class Built:
    """What is there now. `made` is false if it was there before."""

    made: bool
    since: date
    applications: int
    appointments: int
    slots: int


def is_built() -> bool:
    """The officers come last in the transaction of `build`: where one is, all of it is."""
    return User.objects.filter(email=OFFICERS[0].email).exists()


def check_may_build() -> None:
    """Raises CannotBuild outside demo mode."""
    if not settings.DEMO_MODE:
        raise CannotBuild(
            "The demo is for demo mode only (DEMO_MODE=true): it invents people and shows "
            "passwords. Never on the site of a real office."
        )


def build(
    *,
    now: datetime,
    seed: int = SEED,
    working_days: int | None = None,
    folder: Path = reference.FOLDER,
    bar: Bar = iter,
) -> Built:
    """Fill the region relative to today, unless that has been done.

    `working_days`: how many ahead (default: settings.HORIZON_WORKING_DAYS). `folder`: reference
    data and names. `bar` wraps the days, to show progress. Raises BadFile, and CannotBuild: not in
    demo mode, or real people are there.
    """
    check_may_build()
    ahead = settings.HORIZON_WORKING_DAYS if working_days is None else working_days
    if ahead < FEWEST_DAYS:
        raise CannotBuild(f"The demo needs at least {FEWEST_DAYS} working days ahead.")
    if is_built():
        return _result(made=False)
    if Application.objects.exists():
        raise CannotBuild("There are applications here that are not the demo's. Use an empty site.")
    with transaction.atomic(), _without_collector():
        _Building(timezone.localdate(now), seed, ahead, folder).run(bar)
    return _result(made=True)


def _result(*, made: bool) -> Built:
    officer = User.objects.get(email=OFFICERS[0].email)
    return Built(
        made=made,
        since=timezone.localdate(officer.date_joined),
        applications=Application.objects.count(),
        appointments=Appointment.objects.count(),
        slots=Slot.objects.count(),
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """200,000 rows die by reference count alone; the collector's rounds would double the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Building:
    """The steps, in the order in which the seeded generator is asked."""

    def __init__(self, today: date, seed: int, ahead: int, folder: Path) -> None:
        self.today = today
        self.folder = folder
        self.rng = random.Random(seed)  # noqa: S311 - invented people, no secrets
        self.ahead = ahead

    def run(self, bar: Bar) -> None:
        reference.load(folder=self.folder, today=self.today)
        region = Region.objects.get(code=REGION)
        days = self._open(region)
        centres = list(Centre.objects.filter(region=region).order_by("code"))
        people = People(
            self.rng,
            region_id=region.pk,
            centre_ids=[centre.pk for centre in centres],
            today=self.today,
            names=read_names(self.folder / "names"),
        )
        codes = {centre.code: centre.pk for centre in centres}
        cast = Cast(self.rng, people, today=self.today, days=days, centres=codes)
        records = Records()
        reserved = cast.join(records)
        records.save()
        crowd = Crowd(self.rng, people, today=self.today, days=days, reserved=reserved)
        for day in bar(days):
            crowd.fill(day, records)
            records.save()
        self._leave_unbooked(people, crowd, centres, days)
        seats.recount()
        create_officers(region)
        # The day of the build, not its hour: the same date gives the same rows.
        midnight = local_moment(self.today, time(0))
        User.objects.filter(email__in=[part.email for part in OFFICERS]).update(
            date_joined=midnight
        )

    def _open(self, region: Region) -> list[Day]:
        """Open the slots of the past days, today and those ahead; all days in order."""
        working = WorkingDays.of(region)
        past = working.before(self.today, PAST_DAYS)
        coming = working.after(self.today, self.ahead)
        today = [self.today] if self.today in working else []
        open_days(region=region, days=[*past, *today, *coming])
        numbered = [
            *zip(past, range(-PAST_DAYS, 0), strict=True),
            *((day, 0) for day in today),
            *zip(coming, range(1, self.ahead + 1), strict=True),
        ]
        slots = Slot.objects.filter(region=region).order_by("centre__code", "quota", "starts_at")
        by_day: dict[date, list[Slot]] = {day: [] for day, _ahead in numbered}
        for slot in slots:
            if slot.date in by_day:
                by_day[slot.date].append(slot)
        return [Day(date=day, ahead=ahead, slots=by_day[day]) for day, ahead in numbered]

    def _leave_unbooked(
        self, people: People, crowd: Crowd, centres: list[Centre], days: list[Day]
    ) -> None:
        """People of the register without an appointment: never booked, or cancelled."""
        records = Records()
        for centre in centres:
            services = sorted(
                {slot.quota for slot in days[-1].slots if slot.centre_id == centre.pk}
            )
            for number in range(UNBOOKED + CANCELLED):
                service = self.rng.choice(services)
                at = crowd.booked_at(self.today, service)
                wish = Wish(centre_id=centre.pk, service=service, visit=None, booked_at=at)
                [person] = people.party(1, wish)
                records.apply([person])
                if number >= UNBOOKED:
                    fitting = [
                        slot
                        for slot in days[-1].slots
                        if (slot.centre_id, slot.quota) == (centre.pk, service)
                    ]
                    appointment = records.book(person, self.rng.choice(fitting), at)
                    records.cancel(appointment, at + timedelta(hours=self.rng.randint(1, 3)))
        records.save()
