"""Whether the one who sits here now is still the person who signed in.

Phones and computers are shared, and a session lasts a day. What could hand an account to somebody
else (a new number or address, closing it) needs a right code that is younger than FRESH: the one
of the sign-in, or another one to a number or address that is already the person's.
"""

import time
from datetime import datetime
from uuid import UUID

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from accounts import codes
from accounts.errors import SignInRefusal
from accounts.models import SignInCode, User


def is_fresh(request: HttpRequest) -> bool:
    """As old as an officer's proof may be: settings.ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    records = get_authentication_records(request, request.user)
    oldest = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return bool(records) and records[-1]["at"] >= oldest


def record(request: HttpRequest, person: User) -> None:
    """A right code was typed in this session."""
    record_authentication(request, person, method="code")


def addresses(person: User) -> dict[str, str]:
    """Channel -> where a code may go: what this person has proven to own."""
    known = {
        SignInCode.Channel.SMS: person.phone if person.phone_verified else None,
        SignInCode.Channel.EMAIL: person.email if person.email_verified else None,
    }
    return {str(channel): address for channel, address in known.items() if address}


def ask(
    *, person: User, channel: str, network: str, now: datetime, replaces: UUID | None = None
) -> SignInCode:
    """Send a code to the person's own number or address, under the limits of a sign-in code.

    SignInRefusal: a limit, or `no_such_address`: there is none of this channel.
    """
    address = addresses(person).get(channel)
    if address is None:
        raise SignInRefusal("no_such_address")
    with transaction.atomic():
        codes.take_allowances(channel, address, network, now)
        asked = codes.issue(
            purpose=SignInCode.Purpose.PROOF,
            person=person,
            channel=channel,
            address=address,
            now=now,
            replaces=replaces,
        )
        codes.take_site_allowances(channel, is_new=False, now=now)
    return asked


def confirm(*, person: User, code_id: UUID, typed: str, now: datetime) -> None:
    """The code is right and the address still the person's. SignInRefusal: as for sign-in."""
    asked = codes.try_code(code_id=code_id, purpose=SignInCode.Purpose.PROOF, typed=typed, now=now)
    with transaction.atomic():
        mine = User.objects.select_for_update(no_key=True).get(pk=person.pk)
        if asked.person_id != mine.pk or addresses(mine).get(asked.channel) != asked.address:
            raise codes.wrong(asked)
        codes.use_up(asked, now)
