"""People who sign in: applicants by one-time code, officers by password and second factor."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Language(models.TextChoices):
    HINDI = "hi", "हिन्दी"
    ENGLISH = "en", "English"


class UserManager(BaseUserManager["User"]):
    def create_user(self, **fields: Any) -> "User":
        """A person without a usable password (applicants never have one)."""
        user = self.model(**_lower_email(fields))
        user.set_unusable_password()
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        """An officer who may do everything; what `manage.py createsuperuser` calls."""
        officer = {"is_staff": True, "is_superuser": True, **fields, "email": email}
        user = self.model(**_lower_email(officer))
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


def _lower_email(fields: dict[str, Any]) -> dict[str, Any]:
    email = (fields.get("email") or "").strip().lower()
    return {**fields, "email": email or None}


class User(AbstractBaseUser, PermissionsMixin):
    """An applicant (phone, verified by code) or an officer (email, password, second factor).

    Whose appointments a person sees, and where an officer is posted, is the domain's affair.
    """

    # Lower case; unique, so that an address leads to one account.
    email = models.EmailField(null=True, blank=True, unique=True)
    # E.164, as accounts.phones writes it.
    phone = models.CharField(max_length=16, null=True, blank=True, unique=True)
    phone_verified = models.BooleanField(default=False)
    # Proven by a code, or (before people could set it themselves) typed by the office.
    email_verified = models.BooleanField(default=False)
    language = models.CharField(max_length=2, choices=Language, default=Language.HINDI)
    name = models.CharField(max_length=120, blank=True)
    is_staff = models.BooleanField("officer", default=False)
    is_active = models.BooleanField("active", default=True)
    date_joined = models.DateTimeField(default=timezone.now)
    # What the person wants to be told besides what the service needs. Consent is the record of it.
    earlier_seats = models.BooleanField("wants offers of earlier seats", default=True)
    email_messages = models.BooleanField("wants messages by email too", default=True)
    # The newest version of the consent notice that the person has answered; 0: none.
    notice_version = models.PositiveSmallIntegerField(default=0)
    # Closed by its owner: nothing personal is left in the row, see accounts.closing.
    closed_at = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(phone__isnull=False)
                | Q(email__isnull=False)
                | Q(closed_at__isnull=False),
                name="user_has_phone_or_email",
            ),
            models.CheckConstraint(
                condition=Q(phone__isnull=False) | Q(phone_verified=False),
                name="user_verified_phone_exists",
            ),
            models.CheckConstraint(
                condition=Q(email__isnull=False) | Q(email_verified=False),
                name="user_verified_email_exists",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True)
                | Q(
                    is_active=False,
                    is_staff=False,
                    phone__isnull=True,
                    email__isnull=True,
                    name="",
                ),
                name="user_closed_is_empty",
            ),
            # Written in one way only, or the same number would lead to two accounts.
            models.CheckConstraint(
                condition=Q(phone__regex=r"^\+[1-9][0-9]{7,14}$"), name="user_phone_e164"
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),
            models.CheckConstraint(
                condition=Q(is_staff=False) | Q(email__isnull=False),
                name="user_officer_has_email",
            ),
            models.CheckConstraint(
                condition=Q(is_superuser=False) | Q(is_staff=True),
                name="user_superuser_is_officer",
            ),
        ]

    def __str__(self) -> str:
        # Never the phone: this ends in logs and admin titles.
        return self.name or f"person {self.pk}"


class SignInCode(models.Model):
    """One code that was asked for. It does once what its `purpose` says, if `person` is set.

    Without a person (an unknown email address, an officer, a closed account) no message left and
    no code fits; the pages behave the same, so that nobody learns who has an account.
    """

    class Channel(models.TextChoices):
        SMS = "sms", "SMS"
        EMAIL = "email", "Email"

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in", "Opens a session"
        PROOF = "proof", "Shows that it is still the same person"
        ADDRESS = "address", "Shows that a new number or address is the person's"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="sign_in_codes"
    )
    purpose = models.CharField(max_length=7, choices=Purpose, default=Purpose.SIGN_IN)
    channel = models.CharField(max_length=5, choices=Channel)
    # What the person typed, normalised: shown on the next page, so that a slip is seen.
    address = models.CharField(max_length=254)
    # HMAC of id and code: whoever reads the table cannot sign in with it.
    code_hash = models.CharField(max_length=64)
    tries_left = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(db_index=True)
    expires_at = models.DateTimeField()
    # Used, or replaced by a newer one of the same session.
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(code_hash__regex=r"^[0-9a-f]{64}$"), name="sign_in_code_hashed"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=["sign_in", "proof", "address"]),
                name="sign_in_code_purpose_known",
            ),
            models.CheckConstraint(
                condition=Q(purpose="sign_in") | Q(person__isnull=False),
                name="sign_in_code_of_account_has_person",
            ),
            models.CheckConstraint(
                condition=Q(tries_left__gte=0), name="sign_in_code_tries_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="sign_in_code_lives"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("created_at")),
                name="sign_in_code_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} code {self.id}"


class Allowance(models.Model):
    """How often something was done under one limit since the first time; see accounts.limits.

    Kept in the database, not in the cache: exact with any number of processes, and still there
    when the cache is not.
    """

    # Limit, its length and an HMAC of whom it counts: no phone, mail or network address.
    key = models.CharField(max_length=120, unique=True)
    used = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(used__gte=0), name="allowance_used_not_negative")
        ]

    def __str__(self) -> str:
        return f"{self.used} of {self.key.partition(':')[0]}"


class AppToken(models.Model):
    """By which an app or a program acts for a person; see accounts.app_tokens."""

    class Kind(models.TextChoices):
        APPLICANT = "applicant", "Applicant's app"
        OFFICER = "officer", "Officer's program, reads only"

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="app_tokens")
    kind = models.CharField(max_length=9, choices=Kind)
    # What the app calls itself: the person recognises it in the list and ends the right one.
    name = models.CharField(max_length=80)
    # HMAC of the secret: whoever reads the table cannot act for anybody.
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(secret_hash__regex=r"^[0-9a-f]{64}$"),  # noqa: S106
                name="app_token_hashed",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="app_token_lives"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["applicant", "officer"]), name="app_token_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | Q(revoked_at__gte=F("created_at")),
                name="app_token_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


class IdempotentRequest(models.Model):
    """A request with an Idempotency-Key, answered or being so; see accounts.api.idempotency."""

    # HMAC of who asks and the key: no network address, and nobody meets another one's key.
    key_hash = models.CharField(max_length=64, unique=True)
    # Of method, address and body: a key stands for one request only.
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_index=True)
    # While it is being answered nobody else may; after this its process is taken for dead.
    claimed_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(key_hash__regex=r"^[0-9a-f]{64}$"), name="idempotent_key_hashed"
            ),
            models.CheckConstraint(
                condition=Q(status__isnull=True) | Q(status__gte=200, status__lt=500),
                name="idempotent_answer_is_no_failure",
            ),
            models.CheckConstraint(
                condition=Q(claimed_until__gte=F("created_at")), name="idempotent_claim_lives"
            ),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}: {self.status or 'being answered'}"


class Consent(models.Model):
    """That a person has read the notice, or agreed to something optional; see accounts.consents.

    A record: a row is never changed but to say when it ended (withdrawn, or replaced by the
    answer to a newer version of the notice).
    """

    class Item(models.TextChoices):
        NOTICE = "notice", _("The notice was read")
        EMAIL = "email", _("Messages by email too")
        EARLIER_SEATS = "earlier_seats", _("Offers of earlier seats")

    OPTIONAL = (Item.EMAIL, Item.EARLIER_SEATS)

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="consents")
    item = models.CharField(max_length=16, choices=Item)
    # Of the notice in whose words it was given.
    version = models.PositiveSmallIntegerField()
    given_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["given_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "item"],
                condition=Q(withdrawn_at__isnull=True),
                name="consent_one_open_per_item",
            ),
            models.CheckConstraint(
                condition=Q(item__in=["notice", "email", "earlier_seats"]),
                name="consent_item_known",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="consent_version_counts"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("given_at")),
                name="consent_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} (version {self.version})"


class Device(models.Model):
    """Where an applicant is signed in; see accounts.devices. No network address, no place."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="devices")
    session_key = models.CharField(max_length=40, unique=True)
    # Families as accounts.browsers names them; empty: not recognised.
    browser = models.CharField(max_length=16, blank=True)
    system = models.CharField(max_length=16, blank=True)
    signed_in_at = models.DateTimeField()
    # Within devices.USE_NOTED_EVERY.
    last_used_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(session_key=""), name="device_has_session"),
            models.CheckConstraint(
                condition=Q(last_used_at__gte=F("signed_in_at")), name="device_used_after_sign_in"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.browser or 'browser'} on {self.system or 'device'}"
