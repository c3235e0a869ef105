"""What the fuzzed site holds: people with and without appointments, an outage, plans and offers.

Prints the tokens to ask with, as JSON.
"""

import json
import random

import django

django.setup()

from appointments import booking, cuts, plans  # noqa: E402  (the settings come first)
from appointments.models import Slot  # noqa: E402
from tests.domain.builders import approved_plan, declare_for_test  # noqa: E402
from tests.storm.world import World, make_world  # noqa: E402

BOOKED = 30


def main() -> None:
    world = make_world(random.Random(1))
    _book(world)
    _plan(world)
    print(json.dumps({"anonymous": ""}))


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


if __name__ == "__main__":
    main()
