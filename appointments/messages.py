"""Who is told what, when: the one place that turns what happened into messages.

Each function takes what happened, and adds drafts to the outbox inside the caller's transaction.
Words and lengths of every kind: appointments/message_kinds.py; how they get there: notifications.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import translation
from django.utils.functional import Promise

from appointments import listing, remind_hours, words
from appointments.calendar import calendar_entry, last_seat
from appointments.models import Appointment, Centre, Listed, Offer, Outage, Plan, Slot
from appointments.news import BOTH, SIGN_IN, News
from appointments.verbs import batches
from notifications import hours, kinds, outbox, told
from notifications.dates import short_day, short_moment
from notifications.models import Message

# What changes, or puts in doubt, the visit of which a waiting reminder speaks.
CHANGES_VISIT = frozenset(
    {
        *("HOLD", "STANDS", "NO_SEAT", "MOVED_KEEP", "MOVED_ANSWER", "REPLACED"),
        *("RELEASED", "CONFIRMED", "CANCELLED"),
    }
)
# The new time of a plan, with the question whether it suits.
NEW_TIME = ("MOVED_KEEP", "MOVED_ANSWER", "REPLACED")
# Reminders of an answer without which the seat is freed, before the deadline, and how far they
# keep from the message before.
REMIND_BEFORE = (timedelta(hours=24), timedelta(hours=3))
REMIND_APART = timedelta(hours=3)
# What a reminder leaves its reader at least, and how long before the quiet hours it comes instead.
LEAST_TO_ANSWER = timedelta(hours=1)
LATEST_IN_THE_EVENING = timedelta(minutes=30)


def tell(news: Iterable[News], *, now: datetime) -> int:
    """Put the drafts of all news into the outbox; returns how many messages are new there.

    Give it all that one event has to say at once: several people behind one phone share an SMS
    (listing.share). Appointments should come with application, claimed_by and slots selected.
    Reminders of the visit that wait to leave are taken back: the news is newer.
    """
    items = list(news)
    _take_back_visits([item.appointment for item in items if item.kind in CHANGES_VISIT], now)
    return _write(items, now)


def _write(news: Iterable[News], now: datetime) -> int:
    alone, shared = listing.share(news, now=now)
    drafts = [draft for item in alone for draft in _drafts(item, now)]
    return outbox.enqueue([*drafts, *(_draft_to_many(each, now) for each in shared)], now=now)


def _drafts(news: News, now: datetime) -> Iterator[outbox.Draft]:
    """One for each channel. They are one notice: it is enough if one of them arrives.

    What is said by SMS alone goes to the email address if the SMS does not arrive, and at once to
    whoever has no phone.
    """
    language = news.appointment.contact[2]
    values = _values(news, language)
    for channel, address, other in _addresses(news):
        yield outbox.Draft(
            kind=news.kind,
            channel=channel,
            address=address,
            other_address=other,
            language=language,
            values=values,
            dedupe_key=f"{news.kind}:{news.key}:{channel}",
            notice=news.notice or f"{news.kind}:{news.key}",
            reference=reference(news.appointment),
            batch=news.batch,
            scope=scope_of(news.appointment.application.region_id),
            urgent_by=news.urgent_by(now),
            send_after=news.send_after,
            quiet_ok_from=news.rings_from(now),
            expires_at=news.expires_at(now),
        )


def _draft_to_many(shared: listing.Shared, now: datetime) -> outbox.Draft:
    """The one SMS of a list: in the language of most of them, urgent as the most urgent of them."""
    first, people = shared.news[0], [item.appointment for item in shared.news]
    phone, _email, _language = first.appointment.contact
    languages = Counter(appointment.contact[2] for appointment in people)
    language = languages.most_common(1)[0][0]
    rings = [at for item in shared.news if (at := item.rings_from(now))]
    key = f"{shared.kind}:{first.key}"
    return outbox.Draft(
        kind=shared.kind,
        channel="sms",
        address=phone,
        # An email of all goes out only where the kind has words for one.
        other_address=email_of_list(people) if kinds.get(shared.kind).email_template else "",
        language=language,
        values=_values_of_many(shared, language),
        dedupe_key=key,
        notice=key,
        reference=listing.reference(shared.offer_list.pk),
        batch=first.batch,
        scope=scope_of(first.appointment.application.region_id),
        urgent_by=min(item.urgent_by(now) for item in shared.news),
        send_after=first.send_after,
        quiet_ok_from=min(rings, default=None),
        expires_at=max(item.expires_at(now) for item in shared.news),
    )


def _values_of_many(shared: listing.Shared, language: str) -> dict[str, Any]:
    first = shared.news[0]
    visit = first.new or first.old
    values: dict[str, Any] = {
        "n": len(shared.news),
        # Of reminders: all these visits are on one day.
        "d": short_day(visit.starts_at, language) if visit else None,
        "url": f"{settings.SITE_HOST}/{shared.token}",
        **_reason(first.outage),
    }
    if deadline := shared.offer_list.deadline:
        values["by"] = short_moment(deadline, language)
        values["deadline_at"] = deadline.isoformat()
        values["listed"] = [_of_list(item) for item in shared.news]
    return {key: value for key, value in values.items() if value is not None}


def email_of_list(appointments: Iterable[Appointment]) -> str:
    """Where the link of a list may go but to its phone: the address that all on it share.

    It answers for all of them, so it goes to nobody who is only one of them.
    """
    emails = {appointment.contact[1] for appointment in appointments}
    return emails.pop() if len(emails) == 1 else ""


def _of_list(news: News) -> dict[str, Any]:
    """One person of a list, as the email's table shows them. `of`: who leaves the list is found."""
    tail = news.appointment.application.arn_tail
    who = {"of": news.appointment.pk, "a4": tail}
    return {**who, **_side("old", news.old), **_side("new", news.new)}


