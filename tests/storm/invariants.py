"""What must hold when a storm is over. Each finding is one line, in words."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Count, F

from appointments import seats
from appointments.models import Appointment, Hold, Offer, Slot, TimelineEntry
from notifications.models import Message
from tests.storm.events import STATE_AFTER, TOLD_BY, Event, Finding, seat_after


def findings() -> Iterator[Finding]:
    """Everything that is wrong; nothing if the storm did no harm."""
    looks = {
        "ledger": (f"slot {d.slot_id}: {d}" for d in seats.check()),
        "oversold": _oversold(),
        "state": _states(),
        "lost": _lost(),
        "doubled": _doubled(),
        "offer": _offers(),
        "seat offer": _seat_offers(),
    }
    for kind, texts in looks.items():
        yield from (Finding(kind, text) for text in texts)


def _oversold() -> Iterator[str]:
    """More people than seats left is possible only where people are in doubt."""
    for slot in Slot.objects.filter(taken__gt=F("seats") - F("closed")):
        settled = slot.appointments.filter(state=Appointment.State.CONFIRMED).count()
        if settled:
            yield f"slot {slot.pk} is over-subscribed, but {settled} in it are confirmed"


def _states() -> Iterator[str]:
    for appointment in Appointment.objects.prefetch_related("timeline"):
        entries = list(appointment.timeline.all())
        if not entries:
            yield f"appointment {appointment.pk} has no timeline"
            continue
        last = entries[-1]
        if appointment.state not in STATE_AFTER[Event(last.event)]:
            yield f"appointment {appointment.pk} is {appointment.state} after {last.event}"
        seat = seat_after(last)
        if appointment.slot_id != seat:
            yield (
                f"appointment {appointment.pk} sits in {appointment.slot_id}, "
                f"its timeline says {seat} ({last.event})"
            )


def _lost() -> Iterator[str]:
    """Each event that a person must hear of has its message, from the same transaction."""
    said: dict[tuple[str, object], set[str]] = defaultdict(set)
    for reference, at, kind in Message.objects.values_list("reference", "created_at", "kind"):
        said[reference, at].add(kind)
    for entry in TimelineEntry.objects.filter(event__in=TOLD_BY):
        heard = said[f"appointment:{entry.appointment_id}", entry.at]
        if not heard & TOLD_BY[Event(entry.event)]:
            yield f"appointment {entry.appointment_id}: {entry.event} at {entry.at} told nobody"


def _doubled() -> Iterator[str]:
    """One event is told once on each channel. Reminders may follow each other."""
    doubled = (
        Message.objects.filter(kind__in=set().union(*TOLD_BY.values()))
        .values_list("reference", "created_at", "kind", "channel")
        .annotate(times=Count("pk"))
        .filter(times__gt=1)
    )
    for reference, at, kind, channel, times in doubled.order_by("reference"):
        yield f"{reference}: {kind} at {at} is {times} times on {channel}"


def _offers() -> Iterator[str]:
    still_open = Offer.objects.filter(state=Offer.State.OPEN).select_related("appointment")
    for offer in still_open.filter(kind=Offer.Kind.MOVED):
        appointment = offer.appointment
        if not appointment.is_live or appointment.state == Appointment.State.WAITING:
            yield f"offer {offer.pk} is open, its appointment is {appointment.state}"
        elif appointment.slot_id != offer.new_slot_id:
            yield f"offer {offer.pk} asks about {offer.new_slot_id}, not {appointment.slot_id}"


def _seat_offers() -> Iterator[str]:
    """An open offer of a seat and the hold that keeps it are there together, or neither."""
    asked = {
        (offer.appointment.application_id, offer.new_slot_id, offer.kind): offer
        for offer in Offer.objects.filter(
            state=Offer.State.OPEN, kind__in=Offer.SEAT_KINDS
        ).select_related("appointment")
    }
    held = {
        (hold.application_id, hold.slot_id, hold.purpose)
        for hold in Hold.objects.filter(purpose__in=Offer.SEAT_KINDS)
    }
    for key in asked.keys() ^ held:
        yield f"of {key} there is only the {'offer' if key in asked else 'hold'}"
    states = {Offer.Kind.EARLIER: "confirmed", Offer.Kind.WAITING: "waiting"}
    for offer in asked.values():
        if offer.appointment.state != states[Offer.Kind(offer.kind)]:
            yield f"offer {offer.pk} ({offer.kind}): its appointment is {offer.appointment.state}"
        if offer.appointment.slot_id != offer.old_slot_id:
            yield f"offer {offer.pk}: the appointment has moved since it was asked"
