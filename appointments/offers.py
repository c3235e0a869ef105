"""Answers to an offer: accept, decline, give up, silence. Another time: booking's hold, confirm.

Answering again, or after the end, changes nothing; the caller shows what stands (the offer's
state). Verbs take `by` None for the person behind the message link: the token is the key.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import models
from django.utils import timezone

from accounts.models import User
from appointments import booking, messages, seat_offers, seats
from appointments.errors import Refusal
from appointments.models import (
    Application,
    Appointment,
    Offer,
    Plan,
    TimelineEntry,
    VisitAttempt,
)
from appointments.news import News
from appointments.timeline import APPLICANT, SYSTEM
from appointments.tokens import digest
from appointments.verbs import verb

log = logging.getLogger(__name__)


def find(token: str, *, now: datetime) -> Offer:
    """The offer behind a link. Refusals: offer_not_found; offer_not_live within the grace."""
    offer = with_all(Offer.objects).filter(token_hash=digest(token)).first()
    if offer is None:
        raise Refusal("offer_not_found")
    if offer.live_at > now and offer.state == Offer.State.OPEN:
        raise Refusal("offer_not_live")
    return offer


def with_all(offers: models.Manager[Offer]) -> models.QuerySet[Offer]:
    """With what pages and messages say of them, in one query."""
    return offers.select_related(
        "appointment__application__claimed_by",
        "old_slot__centre",
        "new_slot__centre",
        "plan__outage",
    )


@verb
def accept(*, offer_id: int, by: User | None) -> Offer:
    """The new time suits: the seat, theirs already or kept for them, is confirmed.

    Refusals: not_yours, offer_not_live, in_doubt (another cut has touched the seat meanwhile); of a
    seat that is kept also slot_too_soon (it has begun), no_attempts_left.
    """
    now = timezone.now()
    offer = _lock(offer_id, by)
    if not offer.is_open:
        return offer
    _check_live(offer, now)
    if offer.is_seat_offer:
        return _take(offer, now, by)
    appointment = offer.appointment
    if appointment.state != Appointment.State.CONFIRMED:
        raise Refusal("in_doubt")
    seat_offers.end(offer, Offer.State.ACCEPTED, now)
    written = _write(offer, TimelineEntry.Event.ACCEPTED, now, by, APPLICANT)
    messages.confirmed(appointment, key=f"entry:{written.pk}", old=offer.old_slot, now=now)
    return offer


def _take(offer: Offer, now: datetime, by: User | None) -> Offer:
    """Move to the seat that is kept: the hold becomes the appointment's place, counted once.

    A date from the waiting list uses an attempt if the person joined it by their own wish.
    """
    appointment = offer.appointment
    if offer.new_slot.starts_at <= now:
        raise Refusal("slot_too_soon")
    if appointment.slot and appointment.slot.starts_at <= now:
        raise Refusal("appointment_started")
    waits = appointment.state == Appointment.State.WAITING
    costs = waits and booking.costs_attempt(appointment)
    if costs and booking.attempts_left(appointment.application, now) == 0:
        raise Refusal("no_attempts_left")
    old = appointment.slot
    booking.seat_at(appointment, offer.new_slot)
    appointment.application.holds.filter(purpose=_purpose(offer)).delete()
    seat_offers.end(offer, Offer.State.ACCEPTED, now)
    if costs:
        VisitAttempt.objects.create(
            application=appointment.application, date=offer.new_slot.date, chosen_at=now
        )
    written = _write(offer, TimelineEntry.Event.ACCEPTED, now, by, APPLICANT)
    messages.confirmed(appointment, key=f"entry:{written.pk}", old=old, now=now)
    return offer


@verb
def decline(*, offer_id: int, by: User | None) -> Offer:
    """No thanks: the seat that was kept is free for the next in line, and nothing else changes.

    Again: changes nothing. Refusals: not_yours, offer_needs_another_answer (a plan's new time).
    """
    now = timezone.now()
    offer = _lock(offer_id, by)
    if not offer.is_seat_offer:
        raise Refusal("offer_needs_another_answer")
    if offer.is_open:
        _let_go(offer, Offer.State.DECLINED, TimelineEntry.Event.DECLINED, now, by, APPLICANT)
    return offer


def _let_go(
    offer: Offer,
    state: Offer.State,
    event: TimelineEntry.Event,
    now: datetime,
    actor: User | None,
    by: str,
) -> None:
    """End the question about a seat that is kept, and free the seat."""
    booking.drop_holds(offer.appointment.application, _purpose(offer))
    seat_offers.end(offer, state, now)
    _write(offer, event, now, actor, by)


def _purpose(offer: Offer) -> str:
    return seat_offers.PURPOSE[Offer.Kind(offer.kind)]


@verb
def give_up(*, offer_id: int, by: User | None) -> Offer:
    """No appointment wanted any more: cancelled, the seat is free; the offer ends `given_up`."""
    now = timezone.now()
    offer = _lock(offer_id, by)
    if not offer.is_open:
        return offer
    _check_live(offer, now)
    booking.cancel(appointment_id=offer.appointment_id, by=by, offer_state=Offer.State.GIVEN_UP)
    offer.refresh_from_db(fields=["state", "ended_at"])
    return offer


def close_silent(*, now: datetime) -> int:
    """End offers whose deadline has passed by the plan's silence policy (beat, each minute)."""
    closed = 0
    for offer_ids in _silent(now):
        try:
            closed += close_silent_together(offer_ids=offer_ids, now=now)
        except Refusal as refusal:  # busy: the next minute tries again, the others go on
            log.warning("offers %s: %s", offer_ids, refusal.code)
    return closed


def _silent(now: datetime) -> list[list[int]]:
    """Offers whose deadline has passed. Those of a plan together where they share a phone: what
    their people have to be told is told together.
    """
    due = with_all(Offer.objects).filter(state=Offer.State.OPEN, deadline__lte=now)
    groups: dict[str, list[int]] = defaultdict(list)
    for offer in due.order_by("deadline", "pk"):
        phone, _email, _language = offer.appointment.contact
        shared = phone and not offer.is_seat_offer
        groups[phone if shared else f"alone {offer.pk}"].append(offer.pk)
    return list(groups.values())


@verb
def close_silent_together(*, offer_ids: Sequence[int], now: datetime) -> int:
    """`keep`: the new time stands, and whoever has not heard of it yet is told so. `requeue`: the
    seat is freed, the person first in line. A seat that was only kept goes to the next in line, and
    nothing else changes.

    Returns how many were closed: not those that were answered first, nor those of somebody in doubt
    again, whose question stays open: a plan will replace it.
    """
    if len(offer_ids) > 1:
        _lock_together(offer_ids)
    kept: list[Offer] = []
    news: list[News] = []
    closed = sum(_close_silent(_lock(offer_id, None), kept, news, now) for offer_id in offer_ids)
    # Only now: a list's SMS is taken back when the last of its people is not asked any more.
    news += messages.kept_unheard(kept, now=now)
    messages.tell(news, now=now)
    return closed


def _close_silent(offer: Offer, kept: list[Offer], news: list[News], now: datetime) -> bool:
    """Adds to `kept` whose new time stands, to `news` what they have to be told of a lost seat."""
    appointment = offer.appointment
    if not offer.is_open or offer.deadline > now:
        return False
    if offer.is_seat_offer:
        unanswered = TimelineEntry.Event.UNANSWERED
        _let_go(offer, Offer.State.RELEASED, unanswered, now, None, SYSTEM)
        return True
    if appointment.state != Appointment.State.CONFIRMED:
        return False
    if offer.silence == Plan.Silence.KEEP:
        seat_offers.end(offer, Offer.State.KEPT, now)
        _write(offer, TimelineEntry.Event.KEPT, now, None, SYSTEM)
        kept.append(offer)
        return True
    seat_offers.end(offer, Offer.State.RELEASED, now)
    written = _write(offer, TimelineEntry.Event.RELEASED, now, None, SYSTEM)
    old = offer.new_slot
    seats.release(slot_id=old.pk)
    appointment.slot = None
    appointment.state = Appointment.State.WAITING
    appointment.waiting_since = now
    appointment.first_in_line = True
    appointment.save(update_fields=["slot", "state", "waiting_since", "first_in_line"])
    outage = offer.plan.outage if offer.plan else None
    news.append(messages.released(appointment, key=f"entry:{written.pk}", old=old, outage=outage))
    return True


def _lock_together(offer_ids: Sequence[int]) -> None:
    """What _lock takes for each, of all of them before the next kind of row: the order of locks."""
    rows = Offer.objects.filter(pk__in=offer_ids)
    found = rows.values_list(
        *("appointment__application", "appointment", "appointment__slot", "new_slot")
    )
    applications, appointments, seated, offered = (
        set(column) for column in zip(*found, strict=True)
    )
    of_people = Application.objects.filter(pk__in=applications).order_by("pk")
    list(of_people.select_for_update(no_key=True).values("pk"))
    seats.lock_ids((seated | offered) - {None})
    live = Appointment.objects.filter(pk__in=appointments).order_by("pk")
    list(live.select_for_update(no_key=True).values("pk"))
    list(rows.order_by("pk").select_for_update(no_key=True).values("pk"))


def _lock(offer_id: int, by: User | None) -> Offer:
    """Application, slots, appointment, offer: booking's order of locks."""
    found = Offer.objects.values("appointment__application_id", "new_slot_id").get(pk=offer_id)
    application = Application.objects.select_for_update(no_key=True).get(
        pk=found["appointment__application_id"]
    )
    if by is not None:
        booking.check_owner(application, by)
    booking.lock_seats(application, found["new_slot_id"])
    Offer.objects.select_for_update(no_key=True).get(pk=offer_id)
    return with_all(Offer.objects).get(pk=offer_id)


def _check_live(offer: Offer, now: datetime) -> None:
    if offer.live_at > now:
        raise Refusal("offer_not_live")


def _write(
    offer: Offer, event: TimelineEntry.Event, now: datetime, actor: User | None, by: str
) -> TimelineEntry:
    written = seat_offers.written(offer, event, now, actor, by)
    written.save()
    return written
