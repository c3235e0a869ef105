"""Messages for tests, in whatever state they are wanted."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from appointments.message_kinds import ALERTS
from appointments.messages import scope_of
from appointments.models import Appointment, Listed, Plan, Region
from notifications.models import TAKEN, Message

MINUTE = dt.timedelta(minutes=1)


def scope_for(reference: str) -> str:
    """What whoever enqueues gives it: the region's, of what is about something of one region."""
    kind, _, key = reference.partition(":")
    if not key.isdecimal():
        return ""
    if kind in ALERTED:
        found = Region.objects.filter(pk=key).values_list("pk")
    elif kind in OF_ONE_REGION:
        rows, region = OF_ONE_REGION[kind]
        found = rows(int(key)).values_list(region)
    else:
        return ""
    row = found.first()
    return scope_of(row[0]) if row else ""


OF_ONE_REGION: dict[str, tuple[Callable[[int], QuerySet[Any]], str]] = {
    "appointment": (lambda key: Appointment.objects.filter(pk=key), "application__region"),
    "offer-list": (
        lambda key: Listed.objects.filter(offer_list=key),
        "appointment__application__region",
    ),
    "plan": (lambda key: Plan.objects.filter(pk=key), "region"),
}
ALERTED = {kind.code.lower() for kind in ALERTS}


def write(appointment: Appointment | None = None, state: str = "queued", **changes: Any) -> Message:
    """A message about an appointment that has come so far."""
    now = timezone.now()
    fields: dict[str, Any] = {
        "dedupe_key": str(uuid.uuid4()),
        "kind": "HOLD",
        "channel": "sms",
        "address": "+919876543210",
        "language": "en",
        "reference": f"appointment:{appointment.pk}" if appointment else "",
        "state": state,
        "urgent_by": now,
        "next_attempt_at": now,
        "expires_at": now + dt.timedelta(days=1),
        "created_at": now - 10 * MINUTE,
        "sent_at": now if state in TAKEN else None,
        "delivered_at": now if state == "delivered" else None,
    }
    fields |= changes
    fields.setdefault("scope", scope_for(fields["reference"]))
    return Message.objects.create(**fields)
