"""The outbox: what is to be said, each try to say it, and what became of it.

Knows addresses, languages, kinds and values; nothing of passports. See docs/delivery.md.
"""

import uuid
from datetime import datetime

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

# Django looks for an app's models here.
from notifications.registry.models import SmsTemplate as SmsTemplate
from notifications.registry.models import SmsTemplateEvent as SmsTemplateEvent


class Channel(models.TextChoices):
    SMS = "sms", "SMS"
    EMAIL = "email", "Email"


# States in which a gateway has taken the message.
TAKEN = ("accepted", "delivered", "undelivered", "unconfirmed")


class Lane(models.IntegerChoices):
    """Who goes first. Each lane's own order is by `urgent_by`."""

    URGENT = 0, "urgent"  # codes, and whatever is about the next 24 hours
    OFFERS = 1, "offers"  # asks for an answer by a deadline
    REST = 2, "rest"


class Message(models.Model):
    """One text to one address. The row is the truth; the broker only carries nudges.

    `values` fill the kind's words. They are rendered when the message is handed over, and what
    was said is kept in `subject`, `body` and `body_html`, its secrets masked.
    """

    class State(models.TextChoices):
        QUEUED = "queued"  # due at next_attempt_at
        SENDING = "sending"  # claimed by a worker until lease_until
        ACCEPTED = "accepted"  # the gateway took it
        DELIVERED = "delivered"  # and says that it arrived
        UNDELIVERED = "undelivered"  # and says that it did not arrive
        UNCONFIRMED = "unconfirmed"  # and said nothing more for 72 hours
        FAILED = "failed"  # refused for good
        UNKNOWN = "unknown"  # it may have left; nobody recorded the answer
        EXPIRED = "expired"  # its end of life came first
        CANCELLED = "cancelled"  # taken back before it left

    # Sets of states have a name, so that no query spells one out.
    OPEN_STATES = (State.QUEUED, State.SENDING)
    SENT_STATES = (State.ACCEPTED, State.DELIVERED, State.UNCONFIRMED)
    # An officer should look at these; only they can be sent again by hand.
    TROUBLED_STATES = (State.UNKNOWN, State.FAILED, State.UNDELIVERED)
    # These have not arrived, as far as anybody knows; what was too late to leave never will.
    MISSED_STATES = (*TROUBLED_STATES, State.EXPIRED)

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
    reference = models.CharField(max_length=60, blank=True)
    batch = models.CharField(max_length=60, blank=True)
    # Where it belongs, in a word of the caller's ("region:1"): whoever may look at what belongs
    # there finds it by this. "": nowhere. Opaque here, and what is made from a message has it too.
    scope = models.CharField(max_length=24, blank=True, default="", db_default="")
    # Messages of one notice say the same thing on different channels: one that arrives is enough.
    notice = models.CharField(max_length=120, blank=True)
    # Where the notice goes on the other channel if this message does not arrive; "" is nowhere.
    other_address = models.CharField(max_length=254, blank=True)
    # Its index is message_fallbacks: hardly any message is one, and each change would pay for all.
    fallback_for = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="fallbacks",
        db_index=False,
    )
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    lane = models.PositiveSmallIntegerField(choices=Lane, default=Lane.REST)
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
    # When it was taken back the last time, queued or not; null: it never was.
    taken_back_at = models.DateTimeField(null=True, blank=True)
    # The one repeat that an unknown outcome allows has been used.
    repeated = models.BooleanField(default=False)
    # The gateway that may have it already, after an unknown outcome: no other may send it.
    pinned_to = models.CharField(max_length=40, blank=True)
    # Number of the latest attempt, and transient answers so far, which set the next wait.
    attempt_count = models.PositiveSmallIntegerField(default=0)
    failure_count = models.PositiveSmallIntegerField(default=0)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    body_html = models.TextField(blank=True)
    # SMS that the latest attempt was handed over in; 0 for an email, or before the first.
    parts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    # When the gateway took it (or an officer said that it did).
    sent_at = models.DateTimeField(null=True, blank=True)
    # Set while the gateway owes a receipt: when its silence is looked at next.
    receipt_by = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    # When it was seen to that the person hears of it otherwise, or an officer knows; or after that
    # was reported as lost.
    followed_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [("see_addresses", "Can see whole phone numbers and email addresses")]
        constraints = [
            models.UniqueConstraint(fields=["dedupe_key"], name="message_dedupe_key_unique"),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        *("queued", "sending", "accepted", "failed"),
                        *("delivered", "undelivered", "unconfirmed"),
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
                condition=Q(state__in=TAKEN, sent_at__isnull=False)
                | (~Q(state__in=TAKEN) & Q(sent_at__isnull=True)),
                name="message_sent_at_exactly_when_accepted",
            ),
            models.CheckConstraint(
                condition=Q(state="delivered", delivered_at__isnull=False)
                | (~Q(state="delivered") & Q(delivered_at__isnull=True)),
                name="message_delivered_at_exactly_when_delivered",
            ),
            models.CheckConstraint(
                condition=Q(receipt_by__isnull=True) | Q(state="accepted"),
                name="message_owes_a_receipt_only_while_accepted",
            ),
            models.CheckConstraint(condition=Q(lane__in=[0, 1, 2]), name="message_lane_known"),
        ]
        # Each change of a row writes it anew into every index whose condition it meets:
        # docs/delivery.md says which query needs which, and none is here without one.
        indexes = [
            # Not db_index: its second index, for LIKE, nobody asks and each change pays for.
            models.Index(fields=["reference"], name="message_by_reference"),
            # The list of what belongs somewhere, newest first.
            models.Index(fields=["scope", "id"], name="message_by_scope"),
            models.Index(fields=["batch"], name="message_by_batch"),
            models.Index(fields=["notice"], name="message_by_notice"),
            models.Index(
                fields=["fallback_for"],
                condition=Q(fallback_for__isnull=False),
                name="message_fallbacks",
            ),
            # What is due, and what the clock moves to the urgent lane.
            models.Index(
                fields=["channel", "lane", "urgent_by", "id"],
                condition=Q(state="queued"),
                name="message_queue",
            ),
            models.Index(
                fields=["receipt_by"],
                condition=Q(receipt_by__isnull=False),
                name="message_owed_receipts",
            ),
            models.Index(
                fields=["id"],
                condition=Q(
                    state__in=["failed", "undelivered", "unknown"], followed_up_at__isnull=True
                ),
                name="message_follow_ups",
            ),
            models.Index(
                fields=["expires_at"], condition=Q(state="queued"), name="message_ends_of_life"
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state="sending"), name="message_leases"
            ),
            models.Index(
                fields=["state", "followed_up_at"],
                condition=Q(state__in=["unknown", "failed", "undelivered"]),
                name="message_troubles",
            ),
            models.Index(
                fields=["expires_at"], condition=Q(state="expired"), name="message_expiries"
            ),
            # Secrets that may be of no more use: not of what is still to leave.
            models.Index(
                fields=["expires_at"],
                condition=Q(holds_secrets=True) & ~Q(state__in=["queued", "sending"]),
                name="message_secrets",
            ),
            # An officer asks what was sent to a number; newest first.
            models.Index(fields=["address", "id"], name="message_addresses"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.public_id}"


