"""Several people behind one phone of whom one event speaks: who is on the list, and who left it.

One SMS with their number and the link of the list takes the place of one each. What it says:
appointments/messages.py; the page behind the link: appointments/offer_lists.py.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from appointments.models import Listed, Offer, OfferList, TimelineEntry
from appointments.news import News
from appointments.tokens import digest, new_token, number_digest
from appointments.verbs import BATCH, batches
from notifications import outbox
from notifications.dates import short_moment
from notifications.models import Message

# So many people behind one phone still get an SMS each (docs/decisions/0025-one-sms-for-many.md).
ONE_SMS_EACH = 2
# By the kind of a list's SMS, what it says to each: what they would have been told alone. Whatever
# is not here is always said to one person alone.
SAYS: Mapping[str, frozenset[str]] = {
    "HOLD_MANY": frozenset({"HOLD"}),
    "STANDS_MANY": frozenset({"STANDS"}),
    "NO_SEAT_MANY": frozenset({"NO_SEAT"}),
    "RELEASED_MANY": frozenset({"RELEASED"}),
    "VISIT_MANY": frozenset({"VISIT"}),
    "MOVED_MANY_KEEP": frozenset({"MOVED_KEEP", "REPLACED"}),
    "MOVED_MANY_ANSWER": frozenset({"MOVED_ANSWER"}),
    "REMIND_MANY_ANSWER": frozenset({"REMIND_ANSWER"}),
    # One plan, or one restoration, that does not do the same with everybody.
    "MIXED_MANY": frozenset({"STANDS", "NO_SEAT"}),
    "MIXED_MANY_KEEP": frozenset({"STANDS", "NO_SEAT", "MOVED_KEEP", "REPLACED"}),
    "MIXED_MANY_ANSWER": frozenset({"STANDS", "NO_SEAT", "MOVED_ANSWER"}),
}


def that_say(kind: str) -> list[str]:
    """This kind, and the kinds of lists that say it."""
    return [kind, *(many for many, each in SAYS.items() if kind in each)]


@dataclass(frozen=True)
class Shared:
    """One SMS to be, to one phone, about all of these."""

    kind: str
    offer_list: OfferList
    token: str
    news: Sequence[News]


# --- When something happens ---------------------------------------------------------------------


def sms_for(people: int) -> int:
    """How many SMS so many people behind one phone get of one event."""
    return people if people <= ONE_SMS_EACH else 1


def share(news: Iterable[News], *, now: datetime) -> tuple[list[News], list[Shared]]:
    """Make a list for each phone at which more than ONE_SMS_EACH people hear of one event.

    One event is one batch, of one region (whose officers see the SMS), that leaves at one moment.
    Returns what is said to each person alone (to those on a list: by email), and what is said to
    all of a list. In the caller's transaction.
    """
    alone: list[News] = []
    groups: dict[tuple[Any, ...], list[News]] = defaultdict(list)
    for item in news:
        phone, _email, _language = item.appointment.contact
        if phone and "sms" in item.channels and len(that_say(item.kind)) > 1:
            region = item.appointment.application.region_id
            groups[phone, region, item.batch, item.send_after].append(item)
        else:
            alone.append(item)
    shared = []
    for (phone, *_event), items in groups.items():
        kind = _kind_of(items)
        if sms_for(len(items)) == len(items) or not kind:
            alone += items
            continue
        alone += [replace(item, channels=_but_sms(item.channels)) for item in items]
        shared.append(_shared(kind, phone, items, now))
    _save(shared)
    return alone, shared


def _kind_of(news: Iterable[News]) -> str:
    """The SMS that says all of this, and as little else as may be; "" if there is none."""
    said = {item.kind for item in news}
    able = [kind for kind, each in SAYS.items() if said <= each]
    return min(able, key=lambda kind: len(SAYS[kind]), default="")


def _but_sms(channels: Iterable[str]) -> tuple[str, ...]:
    return tuple(channel for channel in channels if channel != "sms")


def _shared(kind: str, phone: str, news: Sequence[News], now: datetime) -> Shared:
    token = new_token()
    offers = [item.offer for item in news if item.offer]
    offer_list = OfferList(
        kind=kind,
        plan=offers[0].plan if offers else None,
        deadline=min((offer.deadline for offer in offers), default=None),
        token_hash=digest(token),
        number_digest=number_digest(phone),
        live_at=max((offer.live_at for offer in offers), default=now),
        created_at=now,
    )
    return Shared(kind, offer_list, token, news)


def _save(shared: Sequence[Shared]) -> None:
    OfferList.objects.bulk_create([each.offer_list for each in shared], batch_size=BATCH)
    people = [
        Listed(offer_list=each.offer_list, appointment=item.appointment, offer=item.offer)
        for each in shared
        for item in each.news
    ]
    Listed.objects.bulk_create(people, batch_size=BATCH)


# --- Until its SMS leaves -----------------------------------------------------------------------


def leave(appointment_ids: Collection[int], *, of: Q | None = None, reason: str) -> None:
    """Take these people off their lists (or off those that `of` says) whose SMS still waits.

    It then names the number of those who remain and the first of their deadlines, and does not
    leave if nobody does. One that a worker holds, or that did not arrive, may have been heard: it
    still speaks of them, but is not said again if it is true of nobody.
    """
    leaving = _rows_of(appointment_ids, of or Q())
    for names in batches(sorted(leaving)):
        _leave({name: leaving[name] for name in names}, reason)


def not_again(appointment_ids: Collection[int], *, kinds: Collection[str], reason: str) -> None:
    """What lists of these kinds said, or may have, is not said again if it is wrong of everybody.

    Nobody leaves: an SMS that still waits goes on speaking of them.
    """
    wrong = _rows_of(appointment_ids, Q(offer_list__kind__in=kinds))
    for names in batches(sorted(wrong)):
        right = _staying({name: wrong[name] for name in names})
        of_nobody = [name for name in names if not right[name]]
        outbox.not_again(references=of_nobody, kinds=kinds, reason=reason)


def _rows_of(appointment_ids: Collection[int], of: Q) -> dict[str, dict[int, int]]:
    """Reference of a list -> appointment -> its row there."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for part in batches(sorted(appointment_ids)):
        rows = Listed.objects.filter(of, appointment__in=part, left=False)
        for pk, list_id, appointment_id in rows.values_list("pk", "offer_list", "appointment"):
            found[reference(list_id)][appointment_id] = pk
    return found


