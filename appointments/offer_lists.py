"""Several people behind one phone whom one plan moved: one SMS, one link, one page for all.

Each person's own link answers for that person alone; links are forwarded and opened in cyber
cafes. The link of a list answers for everyone on it, and goes to the shared phone only.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User
from appointments import offers
from appointments.errors import Refusal
from appointments.models import Offer, OfferList, Plan
from appointments.tokens import digest, new_token
from appointments.verbs import BATCH

# So many people behind one phone still get an SMS each (MESSAGES: one each up to two).
ONE_SMS_EACH = 2


def open_lists(
    plan: Plan, moved: Sequence[Offer], *, now: datetime
) -> list[tuple[OfferList, str, list[Offer]]]:
    """Make a list for each phone that has more than ONE_SMS_EACH of these unsaved offers.

    Returns (list, token, its offers) and sets `listed_in` of the offers. Within the plan's
    transaction; appointments come with application and claimed_by.
    """
    assert plan.live_at is not None
    lists = []
    for _phone, of_phone in sorted(_by_phone(moved).items()):
        if len(of_phone) <= ONE_SMS_EACH:
            continue
        token = new_token()
        offer_list = OfferList(
            plan=plan,
            token_hash=digest(token),
            live_at=plan.live_at,
            deadline=min(offer.deadline for offer in of_phone),
            created_at=now,
        )
        lists.append((offer_list, token, of_phone))
    OfferList.objects.bulk_create([each for each, _, _ in lists], batch_size=BATCH)
    for offer_list, _token, of_phone in lists:
        for offer in of_phone:
            offer.listed_in = offer_list
    return lists


def _by_phone(moved: Iterable[Offer]) -> Mapping[str, list[Offer]]:
    groups: dict[str, list[Offer]] = defaultdict(list)
    for offer in moved:
        phone, _email, _language = offer.appointment.contact
        if phone:
            groups[phone].append(offer)
    return groups


def find(token: str, *, now: datetime) -> OfferList:
    """The list behind a link. Refusals as offers.find: offer_not_found, offer_not_live."""
    found = OfferList.objects.filter(token_hash=digest(token)).first()
    if found is None:
        raise Refusal("offer_not_found")
    if found.live_at > now and found.offers.filter(state=Offer.State.OPEN).exists():
        raise Refusal("offer_not_live")
    return found


def questions(offer_list: OfferList) -> QuerySet[Offer]:
    """All its offers with what a page shows of them, those that wait for an answer first."""
    return offers.with_all(offer_list.offers).order_by("new_slot__starts_at", "pk")


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
    waiting = offers.with_all(Offer.objects).filter(listed_in=list_id, state=Offer.State.OPEN)
    for offer in waiting.order_by("pk"):
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
