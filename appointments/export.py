"""What this app holds about the applications of an account, for its owner.

Keys are documented in docs/data-export.md.
"""

from typing import Any

from django.db.models import Prefetch

from accounts.models import User
from appointments import words
from appointments.messages import reference
from appointments.models import Application, Appointment, Hold, Offer, Slot, TimelineEntry


def export(*, person: User) -> list[dict[str, Any]]:
    """Applications with all that hangs on them, JSON-ready; as many queries for one as for ten.

    Nothing of other people: no officer's name, no plan, no other applicant. No tokens.
    """
    slots = ("from_slot__centre", "to_slot__centre")
    offers = Offer.objects.select_related("old_slot__centre", "new_slot__centre").order_by("pk")
    applications = (
        Application.objects.filter(claimed_by=person)
        .select_related("home_centre", "region")
        .prefetch_related(
            "visit_attempts",
            Prefetch("holds", Hold.objects.select_related("slot__centre").order_by("pk")),
            Prefetch(
                "appointments",
                Appointment.objects.select_related("slot__centre").order_by("booked_at", "pk"),
            ),
            Prefetch("appointments__timeline", TimelineEntry.objects.select_related(*slots)),
            Prefetch("appointments__offers", offers),
        )
        .order_by("claimed_at", "pk")
    )
    return [_application(application) for application in applications]


def references(exported: list[dict[str, Any]]) -> list[str]:
    """By what notifications knows the appointments of an export."""
    return [each["reference"] for found in exported for each in found["appointments"]]


def _application(application: Application) -> dict[str, Any]:
    return {
        "arn": application.arn,
        "name": application.name,
        "date_of_birth": application.date_of_birth,
        "service": application.service,
        "on_hold": application.on_hold,
        "passport_office": application.region.name_en,
        "home_centre": application.home_centre.name_en,
        "register_mobile_number": application.phone,
        "register_email": application.email,
        "register_language": application.language,
        "disability": application.disability,
        "medical_reason": application.medical,
        "travel_date": application.travel_date,
        "travel_proof_accepted": application.travel_proof_accepted,
        "booked_with_family": application.family is not None,
        "linked_at": application.claimed_at,
        "visit_attempts": [
            {"date": attempt.date, "chosen_at": attempt.chosen_at}
            for attempt in application.visit_attempts.all()
        ],
        "seats_kept": [
            {"seat": _seat(hold.slot), "purpose": hold.purpose, "until": hold.expires_at}
            for hold in application.holds.all()
        ],
        "appointments": [_appointment(each) for each in application.appointments.all()],
    }


def _appointment(appointment: Appointment) -> dict[str, Any]:
    return {
        "reference": reference(appointment),
        "state": appointment.state,
        "seat": _seat(appointment.slot),
        "booked_at": appointment.booked_at,
        "first_promised_date": appointment.original_date,
        "times_moved": appointment.moved_count,
        "waiting_since": appointment.waiting_since,
        "first_in_line": appointment.first_in_line,
        "timeline": [
            {
                "at": entry.at,
                "event": entry.event,
                "by": entry.by,
                "why": words.why(entry.why),
                "from": _seat(entry.from_slot),
                "to": _seat(entry.to_slot),
            }
            for entry in appointment.timeline.all()
        ],
        "offers": [
            {
                "kind": offer.kind,
                "state": offer.state,
                "old": _seat(offer.old_slot),
                "new": _seat(offer.new_slot),
                "answerable_from": offer.live_at,
                "deadline": offer.deadline,
                "on_silence": offer.silence,
                "made_at": offer.created_at,
                "ended_at": offer.ended_at,
            }
            for offer in appointment.offers.all()
        ],
    }


def _seat(slot: Slot | None) -> dict[str, Any] | None:
    if slot is None:
        return None
    return {"at": slot.starts_at, "centre": slot.centre.name_en, "kind": slot.quota}
