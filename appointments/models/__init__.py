"""The domain: centres and seats, applications and appointments, outages, plans and offers."""

from appointments.models.applications import Application, Posting
from appointments.models.appointments import Appointment, Hold, TimelineEntry, VisitAttempt
from appointments.models.calls import Call, CallClaim, NumberView
from appointments.models.centres import Centre, Holiday, Quota, Region, Slot, SlotTemplate
from appointments.models.looks import AddressLook
from appointments.models.outages import CapacityCut, Closure, Outage
from appointments.models.plans import Listed, Offer, OfferList, OfficeEntry, Plan, PlanLine
from appointments.models.travel import ProofView, TravelProof

__all__ = [
    "AddressLook",
    "Application",
    "Appointment",
    "Call",
    "CallClaim",
    "CapacityCut",
    "Centre",
    "Closure",
    "Hold",
    "Holiday",
    "Listed",
    "NumberView",
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