class Arrival(models.TextChoices):
    """What a receipt says in the end. What it says before (buffered, on its way) is no matter."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


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

    # No index of its own: attempt_number_unique begins with it.
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="attempts", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    lease_token = models.UUIDField()
    gateway = models.CharField(max_length=40)
    # Ours, given to the gateway, so that its log can be compared with this one.
    client_reference = models.UUIDField(default=uuid.uuid4)
    gateway_reference = models.CharField(max_length=100, blank=True)
    # The recipient may have the message already: an earlier attempt ended unknown.
    is_repeat = models.BooleanField(default=False)
    # SMS that it was handed over in; 0 for an email, and while nobody has recorded the answer.
    size = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    error = models.CharField(max_length=200, blank=True)
    # What the gateway's receipts say of the whole message, all its parts together.
    receipt = models.CharField(max_length=12, choices=Arrival, blank=True)
    receipt_at = models.DateTimeField(null=True, blank=True)

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
            models.CheckConstraint(
                condition=Q(receipt="", receipt_at__isnull=True)
                | (Q(receipt__in=["delivered", "undelivered"]) & Q(receipt_at__isnull=False)),
                name="attempt_receipt_has_moment",
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


class Part(models.Model):
    """One part of an attempt under the name that the gateway gave it; its receipts use that name.

    Only gateways which report write these. An email, and an SMS of most HTTP gateways, is one part.
    """

    # No index of its own: part_number_unique begins with it.
    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, related_name="parts", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    gateway = models.CharField(max_length=40)
    reference = models.CharField(max_length=100)
    arrival = models.CharField(max_length=12, choices=Arrival, blank=True)
    arrival_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "reference"], name="part_reference_unique"),
            models.UniqueConstraint(fields=["attempt", "number"], name="part_number_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.reference} {self.arrival or 'open'}"


class Receipt(models.Model):
    """What a gateway reported, stored once.

    It names the attempt by our reference, which came back signed, or by the gateway's own.
    `attempt` is null while it is parked: it came before the attempt was recorded.
    """

    gateway = models.CharField(max_length=40)
    # gateway, reference and status together: the same report again is the same row.
    key = models.CharField(max_length=200)
    client_reference = models.UUIDField(null=True, blank=True)
    gateway_reference = models.CharField(max_length=100, blank=True)
    arrival = models.CharField(max_length=12, choices=Arrival)
    detail = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField()
    attempt = models.ForeignKey(
        Attempt, null=True, blank=True, on_delete=models.CASCADE, related_name="receipts"
    )

    class Meta:
        ordering = ["received_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="receipt_stored_once"),
            models.CheckConstraint(
                condition=Q(client_reference__isnull=False) | ~Q(gateway_reference=""),
                name="receipt_names_an_attempt",
            ),
        ]
        indexes = [
            models.Index(
                fields=["received_at"], condition=Q(attempt__isnull=True), name="receipt_parked"
            ),
            models.Index(
                fields=["gateway", "gateway_reference"],
                condition=Q(attempt__isnull=True),
                name="receipt_parked_by_reference",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.arrival}"


class ReceiptCount(models.Model):
    """How many reports of a gateway were taken in which way on a day (UTC)."""

    class Verdict(models.TextChoices):
        APPLIED = "applied"  # it changed what is known of a message
        PARKED = "parked"  # it came before the message was recorded
        REPEATED = "repeated"  # the same again, or a replay
        OVERTAKEN = "overtaken"  # a final word had been said before
        ON_ITS_WAY = "on_its_way"  # neither arrived nor failed yet
        LATE = "late"  # more than 72 hours after the message left
        FOREIGN = "foreign"  # about no message of ours
        FORGED = "forged"  # without our signature, or under a false one
        GARBLED = "garbled"  # cannot be read

    gateway = models.CharField(max_length=40)
    day = models.DateField()
    verdict = models.CharField(max_length=12, choices=Verdict)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "day", "verdict"], name="receipt_count_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.day} {self.verdict}: {self.count}"


class NotReached(models.Model):
    """A notice that no channel could bring to its person. Whoever knows the matter may call them.

    Cleared when it has reached them after all: missed.py says when that is known.
    """

    notice = models.CharField(max_length=120)
    reference = models.CharField(max_length=60, blank=True, db_index=True)
    batch = models.CharField(max_length=60, blank=True, db_index=True)
    kind = models.CharField(max_length=24)
    # The moment it is about: soonest is called first.
    urgent_by = models.DateTimeField()
    why = models.CharField(max_length=200)
    since = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "not reached"
        constraints = [models.UniqueConstraint(fields=["notice"], name="not_reached_notice_unique")]
        indexes = [
            models.Index(
                fields=["urgent_by"],
                condition=Q(cleared_at__isnull=True),
                name="not_reached_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Batch(models.Model):
    """A batch that an officer has taken in hand; what is queued in it waits while it is paused."""

    name = models.CharField(max_length=60)
    is_paused = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "batches"
        constraints = [models.UniqueConstraint(fields=["name"], name="batch_name_unique")]

    def __str__(self) -> str:
        return self.name


class BatchDecision(models.Model):
    """What an officer did with a batch, and why."""

    class Verb(models.TextChoices):
        PAUSE = "pause", "Pause"
        RESUME = "resume", "Go on"
        CANCEL = "cancel", "Cancel"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="decisions")
    verb = models.CharField(max_length=8, choices=Verb)
    by = models.CharField(max_length=80)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(by="") & ~Q(reason=""), name="batch_decision_has_actor_and_reason"
            )
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.batch_id} by {self.by}"


class GatewayState(models.Model):
    """What all workers together know of a gateway: what it may still take, and how it fares."""

    name = models.CharField(max_length=40)
    # A token is one SMS part (or one email). The bucket fills at the rate that settings allow.
    tokens = models.FloatField(default=0)
    filled_at = models.DateTimeField()
    # Failed calls since `failing_since`, and all calls of the workers that met them; enough, and
    # enough of them, within a window make it rest.
    failures = models.PositiveSmallIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    # Rests in a row without a success between them: each is longer.
    rests = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="gateway_name_unique")]

    def __str__(self) -> str:
        return self.name


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
    """A named gate, shut until a moment: the sweeper's turn, a gateway that rests, an alert's hour.

    One row per name; passing is a conditional UPDATE, so that of many who come one gets through.
    """

    name = models.CharField(max_length=60)
    shut_until = models.DateTimeField()
    # The first of rests that follow each other; null for one that only keeps a turn.
    shut_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="gate_name_unique")]

    def __str__(self) -> str:
        return f"{self.name} shut until {self.shut_until:%Y-%m-%d %H:%M:%S}"
