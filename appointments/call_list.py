"""The call list: whom no message has reached, what they have to be told now, who comes first.

On it are people whom no channel could bring a notice (notifications.reach), people of whom neither
phone nor email is known, and people for whom a plan found no seat. It is worked out from the rows
as they stand whenever somebody looks, so that whoever has heard otherwise is not on it any more:
they answered or signed in, a later message arrived, an officer told them, the visit is over.

Verbs: appointments/calls.py; what to say: appointments/call_scripts.py.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q

from accounts.models import Device
from appointments import listing, messages
from appointments.models import (
    Appointment,
    Call,
    CallClaim,
    Listed,
    Offer,
    OfficeEntry,
    Plan,
    PlanLine,
    Slot,
    TimelineEntry,
)
from appointments.timeline import APPLICANT
from appointments.tokens import number_digest
from notifications import reach
from notifications.models import NotReached

Event = TimelineEntry.Event
Outcome = Call.Outcome
Subject = Call.Subject

# Whoever does not hear of it within this time may travel in vain, or miss the visit.
SOON = timedelta(hours=24)
# After so many calls without an answer the others come first.
TRIES = 3
# What somebody has to be told of. Silence that keeps a new time is no news.
NEWS = frozenset(
    {
        *(Event.IN_DOUBT, Event.STANDS, Event.MOVED, Event.NO_SEAT, Event.RELEASED),
        *(Event.OFFERED, Event.UNANSWERED, Event.WITHDRAWN, Event.UNDONE),
    }
)
# These took a seat away: until they hear of it, people believe in that time.
TAKING = frozenset({Event.MOVED, Event.NO_SEAT, Event.RELEASED})
# Of these nobody hears before a grace ends: what an office did to many -> what it made of them.
GRACED = {
    OfficeEntry.Event.DECLARED: frozenset({Event.IN_DOUBT}),
    OfficeEntry.Event.CUT_CHANGED: frozenset({Event.IN_DOUBT}),
    OfficeEntry.Event.APPLIED: frozenset({Event.STANDS, Event.MOVED, Event.NO_SEAT}),
}
# Questions which the person has not answered themselves.
UNANSWERED = (Offer.State.OPEN, Offer.State.KEPT, Offer.State.RELEASED)
# Whom the one SMS of a list has still to reach.
TO_HEAR = Q(offer__isnull=True, left=False) | Q(offer__state__in=UNANSWERED)
NEVER = datetime.min.replace(tzinfo=UTC)
AT_LAST = datetime.max.replace(tzinfo=UTC)


class Line(Protocol):
    """What the list reads of a line of the timeline."""

    appointment_id: int
    at: datetime
    event: str
    by: str
    from_slot_id: int | None


class Why(StrEnum):
    """Why somebody is on the list."""

    NOT_REACHED = "not_reached"
    NO_ADDRESS = "no_address"
    NO_SEAT = "no_seat"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How an appointment stands at this moment, for whoever is not in the office.

    `visit`: where and when they are to come, or would have. `question`: an offer that waits for
    their answer.
    """

    appointment: Appointment
    subject: Call.Subject
    visit: Slot | None
    question: Offer | None

    @property
    def print(self) -> str:
        """Changes when what has to be said changes."""
        visit = self.visit.pk if self.visit else 0
        asked = self.question.pk if self.question else 0
        text = f"{self.appointment.pk} {self.subject} {visit} {asked}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class Person(Standing):
    """Somebody on the list.

    `old`: the seat which they have lost and, for all we know, still believe in. `urgent_at`: the
    soonest of the two visits, if one is still to come.
    """

    old: Slot | None
    why: frozenset[Why]
    since: datetime
    urgent_at: datetime | None
    centre_id: int
    # The list of several people (offer_lists) whose one SMS reached nobody.
    list_ids: tuple[int, ...]

    @property
    def comes_in_vain(self) -> bool:
        """The soonest visit is one that does not take place, and they do not know it."""
        return self.old is not None and self.old.starts_at == self.urgent_at


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One call: a person, or all who are reached at the same number, the soonest visit first."""

    people: tuple[Person, ...]
    phone: str
    # About these people, the newest first.
    calls: tuple[Call, ...]
    # Whoever is calling them at this moment.
    claim: CallClaim | None
    now: datetime

    @property
    def lead(self) -> Person:
        return self.people[0]

    @property
    def pk(self) -> int:
        """The number by which pages name it."""
        return self.lead.appointment.pk

    @property
    def ids(self) -> list[int]:
        return sorted(person.appointment.pk for person in self.people)

    @property
    def centre_id(self) -> int:
        """On whose list it is: where the soonest visit is, or was."""
        return self.lead.centre_id

    @property
    def since(self) -> datetime:
        return min(person.since for person in self.people)

    @property
    def why(self) -> frozenset[Why]:
        return frozenset().union(*(person.why for person in self.people))

    @property
    def is_soon(self) -> bool:
        urgent = self.lead.urgent_at
        return urgent is not None and urgent <= self.now + SOON

    @property
    def tries(self) -> int:
        """Calls without an answer since there is something to tell."""
        unanswered = [c for c in self.calls if c.outcome == Outcome.NO_ANSWER]
        return len({call.key for call in unanswered if call.at >= self.since})

    @property
    def last(self) -> Call | None:
        return self.calls[0] if self.calls else None

    @property
    def call_again_at(self) -> datetime | None:
        """Not before this moment; None: at any time."""
        if self.last is None:
            return None
        again = self.last.call_back_at
        if self.last.outcome == Outcome.NO_ANSWER:
            again = self.last.at + timedelta(minutes=settings.CALL_AGAIN_MINUTES)
        return again if again and again > self.now else None

    @property
    def has_wrong_number(self) -> bool:
        """Somebody else answers at the number that is known of them."""
        if not self.phone:
            return False
        digest = number_digest(self.phone)
        return any(
            call.outcome == Outcome.WRONG_NUMBER and call.number_digest == digest
            for call in self.calls
        )

    @property
    def can_be_called(self) -> bool:
        return bool(self.phone) and not self.has_wrong_number

    @property
    def rank(self) -> int:
        """0: within a day · 1 · 2: nobody answers, or there is no number · 3: not yet again."""
        if self.call_again_at:
            return 3
        if self.tries >= TRIES or not self.can_be_called:
            return 2
        return 0 if self.is_soon else 1

    @property
    def seen(self) -> dict[int, str]:
        """Of each, a print of what an officer reads to them: saving asks whether it is still so."""
        return {person.appointment.pk: person.print for person in self.people}

    def order(self) -> tuple[Any, ...]:
        return self.rank, self.lead.urgent_at or AT_LAST, self.since, self.pk


def entries(*, now: datetime, region_ids: Collection[int] | None = None) -> list[Entry]:
    """The whole list of these regions (None: of all), whoever comes first first.

    As many queries for one person as for thousands.
    """
    everybody = Q() if region_ids is None else Q(application__region__in=region_ids)
    return _entries(everybody, now)


def entry_of(*, appointment_id: int, now: datetime) -> Entry | None:
    """The entry that this appointment is part of; None if nobody there has to be called."""
    found = Appointment.objects.with_people().filter(pk=appointment_id).first()
    if found is None:
        return None
    phone, _email, _language = found.contact
    beside = Q(pk=appointment_id)
    if phone:
        at_phone = Q(application__phone=phone) | Q(application__claimed_by__phone=phone)
        beside |= at_phone & Q(application__region=found.application.region_id)
    of_phone = _entries(beside, now)
    return next((entry for entry in of_phone if appointment_id in entry.ids), None)


def standings(*, appointment_ids: Collection[int], now: datetime) -> list[Standing]:
    """How these stand, whether or not they have to be called; in the order of their numbers."""
    facts = Facts(appointment_ids, now)
    return [facts.standing(each) for each in sorted(facts.appointments, key=lambda a: a.pk)]


def soonest_visit(*, appointment_ids: Collection[int], now: datetime) -> datetime | None:
    """The next visit of any of these that is to come, or that they believe in."""
    facts = Facts(appointment_ids, now)
    visits = (facts.soonest_visit(appointment) for appointment in facts.appointments)
    return min((visit for visit in visits if visit), default=None)


def is_waited_for(*, list_id: int, but: Collection[int], now: datetime) -> bool:
    """Whether somebody else of a list of several people has still to be called about it."""
    rows = Listed.objects.filter(TO_HEAR, offer_list=list_id)
    facts = Facts(set(rows.values_list("appointment_id", flat=True)) - set(but), now)
    people = (facts.person(appointment) for appointment in facts.appointments)
    return any(person is not None and list_id in person.list_ids for person in people)


def _entries(only: Q, now: datetime) -> list[Entry]:
    facts = Facts(_candidates(only), now)
    groups: dict[tuple[int, str], list[Person]] = defaultdict(list)
    for appointment in facts.appointments:
        person = facts.person(appointment)
        if person is not None:
            phone, _email, _language = appointment.contact
            region_id = appointment.application.region_id
            groups[region_id, phone or f"nobody's {appointment.pk}"].append(person)
    return sorted((facts.entry(people) for people in groups.values()), key=Entry.order)


def _candidates(only: Q) -> set[int]:
    """Who may be on the list; each part of the query by an index of its own."""
    live = Appointment.objects.filter(only, state__in=Appointment.LIVE_STATES)
    listed = Listed.objects.filter(TO_HEAR, offer_list__in=reach.numbers("offer-list")).values(
        "appointment"
    )
    reached = Call.objects.filter(appointment=OuterRef("pk"), outcome=Outcome.REACHED)
    changed = ~Q(state=Appointment.State.CONFIRMED) | Q(moved_count__gt=0) | Q(Exists(reached))
    chosen = (
        live.filter(pk__in=reach.numbers("appointment")),
        live.filter(pk__in=listed),
        live.filter(state=Appointment.State.WAITING, joined_waiting=False),
        live.filter(changed, application__phone=""),
    )
    first, *others = (rows.values_list("pk", flat=True) for rows in chosen)
    return set(first.union(*others))


class Facts:
    """All that the list has to know of these appointments, read at once."""

    def __init__(self, ids: Collection[int], now: datetime) -> None:
        self.now = now
        appointments = Appointment.objects.select_related("application__claimed_by")
        self.appointments = list(appointments.filter(pk__in=ids))
        self.timeline = _by_appointment(
            TimelineEntry.objects.filter(appointment__in=ids)
            .filter(Q(event__in=NEWS) | Q(by=APPLICANT) | Q(from_slot__isnull=False))
            .order_by("pk")
            .values_list("appointment_id", "at", "event", "by", "from_slot_id", named=True)
        )
        self.out_at = _ends_of_grace(e for lines in self.timeline.values() for e in lines)
        offers = Offer.objects.filter(
            appointment__in=ids, state=Offer.State.OPEN, live_at__lte=now
        ).defer("token_hash")
        self.questions = {offer.appointment_id: offer for offer in offers}
        lines = PlanLine.objects.filter(
            appointment__in=ids, plan__state=Plan.State.APPLIED, plan__live_at__gt=now
        )
        self.in_grace = {line.appointment_id: line for line in lines}
        self._fetch_slots()
        self.lists = _lists(ids)
        self.notices = reach.about([ref for a in self.appointments for ref in self._references(a)])
        self.arrived = reach.arrived(self.notices)
        self._fetch_hopes()
        people = {a.application.claimed_by_id for a in self.appointments}
        self.used = dict(
            Device.objects.filter(person__in=people - {None})
            .values_list("person")
            .annotate(Max("last_used_at"))
        )
        self.calls = _by_appointment(Call.objects.filter(appointment__in=ids).order_by("-pk"))
        claims = CallClaim.objects.filter(appointment__in=ids, until__gt=now)
        self.claims = {c.appointment_id: c for c in claims.select_related("officer")}

    def _fetch_slots(self) -> None:
        """Thousands of people share a few slots: each slot and its centre is made once."""
        wanted = {a.slot_id for a in self.appointments}
        wanted |= {e.from_slot_id for entries in self.timeline.values() for e in entries}
        wanted |= {line.from_slot_id for line in self.in_grace.values()}
        for offer in self.questions.values():
            wanted |= {offer.old_slot_id, offer.new_slot_id}
        self.slots = Slot.objects.select_related("centre").in_bulk(wanted - {None})
        for appointment in self.appointments:
            appointment.slot = self._slot(appointment.slot_id)
        for offer in self.questions.values():
            offer.old_slot = self._slot(offer.old_slot_id)
            offer.new_slot = self.slots[offer.new_slot_id]

    def _fetch_hopes(self) -> None:
        """What else said the same to those whom a message did not reach: to them, to a list."""
        missed = [
            a.pk
            for a in self.appointments
            if any(reference in self.notices for reference in self._references(a))
        ]
        self.on_lists = listing.references_of(missed)
        own = [messages.reference_of(pk) for pk in missed]
        of_lists = [reference for each in self.on_lists.values() for reference in each]
        self.hopeful = reach.hopeful([*own, *of_lists]) if of_lists else {}

    def _slot(self, slot_id: int | None) -> Slot | None:
        return self.slots[slot_id] if slot_id else None

    # --- One person ---

    def person(self, appointment: Appointment) -> Person | None:
        """Why and with what they have to be called; None if they have not, or not any more."""
        if self._is_over(appointment):
            return None
        stands = self.standing(appointment)
        unheard = self._unheard(appointment)
        troubles = self._troubles(appointment, unheard)
        why = {Why.NOT_REACHED} if troubles else set()
        if self._has_no_seat(appointment, unheard):
            why.add(Why.NO_SEAT)
        if self._has_no_address(appointment, stands.subject, unheard):
            why.add(Why.NO_ADDRESS)
        if not why:
            return None
        old = self._believed(unheard, stands)
        return Person(
            appointment=appointment,
            subject=stands.subject,
            visit=stands.visit,
            question=stands.question,
            old=old,
            why=frozenset(why),
            since=min([self._out_at(e) for e in unheard] or [row.since for row in troubles]),
            urgent_at=self._soonest(old, stands),
            centre_id=self._centre_id(appointment, stands.visit),
            list_ids=tuple(self.lists[appointment.pk]),
        )

    def soonest_visit(self, appointment: Appointment) -> datetime | None:
        """The next visit that is to come or that they believe in, told of it or not."""
        stands = self.standing(appointment)
        return self._soonest(self._believed(self._unheard(appointment), stands), stands)

    def _soonest(self, old: Slot | None, stands: Standing) -> datetime | None:
        return min(_to_come((old, stands.visit), self.now), default=None)

    def standing(self, appointment: Appointment) -> Standing:
        """Within the grace of a plan nothing has happened yet: it may be undone."""
        line = self.in_grace.get(appointment.pk)
        if line is not None and line.to_slot_id == appointment.slot_id:
            return Standing(
                appointment=appointment,
                subject=Subject.IN_DOUBT,
                visit=self.slots[line.from_slot_id],
                question=None,
            )
        question = self.questions.get(appointment.pk)
        return Standing(
            appointment=appointment,
            subject=_subject(appointment, question),
            visit=appointment.slot,
            question=question,
        )

    def _is_over(self, appointment: Appointment) -> bool:
        slot = appointment.slot
        confirmed = appointment.state == Appointment.State.CONFIRMED
        return confirmed and slot is not None and slot.starts_at <= self.now

    def _heard_at(self, appointment: Appointment) -> datetime:
        """When they last saw for themselves how it stands, or were told by phone."""
        person = appointment.application.claimed_by
        moments = [call.at for call in self.calls[appointment.pk] if call.outcome in Call.ENDING]
        moments += [e.at for e in self.timeline[appointment.pk] if e.by == APPLICANT]
        if person is not None:
            moments += [m for m in (person.last_login, self.used.get(person.pk)) if m]
        return max(moments, default=NEVER)

    def _unheard(self, appointment: Appointment) -> list[Line]:
        """News that is out and that they have not heard of, the oldest first.

        Whoever was told within a grace was told what was true before it.
        """
        heard = self._heard_at(appointment)
        return [
            e
            for e in self.timeline[appointment.pk]
            if e.event in NEWS and heard < self._out_at(e) <= self.now
        ]

    def _out_at(self, line: Line) -> datetime:
        """When a message about it could leave: at once, or when its grace ended."""
        return self.out_at.get((line.at, line.event), line.at)

    def _troubles(self, appointment: Appointment, unheard: Sequence[Line]) -> list[NotReached]:
        """Notices that reached them on no channel, and were not overtaken by one that did."""
        heard = self._heard_at(appointment)
        news = [e for e in self.timeline[appointment.pk] if e.event in NEWS]
        found = []
        for reference in self._references(appointment):
            arrived = self.arrived.get(reference, NEVER)
            for row in self.notices.get(reference, []):
                if self._is_said_otherwise(appointment, row):
                    continue
                about = next((e for e in reversed(news) if self._out_at(e) <= row.since), None)
                if about is None:
                    still = row.since > max(heard, arrived)
                else:
                    still = about in unheard and about.at > arrived
                if still:
                    found.append(row)
        return found

    def _is_said_otherwise(self, appointment: Appointment, row: NotReached) -> bool:
        """An SMS to all of a list and an email to each are one notice, as SMS and email to one."""
        if listing.is_list(row.reference):
            others = [messages.reference(appointment)]
            kinds = list(listing.SAYS.get(row.kind, ()))
        else:
            others = self.on_lists.get(appointment.pk, [])
            kinds = listing.that_say(row.kind)
        return any((kind, row.batch) in self.hopeful.get(o, ()) for o in others for kind in kinds)

    def _has_no_seat(self, appointment: Appointment, unheard: Iterable[Line]) -> bool:
        """Called whether or not a message arrived: there is no new time to read in it."""
        waits = appointment.state == Appointment.State.WAITING and not appointment.joined_waiting
        return waits and any(e.event == Event.NO_SEAT for e in unheard)

    def _has_no_address(
        self, appointment: Appointment, subject: Call.Subject, unheard: Sequence[Line]
    ) -> bool:
        """No message is ever written for them. That it stands is news to whoever heard a doubt."""
        phone, email, _language = appointment.contact
        if phone or email or not unheard:
            return False
        reached = any(c.outcome == Outcome.REACHED for c in self.calls[appointment.pk])
        return subject != Subject.STANDS or reached

    def _believed(self, unheard: Iterable[Line], stands: Standing) -> Slot | None:
        """The time which they still believe in: the first that was taken without their knowing."""
        lost = (self._slot(e.from_slot_id) for e in unheard if e.event in TAKING)
        asked = stands.question
        before = asked.old_slot if asked and asked.kind == Offer.Kind.MOVED else None
        old = next((slot for slot in lost if slot), before)
        same = old and stands.visit and old.pk == stands.visit.pk
        return None if same else old

    def _centre_id(self, appointment: Appointment, visit: Slot | None) -> int:
        if visit is not None:
            return visit.centre_id
        lost = (self._slot(e.from_slot_id) for e in self.timeline[appointment.pk][::-1])
        last = next((slot for slot in lost if slot), None)
        return last.centre_id if last else appointment.application.home_centre_id

    def _references(self, appointment: Appointment) -> Iterator[str]:
        yield messages.reference(appointment)
        for list_id in self.lists[appointment.pk]:
            yield listing.reference(list_id)

    # --- One call ---

    def entry(self, people: Iterable[Person]) -> Entry:
        ordered = sorted(people, key=lambda p: (p.urgent_at or AT_LAST, p.appointment.pk))
        ids = [person.appointment.pk for person in ordered]
        phone, _email, _language = ordered[0].appointment.contact
        calls = [call for pk in ids for call in self.calls[pk]]
        return Entry(
            people=tuple(ordered),
            phone=phone,
            calls=tuple(sorted(calls, key=lambda call: -call.pk)),
            claim=next((self.claims[pk] for pk in ids if pk in self.claims), None),
            now=self.now,
        )


def _ends_of_grace(lines: Iterable[Line]) -> dict[tuple[datetime, str], datetime]:
    """Moment and event of news that had a grace -> when messages about it may leave.

    What an office does to many is written at one moment, on their timelines and on its own.
    """
    graced = frozenset().union(*GRACED.values())
    moments = {line.at for line in lines if line.event in graced}
    done = OfficeEntry.objects.filter(event__in=GRACED, at__in=moments)
    rows = done.values_list("event", "at", "outage__grace_until", "plan__live_at")
    return {
        (at, event): live_at or max(at, grace_until)
        for written, at, grace_until, live_at in rows
        for event in GRACED[OfficeEntry.Event(written)]
    }


def _subject(appointment: Appointment, question: Offer | None) -> Call.Subject:
    if appointment.state == Appointment.State.IN_DOUBT:
        return Subject.IN_DOUBT
    if question is not None and question.kind == Offer.Kind.MOVED:
        keeps = question.silence == Plan.Silence.KEEP
        return Subject.MOVED_KEEP if keeps else Subject.MOVED_ANSWER
    if appointment.state == Appointment.State.WAITING:
        return Subject.SEAT_FOUND if question else Subject.NO_SEAT
    if question is not None:
        return Subject.EARLIER
    return Subject.MOVED if appointment.original_date else Subject.STANDS


def _to_come(slots: Iterable[Slot | None], now: datetime) -> list[datetime]:
    return [slot.starts_at for slot in slots if slot and slot.starts_at > now]


def _lists(ids: Collection[int]) -> dict[int, list[int]]:
    """Appointment -> lists whose one SMS reached nobody, and where they have not answered."""
    found: dict[int, list[int]] = defaultdict(list)
    rows = Listed.objects.filter(
        TO_HEAR, appointment__in=ids, offer_list__in=reach.numbers("offer-list")
    )
    for appointment_id, list_id in rows.values_list("appointment_id", "offer_list_id"):
        found[appointment_id].append(list_id)
    return found


def _by_appointment(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.appointment_id].append(row)
    return found
