"""A small region with a full day, and officers at their desks."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts import officers
from accounts.models import User
from appointments import seats
from appointments.models import Application, Appointment, Centre, Posting, Region, Slot
from appointments.roles import ensure_groups
from tests.domain.builders import (
    in_days,
    make_centre,
    make_region,
    new_application,
    new_slot,
)
from tests.officers.pages import Desk

Groups = dict[Posting.Role, Group]


@dataclass
class Office:
    """Two centres with two days to come that are full, and free days after them.

    Bhopal has 8 normal and 4 Tatkaal seats a day, Sagar 4 normal ones.
    """

    region: Region
    bhopal: Centre
    sagar: Centre
    days: list[dt.date]
    slots: list[Slot] = field(default_factory=list)
    people: list[Appointment] = field(default_factory=list)

    @property
    def seats_a_day(self) -> int:
        return 16


@pytest.fixture
def office(db: None) -> Office:
    region = make_region(lone_approval=True)
    made = Office(
        region=region,
        bhopal=make_centre("BPL", name_en="PSK Bhopal"),
        sagar=make_centre("SGR", name_en="POPSK Sagar", lat=23.84, lon=78.74),
        days=[in_days(1), in_days(2)],
    )
    made.slots = Slot.objects.bulk_create(_slots(made, made.days))
    taken = [slot for slot in made.slots for _ in range(slot.seats)]
    applications = Application.objects.bulk_create(
        new_application(slot.centre, service=slot.quota) for slot in taken
    )
    made.people = Appointment.objects.bulk_create(
        Appointment(
            application=application,
            slot=slot,
            booked_at=timezone.now() - dt.timedelta(days=10),
        )
        for application, slot in zip(applications, taken, strict=True)
    )
    seats.recount()
    Slot.objects.bulk_create(_slots(made, map(in_days, range(3, 9))))
    return made


def _slots(office: Office, days: Iterable[dt.date]) -> list[Slot]:
    """Four slots a day, of four seats each."""
    return [
        new_slot(centre, day, hour, 0, quota, seats=4)
        for day in days
        for centre, hour, quota in (
            (office.bhopal, 10, "normal"),
            (office.bhopal, 12, "normal"),
            (office.bhopal, 10, "tatkaal"),
            (office.sagar, 10, "normal"),
        )
    ]


@pytest.fixture
def unreachable(office: Office) -> Appointment:
    """Somebody in the first slot without phone or mail."""
    person = office.people[0]
    person.application.phone = ""
    person.application.save()
    return person


@pytest.fixture(autouse=True)
def _second_factor_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """How officers sign in is tested in tests/accounts."""
    monkeypatch.setattr(officers, "has_second_factor", lambda request: True)


DeskMaker = Callable[..., Desk]


@pytest.fixture
def groups(db: None) -> Groups:
    return ensure_groups()


@pytest.fixture
def desk(office: Office, groups: Groups) -> DeskMaker:
    """desk("region"), desk("approver"), desk("centre", centre=office.bhopal), desk(region=...)."""

    def seat(
        role: str = "region", *, region: Region | None = None, centre: Centre | None = None
    ) -> Desk:
        count = User.objects.count()
        officer = User.objects.create_user(
            email=f"desk{count}@office.example", name=f"Desk {count} {role}", is_staff=True
        )
        Posting.objects.create(
            officer=officer, role=role, region=region or office.region, centre=centre
        )
        officer.groups.add(groups[Posting.Role(role)])
        client = Client()
        client.force_login(officer)
        return Desk(client, officer)

    return seat
