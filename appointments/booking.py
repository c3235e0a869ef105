"""An applicant's own verbs: claim, hold, confirm (book or change), cancel.

Lock order everywhere: application, slots (by id), appointment, offer, hold, outbox.
"""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from appointments import availability, messages, seats
from appointments.errors import Refusal
from appointments.models import (
    Application,
    Appointment,
    Hold,
    Offer,
    Slot,
    TimelineEntry,
    VisitAttempt,
)
from appointments.timeline import APPLICANT, entry, role_of
from appointments.verbs import LostRace, verb

OWN_PURPOSES = seats.OWN_PURPOSES
# Chosen dates count within a year of the first one (docs/architecture.md, States).
FEE_YEAR = timedelta(days=365)


# --- Whose --------------------------------------------------------------------------------------


@verb
def claim(*, arn: str, date_of_birth: date, by: User) -> Application:
    """Link an application of the register to an account with a verified phone.

    Idempotent for the same person. An unknown number and a wrong birth date are refused alike
    (application_not_found).
    """
    if not by.phone_verified:
        raise Refusal("phone_not_verified")
    application = (
        Application.objects.select_for_update(no_key=True)
        .filter(arn=arn.strip(), date_of_birth=date_of_birth)
        .first()
    )
    if application is None:
        raise Refusal("application_not_found")
    if application.claimed_by_id not in (None, by.pk):
        raise Refusal("application_claimed")
    if application.claimed_by_id is None:
        application.claimed_by = by
        application.claimed_at = timezone.now()
        application.save(update_fields=["claimed_by", "claimed_at"])
    return application


@verb
def claim_by_link(*, application_id: int, by: User) -> Application:
    """Link the application behind an opened message link, if it was sent to this very phone."""
    application = Application.objects.select_for_update(no_key=True).get(pk=application_id)
    if may_claim_by_link(application, by):
        application.claimed_by = by
        application.claimed_at = timezone.now()
        application.save(update_fields=["claimed_by", "claimed_at"])
    if application.claimed_by_id != by.pk:
        raise Refusal("not_yours")
    return application


def may_claim_by_link(application: Application, by: User) -> bool:
    """Nobody has linked it yet, and the message went to the person's own verified phone."""
    same_phone = by.phone_verified and by.phone == application.phone
    return application.claimed_by_id is None and same_phone


def check_owner(application: Application, by: User) -> None:
    if application.claimed_by_id != by.pk:
        raise Refusal("not_yours")


# --- Visit attempts -----------------------------------------------------------------------------


def attempts_left(application: Application, now: datetime) -> int:
    """Dates that the person may still choose under this fee."""
    chosen = [attempt.chosen_at for attempt in application.visit_attempts.all()]
    if chosen and now > chosen[0] + FEE_YEAR:
        return 0
    allowed = Application.VISIT_ATTEMPTS[Application.Service(application.service)]
    return max(0, allowed - len(chosen))


def costs_attempt(appointment: Appointment | None) -> bool:
    """A date that answers an outage costs none: instead of the one that a plan gave, or from the
    waiting list, unless the person joined it by their own wish.
    """
    if appointment is None:
        return True
    if appointment.state == Appointment.State.WAITING:
        return appointment.joined_waiting
    moved = Q(state=Offer.State.OPEN, kind=Offer.Kind.MOVED)
    return not appointment.offers.filter(moved).exists()


# --- Hold ---------------------------------------------------------------------------------------


@verb
def hold_seat(*, application: Application, slot_id: int, by: User) -> Hold:
    """Keep a seat for settings.HOLD_MINUTES while the person checks their answers.

    The same slot again returns the same hold; another slot replaces it (the first seat is free at
    once). Refusals: the rules of booking, slot_full, slot_paused, slot_too_soon.
    """
    now = timezone.now()
    application = Application.objects.select_for_update(no_key=True).get(pk=application.pk)
    check_owner(application, by)
    return _hold_seat(application, slot_id, now)


