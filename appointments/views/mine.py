"""My appointments: what stands, what is asked, what has happened."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts import consents
from accounts.pages import person_of
from appointments import booking, waiting_list, words
from appointments.models import Application, Appointment, Hold, Offer, TimelineEntry
from appointments.views.common import applicant_page


@dataclass(frozen=True)
class Entry:
    """One application as its page shows it."""

    application: Application
    # The live one; else the last one that has ended; None: never booked.
    appointment: Appointment | None
    # What a plan asks; and the question about a seat that is kept (one of the two at most).
    question: Offer | None
    seat_question: Offer | None
    # A seat that waits to be confirmed.
    hold: Hold | None
    attempts_left: int
    now: datetime
    # Of somebody on the waiting list.
    place: waiting_list.Place | None = None
    rules: waiting_list.Rules | None = None

    @property
    def is_live(self) -> bool:
        return self.appointment is not None and self.appointment.is_live

    @property
    def may_change(self) -> bool:
        """Change and cancel are offered while the visit is to come and not in doubt."""
        if self.appointment is None or self.appointment.slot is None:
            return False
        return (
            self.appointment.state == Appointment.State.CONFIRMED
            and self.appointment.slot.starts_at > self.now
        )

    @property
    def may_choose(self) -> bool:
        """Nothing booked, not seen yet and dates left; or on the waiting list."""
        if self.is_live or booking.visit_is_done(self.application):
            return self.is_waiting
        return self.attempts_left > 0

    @property
    def may_travel(self) -> bool:
        """A visit is booked or may be: a proof of urgent travel is of use."""
        return self.is_live or self.may_choose

    @property
    def may_join(self) -> bool:
        """The waiting list is for those who may book and have nothing."""
        return self.may_choose and not self.is_waiting

    @property
    def is_waiting(self) -> bool:
        return self.appointment is not None and self.appointment.state == Appointment.State.WAITING

    @cached_property  # read twice by the page; the words of a reason are no reason
    def timeline(self) -> list[TimelineEntry]:
        """The newest first; why, in words (these rows are shown, never saved)."""
        entries = list(reversed(self.appointment.timeline.all())) if self.appointment else []
        for entry in entries:
            entry.why = words.why(entry.why)
        return entries


@applicant_page
def mine(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    entries = [_entry(application, now) for application in _applications(request, now)]
    entries = _with_places(entries, now)
    # Whoever has to answer sees that first.
    entries.sort(key=lambda entry: entry.question is None and entry.seat_question is None)
    context = {"entries": entries, "notice_due": consents.notice_is_due(person_of(request))}
    return render(request, "appointments/mine.html", context)


def _applications(request: HttpRequest, now: datetime) -> QuerySet[Application]:
    """With all that the page shows of them, in as many queries for one as for ten."""
    slots = ("old_slot__centre", "new_slot__centre")
    questions = Offer.objects.filter(state=Offer.State.OPEN, live_at__lte=now)
    timeline = TimelineEntry.objects.select_related("from_slot__centre", "to_slot__centre")
    holds = Hold.objects.filter(purpose__in=booking.OWN_PURPOSES, expires_at__gt=now)
    appointments = Appointment.objects.select_related("slot__centre").order_by("booked_at", "pk")
    return (
        Application.objects.filter(claimed_by=person_of(request))
        .select_related("home_centre")
        .prefetch_related(
            Prefetch("appointments", appointments),
            Prefetch("appointments__offers", questions.select_related(*slots)),
            Prefetch("appointments__timeline", timeline),
            Prefetch("holds", holds.select_related("slot__centre")),
            "visit_attempts",
            "travel_proofs",
        )
        .order_by("claimed_at", "pk")
    )


def _with_places(entries: list[Entry], now: datetime) -> list[Entry]:
    """Those who wait read where they stand in the line, and how it moves."""
    waiting = [entry for entry in entries if entry.is_waiting]
    if not waiting:
        return entries
    places = waiting_list.places([e.appointment for e in waiting if e.appointment], now)
    rules = waiting_list.rules_of([entry.application for entry in waiting])
    return [
        replace(
            entry,
            place=places.get(entry.appointment.pk),
            rules=rules[entry.application.pk],
        )
        if entry.is_waiting and entry.appointment
        else entry
        for entry in entries
    ]


def _entry(application: Application, now: datetime) -> Entry:
    appointments = list(application.appointments.all())
    live = next((each for each in appointments if each.is_live), None)
    # Somebody in doubt has nothing to answer: the seat in question may be lost again.
    asked = live is not None and live.state != Appointment.State.IN_DOUBT
    offer = next(iter(live.offers.all()), None) if live and asked else None
    return Entry(
        application=application,
        appointment=live or next(reversed(appointments), None),
        question=offer if offer and not offer.is_seat_offer else None,
        seat_question=offer if offer and offer.is_seat_offer else None,
        hold=next(iter(application.holds.all()), None),
        attempts_left=booking.attempts_left(application, now),
        now=now,
    )
