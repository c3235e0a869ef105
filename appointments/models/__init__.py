"""The domain: centres and seats, applications and appointments, outages, plans and offers."""

from appointments.models.applications import Application, Posting
from appointments.models.appointments import Appointment, Hold, TimelineEntry, VisitAttempt
from appointments.models.centres import Centre, Holiday, Quota, Region, Slot, SlotTemplate
from appointments.models.outages import CapacityCut, Closure, Outage
from appointments.models.plans import Offer, OfferList, OfficeEntry, Plan, PlanLine
from appointments.models.travel import ProofView, TravelProof

__all__ = [
    "Application",
    "Appointment",
    "CapacityCut",
    "Centre",
    "Closure",
    "Hold",
    "Holiday",
    "Offer",
    "OfferList",
    "OfficeEntry",
    "Outage",
    "Plan",
    "PlanLine",
    "Posting",
    "ProofView",
    "Quota",
    "Region",
    "Slot",
    "SlotTemplate",
    "TimelineEntry",
    "TravelProof",
    "VisitAttempt",
]
