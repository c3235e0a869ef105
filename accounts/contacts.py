"""The mobile number and the email address of an account: changed by a code to the new one.

Whoever changes them has just shown that it is still the same person (accounts.proofs; the page's
duty). The database decides who has an address: users' `phone` and `email` are unique.
"""

import logging
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import app_tokens, codes, devices, limits, people
from accounts.errors import SignInRefusal
from accounts.models import SignInCode, User

log = logging.getLogger(__name__)
SMS = SignInCode.Channel.SMS


def ask(
    *,
    person: User,
    channel: str,
    address: str,
    network: str,
    now: datetime,
    replaces: UUID | None = None,
) -> SignInCode:
    """Send a code to a number (E.164) or address that is to be this person's.

    It leaves whether or not another account has the address, so that asking tells nobody; who
    types it right owns the address and may be told. SignInRefusal: a limit; nothing changed.
    """
    with transaction.atomic():
        limits.take("address_by_account", str(person.pk), now=now)
        codes.take_allowances(channel, address, network, now)
        asked = codes.issue(
            purpose=SignInCode.Purpose.ADDRESS,
            person=person,
            channel=channel,
            address=address,
            now=now,
            replaces=replaces,
        )
        is_new = not User.objects.filter(phone=address, phone_verified=True).exists()
        codes.take_site_allowances(channel, is_new=is_new, now=now)
    return asked


def confirm(*, person: User, code_id: UUID, typed: str, session: str | None, now: datetime) -> User:
    """Make the address that this code went to the person's; the one before it is theirs no more.

    A new number ends all other sessions than `session` and all apps: the old phone may be lost.
    SignInRefusal: as for a sign-in code, or `address_taken`: another account has it.
    """
    asked = codes.try_code(
        code_id=code_id, purpose=SignInCode.Purpose.ADDRESS, typed=typed, now=now
    )
    if asked.person_id != person.pk:
        raise codes.wrong(asked)
    try:
        with transaction.atomic():
            mine = User.objects.select_for_update(no_key=True).get(pk=person.pk)
            if not people.may_sign_in_by_code(mine):
                raise SignInRefusal("code_ended")
            _take_over(mine, asked)
            codes.use_up(asked, now)
            if asked.channel == SMS:
                devices.end_others(by=mine, but=session)
                app_tokens.revoke_all(person=mine, now=now)
    except IntegrityError as error:
        raise SignInRefusal("address_taken") from error
    log.info("account %d has a new %s address", mine.pk, asked.channel)
    return mine


def remove_email(*, person: User) -> bool:
    """Forget the email address; False if there is no number to sign in with. Again: no change."""
    mine = User.objects.filter(pk=person.pk, phone__isnull=False)
    return bool(mine.update(email=None, email_verified=False))


def _take_over(mine: User, asked: SignInCode) -> None:
    if asked.channel == SMS:
        people.delete_unproven(phone=asked.address)
        mine.phone, mine.phone_verified = asked.address, True
    else:
        mine.email, mine.email_verified = asked.address, True
    mine.save(update_fields=["phone", "phone_verified", "email", "email_verified"])
