"""Where and when one can come: regions, centres, weekly templates, slots."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

# How long before their time people report at the gate.
REPORT_BEFORE = timedelta(minutes=15)


class Quota(models.TextChoices):
    """Kinds of seats. A Tatkaal applicant may take a normal one too."""

    NORMAL = "normal", _("Normal")
    TATKAAL = "tatkaal", _("Tatkaal")
    PCC = "pcc", _("PCC")
    ON_HOLD = "on_hold", _("On hold")


class Bilingual(models.Model):
    """Mix-in: `name` in the language of the reader."""

    name_en = models.CharField(max_length=80)
    name_hi = models.CharField(max_length=80)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name_en

    def name_in(self, language: str) -> str:
        return self.name_en if language == "en" else self.name_hi

    @property
    def name(self) -> str:
        return self.name_in(get_language() or "hi")


class Region(Bilingual):
    """The area of one regional passport office."""

    code = models.SlugField(max_length=12, unique=True)
    # A lone officer may approve a plan here, with reason, wait and alerts (docs/architecture.md).
    lone_approval = models.BooleanField(default=True)


class Centre(Bilingual):
    class Kind(models.TextChoices):
        PSK = "PSK", _("Passport Seva Kendra")
        POPSK = "POPSK", _("Post Office Passport Seva Kendra")

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="centres")
    code = models.CharField(max_length=8, unique=True)
    kind = models.CharField(max_length=5, choices=Kind)
    town_en = models.CharField(max_length=40)
    town_hi = models.CharField(max_length=40)
    district_en = models.CharField(max_length=40)
    district_hi = models.CharField(max_length=40)
    pin = models.CharField(max_length=6)
    lat = models.FloatField()
    lon = models.FloatField()

    class Meta:
        ordering = ["name_en"]

    def town_in(self, language: str) -> str:
        return self.town_en if language == "en" else self.town_hi

    @property
    def town(self) -> str:
        return self.town_in(get_language() or "hi")

    @property
    def district(self) -> str:
        return self.district_en if get_language() == "en" else self.district_hi


class SlotTemplate(models.Model):
    """Every working day (or one weekday) a slot of `seats` seats opens at `start`."""

    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="templates")
    quota = models.CharField(max_length=8, choices=Quota)
    # Monday = 0; null: Monday to Friday.
    weekday = models.PositiveSmallIntegerField(null=True, blank=True)
    start = models.TimeField()
    seats = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["centre", "quota", "weekday", "start"], name="template_unique"
            ),
            # NULLs are distinct in a plain unique constraint (and always on SQLite).
            models.UniqueConstraint(
                fields=["centre", "quota", "start"],
                condition=Q(weekday__isnull=True),
                name="template_unique_every_weekday",
            ),
            models.CheckConstraint(
                condition=Q(weekday__isnull=True) | Q(weekday__lte=6), name="template_weekday"
            ),
            models.CheckConstraint(condition=Q(seats__gte=1), name="template_has_seats"),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.quota} {self.start:%H:%M}"


class Holiday(Bilingual):
    """A day without appointments, in one region or everywhere (region null)."""

    region = models.ForeignKey(Region, null=True, blank=True, on_delete=models.CASCADE)
    date = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "date"], name="holiday_unique"),
            models.UniqueConstraint(
                fields=["date"], condition=Q(region__isnull=True), name="holiday_unique_everywhere"
            ),
        ]


class Slot(models.Model):
    """A centre, quota and start time with a number of seats.

    The counters are changed by appointments/seats.py alone:
    `closed` = min(seats, sum of the slot's closures of open outages);
    `taken` = appointments confirmed or in doubt here + live holds.
    """

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="slots")
    # The centre's, repeated: hot queries and a later partitioning go by it.
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    quota = models.CharField(max_length=8, choices=Quota)
    starts_at = models.DateTimeField()
    # The local (Asia/Kolkata) day of starts_at.
    date = models.DateField()
    seats = models.PositiveSmallIntegerField()
    closed = models.PositiveSmallIntegerField(default=0)
    taken = models.PositiveSmallIntegerField(default=0)
    # An open outage touches this slot and no applied plan has settled it yet: the public gets
    # no seat here, so that a plan, and its undo, find what they counted on.
    paused = models.BooleanField(default=False)
    # A seat came free here lately: until then it is for those in line, and the public gets none.
    line_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["centre", "quota", "starts_at"], name="slot_unique"),
            models.CheckConstraint(
                condition=Q(taken__gte=0, taken__lte=F("seats")), name="slot_taken_within_seats"
            ),
            models.CheckConstraint(
                condition=Q(closed__gte=0, closed__lte=F("seats")),
                name="slot_closed_within_seats",
            ),
        ]
        indexes = [
            models.Index(fields=["centre", "quota", "date"], name="slot_by_day"),
            models.Index(fields=["region", "date"], name="slot_by_region"),
            models.Index(
                fields=["region"], condition=Q(line_until__isnull=False), name="slot_for_the_line"
            ),
        ]

    def __str__(self) -> str:
        return f"slot {self.pk}"

    @property
    def reports_at(self) -> datetime:
        """When to be at the gate: the reporting time of the receipt."""
        return self.starts_at - REPORT_BEFORE

    @property
    def free(self) -> int:
        """Seats which the public may take now, whatever the clock says."""
        return 0 if self.paused else max(0, self.seats - self.closed - self.taken)

    @property
    def oversubscribed(self) -> bool:
        return self.taken > self.seats - self.closed
