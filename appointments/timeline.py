"""Writing the timeline: one row per change of an appointment, in the change's transaction."""

from datetime import datetime

from accounts.models import User
from appointments.models import Appointment, OfficeEntry, Outage, Plan, Slot, TimelineEntry

APPLICANT = "applicant"
OFFICER = "officer"
SYSTEM = "system"


def role_of(actor: User | None, *, link: bool = False) -> str:
    """How the timeline names who did it; an answer by link counts as the applicant's."""
    if actor is None:
        return APPLICANT if link else SYSTEM
    return OFFICER if actor.is_staff else APPLICANT


def entry(
    *,
    appointment: Appointment,
    event: TimelineEntry.Event,
    at: datetime,
    actor: User | None,
    by: str,
    why: str = "",
    from_slot: Slot | int | None = None,
    to_slot: Slot | int | None = None,
) -> TimelineEntry:
    """An unsaved row, for single saves and bulk inserts alike."""
    return TimelineEntry(
        appointment=appointment,
        event=event,
        at=at,
        actor=actor,
        by=by,
        why=why,
        from_slot_id=from_slot.pk if isinstance(from_slot, Slot) else from_slot,
        to_slot_id=to_slot.pk if isinstance(to_slot, Slot) else to_slot,
    )


def office(
    *,
    outage: Outage,
    event: OfficeEntry.Event,
    at: datetime,
    actor: User | None,
    plan: Plan | None = None,
    why: str = "",
    facts: dict[str, object] | None = None,
) -> OfficeEntry:
    """Write what an officer (or the clock: actor None) did to an outage or plan."""
    return OfficeEntry.objects.create(
        outage=outage, plan=plan, event=event, at=at, actor=actor, why=why, facts=facts or {}
    )
