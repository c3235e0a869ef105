"""People whom nothing has reached, and the rows that say so."""

import datetime as dt
from typing import Any

from django.utils import timezone

from appointments import messages
from appointments.cuts import Cut
from appointments.models import Appointment, Listed, Offer, OfferList, Plan, Slot, TimelineEntry
from appointments.timeline import OFFICER, SYSTEM, entry
from notifications.models import NotReached
from tests.domain.builders import (
    approved_plan,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_officer,
    make_slot,
)

Event = TimelineEntry.Event
HOUR = dt.timedelta(hours=1)


def ago(hours: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(hours=hours)


def not_reached(
    reference: str | Appointment, *, hours: float = 1, kind: str = "MOVED_KEEP", **fields: Any
) -> NotReached:
    """The fallback gave a notice about it up, `hours` ago."""
    if isinstance(reference, Appointment):
        reference = messages.reference(reference)
    count = NotReached.objects.count()
    defaults = {
        "notice": f"{kind}:test:{count}",
        "urgent_by": timezone.now() + 48 * HOUR,
        "why": "SMS: no receipt; email: none",
        "since": ago(hours),
    }
    return NotReached.objects.create(reference=reference, kind=kind, **{**defaults, **fields})


def happened(
    appointment: Appointment,
    event: str,
    *,
    hours: float = 3,
    from_slot: Slot | None = None,
    to_slot: Slot | None = None,
    by: str = OFFICER,
) -> TimelineEntry:
    """A line of the timeline, written `hours` ago."""
    line = entry(
        appointment=appointment,
        event=Event(event),
        at=ago(hours),
        actor=None,
        by=by,
        from_slot=from_slot,
        to_slot=to_slot,
    )
    line.save()
    return line


def moved(
    *,
    old: Slot | None = None,
    new: Slot | None = None,
    silence: str = "keep",
    state: str = "open",
    listed_in: OfferList | None = None,
    plan: Plan | None = None,
    hours: float = 3,
    **person: Any,
) -> Appointment:
    """Somebody whom a plan moved `hours` ago from `old` to `new`, and asked."""
    old = old or make_slot(day=in_days(2), hour=9, minute=Slot.objects.count() % 60)
    new = new or make_slot(day=in_days(6), hour=11, minute=Slot.objects.count() % 60)
    application = make_application(centre=new.centre, **person)
    appointment = make_appointment(
        new, application=application, original_date=old.date, moved_count=1
    )
    happened(appointment, "moved", hours=hours, from_slot=old, to_slot=new)
    offer = Offer.objects.create(
        appointment=appointment,
        plan=plan,
        kind="moved",
        state=state,
        silence=silence,
        old_slot=old,
        new_slot=new,
        token_hash=f"{appointment.pk:064d}",
        live_at=ago(hours),
        deadline=timezone.now() + 24 * HOUR,
        created_at=ago(hours),
        ended_at=None if state == "open" else ago(0),
    )
    if listed_in:
        Listed.objects.create(offer_list=listed_in, appointment=appointment, offer=offer)
    return appointment


def without_seat(*, old: Slot | None = None, hours: float = 3, **person: Any) -> Appointment:
    """Somebody for whom a plan found no seat, `hours` ago."""
    old = old or make_slot(day=in_days(2), hour=9, minute=Slot.objects.count() % 60)
    appointment = Appointment.objects.create(
        application=make_application(centre=old.centre, **person),
        state=Appointment.State.WAITING,
        booked_at=ago(240),
        waiting_since=ago(hours),
        original_date=old.date,
    )
    happened(appointment, "no_seat", hours=hours, from_slot=old)
    return appointment


def in_doubt(slot: Slot | None = None, *, hours: float = 3, **person: Any) -> Appointment:
    """Somebody whose appointment an outage put in doubt, `hours` ago."""
    slot = slot or make_slot(day=in_days(2), hour=9, minute=Slot.objects.count() % 60)
    appointment = make_appointment(
        slot, application=make_application(centre=slot.centre, **person), state="in_doubt"
    )
    happened(appointment, "in_doubt", hours=hours, from_slot=slot, by=SYSTEM)
    return appointment


def any_plan() -> Plan:
    """An approved plan of the region: an outage, a full slot, two officers."""
    first, second = make_officer(), make_officer("approver")
    slot = make_slot(day=in_days(12), hour=9, seats=2)
    make_appointment(slot)
    outage = declare_for_test(first, [Cut(slot.centre_id, slot.date, "normal", 0)])
    return approved_plan(outage, by=first, second=second)


def list_of(*old_slots: Slot, phone: str) -> tuple[OfferList, list[Appointment]]:
    """People behind one phone whom one plan moved: one SMS for all of them."""
    plan = any_plan()
    offer_list = OfferList.objects.create(
        kind="MOVED_MANY_KEEP",
        plan=plan,
        token_hash=f"{plan.pk:064d}",
        live_at=ago(3),
        deadline=timezone.now() + 24 * HOUR,
        created_at=ago(3),
    )
    people = [moved(old=old, phone=phone, plan=plan, listed_in=offer_list) for old in old_slots]
    return offer_list, people
