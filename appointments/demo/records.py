"""Rows of invented bookings, collected and then written in the order in which they depend."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from appointments.models import Application, Appointment, Slot, TimelineEntry, VisitAttempt
from appointments.timeline import APPLICANT, OFFICER, entry

BATCH = 2000
VISIT_LENGTH = timedelta(minutes=95)  # counters A, B and C
MARKED_ABSENT_AFTER = timedelta(hours=3)

Event = TimelineEntry.Event


class Records:
    """What one day of the build adds. `save` empties it."""

    applications: list[Application]
    appointments: list[Appointment]
    attempts: list[VisitAttempt]
    entries: list[TimelineEntry]

    def __init__(self) -> None:
        self.clear()

    def apply(self, applications: Iterable[Application]) -> None:
        self.applications.extend(applications)

    def book(self, application: Application, slot: Slot, at: datetime) -> Appointment:
        """A date that the person chose: it uses a visit attempt."""
        appointment = Appointment(application=application, slot=slot, booked_at=at)
        self.appointments.append(appointment)
        self._choose(application, slot, at)
        self._write(appointment, Event.BOOKED, at, APPLICANT, new=slot)
        return appointment

    def change(self, appointment: Appointment, new: Slot, at: datetime) -> None:
        """The person moved to another date themselves."""
        old, appointment.slot = appointment.slot, new
        self._choose(appointment.application, new, at)
        self._write(appointment, Event.CHANGED, at, APPLICANT, old=old, new=new)

    def cancel(self, appointment: Appointment, at: datetime) -> None:
        old, appointment.slot = appointment.slot, None
        appointment.state = Appointment.State.CANCELLED
        self._write(appointment, Event.CANCELLED, at, APPLICANT, old=old)

    def end(self, appointment: Appointment, *, came: bool) -> None:
        """The day has passed: the centre marked the visit, or the absence."""
        state = Appointment.State.COMPLETED if came else Appointment.State.NO_SHOW
        event = Event.COMPLETED if came else Event.NO_SHOW
        after = VISIT_LENGTH if came else MARKED_ABSENT_AFTER
        assert appointment.slot is not None
        appointment.state = state
        self._write(appointment, event, appointment.slot.starts_at + after, OFFICER)

    def _choose(self, application: Application, slot: Slot, at: datetime) -> None:
        self.attempts.append(VisitAttempt(application=application, date=slot.date, chosen_at=at))

    def _write(
        self,
        appointment: Appointment,
        event: TimelineEntry.Event,
        at: datetime,
        by: str,
        *,
        old: Slot | None = None,
        new: Slot | None = None,
    ) -> None:
        self.entries.append(
            entry(
                appointment=appointment,
                event=event,
                at=at,
                actor=None,
                by=by,
                from_slot=old,
                to_slot=new,
            )
        )

    def save(self) -> None:
        """Write everything collected so far."""
        Application.objects.bulk_create(self.applications, batch_size=BATCH)
        Appointment.objects.bulk_create(self.appointments, batch_size=BATCH)
        VisitAttempt.objects.bulk_create(self.attempts, batch_size=BATCH)
        TimelineEntry.objects.bulk_create(self.entries, batch_size=BATCH)
        self.clear()

    def clear(self) -> None:
        self.applications = []
        self.appointments = []
        self.attempts = []
        self.entries = []
