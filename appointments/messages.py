"""Who is told what, when: the one place that turns what happened into messages.

Each function takes what happened, and adds drafts to the outbox inside the caller's transaction.
Words and lengths of every kind: appointments/message_kinds.py; how they get there: notifications.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from appointments.calendar import calendar_entry, last_seat
from appointments.models import Appointment, Offer, OfferList, Outage, Plan, Posting, Slot
from notifications import kinds, outbox
from notifications.dates import short_day, short_moment

# The night rule: an SMS may ring at night if the earlier visit starts within this time.
NIGHT_RING = timedelta(hours=18)
# How long a message without a visit ahead is worth sending.
AFTERLIFE = timedelta(days=3)
# Reminders of an answer without which the seat is freed, before the deadline, and how far they
# keep from the message before.
REMIND_BEFORE = (timedelta(hours=24), timedelta(hours=3))
REMIND_APART = timedelta(hours=3)


@dataclass(frozen=True, kw_only=True)
class News:
    """One thing that one person has to hear, before it becomes drafts."""

    kind: str
    appointment: Appointment
    # What changed; with kind and channel it makes the dedupe key.
    key: str
    old: Slot | None = None
    new: Slot | None = None
    deadline: datetime | None = None
    # Path after the host: a token, or "my".
    path: str = "my"
    own_action: bool = False
    send_after: datetime | None = None
    batch: str = ""
    outage: Outage | None = None
    channels: tuple[str, ...] = ("sms", "email")
    extra: dict[str, Any] = field(default_factory=dict)


def tell(news: Iterable[News], *, now: datetime) -> int:
    """Put the drafts of all news into the outbox; returns how many messages are new there.

    Appointments should come with application, claimed_by and slots selected.
    """
    return outbox.enqueue((d for item in news for d in _drafts(item, now)), now=now)


def _drafts(news: News, now: datetime) -> Iterator[outbox.Draft]:
    phone, email, language = news.appointment.contact
    values = _values(news, language)
    visits = [slot.starts_at for slot in (news.old, news.new) if slot and slot.starts_at > now]
    rings_from = min(visits) - NIGHT_RING if visits else None
    last_visit = max(visits) if visits else now + AFTERLIFE
    kind = kinds.get(news.kind)
    for channel, address in (("sms", phone), ("email", email)):
        if not address or channel not in news.channels or not kind.speaks(channel):
            continue
        yield outbox.Draft(
            kind=news.kind,
            channel=channel,
            address=address,
            language=language,
            values=values,
            dedupe_key=f"{news.kind}:{news.key}:{channel}",
            reference=reference(news.appointment),
            batch=news.batch,
            urgent_by=min(visits) if visits else now + AFTERLIFE,
            send_after=news.send_after,
            quiet_ok_from=now if news.own_action else rings_from,
            expires_at=max(last_visit, now + timedelta(hours=1)),
        )


def reference(appointment: Appointment) -> str:
    """What notifications calls the matter; officers find a person's messages by it."""
    return f"appointment:{appointment.pk}"


def _values(news: News, language: str) -> dict[str, Any]:
    """Strings for the SMS in the person's language; structure for the mail, which has both."""
    seat = news.new or news.old
    values: dict[str, Any] = {
        "a4": news.appointment.application.arn_tail,
        "url": f"{settings.SITE_HOST}/{news.path}",
        "d": short_day(news.old.starts_at, language) if news.old else None,
        "dt": short_moment(seat.starts_at, language) if seat else None,
        "psk": seat.centre.town_in(language) if seat else None,
        "by": short_moment(news.deadline, language) if news.deadline else None,
        "deadline_at": news.deadline.isoformat() if news.deadline else None,
        **_side("old", news.old),
        **_side("new", news.new),
        **_reason(news.outage),
        **news.extra,
    }
    return {key: value for key, value in values.items() if value is not None}


def _side(side: str, slot: Slot | None) -> dict[str, Any]:
    if slot is None:
        return {}
    return {
        f"{side}_at": slot.starts_at.isoformat(),
        f"{side}_centre_hi": slot.centre.name_hi,
        f"{side}_centre_en": slot.centre.name_en,
    }


