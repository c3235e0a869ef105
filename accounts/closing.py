"""Closing one's account: what is personal goes, what the office must keep has no name any more."""

import logging
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db import transaction

from accounts import consents
from accounts.models import User
from notifications import outbox

log = logging.getLogger(__name__)


def close(*, person: User, now: datetime) -> bool:
    """Empty the account and end all that acts for it. Officers' accounts: False, no change.

    The row stays, without number, address, name and language, because timelines point at it.
    Whoever signs in with the same number later gets a new account. Again: changes nothing.
    """
    with transaction.atomic():
        mine = User.objects.select_for_update(no_key=True).get(pk=person.pk)
        if mine.is_staff:
            return False
        if mine.closed_at is not None:
            return True
        consents.withdraw_all(person=mine, now=now)
        _end_ways_in(mine)
        outbox.cancel(reference=f"person:{mine.pk}", reason="account closed")
        _empty(mine, now)
    # For the office's record: which row, and nothing about whose it was.
    log.info("account %d closed by its owner", mine.pk)
    return True


def _end_ways_in(person: User) -> None:
    keys = list(person.devices.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    person.devices.all().delete()
    person.app_tokens.all().delete()
    person.sign_in_codes.all().delete()


def _empty(person: User, now: datetime) -> None:
    person.phone = person.email = None
    person.phone_verified = person.email_verified = False
    person.name = ""
    person.language = User._meta.get_field("language").default
    person.earlier_seats = person.email_messages = False
    person.last_login = None
    person.is_active = False
    person.closed_at = now
    person.set_unusable_password()
    person.save()