def _addresses(news: News) -> list[tuple[str, str, str]]:
    """(channel, address, address on the other channel if this one fails), as far as they exist."""
    phone, email, _language = news.appointment.contact
    own = {"sms": phone, "email": email}
    kind = kinds.get(news.kind)
    able = {channel: own[channel] for channel in BOTH if own[channel] and kind.speaks(channel)}
    if news.channels == ("sms",):
        first = "sms" if "sms" in able else "email"
        other = able.get("email", "") if first == "sms" else ""
        return [(first, able[first], other)] if first in able else []
    return [(each, able[each], "") for each in news.channels if each in able]


def reference(appointment: Appointment) -> str:
    """What notifications calls the matter; officers find a person's messages by it."""
    return reference_of(appointment.pk)


def reference_of(appointment_id: int) -> str:
    return f"appointment:{appointment_id}"


def scope_of(region_id: int) -> str:
    """What notifications calls the region; its officers see what bears it."""
    return f"region:{region_id}"


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
        # Its email has one button then: the pages of an answer hang on a token.
        "at_sign_in": True if news.offer and news.path == SIGN_IN else None,
        **_side("old", news.old),
        **_side("new", news.new),
        "report_at": news.new.reports_at.isoformat() if news.new else None,
        **_reason(news.outage),
        **_why(news.why),
        **news.extra,
    }
    return {key: value for key, value in values.items() if value is not None}


def _side(side: str, slot: Slot | None) -> dict[str, Any]:
    if slot is None:
        return {}
    return {
        f"{side}_at": slot.starts_at.isoformat(),
        **_centre(side, slot.centre),
    }


def _centre(side: str, centre: Centre) -> dict[str, str]:
    values = {}
    for language in kinds.LANGUAGES:
        values[f"{side}_centre_{language}"] = centre.name_in(language)
        with translation.override(language):
            values[f"{side}_place_{language}"] = words.place(centre)
    return values


