"""Claiming with its limits, for pages and API alike: guessing must not pay."""

from datetime import date

from django.utils import timezone

from accounts import limits
from accounts.models import User
from appointments import booking
from appointments.models import Application


def claim(*, arn: str, date_of_birth: date, network: str, by: User) -> Application:
    """As booking.claim, counted per account, number and network; a right answer costs nothing.

    SignInRefusal: a limit is reached. Refusal: as booking.claim.
    """
    now = timezone.now()
    counted = (
        ("claim_by_account", str(by.pk)),
        ("claim_by_arn", arn),
        ("claim_by_network", network),
    )
    for limit, subject in counted:
        limits.take(limit, subject, now=now)
    application = booking.claim(arn=arn, date_of_birth=date_of_birth, by=by)
    for limit, subject in counted:
        limits.give_back(limit, subject, now=now)
    return application
