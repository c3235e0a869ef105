"""What became of a visit: completed, or nobody came. Marked by the centre or its region."""

from datetime import datetime

from django.utils import timezone

from accounts.models import User
from appointments import booking, messages, seats
from appointments.errors import Refusal
from appointments.models import Application, Appointment, Offer, Slot, TimelineEntry
from appointments.permissions import may_mark_visits
from appointments.timeline import OFFICER, entry
from appointments.verbs import verb


@verb
def mark_completed(*, appointment_id: int, by: User) -> Appointment:
    """The person was seen. From the day of the visit on; again: changes nothing.

    Refusals: not_permitted, visit_without_seat, visit_too_early, appointment_ended.
    """
    return _mark(appointment_id, Appointment.State.COMPLETED, TimelineEntry.Event.COMPLETED, by=by)


@verb
def mark_no_show(*, appointment_id: int, by: User) -> Appointment:
    """Nobody came. Once the slot has begun; again: changes nothing. Refusals as above.

    Not for somebody in doubt: whoever was told not to travel has missed nothing.
    """
    return _mark(appointment_id, Appointment.State.NO_SHOW, TimelineEntry.Event.NO_SHOW, by=by)


def _mark(
    appointment_id: int, state: Appointment.State, event: TimelineEntry.Event, *, by: User
) -> Appointment:
    now = timezone.now()
    found = Appointment.objects.get(pk=appointment_id)
    application = Application.objects.select_for_update(no_key=True).get(pk=found.application_id)
    live, _slots = booking.lock_seats(application, *booking.held_slot_ids(application))
    if live is None or live.pk != appointment_id:
        return _ended(appointment_id, state, by)
    if live.slot is None:
        raise Refusal("visit_without_seat")
    _check_permitted(by, live.slot)
    _check_begun(live, live.slot, state, now)
    live.state = state
    live.save(update_fields=["state"])
    # A change that was being chosen when the visit took place must not be confirmed after it.
    booking.drop_holds(application)
    # The place in the slot stays as the record; only live appointments count as taken.
    seats.release(slot_id=live.slot.pk)
    entry(appointment=live, event=event, at=now, actor=by, by=OFFICER, from_slot=live.slot).save()
    _close_questions(live, now)
    return live


def _ended(appointment_id: int, state: Appointment.State, by: User) -> Appointment:
    """Not live any more: fine if it ended in this very way."""
    appointment = Appointment.objects.select_related("slot__centre").get(pk=appointment_id)
    if appointment.slot:
        _check_permitted(by, appointment.slot)
    if appointment.state != state:
        raise Refusal("appointment_ended")
    return appointment


def _check_permitted(by: User, slot: Slot) -> None:
    if not may_mark_visits(by, slot.centre):
        raise Refusal("not_permitted")


def _check_begun(
    appointment: Appointment, slot: Slot, state: Appointment.State, now: datetime
) -> None:
    no_show = state == Appointment.State.NO_SHOW
    if slot.date > timezone.localdate(now) or (no_show and slot.starts_at > now):
        raise Refusal("visit_too_early")
    if no_show and appointment.state == Appointment.State.IN_DOUBT:
        raise Refusal("visit_in_doubt")


def _close_questions(appointment: Appointment, now: datetime) -> None:
    """An offer still open is closed as standing, and nothing more is said about a past visit."""
    asked = appointment.offers.filter(state=Offer.State.OPEN)
    asked.filter(kind=Offer.Kind.MOVED).update(state=Offer.State.KEPT, ended_at=now)
    asked.filter(kind__in=Offer.SEAT_KINDS).update(state=Offer.State.WITHDRAWN, ended_at=now)
    messages.visit_over(appointment, reason=f"visit {appointment.state}")