def _reason(outage: Outage | None) -> dict[str, str]:
    if outage is None:
        return {}
    return in_both_languages("reason", CAUSE_WORDS[Outage.Cause(outage.cause)])


def _why(code: str) -> dict[str, str]:
    """What a plan says of this very person; nothing for a code that has no words."""
    found = words.WHY.get(code)
    return in_both_languages("why", found) if found else {}


def in_both_languages(name: str, text: str | Promise) -> dict[str, str]:
    """The value `name` of an email, of which each half takes its own: reason_hi, reason_en."""
    values = {}
    for language in kinds.LANGUAGES:
        with translation.override(language):
            values[f"{name}_{language}"] = str(text)
    return values


CAUSE_WORDS = {
    Outage.Cause.SERVER: translation.gettext_lazy("a technical fault of the server"),
    Outage.Cause.NETWORK: translation.gettext_lazy("a fault of the network"),
    Outage.Cause.POWER: translation.gettext_lazy("a power failure"),
    Outage.Cause.OTHER: translation.gettext_lazy("a disturbance of the service"),
}


# --- What happened -> who hears it --------------------------------------------------------------


def confirmed(appointment: Appointment, *, key: str, old: Slot | None, now: datetime) -> None:
    """Booked, changed or accepted by the person: reply at once, with a calendar entry.

    Whatever waits was true before, and would be the newest message, on which people travel.
    """
    assert appointment.slot is not None
    _take_back_all(appointment, reason="the person has chosen since")
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
    """Cancelled by the person: reply at once; the calendar entry takes out the seat that was lost.

    `attempts_left`: dates that the person may still choose. What waits to leave is taken back.
    """
    _take_back_all(appointment, reason="cancelled by the person")
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
    appointments: Collection[Appointment],
    *,
    outage: Outage,
    key: str,
    send_after: datetime,
    now: datetime,
) -> int:
    """HOLD: do not travel yet, and do nothing. Leaves after the grace of the declaration.

    What says otherwise does not leave any more, or not again. If the doubt ends before its HOLD is
    heard, `in_the_dark` finds whom that left without a word.
    """
    _take_back_what_stood(appointments)
    return tell(
        (
            News(
                kind="HOLD",
                appointment=a,
                key=f"{key}:{a.pk}",
                old=a.slot,
                send_after=send_after,
                batch=hold_batch(outage.pk),
                outage=outage,
            )
            for a in appointments
        ),
        now=now,
    )


def _take_back_what_stood(appointments: Collection[Appointment]) -> None:
    """Come on time; accept, or the seat is released. No answer is taken while they are in doubt.

    A new time that has not been said yet still is, before the HOLD: nothing else says that the old
    one is void.
    """
    reason = "in doubt again"
    # On a list that says several things, these are told that it stands.
    _take_back("STANDS", appointments, of=Q(offer__isnull=True), reason=reason)
    _take_back("REMIND_ANSWER", appointments, reason=reason)
    stood = {many for kind in ("STANDS", *NEW_TIME) for many in listing.that_say(kind)}
    listing.not_again([a.pk for a in appointments], kinds=stood, reason=reason)
    references = [reference(a) for a in appointments]
    outbox.not_again(references=references, kinds=NEW_TIME, reason=reason)


def take_back_doubts(
    appointments: Collection[Appointment], *, written_since: datetime | None = None
) -> None:
    """HOLD messages of any outage that have not left and would now be wrong."""
    reason = "no longer in doubt about this visit"
    _take_back("HOLD", appointments, reason=reason, written_since=written_since)


