"""Seats kept for a question: an offer to somebody who waits or was moved, and its hold.

An open offer of these kinds and the hold which keeps its seat begin together and end together.
Who is offered what: appointments/waiting_list.py; answers: appointments/offers.py.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import User
from appointments import messages, seats
from appointments.deadlines import answer_deadline
from appointments.models import Appointment, Hold, Offer, Slot, TimelineEntry
from appointments.timeline import OFFICER, SYSTEM, entry
from appointments.tokens import digest, new_token
from appointments.verbs import BATCH, batches

# By the kind of an offer, the purpose of its hold.
PURPOSE = {Offer.Kind.EARLIER: Hold.Purpose.EARLIER, Offer.Kind.WAITING: Hold.Purpose.WAITING}


def make(*, appointment: Appointment, slot: Slot, kind: Offer.Kind, now: datetime) -> Offer:
    """Ask about a seat that was just taken for the person (application and slot are locked)."""
    deadline = answer_deadline(live_at=now, visit_at=slot.starts_at)
    Hold.objects.create(
        application=appointment.application,
        slot=slot,
        purpose=PURPOSE[kind],
        created_at=now,
        expires_at=deadline,
    )
    token = new_token()
    offer = Offer.objects.create(
        appointment=appointment,
        kind=kind,
        old_slot=appointment.slot,
        new_slot=slot,
        token_hash=digest(token),
        live_at=now,
        deadline=deadline,
        created_at=now,
    )
    written(offer, TimelineEntry.Event.OFFERED, now, None, SYSTEM).save()
    messages.seat_offered(offer, token=token, now=now)
    return offer


def end(offer: Offer, state: Offer.State, now: datetime) -> None:
    """Close the question; whoever closes it says what becomes of the seat."""
    offer.state = state
    offer.ended_at = now
    offer.save(update_fields=["state", "ended_at"])
    messages.answered(offer)


def written(
    offer: Offer, event: TimelineEntry.Event, now: datetime, actor: User | None, by: str
) -> TimelineEntry:
    """A line of the timeline about the time on offer, unsaved."""
    return entry(
        appointment=offer.appointment,
        event=event,
        at=now,
        actor=actor,
        by=by,
        from_slot=offer.old_slot_id,
        to_slot=offer.new_slot_id,
    )


# --- When an outage takes the seat --------------------------------------------------------------


def touched_by(slots: QuerySet[Slot]) -> QuerySet[Offer]:
    """Open offers of a seat in these slots, or to somebody who sits there."""
    of_seats = Offer.objects.filter(state=Offer.State.OPEN, kind__in=Offer.SEAT_KINDS)
    return of_seats.filter(Q(new_slot__in=slots) | Q(appointment__slot__in=slots))


def withdraw_from_oversubscribed(
    *, slot_ids: Collection[int], now: datetime, by: User | None
) -> None:
    """Seats kept in slots that have lost them go first, before anybody seated there is in doubt.

    The slots are locked; an offer that was answered meanwhile is none of these any more.
    """
    for part in batches(sorted(slot_ids)):
        lost = Slot.objects.filter(pk__in=part).filter(seats.OVERSUBSCRIBED)
        _withdraw(Offer.objects.filter(new_slot__in=lost), now, by)


def withdraw_from(people: Collection[Appointment], *, now: datetime, by: User | None) -> None:
    """What these people are offered: they hear of their own seat now (slots are locked)."""
    for part in batches([appointment.pk for appointment in people]):
        _withdraw(Offer.objects.filter(appointment__in=part), now, by)


def _withdraw(offers: QuerySet[Offer], now: datetime, by: User | None) -> None:
    open_offers = offers.filter(state=Offer.State.OPEN, kind__in=Offer.SEAT_KINDS)
    # Before the holds, as everywhere.
    lost = list(
        open_offers.select_for_update(no_key=True, of=("self",)).select_related("appointment")
    )
    if not lost:
        return
    ids = [offer.pk for offer in lost]
    Offer.objects.filter(pk__in=ids).update(state=Offer.State.WITHDRAWN, ended_at=now)
    Hold.objects.filter(
        purpose__in=PURPOSE.values(),
        application__in=[offer.appointment.application_id for offer in lost],
    ).delete()
    freed = Counter(offer.new_slot_id for offer in lost)
    seats.shift({slot_id: -count for slot_id, count in freed.items()})
    seats.first_refusal(slot_ids=freed)
    role = SYSTEM if by is None else OFFICER
    TimelineEntry.objects.bulk_create(
        [written(o, TimelineEntry.Event.WITHDRAWN, now, by, role) for o in lost], batch_size=BATCH
    )
    messages.withdrawn(lost)
