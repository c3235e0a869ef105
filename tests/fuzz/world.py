"""What the fuzzed site holds: people with and without appointments, an outage, plans and offers.

Prints the tokens to ask with, as JSON.
"""

import json
import random

from allauth.mfa.totp.internal import auth as totp
from django.utils import timezone

from accounts import app_tokens, sign_in
from appointments import booking, cuts, plans
from appointments.models import Slot
from notifications.models import Message
from tests.domain.builders import approved_plan, declare_for_test
from tests.storm.world import World, make_world

BOOKED = 30


def main() -> None:
    world = make_world(random.Random(1))
    _book(world)
    _plan(world)
    print(json.dumps({"anonymous": "", "applicant": _applicant(world), "officer": _officer(world)}))


def _applicant(world: World) -> str:
    """The app of somebody who has an application with a question open."""
    person, _application = world.people[0]
    now = timezone.now()
    asked = sign_in.request_code(
        channel="sms", address=person.phone or "", network="fuzz", language="en", now=now
    )
    code = Message.objects.filter(kind="OTP").latest("pk").values["otp"]
    secret = app_tokens.secret_for(code_id=asked.pk, typed=code, retry_key="fuzz")
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