def _take_back(
    kind: str,
    appointments: Collection[Appointment],
    *,
    reason: str,
    of: Q | None = None,
    written_since: datetime | None = None,
) -> None:
    """What says this of them and has not left: to all of a list, and to each alone.

    The lists first, here and wherever both are taken back: whoever has another phone at this moment
    is taken off a list, which is held fast, and is told alone (`say_elsewhere`). Once the list is
    free that message can be seen. `of`: only those of whom a list does say it.
    """
    of = Q(offer_list__kind__in=listing.that_say(kind)) & (of or Q())
    if written_since:
        of &= Q(offer_list__created_at__gte=written_since)
    listing.leave([a.pk for a in appointments], of=of, reason=reason)
    references = [reference(a) for a in appointments]
    outbox.take_back(kind=kind, references=references, written_since=written_since, reason=reason)


def in_the_dark(
    appointments: Sequence[Appointment], *, kept: Iterable[Offer] = ()
) -> list[Appointment]:
    """Whose newest message says that the appointment is in doubt: they must hear how it ends.

    Also where that message did not arrive: whom no message reaches an officer calls, and whoever
    signs in reads it. And those whom a doubt that nobody heard of has left without a word: it took
    back that their seat stands, or their question has ended as `kept` before they heard of the new
    time. To hear that it stands harms nobody.
    """
    asked_in = {offer.appointment_id: offer_batch(offer) for offer in kept}
    names = _names([a.pk for a in appointments])
    doubts = listing.that_say("HOLD")
    heard = outbox.last_heard(
        references={name for each in names.values() for name in each}, or_missed=doubts
    )
    newest = {
        pk: max((heard[name] for name in each if name in heard), key=lambda m: m.pk, default=None)
        for pk, each in names.items()
    }
    return [a for a in appointments if not _knows(newest[a.pk], asked_in.get(a.pk, ""))]


def _knows(last: Message | None, asked_in: str) -> bool:
    """Whether somebody of whom this is the newest message knows that their seat stands.

    `asked_in`: the batch that asked them about it; "": none did, and they need not hear anything.
    """
    if last is None:
        return not asked_in
    if last.kind in listing.that_say("HOLD"):
        return False
    speaks_of_it = last.batch == asked_in or last.kind in listing.that_say("VISIT")
    if asked_in and not speaks_of_it:
        return False
    stood = asked_in or last.kind in listing.that_say("STANDS")
    return not (stood and last.cancel_requested)


def _names(appointment_ids: Collection[int]) -> dict[int, list[str]]:
    """Appointment -> the references of what was said of it: its own, and its lists'."""
    lists = listing.references_of(appointment_ids)
    return {pk: [reference_of(pk), *lists.get(pk, ())] for pk in appointment_ids}


def told_since(*, kind: str, appointment_ids: Collection[int], since: datetime) -> set[int]:
    """To which of these this was said since, alone or on a list, and holds."""
    names = _names(appointment_ids)
    heard = told.told_since(
        kinds=listing.that_say(kind),
        references={name for each in names.values() for name in each},
        since=since,
    )
    return {pk for pk, each in names.items() if not heard.isdisjoint(each)}


def told_in(batch: str) -> dict[int, told.Told]:
    """Appointment -> what a batch says of it, alone or on a list."""
    said = told.in_batch(batch)
    found: dict[int, told.Told] = defaultdict(told.Told)
    lists = [listing.number_of(name) for name in said if listing.is_list(name)]
    for name, known in said.items():
        if not listing.is_list(name):
            found[listing.number_of(name)] = known
    for row in Listed.objects.filter(offer_list__in=lists):
        each, known = found[row.appointment_id], said[listing.reference(row.offer_list_id)]
        each.holds |= known.holds and not row.left
        each.taken_back += 1 if row.left else known.taken_back
    return found