def _leave(leaving: Mapping[str, Mapping[int, int]], reason: str) -> None:
    """`leaving`: reference of a list -> appointment -> its row of the list."""
    messages = outbox.may_be_said(references=leaving)
    waiting = [message for message in messages if message.state == Message.State.QUEUED]
    staying = _staying(leaving)
    gone = {pk for message in waiting for pk in leaving[message.reference].values()}
    Listed.objects.filter(pk__in=gone).update(left=True)
    for message in waiting:
        named = staying[message.reference]
        message.values["n"] = len(named)
        _name_deadline(message, named.values())
        if "listed" in message.values:
            message.values["listed"] = [r for r in message.values["listed"] if r["of"] in named]
    outbox.rewrite([message for message in waiting if message.values["n"]])
    empty: dict[str, list[str]] = defaultdict(list)
    for message in messages:
        if not staying[message.reference]:
            empty[message.kind].append(message.reference)
    for kind, references in sorted(empty.items()):
        outbox.take_back(kind=kind, references=references, reason=reason)


def _name_deadline(message: Message, deadlines: Iterable[datetime | None]) -> None:
    """An SMS that was held back must not ask by the deadline of whoever has left it."""
    first = min(filter(None, deadlines), default=None)
    by = first and short_moment(first, message.language)
    if first and message.values.get("by", by) != by:
        message.values["by"] = by
        message.values["deadline_at"] = first.isoformat()
        OfferList.objects.filter(pk=number_of(message.reference)).update(deadline=first)


def _staying(leaving: Mapping[str, Mapping[int, int]]) -> dict[str, dict[int, datetime | None]]:
    """Of which appointments each list still has something to say, and by when each may answer.

    Whoever answered, or chose a date, while its SMS did not wait has not left it, but it says
    nothing more to them.
    """
    rows = [pk for each in leaving.values() for pk in each.values()]
    named = Listed.objects.filter(offer_list__in=_numbers(leaving), left=False)
    chosen = TimelineEntry.objects.filter(
        appointment=OuterRef("appointment"),
        event__in=TimelineEntry.CHOSEN,
        at__gt=OuterRef("offer_list__created_at"),
    )
    open_or_none = Q(offer__isnull=True) | Q(offer__state=Offer.State.OPEN)
    found: dict[str, dict[int, datetime | None]] = {name: {} for name in leaving}
    staying = named.filter(open_or_none, ~Exists(chosen)).exclude(pk__in=rows)
    rows_of = staying.values_list("offer_list", "appointment", "offer__deadline")
    for list_id, appointment_id, deadline in rows_of:
        found[reference(list_id)][appointment_id] = deadline
    return found


def show_to(phone: str, *, list_id: int) -> None:
    """Its SMS goes to this number instead: whoever is reached there is shown on it."""
    OfferList.objects.filter(pk=list_id).update(number_digest=number_digest(phone))


# --- What notifications calls them --------------------------------------------------------------


def reference(list_id: int) -> str:
    """What notifications calls the matter of a list."""
    return f"offer-list:{list_id}"


def number_of(list_reference: str) -> int:
    """The number in a reference to a list, or to an appointment. ValueError: there is none."""
    return int(list_reference.partition(":")[2])


def is_list(reference_of_any: str) -> bool:
    """Whether a reference is to a list, and not to one appointment."""
    return reference_of_any.startswith(reference(0)[:-1])


def _numbers(references: Iterable[str]) -> list[int]:
    return [number_of(each) for each in references]


def references_of(appointment_ids: Collection[int]) -> dict[int, list[str]]:
    """Appointment -> its lists whose SMS speaks, or spoke, of it; none: not named."""
    found: dict[int, list[str]] = defaultdict(list)
    for part in batches(sorted(appointment_ids)):
        rows = Listed.objects.filter(appointment__in=part, left=False).order_by("pk")
        for appointment_id, list_id in rows.values_list("appointment", "offer_list"):
            found[appointment_id].append(reference(list_id))
    return found
