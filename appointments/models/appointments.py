"""An application's place in a slot, seats kept for a moment, and what happened to both."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from appointments.models.applications import Application
from appointments.models.centres import Slot


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def with_people(self) -> "AppointmentQuerySet":
        """With all that a message about them needs, in one query."""
        return self.select_related("application__claimed_by", "slot__centre")


class Appointment(models.Model):
    """States and their ways: docs/architecture.md. A plan moves the appointment itself."""

    class State(models.TextChoices):
        CONFIRMED = "confirmed", _("Confirmed")
        IN_DOUBT = "in_doubt", _("In doubt")
        WAITING = "waiting", _("On the waiting list")
        COMPLETED = "completed", _("Completed")
        NO_SHOW = "no_show", _("Did not come")
        CANCELLED = "cancelled", _("Cancelled")

    SEATED_STATES = (State.CONFIRMED, State.IN_DOUBT)
    LIVE_STATES = (*SEATED_STATES, State.WAITING)

    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="appointments"
    )
    slot = models.ForeignKey(
        Slot, null=True, blank=True, on_delete=models.PROTECT, related_name="appointments"
    )
    state = models.CharField(max_length=10, choices=State, default=State.CONFIRMED)
    booked_at = models.DateTimeField()
    # The date first promised, before any outage moved the person; null while none has.
    original_date = models.DateField(null=True, blank=True)
    moved_count = models.PositiveSmallIntegerField(default=0)
    # Since when without a seat, and whether silence (requeue) put them first in line.
    waiting_since = models.DateTimeField(null=True, blank=True)
    first_in_line = models.BooleanField(default=False)
    # On the waiting list by their own wish, not by an outage: the date found is one they chose.
    joined_waiting = models.BooleanField(default=False)
    # The hold that was confirmed last: a repeated click finds what the first one did.
    confirmed_hold = models.BigIntegerField(null=True, blank=True, unique=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(state__in=["confirmed", "in_doubt", "waiting"]),
                name="appointment_one_live_per_application",
            ),
            models.CheckConstraint(
                condition=(Q(state__in=["confirmed", "in_doubt"]) & Q(slot__isnull=False))
                | (Q(state="waiting") & Q(slot__isnull=True, waiting_since__isnull=False))
                | Q(state__in=["completed", "no_show", "cancelled"]),
                name="appointment_slot_fits_state",
            ),
            # Whoever gave up waiting keeps it as the record of how they came to wait.
            models.CheckConstraint(
                condition=Q(joined_waiting=False) | Q(state__in=["waiting", "cancelled"]),
                name="appointment_joined_only_while_waiting",
            ),
        ]
        indexes = [
            models.Index(fields=["slot", "state"], name="appointment_by_slot"),
            # Who is in line for a seat: read whenever one comes free.
            models.Index(
                fields=["application"], condition=Q(state="waiting"), name="appointment_waiting"
            ),
            models.Index(
                fields=["slot"],
                condition=Q(state="confirmed", moved_count__gt=0),
                name="appointment_moved",
            ),
        ]

    def __str__(self) -> str:
        return f"appointment {self.pk}"

    @property
    def is_live(self) -> bool:
        return self.state in self.LIVE_STATES

    @property
    def contact(self) -> tuple[str, str, str]:
        """(phone, email, language): the account's, where one is linked, before the register's.

        An empty string where there is none. Only what the account has verified counts, and whoever
        does not want emails gets none, whatever the register knows.
        """
        application = self.application
        person = application.claimed_by
        if person is None:
            return application.phone, application.email, application.language
        phone = person.phone if person.phone_verified else ""
        email = person.email if person.email_verified else ""
        email = (email or application.email) if person.email_messages else ""
        return phone or application.phone, email, person.language


class Hold(models.Model):
    """A seat kept for a purpose until a moment. It counts in the slot's `taken`."""

    class Purpose(models.TextChoices):
        BOOKING = "booking"
        CHANGE = "change"
        EARLIER = "earlier"
        WAITING = "waiting"

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="holds")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="holds")
    purpose = models.CharField(max_length=8, choices=Purpose)
    expires_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            # One seat at a time is being chosen for an application.
            models.UniqueConstraint(fields=["application", "purpose"], name="hold_one_per_purpose"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("created_at")), name="hold_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}"


