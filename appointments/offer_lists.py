"""The page for several people behind one phone: how it stands with each, and who is asked what.

Each person's own link answers for that person alone; links are forwarded and opened in cyber
cafes. The link of a list answers what its one SMS asks everyone on it, and nothing that they are
asked later; it goes to the shared phone only. Who shares a list: appointments/listing.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.models import User
from appointments import call_list, offers
from appointments.call_list import Standing
from appointments.errors import Refusal
from appointments.models import Appointment, Listed, Offer, OfferList
from appointments.tokens import digest, number_digest

# How long a list shows how it stands: then its SMS is of no use any more.
READABLE = timedelta(days=30)


def find(token: str, *, now: datetime) -> OfferList:
    """The list behind a link. Refusals as offers.find: offer_not_found, offer_not_live."""
    found = OfferList.objects.filter(token_hash=digest(token), live_at__gt=now - READABLE).first()
    if found is None:
        raise Refusal("offer_not_found")
    if found.live_at > now and questions(found).filter(state=Offer.State.OPEN).exists():
        raise Refusal("offer_not_live")
    return found


def questions(offer_list: OfferList) -> QuerySet[Offer]:
    """All its offers with what a page shows of them, those that wait for an answer first."""
    return _asked(offer_list.pk).order_by("new_slot__starts_at", "pk")


def _asked(list_id: int) -> QuerySet[Offer]:
    """Whoever left it unanswered has another phone: its link does not answer for them."""
    rows = Listed.objects.filter(offer_list=list_id)
    theirs = rows.exclude(left=True, offer__state=Offer.State.OPEN)
    return offers.with_all(Offer.objects).filter(listed__in=theirs)


@dataclass(frozen=True)
class Told:
    """One person of a list whom it asks nothing. `stands`: None once the appointment has ended."""

    appointment: Appointment
    stands: Standing | None


def others(offer_list: OfferList, *, now: datetime) -> list[Told]:
    """Those on the list whom it asks nothing, and how it stands with them now, the soonest first.

    Not those who have another phone since: what becomes of them is nothing to this one's holder.
    """
    rows = Appointment.objects.with_people().filter(
        listed__offer_list=offer_list, listed__offer__isnull=True
    )
    here = [
        a for a in rows.order_by("pk") if number_digest(a.contact[0]) == offer_list.number_digest
    ]
    live = [a.pk for a in here if a.state in Appointment.LIVE_STATES]
    stands = {
        each.appointment.pk: each
        for each in (call_list.standings(appointment_ids=live, now=now) if live else ())
    }
    told = [Told(appointment=a, stands=stands.get(a.pk)) for a in here]
    return sorted(told, key=_soonest)


def _soonest(told: Told) -> tuple[bool, float, int]:
    visit = told.stands.visit if told.stands else None
    at = visit.starts_at.timestamp() if visit else float("inf")
    return told.stands is None, at, told.appointment.pk


@dataclass(frozen=True)
class Answers:
    """What became of each: accepted now or before, or refused and why."""

    accepted: list[Offer]
    refused: list[tuple[Offer, Refusal]]


def accept_all(*, list_id: int, by: User | None) -> Answers:
    """Accept every offer of the list that is still open, each by offers.accept on its own.

    One that is refused keeps none of the others from being accepted. Again: changes nothing.
    """
    accepted: list[Offer] = []
    refused: list[tuple[Offer, Refusal]] = []
    for offer in _asked(list_id).filter(state=Offer.State.OPEN).order_by("pk"):
        try:
            answered = offers.accept(offer_id=offer.pk, by=by)
        except Refusal as refusal:
            refused.append((offer, refusal))
        else:
            # Somebody else's answer may have come first.
            if answered.state == Offer.State.ACCEPTED:
                accepted.append(answered)
    return Answers(accepted=accepted, refused=refused)


def others_at_phone(offer: Offer, *, now: datetime) -> int:
    """How many other people at this offer's phone have an open question of the same plan."""
    if offer.plan_id is None:
        return 0
    phone, _email, _language = offer.appointment.contact
    if not phone:
        return 0
    same_plan = Offer.objects.filter(
        plan=offer.plan_id, state=Offer.State.OPEN, live_at__lte=now
    ).exclude(pk=offer.pk)
    of_register = same_plan.filter(appointment__application__phone=phone)
    of_account = same_plan.filter(appointment__application__claimed_by__phone=phone)
    may_be = (of_register | of_account).select_related("appointment__application__claimed_by")
    return sum(other.appointment.contact[0] == phone for other in may_be)
