"""Officers: email address and password, then a second factor; nothing less opens /officers/."""

from datetime import UTC, datetime

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth import authenticate
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import limits, second_factor
from accounts.errors import SignInRefusal
from accounts.models import User

# allauth's name of a second factor in the list of what a session has proven.
SECOND_FACTOR = "mfa"


def check_password(
    request: HttpRequest, *, email: str, password: str, network: str, now: datetime
) -> User:
    """The officer with this address and password; an applicant's account never fits.

    SignInRefusal: wrong_password, or a limit. Only wrong tries count.
    """
    email = email.strip().lower()
    counted: list[tuple[str, tuple[str, ...]]] = [
        ("officer_here", (email, network)),
        ("officer", (email,)),
        ("officer_network", (network,)),
    ]
    with transaction.atomic():
        for limit, subject in counted:
            limits.take(limit, *subject, now=now)
    person = authenticate(request, email=email, password=password)
    if not isinstance(person, User) or not person.is_staff:
        raise SignInRefusal("wrong_password")
    for limit, subject in counted:
        limits.give_back(limit, *subject, now=now)
    return person


def of(request: HttpRequest) -> User:
    """The officer of a page behind the middleware; PermissionDenied if it is somebody else."""
    if not isinstance(request.user, User) or not request.user.is_staff:
        raise PermissionDenied
    return request.user


def has_second_factor(request: HttpRequest) -> bool:
    """Whether this session is an officer's who proved a second factor within OFFICER_SESSION.

    It ends at once when the account is closed, loses its rights or its second factor is reset.
    """
    officer = request.user
    if not isinstance(officer, User) or not officer.is_active or not officer.is_staff:
        return False
    proven_at = second_factor_at(request)
    if proven_at is None or proven_at < timezone.now() - settings.OFFICER_SESSION:
        return False
    return second_factor.is_set_up(officer)


def second_factor_at(request: HttpRequest) -> datetime | None:
    """When this session last proved its user's second factor."""
    records = get_authentication_records(request, request.user)
    moments = [record["at"] for record in records if record["method"] == SECOND_FACTOR]
    return datetime.fromtimestamp(max(moments), tz=UTC) if moments else None
