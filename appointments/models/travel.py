"""Proof of a journey that somebody sent, what became of it, and who has looked at it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from appointments.models.applications import Application


class TravelProof(models.Model):
    """A ticket or visa for a day of travel. An accepted one puts its application first in plans.

    The document lies in a private folder (private_files.py) under `stored_as` until `delete_after`;
    the row stays, without it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Proof is being checked")
        ACCEPTED = "accepted", _("Urgent travel accepted")
        REFUSED = "refused", _("Proof not accepted")
        WITHDRAWN = "withdrawn", _("Proof withdrawn")
        # Nobody had looked at it when the day of travel came.
        LAPSED = "lapsed", _("Travel date has passed")

    class Reason(models.TextChoices):
        """Why not, in a sentence that says what to send instead."""

        UNREADABLE = "unreadable", _("It cannot be read. Send a sharper photo, or the PDF itself.")
        OTHER_NAME = "other_name", _("It is in another name. Send one with the applicant's name.")
        NO_DATE = "no_date", _("It shows no date of travel. Send one on which the date stands.")
        OTHER_DATE = "other_date", _("It shows another date than the travel date you gave.")
        NO_PROOF = "no_proof", _("It is neither a ticket nor a visa. Send one of these.")
        PART_MISSING = "part_missing", _("A part of it is missing. Send all of it in one file.")

    class Kind(models.TextChoices):
        PDF = "application/pdf", "PDF"
        PHOTO = "image/jpeg", "Photo"

    ENDED = (State.WITHDRAWN, State.LAPSED)

    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="travel_proofs"
    )
    travel_date = models.DateField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    # Name in the private folder; random, so that it tells nothing. Empty once deleted.
    stored_as = models.CharField(max_length=60, blank=True)
    content_type = models.CharField(max_length=20, choices=Kind)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=12, choices=Reason, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    # When its file goes: after the travel, or some days after the last decision if that is sooner.
    delete_after = models.DateTimeField(db_index=True)
    file_deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # The newest first, as an application's history is read.
        ordering = ["-pk"]
        verbose_name = "travel proof"
        constraints = [
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(state="waiting"),
                name="travelproof_one_waiting_per_application",
            ),
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(state="accepted"),
                name="travelproof_one_accepted_per_application",
            ),
            models.CheckConstraint(
                # One that was decided may be withdrawn; it keeps who decided.
                condition=Q(
                    state__in=["waiting", "lapsed"],
                    reviewed_at__isnull=True,
                    reviewed_by__isnull=True,
                )
                | Q(
                    state__in=["accepted", "refused", "withdrawn"],
                    reviewed_at__isnull=False,
                    reviewed_by__isnull=False,
                )
                | Q(state="withdrawn", reviewed_at__isnull=True, reviewed_by__isnull=True),
                name="travelproof_reviewed_exactly_when_decided",
            ),
            models.CheckConstraint(
                condition=(Q(state="refused") & ~Q(reason=""))
                | (~Q(state="refused") & Q(reason="")),
                name="travelproof_reason_exactly_when_refused",
            ),
            models.CheckConstraint(
                condition=Q(state="withdrawn", withdrawn_at__isnull=False)
                | (~Q(state="withdrawn") & Q(withdrawn_at__isnull=True)),
                name="travelproof_withdrawn_has_time",
            ),
            models.CheckConstraint(
                condition=Q(stored_as="", file_deleted_at__isnull=False)
                | (~Q(stored_as="") & Q(file_deleted_at__isnull=True)),
                name="travelproof_file_gone_exactly_when_deleted",
            ),
            models.CheckConstraint(
                condition=~Q(state="waiting") | Q(file_deleted_at__isnull=True),
                name="travelproof_waiting_has_its_file",
            ),
            models.CheckConstraint(condition=Q(size__gt=0), name="travelproof_file_not_empty"),
            models.CheckConstraint(
                condition=Q(content_type__in=["application/pdf", "image/jpeg"]),
                name="travelproof_kind_of_file",
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="travelproof_sha256_form"
            ),
            models.CheckConstraint(
                condition=Q(delete_after__gt=F("uploaded_at")),
                name="travelproof_deleted_after_upload",
            ),
        ]
        indexes = [models.Index(fields=["state", "uploaded_at"], name="travelproof_work_list")]

    def __str__(self) -> str:
        return f"travel proof {self.pk}"

    @property
    def is_open(self) -> bool:
        """It counts, or may come to count: the person can withdraw it."""
        return self.state in (self.State.WAITING, self.State.ACCEPTED)


class ProofView(models.Model):
    """An officer opened a proof's document. Kept for a year (DPDP: logs of access)."""

    proof = models.ForeignKey(TravelProof, on_delete=models.PROTECT, related_name="views")
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"view of {self.proof_id} at {self.at:%Y-%m-%d %H:%M}"