@verb
def hold_seat_by_link(*, offer_id: int, slot_id: int) -> Hold:
    """As hold_seat, for the person behind a message link, while they sign in to confirm it.

    Only while the link still asks its question. Refusals: offer_not_live, offer_ended, and those
    of hold_seat.
    """
    now = timezone.now()
    found = Offer.objects.values_list("appointment__application_id", flat=True).get(pk=offer_id)
    application = Application.objects.select_for_update(no_key=True).get(pk=found)
    # An answer takes the application's lock too: from here on none can come first.
    offer = Offer.objects.get(pk=offer_id)
    if offer.live_at > now:
        raise Refusal("offer_not_live")
    if not may_hold_by_link(offer, now):
        raise Refusal("offer_ended")
    return _hold_seat(application, slot_id, now)


def may_hold_by_link(offer: Offer, now: datetime) -> bool:
    """The link still asks a plan's question: nobody has answered it, and its time is not over."""
    asks = offer.is_open and offer.kind == Offer.Kind.MOVED
    return asks and offer.live_at <= now < offer.deadline


def _hold_seat(application: Application, slot_id: int, now: datetime) -> Hold:
    """The application is locked, and whoever asks may choose for it."""
    appointment = live_appointment(application)
    held = Hold.objects.filter(application=application, purpose__in=OWN_PURPOSES).first()
    if held and held.slot_id == slot_id and held.expires_at > now:
        return held
    slot = Slot.objects.filter(pk=slot_id).first()
    if slot is None:
        raise Refusal("slot_not_found")
    check_may_choose(application, appointment, slot, now)
    if held:
        seats.lock([held.slot_id, slot_id])
        _drop_hold(held)
    seats.take(slot_id=slot_id, now=now)
    return Hold.objects.create(
        application=application,
        slot_id=slot_id,
        purpose=Hold.Purpose.CHANGE if appointment else Hold.Purpose.BOOKING,
        created_at=now,
        expires_at=now + timedelta(minutes=settings.HOLD_MINUTES),
    )


@verb
def release_hold(*, hold_id: int, by: User) -> None:
    """The person went back: free the seat at once. Twice is as good as once.

    A seat that is kept for an offer is not given back so: the offer is answered.
    """
    own = Hold.objects.filter(pk=hold_id, purpose__in=OWN_PURPOSES)
    hold = own.select_related("application").first()
    if hold is None:
        return
    check_owner(hold.application, by)
    seats.lock([hold.slot_id])
    _drop_hold(hold)


@verb
def release_choice(*, offer_id: int, by: User | None) -> None:
    """Free the seat that was being chosen instead of an offered one, while the question is open.

    `by` None: the person behind the message link. Nothing chosen: changes nothing.
    """
    now = timezone.now()
    found = Offer.objects.values_list("appointment__application_id", flat=True).get(pk=offer_id)
    application = Application.objects.select_for_update(no_key=True).get(pk=found)
    if by is not None:
        check_owner(application, by)
    hold = application.holds.filter(purpose__in=OWN_PURPOSES).first()
    if hold is None or not may_hold_by_link(Offer.objects.get(pk=offer_id), now):
        return
    seats.lock([hold.slot_id])
    _drop_hold(hold)


def _drop_hold(hold: Hold) -> None:
    """Give the seat back if the hold is still there: the sweep may have been first."""
    gone, _ = Hold.objects.filter(pk=hold.pk).delete()
    if gone:
        seats.release(slot_id=hold.slot_id, to_public=hold.purpose in OWN_PURPOSES)


def held_slot_ids(application: Application) -> list[int]:
    """Slots in which seats are kept for it; under the application's lock none is added."""
    return list(application.holds.values_list("slot_id", flat=True))


def drop_holds(application: Application, *purposes: str) -> None:
    """Free all seats that are being kept for it, or those of these purposes.

    Their slots are locked.
    """
    holds = application.holds.all()
    for hold in holds.filter(purpose__in=purposes) if purposes else holds:
        _drop_hold(hold)


@verb
def expire_holds(*, now: datetime) -> int:
    """Free the seats of all holds that have run out (beat, each minute)."""
    return seats.free_expired_holds(now=now)


def live_appointment(application: Application) -> Appointment | None:
    return (
        application.appointments.filter(state__in=Appointment.LIVE_STATES)
        .select_related("slot__centre")
        .first()
    )


