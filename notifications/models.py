"""The outbox: what is to be said, each try to say it, and what became of it.

Knows addresses, languages, kinds and values; nothing of passports. See docs/delivery.md.
"""

import uuid
from datetime import datetime

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q


class Channel(models.TextChoices):
    SMS = "sms", "SMS"
    EMAIL = "email", "Email"


class Message(models.Model):
    """One text to one address. The row is the truth; the broker only carries nudges.

    `values` fill the kind's words. They are rendered when the message is handed over, and what
    was said is kept in `subject`, `body` and `body_html`, its secrets masked.
    """

    class State(models.TextChoices):
        QUEUED = "queued"  # due at next_attempt_at
        SENDING = "sending"  # claimed by a worker until lease_until
        ACCEPTED = "accepted"  # the gateway took it
        FAILED = "failed"  # refused for good
        UNKNOWN = "unknown"  # it may have left; nobody recorded the answer
        EXPIRED = "expired"  # its end of life came first
        CANCELLED = "cancelled"  # taken back before it left

    # Sets of states have a name, so that no query spells one out.
    OPEN_STATES = (State.QUEUED, State.SENDING)
    SENT_STATES = (State.ACCEPTED,)
    # An officer should look at these; only they can be sent again by hand.
    TROUBLED_STATES = (State.UNKNOWN, State.FAILED)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    dedupe_key = models.CharField(max_length=120)
    kind = models.CharField(max_length=24)
    channel = models.CharField(max_length=8, choices=Channel)
    address = models.CharField(max_length=254)
    language = models.CharField(max_length=2)
    values = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    # `values` holds a one-time code or a link that signs in; the sweeper wipes it after use.
    holds_secrets = models.BooleanField(default=False)
    # What the caller calls the matter ("appointment:17") and the batch ("plan:3"); opaque here.
    reference = models.CharField(max_length=60, blank=True, db_index=True)
    batch = models.CharField(max_length=60, blank=True, db_index=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    # Urgency: soonest first. The moment the message is about (a visit), or its creation.
    urgent_by = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    # In quiet hours it leaves only from this moment on; null: it never leaves in quiet hours.
    quiet_ok_from = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    # Taken back while a worker held it: it must not return to the queue.
    cancel_requested = models.BooleanField(default=False)
    # The one repeat that an unknown outcome allows has been used.
    repeated = models.BooleanField(default=False)
    # Number of the latest attempt, and transient answers so far, which set the next wait.
    attempt_count = models.PositiveSmallIntegerField(default=0)
    failure_count = models.PositiveSmallIntegerField(default=0)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    body_html = models.TextField(blank=True)
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    # When the gateway took it (or an officer said that it did).
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dedupe_key"], name="message_dedupe_key_unique"),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        *("queued", "sending", "accepted", "failed"),
                        *("unknown", "expired", "cancelled"),
                    ]
                ),
                name="message_state_known",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=["sms", "email"]), name="message_channel_known"
            ),
            models.CheckConstraint(
                condition=Q(language__in=["hi", "en"]), name="message_language_known"
            ),
            models.CheckConstraint(condition=~Q(address=""), name="message_has_address"),
            models.CheckConstraint(
                condition=Q(state="sending", lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(state="sending") & Q(lease_token__isnull=True, lease_until__isnull=True)),
                name="message_lease_exactly_while_sending",
            ),
            models.CheckConstraint(
                condition=Q(state="accepted", sent_at__isnull=False)
                | (~Q(state="accepted") & Q(sent_at__isnull=True)),
                name="message_sent_at_exactly_when_accepted",
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel", "urgent_by", "id"],
                condition=Q(state="queued"),
                name="message_queue",
            ),
            models.Index(
                fields=["expires_at"], condition=Q(state="queued"), name="message_ends_of_life"
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state="sending"), name="message_leases"
            ),
            models.Index(
                fields=["state", "created_at"],
                condition=Q(state__in=["unknown", "failed"]),
                name="message_troubles",
            ),
            models.Index(
                fields=["expires_at"], condition=Q(holds_secrets=True), name="message_secrets"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.public_id}"


class Attempt(models.Model):
    """One try to hand a message to a gateway.

    Created when the message is claimed; `started_at` is written just before the network call, so
    that after a crash a message which never left can be told from one which may have.
    """

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted"
        PERMANENT = "permanent"  # the gateway refuses it for good
        TRANSIENT = "transient"  # try again later
        UNKNOWN = "unknown"  # it may have left
        NOT_STARTED = "not_started"  # given back, or its worker died, before the call

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    lease_token = models.UUIDField()
    gateway = models.CharField(max_length=40)
    # Ours, given to the gateway, so that its log can be compared with this one.
    client_reference = models.UUIDField(default=uuid.uuid4)
    gateway_reference = models.CharField(max_length=100, blank=True)
    # The recipient may have the message already: an earlier attempt ended unknown.
    is_repeat = models.BooleanField(default=False)
    claimed_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="attempt_number_unique"),
            models.UniqueConstraint(fields=["client_reference"], name="attempt_reference_unique"),
            models.UniqueConstraint(
                fields=["message"], condition=Q(outcome=""), name="attempt_one_open_per_message"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="")
                | (Q(ended_at__isnull=False) & ~Q(outcome="")),
                name="attempt_outcome_exactly_when_ended",
            ),
            models.CheckConstraint(
                condition=Q(outcome="")
                | Q(outcome="not_started", started_at__isnull=True)
                | (~Q(outcome="not_started") & Q(started_at__isnull=False)),
                name="attempt_started_unless_not_started",
            ),
            models.CheckConstraint(
                condition=Q(started_at__isnull=True) | Q(started_at__gte=F("claimed_at")),
                name="attempt_started_after_claim",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}/{self.number} {self.outcome or 'open'}"

    def seconds(self) -> float | None:
        """Length of the call, or None while it is open or was never started."""
        if self.started_at is None or self.ended_at is None:
            return None
        ended: datetime = self.ended_at
        return (ended - self.started_at).total_seconds()


class Decision(models.Model):
    """What an officer decided about a message whose fate was unknown, or which was refused."""

    class Verb(models.TextChoices):
        RESEND = "resend", "Send again"
        TREAT_AS_SENT = "treat_as_sent", "Treat as sent"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="decisions")
    verb = models.CharField(max_length=14, choices=Verb)
    # A label, not a key: this app knows nothing of accounts.
    by = models.CharField(max_length=80)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(by="") & ~Q(reason=""), name="decision_has_actor_and_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.by}"


class Gate(models.Model):
    """A named gate, shut until a moment: the sweeper's turn, a channel that was asked to wait.

    One row per name; passing is a conditional UPDATE, so that of many who come one gets through.
    """

    name = models.CharField(max_length=20)
    shut_until = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="gate_name_unique")]

    def __str__(self) -> str:
        return f"{self.name} shut until {self.shut_until:%Y-%m-%d %H:%M:%S}"
