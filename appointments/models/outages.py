"""An outage, how many seats it leaves, and each slot's share of what it takes."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language

from appointments.models.centres import Centre, Quota, Region, Slot


class Outage(models.Model):
    class State(models.TextChoices):
        OPEN = "open"
        RESTORED = "restored"  # the service is back
        WITHDRAWN = "withdrawn"  # declared by mistake, taken back within the grace

    class Scope(models.TextChoices):
        ALL = "all", "All regions"
        REGION = "region", "One region"
        CENTRES = "centres", "Chosen centres"

    class Cause(models.TextChoices):
        SERVER = "server", "Server fault"
        NETWORK = "network", "Network fault"
        POWER = "power", "Power failure"
        OTHER = "other", "Other"

    scope = models.CharField(max_length=8, choices=Scope)
    region = models.ForeignKey(Region, null=True, blank=True, on_delete=models.PROTECT)
    # Chosen centres only; `appointments.outages.centres_of` is who is touched in every scope.
    centres = models.ManyToManyField(Centre, blank=True, related_name="outages")
    since = models.DateTimeField()
    expected_until = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(max_length=8, choices=Cause, default=Cause.SERVER)
    text_en = models.TextField()
    text_hi = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    declared_at = models.DateTimeField()
    # Until then the declaration can be taken back and no HOLD notice has left.
    grace_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Double clicks and lost connections: the same form declares once.
    request_key = models.UUIDField(unique=True)

    class Meta:
        ordering = ["-declared_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(scope="region", region__isnull=False)
                | (~Q(scope="region") & Q(region__isnull=True)),
                name="outage_region_exactly_for_region_scope",
            ),
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True)
                | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="outage_ended_exactly_when_not_open",
            ),
            models.CheckConstraint(
                condition=Q(expected_until__isnull=True) | Q(expected_until__gt=models.F("since")),
                name="outage_expected_end_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"Outage {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def text(self) -> str:
        return self.text_en if get_language() == "en" else self.text_hi


class CapacityCut(models.Model):
    """How many seats stay at a centre on a date in a quota because of one outage."""

    outage = models.ForeignKey(Outage, on_delete=models.CASCADE, related_name="cuts")
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="+")
    date = models.DateField()
    quota = models.CharField(max_length=8, choices=Quota)
    seats_left = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["outage", "centre", "date", "quota"], name="cut_unique"
            ),
            models.CheckConstraint(condition=Q(seats_left__gte=0), name="cut_not_negative"),
        ]
        indexes = [models.Index(fields=["centre", "date", "quota"], name="cut_by_day")]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.date} {self.quota}: {self.seats_left}"


class Closure(models.Model):
    """A cut's share of one slot, in seats. Kept after the outage ends, as the record."""

    cut = models.ForeignKey(CapacityCut, on_delete=models.CASCADE, related_name="closures")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="closures")
    seats = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cut", "slot"], name="closure_unique"),
            models.CheckConstraint(condition=Q(seats__gte=0), name="closure_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.slot_id}: -{self.seats}"
