"""A small world in which everything is scarce: three centres, ten days, few seats."""

import random
from dataclasses import dataclass, field

from accounts.models import User
from appointments.models import Application, Centre, Quota, Region, SlotTemplate
from tests.domain.builders import (
    in_days,
    make_application,
    make_centre,
    make_officer,
    make_person,
    make_region,
    make_slot,
)

PEOPLE = 90
DAYS = range(2, 12)


@dataclass
class World:
    region: Region
    centres: list[Centre]
    officers: list[User]
    people: list[tuple[User, Application]] = field(default_factory=list)


def make_world(rng: random.Random) -> World:
    region = make_region()
    centres = [make_centre(code, region=region) for code in ("BPL", "IDR", "GWL")]
    for centre in centres:
        for day in DAYS:
            for hour in (10, 12, 15):
                make_slot(centre=centre, day=in_days(day), hour=hour, seats=rng.randint(1, 4))
            make_slot(centre=centre, day=in_days(day), hour=11, seats=2, quota=Quota.TATKAAL)
        SlotTemplate.objects.create(
            centre=centre, quota=Quota.NORMAL, start="10:00", seats=rng.randint(1, 4)
        )
    officers = [make_officer(), make_officer("approver"), make_officer("approver")]
    world = World(region, centres, officers)
    for _ in range(PEOPLE):
        person = make_person(email=None)
        application = make_application(
            centre=rng.choice(centres),
            claimed_by=person,
            service=rng.choice(["normal", "normal", "tatkaal"]),
            travel_date=rng.choice([None, None, in_days(9)]),
        )
        world.people.append((person, application))
    return world


def load_world() -> World:
    """The world that another process has made, its rows in the order they were made."""
    officers = User.objects.filter(posting__isnull=False).order_by("pk")
    claimed = Application.objects.filter(claimed_by__isnull=False).select_related("claimed_by")
    people = [(a.claimed_by, a) for a in claimed.order_by("pk") if a.claimed_by]
    return World(Region.objects.get(), list(Centre.objects.order_by("pk")), list(officers), people)
