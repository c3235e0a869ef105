"""The status of a place, read from the database once a minute or when an outage has changed.

On the day of an outage thousands of open pages ask every minute. What they ask costs two small
queries (has an officer done anything?) and one look into the cache; without a cache it is read each
time, so that a Redis that is away takes no page down.
"""

import hashlib
import logging
from datetime import datetime

from django.core.cache import cache
from django.db.models import Count, Max

from appointments.models import Centre, OfficeEntry, Outage, Region
from appointments.status import Status, status_of

log = logging.getLogger(__name__)

# Seats that are booked, a grace that ends, midnight: what no officer writes down is seen so late.
SECONDS = 60


def kept_status(*, region: Region, centre: Centre | None = None, now: datetime) -> Status:
    key = f"status:{region.pk}:{centre.pk if centre else 0}:{_version(now)}"
    try:
        kept = cache.get(key)
    except Exception as error:  # whatever the client of a cache raises when the cache is away
        log.warning("no cache for the status: %s", type(error).__name__)
        return status_of(region=region, centre=centre, now=now)
    if isinstance(kept, Status):
        return kept
    status = status_of(region=region, centre=centre, now=now)
    try:
        cache.set(key, status, timeout=2 * SECONDS)
    except Exception as error:
        log.warning("the status was not kept: %s", type(error).__name__)
    return status


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