class VisitAttempt(models.Model):
    """A date that the applicant chose (booking, own change). Moves by an outage use none."""

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="visit_attempts"
    )
    date = models.DateField()
    chosen_at = models.DateTimeField()

    class Meta:
        ordering = ["chosen_at", "id"]

    def __str__(self) -> str:
        return f"visit attempt {self.pk}"


class TimelineEntry(models.Model):
    """What happened to an appointment: when, by whom, why. Written with the change itself."""

    class Event(models.TextChoices):
        BOOKED = "booked", _("Booked")
        CHANGED = "changed", _("Date changed by you")
        CANCELLED = "cancelled", _("Cancelled")
        IN_DOUBT = "in_doubt", _("In doubt because of the outage")
        STANDS = "stands", _("Stands after all")
        MOVED = "moved", _("New time given because of the outage")
        NO_SEAT = "no_seat", _("No new time yet: on the waiting list")
        UNDONE = "undone", _("The office took its re-planning back")
        ACCEPTED = "accepted", _("New time accepted")
        KEPT = "kept", _("No answer: the new time stands")
        RELEASED = "released", _("No answer: the new time was released")
        JOINED = "joined", _("Joined the waiting list")
        OFFERED = "offered", _("A time is kept for you: your answer is awaited")
        DECLINED = "declined", _("You did not want the offered time")
        UNANSWERED = "unanswered", _("No answer: the offered time went to the next in line")
        WITHDRAWN = "withdrawn", _("The offered time was withdrawn")
        COMPLETED = "completed", _("Visit completed")
        NO_SHOW = "no_show", _("Did not come")
        TRAVEL_SENT = "travel_sent", _("Proof of travel sent")
        TRAVEL_YES = "travel_yes", _("Urgent travel accepted")
        TRAVEL_NO = "travel_no", _("Proof of travel not accepted")
        TRAVEL_BACK = "travel_back", _("Proof of travel withdrawn")
        PHONED = "phoned", _("Told by phone")

    # What these tell about a seat does not take it away.
    KEEPING = (Event.IN_DOUBT, Event.STANDS, Event.COMPLETED, Event.NO_SHOW)
    # These tell of a time that was only on offer (to_slot); the appointment stays in from_slot.
    ON_OFFER = (Event.OFFERED, Event.DECLINED, Event.UNANSWERED, Event.WITHDRAWN)
    # What the person decided about the date: news from before is void.
    CHOSEN = (Event.BOOKED, Event.CHANGED, Event.ACCEPTED, Event.CANCELLED)

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="timeline")
    at = models.DateTimeField()
    event = models.CharField(max_length=12, choices=Event)
    # Null: the system itself (beat), or the person behind a link.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    by = models.CharField(max_length=12)
    why = models.CharField(max_length=200, blank=True)
    from_slot = models.ForeignKey(
        Slot, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    to_slot = models.ForeignKey(
        Slot, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        # By id: written under the appointment's lock, while `at` was read before the wait for it.
        ordering = ["id"]
        indexes = [models.Index(fields=["appointment", "id"], name="timeline_order")]

    def __str__(self) -> str:
        return f"{self.event} {self.at:%Y-%m-%d %H:%M}"

    @property
    def keeps_seat(self) -> bool:
        return self.event in self.KEEPING

    @property
    def is_on_offer(self) -> bool:
        return self.event in self.ON_OFFER

    @property
    def offer_is_gone(self) -> bool:
        return self.is_on_offer and self.event != self.Event.OFFERED
