"""Closing an account across the apps, in one transaction."""

from datetime import datetime

from django.db import transaction

from accounts import closing
from accounts.models import User
from appointments import leaving


def close_account(*, person: User, now: datetime) -> None:
    """Unlink the person's applications, then empty the account. Again: changes nothing."""
    with transaction.atomic():
        # Applications before the account: whoever books holds them in this order.
        leaving.unlink_all(by=person)
        closing.close(person=person, now=now)
    # An application linked in another window while this was going on.
    leaving.unlink_all(by=person)