def withdrawn(offers: Iterable[Offer]) -> None:
    """Offers that ended without an answer: what still asks them does not leave any more.

    Seats on offer are a batch each, and an outage takes hundreds: their messages go by kind. A
    person is asked about one seat at a time, so none is about another.
    """
    ended, reason = list(offers), "offer withdrawn"
    _off_lists(ended, reason=reason)
    of_seats, of_plans = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for offer in ended:
        if offer.is_seat_offer:
            kind = SEAT_OFFER_KINDS[Offer.Kind(offer.kind)]
            of_seats[kind].append(reference(offer.appointment))
        else:
            of_plans[offer_batch(offer)].append(reference(offer.appointment))
    for kind, references in sorted(of_seats.items()):
        outbox.take_back(kind=kind, references=references, reason=reason)
    for batch, references in sorted(of_plans.items()):
        outbox.take_back(batch=batch, references=references, reason=reason)


def _off_lists(offers: Sequence[Offer], *, reason: str) -> None:
    people = {offer.pk: offer.appointment_id for offer in offers}
    for part in batches(list(people)):
        listing.leave([people[pk] for pk in part], of=Q(offer__in=part), reason=reason)


def hold_batch(outage_id: int) -> str:
    """The batch of an outage's HOLD. Batches are called so here alone; message_batches reads it."""
    return f"hold:{outage_id}"


def entry_batch(entry_id: int) -> str:
    """The batch of what an entry of an outage's log says: back, taken back, cut changed."""
    return f"entry:{entry_id}"


def plan_batch(plan_id: int) -> str:
    """The batch of what a plan says, and asks."""
    return f"plan:{plan_id}"


def seat_batch(offer_id: int) -> str:
    """The batch of what asks about a single seat on offer."""
    return f"offer:{offer_id}"


def offer_batch(offer: Offer) -> str:
    """The batch of what asks about it: its plan's, or its own."""
    return plan_batch(offer.plan_id) if offer.plan_id else seat_batch(offer.pk)


def stands(
    appointments: Iterable[Appointment],
    *,
    outage: Outage,
    key: str,
    batch: str,
    send_after: datetime,
) -> list[News]:
    """STANDS: come on time after all. To be told with what else the same event has to say."""
    return [
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
    ]


def no_seat(
    appointments: Iterable[Appointment],
    old: Mapping[int, Slot],
    *,
    outage: Outage,
    key: str,
    batch: str,
    send_after: datetime,
    reasons: Mapping[int, str],
) -> list[News]:
    """NO_SEAT: no new time yet; fee and attempts are safe. `reasons`: see offered."""
    return [
        News(
            kind="NO_SEAT",
            appointment=a,
            key=f"{key}:{a.pk}",
            old=old[a.pk],
            send_after=send_after,
            batch=batch,
            outage=outage,
            why=reasons.get(a.pk, ""),
        )
        for a in appointments
    ]


def offered(
    offers: Iterable[tuple[Offer, str, bool]],
    *,
    outage: Outage,
    batch: str,
    reasons: Mapping[int, str],
) -> list[News]:
    """MOVED or REPLACED, with the link. Each: (offer, token, it replaces an earlier offer).

    `reasons`: appointment -> code of words.WHY.

    Where silence frees the seat, the reminders are there too: the token stands only in messages.
    An answer takes back what has not left (`answered`).
    """
    return [
        item
        for offer, token, replaces in offers
        for item in _offer_news(
            offer, token, replaces, outage, batch, reasons.get(offer.appointment_id, "")
        )
    ]


def _offer_news(
    offer: Offer, token: str, replaces: bool, outage: Outage, batch: str, why: str
) -> Iterator[News]:
    first = News(
        kind=_offer_kind(offer, replaces),
        appointment=offer.appointment,
        key=f"offer:{offer.pk}",
        old=offer.old_slot,
        new=offer.new_slot,
        offer=offer,
        deadline=offer.deadline,
        path=token,
        send_after=offer.live_at,
        batch=batch,
        outage=outage,
        why=why,
    )
    yield first
    if offer.silence != Plan.Silence.REQUEUE:
        return
    for before, at in _moments_to_remind(first, offer.deadline):
        yield replace(
            first,
            kind="REMIND_ANSWER",
            key=f"{first.key}:{before}",
            send_after=at,
            until=offer.deadline,
            channels=("sms",),
        )


