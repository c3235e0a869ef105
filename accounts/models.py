"""People who sign in: applicants by one-time code, officers by password and second factor."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Language(models.TextChoices):
    HINDI = "hi", "हिन्दी"
    ENGLISH = "en", "English"


class UserManager(BaseUserManager["User"]):
    def create_user(self, **fields: Any) -> "User":
        """A person without a usable password (applicants never have one)."""
        user = self.model(**fields)
        user.set_unusable_password()
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        user = self.model(email=email, is_staff=True, is_superuser=True, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=username)


class User(AbstractBaseUser, PermissionsMixin):
    """An applicant (phone, verified by code) or an officer (email, password, second factor).

    Whose appointments a person sees, and where an officer is posted, is the domain's affair.
    """

    email = models.EmailField(null=True, blank=True, unique=True)
    # E.164, as phonenumbers writes it.
    phone = models.CharField(max_length=16, null=True, blank=True, unique=True)
    phone_verified = models.BooleanField(default=False)
    language = models.CharField(max_length=2, choices=Language, default=Language.HINDI)
    name = models.CharField(max_length=120, blank=True)
    is_staff = models.BooleanField("officer", default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(phone__isnull=False) | Q(email__isnull=False),
                name="user_has_phone_or_email",
            ),
            models.CheckConstraint(
                condition=Q(phone__isnull=False) | Q(phone_verified=False),
                name="user_verified_phone_exists",
            ),
        ]

    def __str__(self) -> str:
        # Never the phone: this ends in logs and admin titles.
        return self.name or f"person {self.pk}"
