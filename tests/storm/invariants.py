"""What must hold when a storm is over. Each finding is one line, in words."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import F

from appointments import seats
from appointments.models import Appointment, Offer, Slot, TimelineEntry
from notifications.models import Message

Event = TimelineEntry.Event

# The state in which an event leaves an appointment.
STATE_AFTER = {
    Event.BOOKED: {"confirmed"},
    Event.CHANGED: {"confirmed"},
    Event.CANCELLED: {"cancelled"},
    Event.IN_DOUBT: {"in_doubt"},
    Event.STANDS: {"confirmed"},
    Event.MOVED: {"confirmed"},
    Event.NO_SEAT: {"waiting"},
    Event.UNDONE: {"in_doubt", "confirmed"},
    Event.ACCEPTED: {"confirmed"},
    Event.KEPT: {"confirmed"},
    Event.RELEASED: {"waiting"},
}
# What the person hears of it. STANDS is not said to whom no HOLD had left; UNDONE and KEPT to
# nobody.
TOLD_BY = {
    Event.BOOKED: {"CONFIRMED"},
    Event.CHANGED: {"CONFIRMED"},
    Event.ACCEPTED: {"CONFIRMED"},
    Event.CANCELLED: {"CANCELLED"},
    Event.IN_DOUBT: {"HOLD"},
    Event.MOVED: {"MOVED_KEEP", "MOVED_ANSWER", "REPLACED"},
    Event.NO_SEAT: {"NO_SEAT"},
    Event.RELEASED: {"RELEASED"},
}


def findings() -> Iterator[str]:
    """Everything that is wrong; nothing if the storm did no harm."""
    yield from (f"slot {d.slot_id}: {d}" for d in seats.check())
    yield from _oversold()
    yield from _states()
    yield from _messages()
    yield from _offers()


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
        seat = _seat_after(last)
        if appointment.slot_id != seat:
            yield (
                f"appointment {appointment.pk} sits in {appointment.slot_id}, "
                f"its timeline says {seat} ({last.event})"
            )


def _seat_after(entry: TimelineEntry) -> int | None:
    if entry.event in (Event.CANCELLED, Event.NO_SEAT, Event.RELEASED):
        return None
    return entry.to_slot_id or entry.from_slot_id


def _messages() -> Iterator[str]:
    """Each event that a person must hear of has its message, from the same transaction."""
    said: dict[tuple[str, object], set[str]] = defaultdict(set)
    for reference, at, kind in Message.objects.values_list("reference", "created_at", "kind"):
        said[reference, at].add(kind)
    for entry in TimelineEntry.objects.filter(event__in=TOLD_BY):
        heard = said[f"appointment:{entry.appointment_id}", entry.at]
        if not heard & TOLD_BY[Event(entry.event)]:
            yield f"appointment {entry.appointment_id}: {entry.event} at {entry.at} told nobody"


def _offers() -> Iterator[str]:
    for offer in Offer.objects.filter(state=Offer.State.OPEN).select_related("appointment"):
        appointment = offer.appointment
        if not appointment.is_live or appointment.state == Appointment.State.WAITING:
            yield f"offer {offer.pk} is open, its appointment is {appointment.state}"
        elif appointment.slot_id != offer.new_slot_id:
            yield f"offer {offer.pk} asks about {offer.new_slot_id}, not {appointment.slot_id}"
