"""What the fuzzed site holds: people with and without appointments, an outage, plans and offers.

Prints the tokens to ask with, as JSON.
"""

import json
import random
from typing import Any

from allauth.mfa.totp.internal import auth as totp
from django.db.models import QuerySet
from django.utils import timezone

from accounts import app_tokens, sign_in
from appointments import availability, booking, cuts, plans
from appointments.models import Application, Appointment, Hold, Offer, Outage, Plan, Slot
from notifications.models import Message
from tests.domain.builders import approved_plan, declare_for_test
from tests.storm.world import World, make_world

BOOKED = 30
HELD = 5


def main() -> None:
    world = make_world(random.Random(1))
    _book(world)
    _plan(world)
    _give_all_to_one(world)
    tokens = {
        "anonymous": "",
        "applicant": _applicant(world),
        "officer": _officer(world),
        "leaver": _applicant(world),
    }
    print(json.dumps({"tokens": tokens, "ids": _ids(world)}))


def _give_all_to_one(world: World) -> None:
    """One person has everything, so that one app meets every state; some seats are being kept."""
    person = world.people[0][0]
    own = [application.pk for _person, application in world.people[: BOOKED + HELD]]
    Application.objects.filter(pk__in=own).update(claimed_by=person)
    for _person, application in world.people[BOOKED : BOOKED + HELD]:
        application.refresh_from_db()
        free = availability.for_application(application, timezone.now()).first()
        if free is not None:
            booking.hold_seat(application=application, slot_id=free.pk, by=person)
    Offer.objects.update(live_at=timezone.now())  # the plan's grace has passed


def _ids(world: World) -> dict[str, list[int]]:
    """Path parameter -> rows that are there; the fuzzer makes up others beside them."""
    rows: dict[str, QuerySet[Any]] = {
        "application_id": world.people[0][0].applications.all(),
        "appointment_id": Appointment.objects.filter(application__claimed_by=world.people[0][0]),
        "hold_id": Hold.objects.all(),
        "offer_id": Offer.objects.all(),
        "outage_id": Outage.objects.all(),
        "plan_id": Plan.objects.all(),
        "slot": Slot.objects.filter(taken=0, closed=0),
    }
    found = {name: list(some.values_list("pk", flat=True)) for name, some in rows.items()}
    assert all(found.values()), found
    return found


def _applicant(world: World) -> str:
    """The app of somebody who has an application with a question open."""
    person, _application = world.people[0]
    now = timezone.now()
    asked = sign_in.request_code(
        channel="sms", address=person.phone or "", network="fuzz", language="en", now=now
    )
    code = Message.objects.filter(kind="OTP").latest("pk").values["otp"]
    secret = app_tokens.secret_for(code_id=asked.pk, typed=code, retry_key=str(asked.pk))
    app_tokens.open_with_code(code_id=asked.pk, typed=code, name="fuzz", secret=secret, now=now)
    return secret


def _officer(world: World) -> str:
    officer = world.officers[0]
    totp.TOTP.activate(officer, totp.generate_totp_secret())
    _token, secret = app_tokens.issue_to_officer(
        officer=officer, name="fuzz", random_part="f" * 32, now=timezone.now()
    )
    return secret


def _book(world: World) -> None:
    for person, application in world.people[:BOOKED]:
        slot = Slot.objects.filter(quota__in=application.quotas(), taken__lt=1).first()
        if slot is not None:
            hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
            booking.confirm(hold_id=hold.pk, by=person)


def _plan(world: World) -> None:
    """An outage which takes all seats of two days, and its plan, applied."""
    officer, second, _third = world.officers
    dates = cuts.working_dates(world.centres, Slot.objects.earliest("date").date, 2)
    lost = cuts.spread_total(total_per_day=0, centres=world.centres, dates=dates)
    outage = declare_for_test(officer, lost)
    plan = approved_plan(outage, by=officer, second=second)
    plans.apply(plan_id=plan.pk, by=second)
