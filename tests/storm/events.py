"""What each event of a timeline means for the appointment and for what its person hears."""

from typing import NamedTuple

from appointments.models import TimelineEntry

Event = TimelineEntry.Event


class Finding(NamedTuple):
    """Something that a storm must not leave behind: of what kind, and in words."""

    kind: str
    text: str


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
    Event.JOINED: {"waiting"},
    **{event: {"confirmed", "waiting"} for event in TimelineEntry.ON_OFFER},
}
# What the person hears of it. STANDS is not said to whom no HOLD had left; UNDONE, KEPT, and how
# an offered seat went, to nobody.
TOLD_BY = {
    Event.BOOKED: {"CONFIRMED"},
    Event.CHANGED: {"CONFIRMED"},
    Event.ACCEPTED: {"CONFIRMED"},
    Event.CANCELLED: {"CANCELLED"},
    Event.IN_DOUBT: {"HOLD"},
    # The storm's people have a phone each: no list, no MOVED_MANY.
    Event.MOVED: {"MOVED_KEEP", "MOVED_ANSWER", "REPLACED"},
    Event.NO_SEAT: {"NO_SEAT"},
    Event.RELEASED: {"RELEASED"},
    Event.OFFERED: {"EARLIER", "SEAT_FOUND"},
}


def seat_after(entry: TimelineEntry) -> int | None:
    """The slot in which an event leaves the person; None without a seat."""
    if entry.event in (Event.CANCELLED, Event.NO_SEAT, Event.RELEASED):
        return None
    if entry.is_on_offer:
        return entry.from_slot_id
    return entry.to_slot_id or entry.from_slot_id