def lock_seats(
    application: Application, *slot_ids: int
) -> tuple[Appointment | None, dict[int, Slot]]:
    """The live appointment, its slot and its offer, with other slots, locked in this order.

    The caller has locked the application. A plan may move the appointment before the slots are
    locked (plans lock no applications): then the verb starts anew.
    """
    seen = live_appointment(application)
    seated = [seen.slot_id] if seen and seen.slot_id else []
    slots = seats.lock([*seated, *slot_ids])
    if seen is None:
        return None, slots
    locked = Appointment.objects.select_for_update(no_key=True).get(pk=seen.pk)
    if (locked.slot_id, locked.state) != (seen.slot_id, seen.state):
        raise LostRace
    # Before the holds, which the verbs delete first.
    asked = locked.offers.filter(state=Offer.State.OPEN)
    list(asked.select_for_update(no_key=True).values("pk"))
    return seen, slots


def check_may_choose(
    application: Application, appointment: Appointment | None, slot: Slot, now: datetime
) -> None:
    """The rules of choosing a time oneself, for booking and change alike."""
    if slot.region_id != application.region_id:
        raise Refusal("wrong_region")
    if slot.quota not in application.quotas():
        raise Refusal("wrong_quota")
    if slot.starts_at < availability.earliest_start(now):
        raise Refusal("slot_too_soon")
    check_may_choose_any(application, appointment, now)
    if appointment is not None and appointment.slot_id == slot.pk:
        raise Refusal("same_slot")


def check_may_choose_any(
    application: Application, appointment: Appointment | None, now: datetime
) -> None:
    """Whether the person may choose a time at all, whichever it is."""
    if appointment is not None:
        check_may_change(appointment, now)
    elif visit_is_done(application):
        raise Refusal("visit_done")
    if costs_attempt(appointment) and attempts_left(application, now) == 0:
        raise Refusal("no_attempts_left")


def visit_is_done(application: Application) -> bool:
    """Seen at the counter. Somebody put on hold for missing papers comes again."""
    completed = any(
        appointment.state == Appointment.State.COMPLETED
        for appointment in application.appointments.all()
    )
    return completed and not application.on_hold


def check_may_change(appointment: Appointment, now: datetime) -> None:
    if not appointment.is_live:
        raise Refusal("appointment_ended")
    if appointment.state == Appointment.State.IN_DOUBT:
        raise Refusal("in_doubt")
    if appointment.slot is not None and appointment.slot.starts_at <= now:
        raise Refusal("appointment_started")


# --- Confirm ------------------------------------------------------------------------------------


@verb
def confirm(*, hold_id: int, by: User) -> Appointment:
    """Turn a hold into the appointment: a booking, or a change which frees the old seat.

    A repeated click returns the appointment that the first one made. Refusals: hold_expired (the
    seat is free again), slot_paused (an outage closed the slot meanwhile), the rules of booking.
    """
    now = timezone.now()
    application = _lock_application_of(hold_id)
    check_owner(application, by)
    done = Appointment.objects.filter(confirmed_hold=hold_id).first()
    if done:
        return done
    hold = Hold.objects.filter(pk=hold_id, purpose__in=OWN_PURPOSES, expires_at__gt=now).first()
    if hold is None:
        raise hold_expired()
    appointment, slots = lock_seats(application, hold.slot_id, *held_slot_ids(application))
    slot = slots[hold.slot_id]
    if slot.paused or slot.oversubscribed:
        raise Refusal("slot_paused")
    check_may_choose(application, appointment, slot, now)
    costs = costs_attempt(appointment)
    if not Hold.objects.filter(pk=hold_id).delete()[0]:
        raise hold_expired()
    if appointment is None:
        appointment = _book(application, slot, hold_id, now, by)
    else:
        _change(appointment, slot, hold_id, now, by)
    if costs:
        VisitAttempt.objects.create(application=application, date=slot.date, chosen_at=now)
    return appointment


def hold_expired() -> Refusal:
    return Refusal("hold_expired", minutes=settings.HOLD_MINUTES)


def _lock_application_of(hold_id: int) -> Application:
    """The application behind a hold, also when an earlier click has confirmed it already."""
    of_hold = Q(holds__pk=hold_id) | Q(appointments__confirmed_hold=hold_id)
    found = Application.objects.filter(of_hold).values_list("pk", flat=True).first()
    if found is None:
        raise hold_expired()
    return Application.objects.select_for_update(no_key=True).get(pk=found)


