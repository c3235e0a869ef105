"""The status of a place, read from the database once a minute or when an outage has changed.

On the day of an outage thousands of open pages ask every minute. What they ask costs two small
queries (has an officer done anything?) and one look into the cache; without a cache it is read each
time, so that a Redis that is away takes no page down.
"""

import hashlib
from datetime import datetime

from django.db.models import Count, Max

from appointments.kept import kept
from appointments.models import Centre, OfficeEntry, Outage, Region
from appointments.status import Status, status_of

# Seats that are booked, a grace that ends, midnight: what no officer writes down is seen so late.
SECONDS = 60


def kept_status(*, region: Region, centre: Centre | None = None, now: datetime) -> Status:
    key = f"status:{region.pk}:{centre.pk if centre else 0}:{_version(now)}"
    return kept(
        key,
        lambda: status_of(region=region, centre=centre, now=now),
        kind=Status,
        seconds=2 * SECONDS,
    )


def etag_of(status: Status, language: str) -> str:
    """Changes when what the page says does."""
    said = repr((language, status))
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def _version(now: datetime) -> str:
    """Another one in each minute, and after each step of an officer."""
    outages = Outage.objects.aggregate(
        n=Count("pk"), declared=Max("declared_at"), ended=Max("ended_at")
    )
    step = OfficeEntry.objects.aggregate(last=Max("pk"))
    said = f"{int(now.timestamp()) // SECONDS}:{sorted(outages.items())}:{step['last']}"
    return hashlib.sha256(said.encode()).hexdigest()[:32]
