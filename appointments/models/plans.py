"""A prepared re-planning, its lines, and the question put to each person it moves."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from appointments.models.appointments import Appointment
from appointments.models.centres import Region, Slot
from appointments.models.outages import Outage


class Plan(models.Model):
    class State(models.TextChoices):
        PREPARED = "prepared"
        APPROVED = "approved"
        APPLIED = "applied"
        UNDONE = "undone"
        DROPPED = "dropped"  # the service came back first, or a later plan took its place

    PENDING_STATES = (State.PREPARED, State.APPROVED)

    class HeldBack(models.TextChoices):
        """Why the clock did not apply it at its hour."""

        BOUNDS = "bounds", "it would exceed what was approved"
        NOBODY = "nobody", "nobody is in doubt any more"
        APPROVAL = "approval", "the approval does not hold any more"
        FAILED = "failed", "no plan could be made"
        LATE = "late", "its hour had passed for too long"

    class Silence(models.TextChoices):
        KEEP = "keep", "The new time stands"
        REQUEUE = "requeue", "The seat is freed, first in line"

    outage = models.ForeignKey(Outage, on_delete=models.PROTECT, related_name="plans")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="plans")
    state = models.CharField(max_length=8, choices=State, default=State.PREPARED)
    # Planner policy (appointments/planning/problem.py), and what silence means.
    policy = models.JSONField(default=dict)
    silence = models.CharField(max_length=8, choices=Silence, default=Silence.KEEP)
    # Approved limits: moved, unplaced, worst_delay_days per tier.
    bounds = models.JSONField(default=dict)
    # Counts as prepared and, once applied, as applied.
    summary = models.JSONField(default=dict)
    # Digest of the lines, so that an approval is of what was seen.
    fingerprint = models.CharField(max_length=64)
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    prepared_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    # A lone officer approved their own plan: reason given, not to be applied before the wait ends.
    lone_reason = models.CharField(max_length=300, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    # "If it is not mended by then, apply": to come while approved. Of a plan that is applied: the
    # clock did it, in the name of whoever approved it.
    decide_by = models.DateTimeField(null=True, blank=True)
    # The last hour came and the clock did not apply it; empty once somebody has decided anew.
    held_back = models.CharField(max_length=8, choices=HeldBack, blank=True)
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    applied_at = models.DateTimeField(null=True, blank=True)
    # End of the grace: links go live, messages leave, undo ends.
    live_at = models.DateTimeField(null=True, blank=True)
    # The grace has passed and the touched slots are open to the public again.
    settled_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-prepared_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["outage", "region"],
                condition=Q(state__in=["prepared", "approved"]),
                name="plan_one_pending_per_outage_and_region",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "applied", "undone"])
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="plan_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | ~Q(approved_by=models.F("prepared_by"))
                | (~Q(lone_reason="") & Q(not_before__isnull=False)),
                name="plan_second_officer_or_lone_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["applied", "undone"])
                | Q(applied_at__isnull=False, live_at__isnull=False),
                name="plan_applied_has_times",
            ),
            models.CheckConstraint(
                condition=Q(decide_by__isnull=True)
                | Q(state__in=["approved", "applied", "undone"]),
                name="plan_hour_only_of_an_approval",
            ),
            models.CheckConstraint(
                condition=Q(decide_by__isnull=True) | Q(decide_by__gt=models.F("approved_at")),
                name="plan_hour_after_approval",
            ),
            models.CheckConstraint(
                condition=Q(decide_by__isnull=True)
                | Q(not_before__isnull=True)
                | Q(decide_by__gte=models.F("not_before")),
                name="plan_hour_after_lone_wait",
            ),
            models.CheckConstraint(
                condition=Q(decide_by__isnull=True)
                | Q(applied_at__isnull=True)
                | Q(applied_at__gte=models.F("decide_by")),
                name="plan_applied_not_before_its_hour",
            ),
            models.CheckConstraint(
                condition=Q(held_back__in=["", "bounds", "nobody", "approval", "failed", "late"]),
                name="plan_held_back_reason_known",
            ),
            models.CheckConstraint(
                condition=Q(held_back="")
                | Q(decide_by__isnull=True, state__in=["prepared", "approved", "dropped"]),
                name="plan_held_back_has_no_hour",
            ),
        ]
        indexes = [
            models.Index(
                fields=["decide_by"], condition=Q(state="approved"), name="plan_hour_to_come"
            )
        ]

    def __str__(self) -> str:
        return f"Plan {self.pk}"


class PlanLine(models.Model):
    """What a plan does with one appointment."""

    class Outcome(models.TextChoices):
        KEEP = "keep"
        MOVE = "move"
        UNPLACED = "unplaced"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="lines")
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="+")
    tier = models.CharField(max_length=12)
    outcome = models.CharField(max_length=8, choices=Outcome)
    reason = models.CharField(max_length=32, blank=True)
    from_slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="+")
    to_slot = models.ForeignKey(
        Slot, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    delay_days = models.SmallIntegerField(null=True, blank=True)
    km = models.PositiveSmallIntegerField(default=0)
    # What undo puts back beside the slot.
    was_state = models.CharField(max_length=10)
    was_original_date = models.DateField(null=True, blank=True)
    was_moved_count = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "appointment"], name="planline_unique"),
            models.CheckConstraint(
                condition=Q(outcome="unplaced", to_slot__isnull=True)
                | (~Q(outcome="unplaced") & Q(to_slot__isnull=False)),
                name="planline_slot_fits_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id}/{self.appointment_id} {self.outcome}"


class OfferList(models.Model):
    """What one event has to say to several people behind one phone, behind one link.

    Who is on it (Listed) is settled when the event happens: the one SMS goes to the phone that all
    of them have then. The link of one person gives no power over the others.
    """

    # Of the one SMS.
    kind = models.CharField(max_length=30)
    # Where it asks: the plan that asks, and the earliest deadline, which the SMS names.
    plan = models.ForeignKey(
        Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="offer_lists"
    )
    deadline = models.DateTimeField(null=True, blank=True)
    # SHA-256 of the token in the link; the token itself stands only in the message.
    token_hash = models.CharField(max_length=64, unique=True)
    # Of the phone (tokens.number_digest): whoever has another one since is not shown any more.
    number_digest = models.CharField(max_length=64, blank=True)
    live_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(deadline__gt=models.F("live_at")), name="offerlist_deadline_after_live"
            ),
            models.CheckConstraint(
                condition=Q(plan__isnull=True, deadline__isnull=True)
                | Q(plan__isnull=False, deadline__isnull=False),
                name="offerlist_deadline_exactly_of_a_plan",
            ),
        ]

    def __str__(self) -> str:
        return f"offer list {self.pk}"


class Offer(models.Model):
    """A question put to one applicant, open until answered or silent."""

    class Kind(models.TextChoices):
        MOVED = "moved"
        EARLIER = "earlier"
        WAITING = "waiting"

    # A hold keeps the seat until the answer; the appointment has not moved.
    SEAT_KINDS = (Kind.EARLIER, Kind.WAITING)

    class State(models.TextChoices):
        OPEN = "open", _("Waiting for your answer")
        ACCEPTED = "accepted", _("Accepted")
        CHANGED = "changed", _("Another time chosen")
        GIVEN_UP = "given_up", _("Given up")
        KEPT = "kept", _("Stands: no answer came")
        RELEASED = "released", _("Released: no answer came")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="offers")
    plan = models.ForeignKey(
        Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="offers"
    )
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    silence = models.CharField(max_length=8, choices=Plan.Silence, default=Plan.Silence.KEEP)
    old_slot = models.ForeignKey(
        Slot, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    new_slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="+")
    # SHA-256 of the token in the link; the token itself stands only in the message.
    token_hash = models.CharField(max_length=64, unique=True)
    live_at = models.DateTimeField()
    deadline = models.DateTimeField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # The plan that put another offer, or none, in its place; its undo opens this one again.
    withdrawn_by = models.ForeignKey(
        Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="withdrawn_offers"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["appointment"],
                condition=Q(state="open"),
                name="offer_one_open_per_appointment",
            ),
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True)
                | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="offer_ended_exactly_when_not_open",
            ),
            models.CheckConstraint(
                condition=Q(deadline__gt=models.F("live_at")), name="offer_deadline_after_live"
            ),
            # Who waits has no time now; who is offered an earlier one has.
            models.CheckConstraint(
                condition=Q(kind="moved")
                | Q(kind="earlier", old_slot__isnull=False)
                | Q(kind="waiting", old_slot__isnull=True),
                name="offer_old_slot_fits_kind",
            ),
            # A plan has moved the person already: "no thanks" would leave them nowhere.
            models.CheckConstraint(
                condition=~Q(state="declined") | ~Q(kind="moved"),
                name="offer_declined_only_a_held_seat",
            ),
        ]
        indexes = [
            models.Index(
                fields=["deadline"], condition=Q(state="open"), name="offer_open_by_deadline"
            )
        ]

    def __str__(self) -> str:
        return f"offer {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def is_seat_offer(self) -> bool:
        return self.kind in self.SEAT_KINDS


class Listed(models.Model):
    """One of the people on a list, and the question that the list's link answers for them."""

    offer_list = models.ForeignKey(OfferList, on_delete=models.CASCADE, related_name="people")
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="listed")
    offer = models.ForeignKey(
        Offer, null=True, blank=True, on_delete=models.PROTECT, related_name="listed"
    )
    # Off it before the SMS left: it does not speak of them.
    left = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer_list", "appointment"], name="listed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.offer_list_id}/{self.appointment_id}"


class OfficeEntry(models.Model):
    """What officers, or the clock, did to an outage or a plan: when, by whom, why."""

    class Event(models.TextChoices):
        DECLARED = "declared"
        NOTICES_SENT = "notices_sent", "notices sent at once"
        TAKEN_BACK = "taken_back"
        CUT_CHANGED = "cut_changed"
        RESTORED = "restored"
        PREPARED = "prepared"
        APPROVED = "approved"
        APPLIED = "applied"
        OUT_OF_BOUNDS = "out_of_bounds", "back to the officer: outside the approved bounds"
        HOUR_SET = "hour_set", "hour given at which it is applied"
        HOUR_WITHDRAWN = "hour_withdrawn", "hour withdrawn"
        HELD_BACK = "held_back", "held back at its hour"
        UNDONE = "undone"
        DROPPED = "dropped"
        SETTLED = "settled", "grace over, seats open again"

    outage = models.ForeignKey(Outage, on_delete=models.PROTECT, related_name="log")
    plan = models.ForeignKey(
        Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="log"
    )
    at = models.DateTimeField()
    event = models.CharField(max_length=14, choices=Event)
    # Null: the clock.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    why = models.CharField(max_length=300, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.event} {self.at:%Y-%m-%d %H:%M}"