def _moments_to_remind(asked: News, deadline: datetime) -> Iterator[tuple[timedelta, datetime]]:
    """(how long before the deadline, when), at a distance from the message before.

    Where the night would hold a reminder until there is no time to answer, it comes the evening
    before.
    """
    assert asked.send_after is not None
    last = _leaves_at(asked, asked.send_after, deadline)
    for before in REMIND_BEFORE:
        at = deadline - before
        leaves = _leaves_at(asked, at, deadline)
        if leaves > deadline - LEAST_TO_ANSWER:
            at = leaves = hours.evening_before(at) - LATEST_IN_THE_EVENING
        if leaves - last >= REMIND_APART:
            yield before, at
            last = leaves


def _leaves_at(asked: News, due: datetime, deadline: datetime) -> datetime:
    """When the night lets what is due then leave: a visit that is over by then rings nobody."""
    return hours.leaves_at(due, asked.rings_from(due) or deadline)


def one_by_one(message: Message, *, now: datetime) -> list[outbox.Draft]:
    """Reminders by email to each of a list whose SMS did not arrive, as far as they still hold.

    What is not said by SMS alone has gone to each by email anyway. Only the SMS had a link that
    answers: these lead to the sign-in.
    """
    news = (_said_to(row, message, channels=("email",)) for row in people_of(message))
    return [draft for item in news if item for draft in _drafts(item, now)]


def people_of(message: Message) -> list[Listed]:
    """Of whom the SMS of a list speaks, with all that a message about them needs."""
    rows = Listed.objects.filter(offer_list=listing.number_of(message.reference), left=False)
    rows = rows.select_related(
        *("appointment__application__claimed_by", "appointment__slot__centre"),
        *("offer__old_slot__centre", "offer__new_slot__centre", "offer__plan__outage"),
    )
    return list(rows.order_by("pk"))


def say_elsewhere(rows: Sequence[Listed], message: Message, *, now: datetime) -> int:
    """Tell these people what the SMS of a list was to say: they have another phone since.

    `message` waits to leave, and does not speak of them any more. Only its link answered: theirs
    lead to the sign-in. Returns how many messages that makes.
    """
    beside = told.beside(
        message,
        references=[reference(row.appointment) for row in rows],
        kinds=listing.SAYS[message.kind],
    )
    news = []
    for row in rows:
        kind, notice = beside.get(reference(row.appointment), ("", ""))
        phone, _email, _language = row.appointment.contact
        if notice and not phone:
            continue  # they have the email
        if item := _said_to(row, message, channels=("sms",), kind=kind):
            news.append(replace(item, notice=notice, send_after=message.next_attempt_at))
    return _write(news, now)


def _said_to(
    row: Listed, message: Message, *, channels: tuple[str, ...], kind: str = ""
) -> News | None:
    """What the SMS of a list says to one of its people; None: a reminder of what is settled."""
    offer, appointment = row.offer, row.appointment
    reminds = bool(kinds.get(message.kind).one_by_one)
    settled = appointment.state != Appointment.State.CONFIRMED or (offer and not offer.is_open)
    if reminds and settled:
        return None
    kind = kind or _kind_to(row, listing.SAYS[message.kind])
    old, new = _seats_of(row, kind)
    return News(
        kind=kind,
        appointment=appointment,
        key=f"{message.reference}:{appointment.pk}",
        old=old,
        new=new,
        offer=offer,
        deadline=offer.deadline if offer else None,
        outage=offer.plan.outage if offer and offer.plan else None,
        batch=message.batch,
        channels=channels,
        until=message.expires_at if reminds else None,
    )


def _kind_to(row: Listed, said: Collection[str]) -> str:
    """Which of these kinds it is to one person: an event does not do the same with everybody."""
    if len(said) == 1:
        return next(iter(said))
    if row.offer:
        return _offer_kind(row.offer, replaces=False)
    waits = row.appointment.state == Appointment.State.WAITING
    return "NO_SEAT" if waits else "STANDS"