def _reason(outage: Outage | None) -> dict[str, str]:
    if outage is None:
        return {}
    reasons = {}
    for language in ("hi", "en"):
        with translation.override(language):
            reasons[f"reason_{language}"] = str(CAUSE_WORDS[Outage.Cause(outage.cause)])
    return reasons


CAUSE_WORDS = {
    Outage.Cause.SERVER: translation.gettext_lazy("a technical fault of the server"),
    Outage.Cause.NETWORK: translation.gettext_lazy("a fault of the network"),
    Outage.Cause.POWER: translation.gettext_lazy("a power failure"),
    Outage.Cause.OTHER: translation.gettext_lazy("a disturbance of the service"),
}


# --- What happened -> who hears it --------------------------------------------------------------


def confirmed(appointment: Appointment, *, key: str, old: Slot | None, now: datetime) -> None:
    """Booked, changed or accepted by the person: reply at once, with a calendar entry."""
    assert appointment.slot is not None
    news = News(
        kind="CONFIRMED",
        appointment=appointment,
        key=key,
        old=old,
        new=appointment.slot,
        own_action=True,
        extra={"ics": calendar_entry(appointment, appointment.slot, now=now)},
    )
    tell([news], now=now)


def cancelled(
    appointment: Appointment, *, key: str, old: Slot | None, attempts_left: int, now: datetime
) -> None:
    extra: dict[str, Any] = {"n": attempts_left}
    # Whoever leaves the waiting list may still have the seat that was lost in the calendar.
    if seat := old or last_seat(appointment):
        extra["ics"] = calendar_entry(appointment, seat, now=now, cancelled=True)
    news = News(
        kind="CANCELLED",
        appointment=appointment,
        key=key,
        old=old,
        own_action=True,
        extra=extra,
    )
    tell([news], now=now)


def in_doubt(
    appointments: Iterable[Appointment],
    *,
    outage: Outage,
    key: str,
    send_after: datetime,
    now: datetime,
) -> int:
    """HOLD: do not travel yet. Leaves after the grace of the declaration."""
    return tell(
        (
            News(
                kind="HOLD",
                appointment=a,
                key=f"{key}:{a.pk}",
                old=a.slot,
                send_after=send_after,
                batch=hold_batch(outage),
                outage=outage,
            )
            for a in appointments
        ),
        now=now,
    )


def take_back_doubts(
    appointments: Iterable[Appointment], *, written_since: datetime | None = None
) -> None:
    """HOLD messages of any outage that have not left and would now be wrong."""
    outbox.take_back(
        kind="HOLD",
        references=[reference(a) for a in appointments],
        written_since=written_since,
        reason="no longer in doubt about this visit",
    )


def in_the_dark(appointments: Sequence[Appointment]) -> list[Appointment]:
    """Whose newest message says that the appointment is in doubt: they must hear how it ends."""
    heard = outbox.last_heard(references=[reference(a) for a in appointments])
    return [a for a in appointments if heard.get(reference(a)) == "HOLD"]


def withdrawn(offers: Iterable[Offer]) -> None:
    """Offers that ended without an answer: what still asks them does not leave any more."""
    by_batch: dict[str, list[str]] = defaultdict(list)
    lists: dict[str, set[int]] = defaultdict(set)
    for offer in offers:
        batch = offer_batch(offer)
        by_batch[batch].append(reference(offer.appointment))
        if offer.listed_in_id:
            lists[batch].add(offer.listed_in_id)
    for batch, references in sorted(by_batch.items()):
        outbox.take_back(batch=batch, references=references, reason="offer withdrawn")
        _close_lists(sorted(lists[batch]), batch=batch)


def hold_batch(outage: Outage) -> str:
    return f"hold:{outage.pk}"


def plan_batch(plan_id: int) -> str:
    return f"plan:{plan_id}"


def offer_batch(offer: Offer) -> str:
    """The batch of what asks about it: its plan's, or its own."""
    return plan_batch(offer.plan_id) if offer.plan_id else f"offer:{offer.pk}"


