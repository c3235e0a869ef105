"""Applications as the register knows them, and where officers are posted."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from appointments.models.centres import Centre, Quota, Region

SENIOR_AGE = 60
MINOR_AGE = 15


class Application(models.Model):
    """An ARN and its person, from the register.

    `claimed_by` is the account which showed ARN and date of birth. Until then messages go to
    the contacts that the register holds.
    """

    class Service(models.TextChoices):
        NORMAL = "normal", _("Normal")
        TATKAAL = "tatkaal", _("Tatkaal")
        PCC = "pcc", _("PCC")

    # Dates that a person may choose per fee, within a year of the first (docs/architecture.md).
    VISIT_ATTEMPTS = {Service.NORMAL: 3, Service.TATKAAL: 2, Service.PCC: 3}

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    arn = models.CharField(max_length=13, unique=True)
    name = models.CharField(max_length=120)
    date_of_birth = models.DateField()
    service = models.CharField(max_length=8, choices=Service)
    on_hold = models.BooleanField(default=False)
    home_centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="+")
    phone = models.CharField(max_length=16, blank=True)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=2, default="hi")
    # People who booked together; a plan gives all of them the tier of the highest.
    family = models.UUIDField(null=True, blank=True, db_index=True)
    disability = models.BooleanField(default=False)
    medical = models.BooleanField(default=False)
    travel_date = models.DateField(null=True, blank=True)
    travel_proof_accepted = models.BooleanField(default=False)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="applications",
    )
    claimed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(arn__regex=r"^[0-9]{2}-[0-9]{10}$"), name="application_arn_form"
            ),
            models.CheckConstraint(
                condition=Q(travel_proof_accepted=False) | Q(travel_date__isnull=False),
                name="application_proof_has_travel_date",
            ),
        ]
        indexes = [models.Index(fields=["phone"], name="application_phone")]

    def __str__(self) -> str:
        return f"application ..{self.arn_tail}"

    @property
    def arn_tail(self) -> str:
        """Last four digits: as much of an ARN as a message or a link page may show."""
        return self.arn[-4:]

    def age_on(self, day: dt.date) -> int:
        """Full years on that day."""
        born = self.date_of_birth
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def is_vulnerable(self, day: dt.date) -> bool:
        """Minor under 15, senior from 60, disability or medical reason (docs/planning.md)."""
        age = self.age_on(day)
        return self.disability or self.medical or age < MINOR_AGE or age >= SENIOR_AGE

    def quotas(self) -> tuple[str, ...]:
        """Quotas in which this application may take a seat, its own first."""
        if self.on_hold:
            return (Quota.ON_HOLD,)
        if self.service == self.Service.TATKAAL:
            return (Quota.TATKAAL, Quota.NORMAL)
        return (str(self.service),)


class Posting(models.Model):
    """Where an officer serves and what they may do there."""

    class Role(models.TextChoices):
        # English, as officers' pages are; the demo's page, which applicants read, translates them.
        REGION = "region", gettext_noop("Region officer")
        APPROVER = "approver", gettext_noop("Approving officer")
        CENTRE = "centre", gettext_noop("Centre officer")

    officer = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="posting"
    )
    role = models.CharField(max_length=8, choices=Role)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="postings")
    centre = models.ForeignKey(Centre, null=True, blank=True, on_delete=models.PROTECT)
    # E.164. Where the officer asks for alerts by SMS too (appointments/alerts.py); "" is nowhere.
    alert_phone = models.CharField(max_length=16, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(alert_phone="") | Q(alert_phone__regex=r"^\+[1-9][0-9]{7,14}$"),
                name="posting_alert_phone_e164",
            ),
            models.CheckConstraint(
                condition=Q(role="centre", centre__isnull=False)
                | (~Q(role="centre") & Q(centre__isnull=True)),
                name="posting_centre_exactly_for_centre_officer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.officer} ({self.get_role_display()})"
