"""My appointments: what stands, what is asked, what has happened."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from appointments import booking, words
from appointments.models import Application, Appointment, Offer, TimelineEntry
from appointments.views.common import applicant_page, person_of


@dataclass(frozen=True)
class Entry:
    """One application as its page shows it."""

    application: Application
    appointment: Appointment | None
    question: Offer | None
    attempts_left: int
    now: datetime

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
        """Nothing booked and dates left, or on the waiting list."""
        if self.appointment is None:
            return self.attempts_left > 0
        return self.appointment.state == Appointment.State.WAITING

    @property
    def timeline(self) -> list[TimelineEntry]:
        """The newest first; why, in words (these rows are shown, never saved)."""
        shown = self.appointment or self.application.appointments.all().last()
        entries = list(reversed(shown.timeline.all())) if shown else []
        for entry in entries:
            entry.why = words.why(entry.why)
        return entries


@applicant_page
def mine(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    timelines = Prefetch(
        "appointments__timeline",
        TimelineEntry.objects.select_related("from_slot__centre", "to_slot__centre"),
    )
    applications = (
        Application.objects.filter(claimed_by=person_of(request))
        .select_related("home_centre")
        .prefetch_related(
            Prefetch(
                "appointments",
                Appointment.objects.select_related("slot__centre").order_by("booked_at", "pk"),
            ),
            Prefetch(
                "appointments__offers",
                Offer.objects.filter(state=Offer.State.OPEN, live_at__lte=now).select_related(
                    "old_slot__centre", "new_slot__centre"
                ),
            ),
            timelines,
            "visit_attempts",
        )
        .order_by("claimed_at", "pk")
    )
    entries = [_entry(application, now) for application in applications]
    # Whoever has to answer sees that first.
    entries.sort(key=lambda entry: entry.question is None)
    return render(request, "appointments/mine.html", {"entries": entries})


def _entry(application: Application, now: datetime) -> Entry:
    live = next((a for a in application.appointments.all() if a.is_live), None)
    question = next(iter(live.offers.all()), None) if live else None
    return Entry(application, live, question, booking.attempts_left(application, now), now)