def _book(
    application: Application, slot: Slot, hold_id: int, now: datetime, by: User
) -> Appointment:
    appointment = Appointment.objects.create(
        application=application, slot=slot, booked_at=now, confirmed_hold=hold_id
    )
    written = entry(
        appointment=appointment,
        event=TimelineEntry.Event.BOOKED,
        at=now,
        actor=by,
        by=role_of(by),
        to_slot=slot,
    )
    written.save()
    messages.confirmed(appointment, key=f"entry:{written.pk}", old=None, now=now)
    return appointment


def _change(appointment: Appointment, slot: Slot, hold_id: int, now: datetime, by: User) -> None:
    """Move to the held seat. An open offer is thereby answered: another time."""
    old = appointment.slot
    appointment.confirmed_hold = hold_id
    seat_at(appointment, slot)
    drop_holds(appointment.application, *Offer.SEAT_KINDS)
    _end_offer(appointment, Offer.State.CHANGED, now)
    written = entry(
        appointment=appointment,
        event=TimelineEntry.Event.CHANGED,
        at=now,
        actor=by,
        by=role_of(by),
        from_slot=old,
        to_slot=slot,
    )
    written.save()
    messages.confirmed(appointment, key=f"entry:{written.pk}", old=old, now=now)


def seat_at(appointment: Appointment, slot: Slot) -> None:
    """Put it into a seat that is counted for it already; the old one is freed (both are locked)."""
    if appointment.slot_id:
        seats.release(slot_id=appointment.slot_id)
    appointment.slot = slot
    appointment.state = Appointment.State.CONFIRMED
    appointment.waiting_since = None
    appointment.first_in_line = False
    appointment.joined_waiting = False
    appointment.save()


# --- Cancel -------------------------------------------------------------------------------------


@verb
def cancel(
    *, appointment_id: int, by: User | None, offer_state: str = Offer.State.WITHDRAWN
) -> Appointment:
    """End the appointment at the person's wish and free its seat. Again: changes nothing.

    `by` None: the person behind a message link (appointments/offers.py, give up).
    """
    now = timezone.now()
    found = Appointment.objects.select_related("application").get(pk=appointment_id)
    application = Application.objects.select_for_update(no_key=True).get(pk=found.application_id)
    if by is not None:
        check_owner(application, by)
    appointment, _slots = lock_seats(application, *held_slot_ids(application))
    if appointment is None or appointment.pk != appointment_id:
        return _ended(appointment_id)
    old = appointment.slot
    if old and old.starts_at <= now and appointment.state != Appointment.State.IN_DOUBT:
        raise Refusal("appointment_started")
    _end(appointment, now, offer_state)
    written = entry(
        appointment=appointment,
        event=TimelineEntry.Event.CANCELLED,
        at=now,
        actor=by,
        by=APPLICANT if by is None else role_of(by),
        from_slot=old,
    )
    written.save()
    messages.cancelled(
        appointment,
        key=f"entry:{written.pk}",
        old=old,
        attempts_left=attempts_left(application, now),
        now=now,
    )
    return appointment


def _ended(appointment_id: int) -> Appointment:
    """Not live any more: cancelled stays cancelled, a completed visit cannot be."""
    appointment = Appointment.objects.get(pk=appointment_id)
    if appointment.state != Appointment.State.CANCELLED:
        raise Refusal("appointment_ended")
    return appointment


def _end(appointment: Appointment, now: datetime, offer_state: str) -> None:
    """Free every seat that the application has, by appointment or by hold (slots are locked)."""
    drop_holds(appointment.application)
    if appointment.slot_id:
        seats.release(slot_id=appointment.slot_id)
    appointment.slot = None
    appointment.state = Appointment.State.CANCELLED
    appointment.save(update_fields=["slot", "state"])
    _end_offer(appointment, offer_state, now)


def _end_offer(appointment: Appointment, state: str, now: datetime) -> None:
    """What the person did answers the question that was open."""
    offer = appointment.offers.filter(state=Offer.State.OPEN).first()
    if offer is None:
        return
    offer.state = state
    offer.ended_at = now
    offer.save(update_fields=["state", "ended_at"])
    messages.answered(offer)
