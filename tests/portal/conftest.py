"""A small office: three centres, two days of slots, and an officer who declares outages."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.models import User
from appointments.models import Application, Appointment, CapacityCut, Centre, Outage, Region, Slot
from notifications.dates import INDIA


@dataclass
class Office:
    region: Region
    bhopal: Centre
    indore: Centre
    sagar: Centre
    officer: User
    today: dt.date

    @property
    def tomorrow(self) -> dt.date:
        return self.today + dt.timedelta(days=1)


@pytest.fixture
def office(db: None) -> Office:
    region = Region.objects.create(code="BPL-RPO", name_en="Bhopal", name_hi="भोपाल")
    officer = User.objects.create_user(email="officer@office.example", is_staff=True)
    made = Office(
        region=region,
        bhopal=_centre(region, "BPL", "PSK", "Bhopal", "भोपाल"),
        indore=_centre(region, "IDR", "PSK", "Indore", "इंदौर"),
        sagar=_centre(region, "SGR", "POPSK", "Sagar", "सागर"),
        officer=officer,
        today=timezone.localdate(),
    )
    for centre in (made.bhopal, made.indore, made.sagar):
        make_slot(centre, made.tomorrow, 100)
    return made


def _centre(region: Region, code: str, kind: str, town_en: str, town_hi: str) -> Centre:
    return Centre.objects.create(
        region=region,
        code=code,
        kind=kind,
        name_en=f"{kind} {town_en}",
        name_hi=f"केंद्र {town_hi}",
        town_en=town_en,
        town_hi=town_hi,
        district_en=town_en,
        district_hi=town_hi,
        pin="462011",
        lat=23.2,
        lon=77.4,
    )


def make_slot(centre: Centre, date: dt.date, seats: int, quota: str = "normal") -> Slot:
    return Slot.objects.create(
        centre=centre,
        region=centre.region,
        quota=quota,
        starts_at=dt.datetime.combine(date, dt.time(10, 15), INDIA),
        date=date,
        seats=seats,
    )


@pytest.fixture
def declare(office: Office) -> Callable[..., Outage]:
    """Record an outage as the verb would leave it: declare(centres=[...], left=30, ended=...)."""

    def make(
        *,
        centres: list[Centre] | None = None,
        left: int | None = None,
        restored_hours_ago: int | None = None,
        **fields: Any,
    ) -> Outage:
        now = timezone.now()
        whole_region = centres is None
        outage = Outage.objects.create(
            **{
                "scope": "region" if whole_region else "centres",
                "region": office.region if whole_region else None,
                "since": now - dt.timedelta(days=2),
                "text_en": "The server is down.",
                "text_hi": "सर्वर बंद है।",
                "declared_by": office.officer,
                "declared_at": now,
                "grace_until": now,
                "request_key": uuid.uuid4(),
                **fields,
            }
        )
        outage.centres.set(centres or [])
        if restored_hours_ago is not None:
            outage.state = Outage.State.RESTORED
            outage.ended_at = now - dt.timedelta(hours=restored_hours_ago)
            outage.save()
        if left is not None:
            for centre in centres or Centre.objects.all():
                slots = Slot.objects.filter(centre=centre, quota="normal")
                slots.update(closed=Greatest("closed", F("seats") - left))
                CapacityCut.objects.create(
                    outage=outage,
                    centre=centre,
                    date=office.tomorrow,
                    quota="normal",
                    seats_left=left,
                )
        return outage

    return make


@pytest.fixture
def applicant(office: Office) -> User:
    """Signed up by phone, reads English, has a confirmed appointment at Bhopal tomorrow."""
    person = User.objects.create_user(phone="+919876543210", phone_verified=True, language="en")
    application = Application.objects.create(
        region=office.region,
        arn="25-1000000001",
        name="Sunita Verma",
        date_of_birth=dt.date(1990, 1, 1),
        service="normal",
        home_centre=office.bhopal,
        claimed_by=person,
    )
    Appointment.objects.create(
        application=application,
        slot=Slot.objects.get(centre=office.bhopal),
        booked_at=timezone.now(),
    )
    return person
