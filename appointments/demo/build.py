"""Build the demo in one transaction, so that an interrupted one leaves nothing behind."""

import gc
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from appointments import reference, seats
from appointments.demo.cast import OFFICERS, Cast, create_officers
from appointments.demo.crowd import Crowd, Day
from appointments.demo.names import read_names
from appointments.demo.people import People
from appointments.demo.proofs import send_proofs
from appointments.demo.records import Records
from appointments.models import (
    Application,
    Appointment,
    Centre,
    Quota,
    Region,
    Slot,
    TimelineEntry,
    VisitAttempt,
)
from appointments.slots import WorkingDays, local_moment, open_days
from notifications.registry import csv_files, verbs

REGION = "BPL"
SEED = 2025
PAST_DAYS = 5
FEWEST_DAYS = 5  # the cast has appointments up to then

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


def _analyse() -> None:
    """Tell the database how much there is now; without it, its first plans take minutes."""
    with connection.cursor() as cursor:
        for model in (Application, Appointment, VisitAttempt, TimelineEntry, Slot):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")


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
        self._file_templates()
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
        crowd.leave_unbooked(days[-1], records)
        records.save()
        send_proofs(today=self.today)
        _analyse()
        seats.recount()
        create_officers(region)
        # The day of the build, not its hour: the same date gives the same rows.
        midnight = local_moment(self.today, time(0))
        User.objects.filter(email__in=[part.email for part in OFFICERS]).update(
            date_joined=midnight
        )

    def _file_templates(self) -> None:
        """Invented ones, so that the gateways that need filed texts can be tried here."""
        # The second are the same texts with the ids of a gateway's own panel.
        for name in ("dlt_templates.csv", "dlt_templates_msg91.csv"):
            try:
                entries = csv_files.read_file(self.folder / name)
            except (OSError, csv_files.BadFile) as error:
                raise CannotBuild(f"{name}: {error}") from None
            verbs.load(entries=entries, by="demo", reason=name)

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
        # Seats for on-hold visits, where an office has them, are not given out in advance.
        slots = Slot.objects.filter(region=region).exclude(quota=Quota.ON_HOLD)
        by_day: dict[date, list[Slot]] = {day: [] for day, _ahead in numbered}
        for slot in slots.order_by("centre__code", "quota", "starts_at"):
            if slot.date in by_day:
                by_day[slot.date].append(slot)
        return [Day(date=day, ahead=ahead, slots=by_day[day]) for day, ahead in numbered]