def stands(
    appointments: Iterable[Appointment],
    *,
    outage: Outage,
    key: str,
    batch: str,
    send_after: datetime,
    now: datetime,
) -> int:
    """STANDS: come on time after all."""
    return tell(
        (
            News(
                kind="STANDS",
                appointment=a,
                key=f"{key}:{a.pk}",
                new=a.slot,
                send_after=send_after,
                batch=batch,
                outage=outage,
            )
            for a in appointments
        ),
        now=now,
    )


def no_seat(
    appointments: Iterable[Appointment],
    old: dict[int, Slot],
    *,
    outage: Outage,
    key: str,
    batch: str,
    send_after: datetime,
    now: datetime,
) -> int:
    """NO_SEAT: no new time yet; fee and attempts are safe."""
    return tell(
        (
            News(
                kind="NO_SEAT",
                appointment=a,
                key=f"{key}:{a.pk}",
                old=old[a.pk],
                send_after=send_after,
                batch=batch,
                outage=outage,
            )
            for a in appointments
        ),
        now=now,
    )


def offered(
    offers: Iterable[tuple[Offer, str, bool]], *, outage: Outage, batch: str, now: datetime
) -> int:
    """MOVED or REPLACED, with the link. Each: (offer, token, it replaces an earlier offer).

    Whoever is on a list (`listed_in`) gets the mail alone: the SMS is the list's, offered_to_many.
    Where silence frees the seat, the reminders are queued too: the token stands only in messages.
    An answer takes back what has not left (`answered`).
    """
    return tell(
        (
            item
            for offer, token, replaces in offers
            for item in _offer_news(offer, token, replaces, outage, batch)
        ),
        now=now,
    )


def _offer_news(
    offer: Offer, token: str, replaces: bool, outage: Outage, batch: str
) -> Iterator[News]:
    first = News(
        kind=_offer_kind(offer, replaces),
        appointment=offer.appointment,
        key=f"offer:{offer.pk}",
        old=offer.old_slot,
        new=offer.new_slot,
        deadline=offer.deadline,
        path=token,
        send_after=offer.live_at,
        batch=batch,
        outage=outage,
        channels=("sms", "email") if offer.listed_in is None else ("email",),
    )
    yield first
    if offer.silence != "requeue":
        return
    last = offer.live_at
    for before in REMIND_BEFORE:
        at = offer.deadline - before
        if at - last >= REMIND_APART:
            yield replace(
                first,
                kind="REMIND_ANSWER",
                key=f"{first.key}:{before}",
                send_after=at,
                # Of a list too, each for itself: only who has not answered is reminded.
                channels=("sms",),
            )
            last = at


def offered_to_many(
    lists: Iterable[tuple[OfferList, str, list[Offer]]], *, batch: str, now: datetime
) -> int:
    """MOVED_MANY: one SMS to a phone for all its people, with their number and the list's link.

    Each: (list, token, its offers). In the language that most of them have.
    """
    return outbox.enqueue((_list_draft(*each, batch=batch, now=now) for each in lists), now=now)


def _list_draft(
    offer_list: OfferList, token: str, offers: list[Offer], *, batch: str, now: datetime
) -> outbox.Draft:
    phone, _email, _language = offers[0].appointment.contact
    languages = Counter(offer.appointment.contact[2] for offer in offers)
    language = languages.most_common(1)[0][0]
    requeue = offers[0].silence == Plan.Silence.REQUEUE
    kind = "MOVED_MANY_ANSWER" if requeue else "MOVED_MANY_KEEP"
    slots = [slot for offer in offers for slot in (offer.old_slot, offer.new_slot) if slot]
    visits = [slot.starts_at for slot in slots if slot.starts_at > now]
    return outbox.Draft(
        kind=kind,
        channel="sms",
        address=phone,
        language=language,
        values={
            "n": len(offers),
            "by": short_moment(offer_list.deadline, language),
            "url": f"{settings.SITE_HOST}/{token}",
        },
        dedupe_key=f"{kind}:list:{offer_list.pk}",
        reference=list_reference(offer_list.pk),
        batch=batch,
        urgent_by=min(visits),
        send_after=offer_list.live_at,
        quiet_ok_from=min(visits) - NIGHT_RING,
        expires_at=max(visits),
    )


