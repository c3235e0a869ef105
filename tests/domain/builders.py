"""Small worlds for tests: each builder makes one row that is right, told what matters."""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from django.utils import timezone

from accounts.models import User
from appointments import outages, plans, seats
from appointments.models import (
    Application,
    Appointment,
    Centre,
    Outage,
    Plan,
    Posting,
    Quota,
    Region,
    Slot,
)

INDIA = ZoneInfo("Asia/Kolkata")
_numbers = itertools.count(1)


def make_region(code: str = "BPL-RPO", **fields: Any) -> Region:
    defaults = {"name_en": "RPO Bhopal", "name_hi": "आरपीओ भोपाल"}
    region, _ = Region.objects.get_or_create(code=code, defaults={**defaults, **fields})
    return region


def make_centre(code: str = "BPL", *, region: Region | None = None, **fields: Any) -> Centre:
    defaults: dict[str, Any] = {
        "region": region or make_region(),
        "name_en": f"PSK {code}",
        "name_hi": "पीएसके भोपाल",
        "kind": Centre.Kind.PSK,
        "town_en": code.title(),
        "town_hi": "भोपाल",
        "district_en": "Bhopal",
        "district_hi": "भोपाल",
        "pin": "462011",
        "lat": 23.233,
        "lon": 77.43,
    }
    centre, _ = Centre.objects.get_or_create(code=code, defaults={**defaults, **fields})
    return centre


def at(day: dt.date, hour: int = 10, minute: int = 0) -> dt.datetime:
    """A moment of that day by the Indian clock."""
    return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=INDIA)


def in_days(days: int) -> dt.date:
    return timezone.localdate() + dt.timedelta(days=days)


def make_slot(
    *,
    centre: Centre | None = None,
    day: dt.date | None = None,
    hour: int = 10,
    minute: int = 0,
    quota: str = Quota.NORMAL,
    seats: int = 2,
) -> Slot:
    made = new_slot(centre or make_centre(), day or in_days(3), hour, minute, quota, seats)
    made.save()
    return made


def new_slot(centre: Centre, day: dt.date, hour: int, minute: int, quota: str, seats: int) -> Slot:
    """Not saved."""
    return Slot(
        centre=centre,
        region=centre.region,
        quota=quota,
        starts_at=at(day, hour, minute),
        date=day,
        seats=seats,
    )


def make_person(**fields: Any) -> User:
    """An applicant whose phone, and email if there is one, are verified."""
    number = next(_numbers)
    defaults = {
        "phone": f"+9198{number:08d}",
        "phone_verified": True,
        "email_verified": bool(fields.get("email")),
        "language": "hi",
    }
    return User.objects.create_user(**{**defaults, **fields})


def make_application(
    *, claimed_by: User | None = None, centre: Centre | None = None, **fields: Any
) -> Application:
    made = new_application(centre or make_centre(), claimed_by=claimed_by, **fields)
    made.save()
    return made


def new_application(
    centre: Centre, *, claimed_by: User | None = None, **fields: Any
) -> Application:
    """Not saved."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "region": centre.region,
        "home_centre": centre,
        "arn": f"26-{number:010d}",
        "name": f"Applicant {number}",
        "date_of_birth": dt.date(1990, 5, 17),
        "service": Application.Service.NORMAL,
        "phone": f"+9197{number:08d}",
        "claimed_by": claimed_by,
        "claimed_at": timezone.now() if claimed_by else None,
    }
    return Application(**{**defaults, **fields})


def make_appointment(
    slot: Slot | None = None, *, application: Application | None = None, **fields: Any
) -> Appointment:
    """A seated appointment that is counted in its slot."""
    slot = slot or make_slot()
    if application is None:
        service = slot.quota if slot.quota in Application.Service.values else "normal"
        application = make_application(centre=slot.centre, service=service)
    appointment = Appointment.objects.create(
        application=application,
        slot=slot,
        **{"booked_at": timezone.now() - dt.timedelta(days=10), **fields},
    )
    seats.recount(slot_ids=[slot.pk])
    slot.refresh_from_db()
    return appointment


def make_waiting(
    *, application: Application | None = None, days: int = 1, **fields: Any
) -> Appointment:
    """Somebody on the waiting list since `days` ago, put there by an outage."""
    since = timezone.now() - dt.timedelta(days=days)
    return Appointment.objects.create(
        application=application or make_application(),
        state=Appointment.State.WAITING,
        **{"booked_at": since, "waiting_since": since, **fields},
    )


def make_moved(slot: Slot, *, days: int = 5, **fields: Any) -> Appointment:
    """Somebody whom an outage moved to this slot, `days` after the date first promised."""
    promised = slot.date - dt.timedelta(days=days)
    return make_appointment(slot, original_date=promised, moved_count=1, **fields)


def make_officer(
    role: str = Posting.Role.REGION,
    *,
    region: Region | None = None,
    centre: Centre | None = None,
    **fields: Any,
) -> User:
    number = next(_numbers)
    defaults = {
        "email": f"officer{number}@example.org",
        "name": f"Officer {number}",
        "is_staff": True,
        "language": "en",
    }
    officer = User.objects.create_user(**{**defaults, **fields})
    Posting.objects.create(
        officer=officer, role=role, region=region or make_region(), centre=centre
    )
    return officer


def declare_for_test(by: User, cuts: Any, **fields: Any) -> Outage:
    """Declare an outage of the region with these cuts, now."""
    defaults: dict[str, Any] = {
        "request_key": uuid.uuid4(),
        "scope": Outage.Scope.REGION,
        "region": make_region(),
        "since": timezone.now() - dt.timedelta(hours=1),
        "cause": Outage.Cause.SERVER,
        "text_en": "Fault",
        "text_hi": "खराबी",
    }
    return outages.declare(by=by, cuts=cuts, **{**defaults, **fields})


def approve_as_seen(plan: Plan, by: User) -> Plan:
    """Approve a prepared plan by this officer, within the bounds that the page suggests."""
    return plans.approve(
        plan_id=plan.pk,
        by=by,
        bounds=plans.suggested_bounds(plan),
        fingerprint=plan.fingerprint,
    )


def approved_plan(outage: Outage, *, by: User, second: User, **fields: Any) -> Plan:
    """Prepared by one officer for the outage's region, approved by another."""
    region_id = outage.region_id or make_region().pk
    plan = plans.prepare(outage_id=outage.pk, region_id=region_id, by=by, **fields)
    return approve_as_seen(plan, second)


@contextmanager
def far_from_midnight() -> Iterator[None]:
    """For tests whose steps are minutes apart and count days from each: the same day for all."""
    if timezone.localtime().hour < 23:
        yield
        return
    with time_machine.travel(timezone.now() + dt.timedelta(hours=2), tick=True):
        yield
