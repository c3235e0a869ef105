"""Calls to people whom no message reaches: who takes whom, what became of it, who saw a number."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from appointments.models.appointments import Appointment
from appointments.models.centres import Centre

NOTE_LENGTH = 200


class Call(models.Model):
    """What became of one call, for one of the people it was about.

    Several people behind one phone are one call: their rows have the same `key`.
    """

    class Outcome(models.TextChoices):
        REACHED = "reached", "Reached and told"
        NO_ANSWER = "no_answer", "No answer"
        CALL_BACK = "call_back", "Asked to be called again"
        WRONG_NUMBER = "wrong_number", "Wrong number"
        REFUSES = "refuses", "Does not want to hear it"

    # Nobody calls again about the same news.
    ENDING = (Outcome.REACHED, Outcome.REFUSES)

    class Subject(models.TextChoices):
        """What a person has to be told: how their appointment stands."""

        IN_DOUBT = "in_doubt", "In doubt: do not travel"
        MOVED_ANSWER = "moved_answer", "New time: must be accepted"
        MOVED_KEEP = "moved_keep", "New time: may be changed"
        MOVED = "moved", "New time: stands"
        NO_SEAT = "no_seat", "No seat yet: do not travel"
        SEAT_FOUND = "seat_found", "Seat found: must be accepted"
        EARLIER = "earlier", "Earlier time on offer"
        STANDS = "stands", "Stands"

    # Asked by the page's form: sent twice, it is recorded once.
    key = models.UUIDField()
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="calls")
    # On whose list they were.
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="+")
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=Outcome)
    call_back_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=NOTE_LENGTH, blank=True)
    # What was said to whoever was reached; empty for everybody else.
    told = models.CharField(max_length=12, choices=Subject, blank=True)
    # Which number was called: it may prove wrong, and the person may have another one tomorrow.
    number_digest = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["key", "appointment"], name="call_recorded_once"),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=["reached", "no_answer", "call_back", "wrong_number", "refuses"]
                ),
                name="call_outcome_known",
            ),
            models.CheckConstraint(
                condition=(Q(outcome="call_back") & Q(call_back_at__isnull=False))
                | (~Q(outcome="call_back") & Q(call_back_at__isnull=True)),
                name="call_back_exactly_when_asked",
            ),
            models.CheckConstraint(
                condition=Q(call_back_at__isnull=True) | Q(call_back_at__gt=F("at")),
                name="call_back_after_call",
            ),
            models.CheckConstraint(
                condition=(Q(outcome="reached") & ~Q(told=""))
                | (~Q(outcome="reached") & Q(told="")),
                name="call_told_exactly_when_reached",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="wrong_number") | ~Q(number_digest=""),
                name="call_wrong_number_is_named",
            ),
        ]
        indexes = [models.Index(fields=["centre", "at"], name="call_by_centre")]

    def __str__(self) -> str:
        return f"call {self.pk}"


class CallClaim(models.Model):
    """An officer has taken a person, so that two do not call the same; it lapses by itself."""

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="+")
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="+")
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    claimed_at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["appointment"], name="callclaim_one_per_appointment"),
            models.CheckConstraint(
                condition=Q(until__gt=F("claimed_at")), name="callclaim_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"claim of {self.appointment_id}"


class NumberView(models.Model):
    """An officer saw a person's whole number. Kept for a year (DPDP: logs of access)."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="+")
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"view of the number of {self.appointment_id} at {self.at:%Y-%m-%d %H:%M}"
