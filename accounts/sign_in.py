"""Signing in with a code: asking for one, and typing it.

The row of the code is the truth, not the session: tries are counted and the code is used up by
conditional updates, so that a hundred guesses sent at once count as a hundred, and a code typed
in two windows opens one. See docs/decisions/0009-sign-in.md.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import limits, people
from accounts.errors import SignInRefusal
from accounts.models import SignInCode, User
from accounts.phones import plain_digits
from notifications import outbox

CODE_DIGITS = 6
CODE_LIFE = timedelta(minutes=10)  # the words of the message say so
KEPT_FOR = timedelta(days=1)


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
        _take_allowances(channel, address, network, now)
        person = _person(channel, address, language, now)
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        asked = SignInCode(
            person=person,
            channel=channel,
            address=address,
            tries_left=settings.SIGN_IN_CODE_TRIES,
            created_at=now,
            expires_at=now + CODE_LIFE,
        )
        asked.code_hash = _hash(asked, code)
        asked.save(force_insert=True)
        if replaces is not None:
            SignInCode.objects.filter(pk=replaces, ended_at__isnull=True).update(ended_at=now)
        if person is not None:
            _send(asked, person, code, now)
        _take_site_allowances(channel, person, now)
    return asked


def check_code(*, code_id: UUID, typed: str, now: datetime) -> User:
    """The person whom this code opens; it is used up, and a phone counts as verified.

    `code_id` comes from the session that asked, so a code of another session never fits.
    SignInRefusal: wrong_code (with the tries left), no_tries_left, code_expired, code_ended.
    """
    asked = _use_one_try(code_id, now)
    typed = "".join(ch for ch in plain_digits(typed) if ch.isdigit())
    if not constant_time_compare(_hash(asked, typed), asked.code_hash) or asked.person is None:
        raise _wrong(asked)
    with transaction.atomic():
        # The person before the code, as everywhere, so that nobody waits in a circle.
        if not _let_in(asked, asked.person):
            raise _wrong(asked)
        if not SignInCode.objects.filter(pk=code_id, ended_at__isnull=True).update(ended_at=now):
            raise SignInRefusal("code_ended")
    return asked.person


def delete_old_codes(*, now: datetime) -> int:
    """Forget codes that ended a day ago, with the addresses that were typed; returns how many."""
    deleted, _by_model = SignInCode.objects.filter(created_at__lte=now - KEPT_FOR).delete()
    return deleted


def _take_allowances(channel: str, address: str, network: str, now: datetime) -> None:
    whom = f"{channel}:{address}"
    limits.take("wait_for_next_code", whom, now=now)
    limits.take("address_here", whom, network, now=now)
    limits.take("address", whom, now=now)
    limits.take("network", network, now=now)


def _take_site_allowances(channel: str, person: User | None, now: datetime) -> None:
    """Caps against being used to send SMS at the office's cost; the rows that everyone shares.

    Taken last, because the first to take one keeps the others waiting until the commit.
    """
    if channel != SignInCode.Channel.SMS:
        return
    if person is not None and not person.phone_verified:
        limits.take("new_numbers", now=now)
    limits.take("all_sms", now=now)


def _person(channel: str, address: str, language: str, now: datetime) -> User | None:
    person: User | None
    if channel == SignInCode.Channel.SMS:
        person = people.person_for_phone(phone=address, language=language, now=now)
    else:
        person = people.person_for_email(email=address)
    return person if people.may_sign_in_by_code(person) else None


def _send(asked: SignInCode, person: User, code: str, now: datetime) -> None:
    outbox.enqueue(
        [
            outbox.Draft(
                kind="OTP",
                channel=asked.channel,
                address=asked.address,
                language=person.language,
                values={"otp": code},
                dedupe_key=f"otp:{asked.id}",
                reference=f"person:{person.pk}",
                urgent_by=now,
                # A reply to what the person did this moment: it may ring at night.
                quiet_ok_from=now,
                expires_at=asked.expires_at,
            )
        ],
        now=now,
    )


def _use_one_try(code_id: UUID, now: datetime) -> SignInCode:
    """Count the try before looking at it; committed whatever comes of it."""
    ours = SignInCode.objects.filter(pk=code_id)
    alive = ours.filter(ended_at__isnull=True, expires_at__gt=now)
    counted = alive.filter(tries_left__gt=0).update(tries_left=F("tries_left") - 1)
    asked = ours.select_related("person").first()
    if counted and asked is not None:
        return asked
    if asked is None or asked.expires_at <= now:
        raise SignInRefusal("code_expired")
    raise SignInRefusal("code_ended" if asked.ended_at else "no_tries_left")


def _wrong(asked: SignInCode) -> SignInRefusal:
    if asked.tries_left > 0:
        return SignInRefusal("wrong_code", tries_left=asked.tries_left)
    return SignInRefusal("no_tries_left")


def _let_in(asked: SignInCode, person: User) -> bool:
    """Whether the person may still come in: the account may have changed since the code left."""
    if asked.channel == SignInCode.Channel.SMS:
        return people.confirm_phone(person=person, phone=asked.address)
    return people.may_sign_in_by_code(people.person_for_email(email=asked.address))


def _hash(asked: SignInCode, code: str) -> str:
    """HMAC under the site's key; the id makes equal codes differ."""
    return salted_hmac("accounts.sign_in", f"{asked.id}:{code}", algorithm="sha256").hexdigest()