def list_reference(list_id: int) -> str:
    return f"offer-list:{list_id}"


def answered(offer: Offer) -> None:
    """The question is closed: what still asks it does not leave any more."""
    outbox.cancel(
        batch=offer_batch(offer),
        reference=reference(offer.appointment),
        reason=f"offer {offer.state}",
    )
    if offer.listed_in_id:
        _close_lists([offer.listed_in_id], batch=offer_batch(offer))


def _close_lists(list_ids: Iterable[int], *, batch: str) -> None:
    """The SMS of a list leaves as long as anybody on it has a question to answer."""
    asking = Offer.objects.filter(listed_in__in=list_ids, state=Offer.State.OPEN)
    closed = set(list_ids) - set(asking.values_list("listed_in", flat=True))
    if closed:
        references = [list_reference(list_id) for list_id in sorted(closed)]
        outbox.take_back(batch=batch, references=references, reason="all of the list answered")


def seat_offered(offer: Offer, *, token: str, now: datetime) -> None:
    """EARLIER or SEAT_FOUND, with the link: a seat is kept, and somebody is asked about it."""
    news = News(
        kind=SEAT_OFFER_KINDS[Offer.Kind(offer.kind)],
        appointment=offer.appointment,
        key=f"offer:{offer.pk}",
        old=offer.old_slot,
        new=offer.new_slot,
        deadline=offer.deadline,
        path=token,
        batch=offer_batch(offer),
    )
    tell([news], now=now)


SEAT_OFFER_KINDS = {Offer.Kind.EARLIER: "EARLIER", Offer.Kind.WAITING: "SEAT_FOUND"}


def _offer_kind(offer: Offer, replaces: bool) -> str:
    if offer.silence == "requeue":
        return "MOVED_ANSWER"  # it must say that silence frees the seat
    return "REPLACED" if replaces else "MOVED_KEEP"


def released(appointment: Appointment, *, key: str, old: Slot, now: datetime) -> None:
    """RELEASED: no answer came under the policy that frees the seat."""
    tell([News(kind="RELEASED", appointment=appointment, key=key, old=old)], now=now)


# --- Officers -----------------------------------------------------------------------------------


def plan_waits(plan: Plan, *, now: datetime) -> None:
    """A plan is ready: whoever may approve it hears of it."""
    _tell_officers(plan, kind="PLAN_WAITS", but=plan.prepared_by, now=now)


def approved_alone(plan: Plan, *, now: datetime) -> None:
    """One officer approved their own plan: all others of the region hear of it."""
    _tell_officers(plan, kind="PLAN_ALONE", but=plan.prepared_by, now=now)


def _tell_officers(plan: Plan, *, kind: str, but: User, now: datetime) -> None:
    postings = Posting.objects.filter(region=plan.region, officer__is_active=True)
    outbox.enqueue(
        (
            outbox.Draft(
                kind=kind,
                channel="email",
                address=posting.officer.email,
                language=posting.officer.language,
                values={
                    "n": plan.summary["total"]["people"],
                    "moved": plan.summary["total"]["move"],
                    "unplaced": plan.summary["total"]["unplaced"],
                    "by_whom": str(but),
                    "url": f"{settings.SITE_HOST}{_page_of(plan)}",
                },
                dedupe_key=f"{kind}:{plan.pk}:{posting.officer_id}",
                reference=f"plan:{plan.pk}",
                urgent_by=now,
                quiet_ok_from=now,
                expires_at=now + AFTERLIFE,
            )
            for posting in postings.select_related("officer").exclude(officer=but)
            if posting.officer.email and posting.role != Posting.Role.CENTRE
        ),
        now=now,
    )


def _page_of(plan: Plan) -> str:
    return reverse("admin:appointments_plan_change", args=[plan.pk])