def _seats_of(row: Listed, kind: str) -> tuple[Slot | None, Slot | None]:
    """(old, new) as the event told them that put this person on the list."""
    seat = row.appointment.slot
    if row.offer:
        return row.offer.old_slot, seat
    if seat is None:
        return last_seat(row.appointment), None
    return (seat, None) if kind == "HOLD" else (None, seat)


def answered(offer: Offer) -> None:
    """The question is closed: what still asks it does not leave any more."""
    reason = f"offer {offer.state}"
    _off_lists([offer], reason=reason)
    outbox.cancel(batch=offer_batch(offer), reference=reference(offer.appointment), reason=reason)


def kept_unheard(offers: Sequence[Offer], *, now: datetime) -> list[News]:
    """STANDS, of the new time, to whoever had not heard of it when their silence kept it.

    What asked them does not leave any more: its deadline is over. It waited in a paused batch, say,
    or did not arrive. In the plan's batch, so that an officer's pause goes on holding it.
    """
    dark = {a.pk for a in in_the_dark([offer.appointment for offer in offers], kept=offers)}
    return [
        News(
            kind="STANDS",
            appointment=offer.appointment,
            key=f"offer:{offer.pk}",
            new=offer.new_slot,
            send_after=now,
            batch=offer_batch(offer),
        )
        for offer in offers
        if offer.appointment_id in dark
    ]


# --- Reminders of the visit ---------------------------------------------------------------------


def visits_near(
    appointments: Iterable[Appointment],
    *,
    keys: Mapping[int, str],
    batch: str,
    until: datetime,
    now: datetime,
) -> int:
    """VISIT: the day is near. `until`: too late in the evening to remind anybody.

    `keys`: appointment -> which reminder of its visit this is; each at most once.
    """
    return tell(
        (
            News(
                kind="VISIT",
                appointment=a,
                key=f"{a.pk}:{a.slot_id}:{keys[a.pk]}",
                new=a.slot,
                batch=batch,
                channels=("sms",),
                until=until,
            )
            for a in appointments
        ),
        now=now,
    )


def _take_back_visits(appointments: Sequence[Appointment], now: datetime) -> None:
    """Reminders that speak of a visit which has just changed, or may be lost, must not leave.

    None waits but in their hours: at all other times there is nothing to look for.
    """
    if appointments and remind_hours.contain(now):
        _take_back("VISIT", appointments, reason="the visit has changed")


# --- Seats for those who wait -------------------------------------------------------------------


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
        # Later it would ask about a seat that is somebody else's.
        until=offer.deadline,
    )
    tell([news], now=now)


SEAT_OFFER_KINDS = {Offer.Kind.EARLIER: "EARLIER", Offer.Kind.WAITING: "SEAT_FOUND"}


def _offer_kind(offer: Offer, replaces: bool) -> str:
    if offer.silence == Plan.Silence.REQUEUE:
        return "MOVED_ANSWER"  # it must say that silence frees the seat
    return "REPLACED" if replaces else "MOVED_KEEP"


def released(appointment: Appointment, *, key: str, old: Slot, outage: Outage | None) -> News:
    """RELEASED: no answer came under the policy that frees the seat."""
    return News(kind="RELEASED", appointment=appointment, key=key, old=old, outage=outage)


def visit_over(appointment: Appointment, *, reason: str) -> None:
    """Seen at the counter, or did not come: there is nothing more to say about it."""
    _take_back_all(appointment, reason=reason)


def _take_back_all(appointment: Appointment, *, reason: str) -> None:
    """Nothing that still waits to leave is said about it any more, nor anything said again."""
    listing.leave([appointment.pk], reason=reason)
    outbox.cancel(reference=reference(appointment), reason=reason)
