"""A small region with a full day, and officers at their desks."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.test import Client
from django.utils import timezone

from accounts import officers
from accounts.models import User
from appointments import seats
from appointments.models import Appointment, Centre, Posting, Region, Slot
from appointments.roles import post
from tests.domain.builders import (
    in_days,
    make_application,
    make_centre,
    make_region,
    make_slot,
)
from tests.officers.pages import Desk


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
    for day in made.days:
        made.slots += _day(made, day)
    made.people = Appointment.objects.bulk_create(
        Appointment(
            application=make_application(centre=slot.centre, service=slot.quota),
            slot=slot,
            booked_at=timezone.now() - dt.timedelta(days=10),
        )
        for slot in made.slots
        for _ in range(slot.seats)
    )
    seats.recount()
    for days in range(3, 9):
        _day(made, in_days(days))
    return made


def _day(office: Office, day: dt.date) -> list[Slot]:
    return [
        make_slot(centre=office.bhopal, day=day, hour=10, seats=4),
        make_slot(centre=office.bhopal, day=day, hour=12, seats=4),
        make_slot(centre=office.bhopal, day=day, hour=10, quota="tatkaal", seats=4),
        make_slot(centre=office.sagar, day=day, hour=10, seats=4),
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
def desk(office: Office) -> DeskMaker:
    """desk("region"), desk("approver"), desk("centre", centre=office.bhopal), desk(region=...)."""

    def seat(
        role: str = "region", *, region: Region | None = None, centre: Centre | None = None
    ) -> Desk:
        count = User.objects.count()
        officer = User.objects.create_user(
            email=f"desk{count}@office.example", name=f"Desk {count} {role}", is_staff=True
        )
        post(
            officer=officer,
            role=Posting.Role(role),
            region=region or office.region,
            centre=centre,
        )
        client = Client()
        client.force_login(officer)
        return Desk(client, officer)

    return seat
