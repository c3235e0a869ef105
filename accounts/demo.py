"""Officers of the demo, whose second factor the demo page shows. Never outside demo mode."""

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt, encrypt
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import second_factor
from accounts.models import Language, User


class NotADemo(Exception):
    """Asked for on a site that is not in demo mode."""


def create_officer(*, email: str, password: str, name: str, totp_secret: str) -> User:
    """The officer with this address, made or put back as described.

    `totp_secret`: base32, at least 16 letters. Rights and posting are the caller's affair.
    """
    _only_in_demo()
    with transaction.atomic():
        officer, _created = User.objects.get_or_create(
            email=email.lower(), defaults={"is_staff": True, "language": Language.ENGLISH}
        )
        officer.is_staff = officer.is_active = True
        officer.name = name
        officer.set_password(password)
        officer.save()
        Authenticator.objects.update_or_create(
            user=officer,
            type=Authenticator.Type.TOTP,
            defaults={"data": {"secret": encrypt(totp_secret)}},
        )
    return officer


def current_code(officer: User) -> str:
    """What the officer's app would show now. Authenticator.DoesNotExist: no app is set up."""
    _only_in_demo()
    app = Authenticator.objects.get(user=officer, type=Authenticator.Type.TOTP)
    step = int(timezone.now().timestamp()) // second_factor.STEP_SECONDS
    return second_factor.code_of(decrypt(app.data["secret"]), step)


def _only_in_demo() -> None:
    if not settings.DEMO_MODE:
        raise NotADemo("set DEMO_MODE; a real site must never show or preset a second factor")
