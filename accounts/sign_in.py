"""Signing in with a code: asking for one, and typing it. See docs/decisions/0009-sign-in.md."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import codes, people
from accounts.models import SignInCode, User

CODE_LIFE = codes.LIFE
Purpose = SignInCode.Purpose


def request_code(
    *,
    channel: str,
    address: str,
    network: str,
    language: str,
    now: datetime,
    replaces: UUID | None = None,
) -> SignInCode:
    """Make a code for a phone (E.164) or an email address and hand it to the outbox.

    `network`: where the visitor comes from, see limits.network_of. `replaces`: the code that the
    same session asked for before; it ends. SignInRefusal: a limit is reached; nothing changed.
    Whether a message leaves cannot be seen from the outside.
    """
    with transaction.atomic():
        codes.take_allowances(channel, address, network, now)
        person = _person(channel, address, language, now)
        asked = codes.issue(
            purpose=Purpose.SIGN_IN,
            person=person,
            channel=channel,
            address=address,
            now=now,
            replaces=replaces,
        )
        is_new = person is not None and not person.phone_verified
        codes.take_site_allowances(channel, is_new=is_new, now=now)
    return asked


def check_code(*, code_id: UUID, typed: str, now: datetime) -> User:
    """The person whom this code opens; it is used up, and the number or address is verified.

    `code_id` comes from the session that asked, so a code of another session never fits.
    SignInRefusal: wrong_code (with the tries left), no_tries_left, code_expired, code_ended.
    """
    asked = codes.try_code(code_id=code_id, purpose=Purpose.SIGN_IN, typed=typed, now=now)
    assert asked.person is not None
    with transaction.atomic():
        # The person before the code, as everywhere, so that nobody waits in a circle.
        if not _let_in(asked, asked.person):
            raise codes.wrong(asked)
        codes.use_up(asked, now)
    return asked.person


def _person(channel: str, address: str, language: str, now: datetime) -> User | None:
    person: User | None
    if channel == SignInCode.Channel.SMS:
        person = people.person_for_phone(phone=address, language=language, now=now)
    else:
        person = people.person_for_email(email=address)
    return person if people.may_sign_in_by_code(person) else None


def _let_in(asked: SignInCode, person: User) -> bool:
    """Whether the person may still come in: the account may have changed since the code left."""
    if asked.channel == SignInCode.Channel.SMS:
        return people.confirm_phone(person=person, phone=asked.address)
    return people.confirm_email(person=person, email=asked.address)
