"""One-time codes, whatever they are for: made, sent, tried and used up.

The row is the truth, not the session: tries are counted and a code is used up by conditional
updates, so that a hundred guesses sent at once count as a hundred, and a code typed in two windows
does its work once. See docs/decisions/0009-sign-in.md.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import limits
from accounts.errors import SignInRefusal
from accounts.models import SignInCode, User
from accounts.phones import plain_digits
from notifications import outbox

DIGITS = 6
LIFE = timedelta(minutes=10)  # the words of the message say so
KEPT_FOR = timedelta(days=1)


def take_allowances(channel: str, address: str, network: str, now: datetime) -> None:
    """What limits codes to one address and from one network. SignInRefusal: none is left."""
    whom = f"{channel}:{address}"
    limits.take("wait_for_next_code", whom, now=now)
    limits.take("address_here", whom, network, now=now)
    limits.take("address", whom, now=now)
    limits.take("network", network, now=now)


def take_site_allowances(channel: str, *, is_new: bool, now: datetime) -> None:
    """Caps against being used to send SMS at the office's cost; the rows that everyone shares.

    `is_new`: to a number that nobody has proven. Taken last, because the first to take one keeps
    the others waiting until the commit.
    """
    if channel != SignInCode.Channel.SMS:
        return
    if is_new:
        limits.take("new_numbers", now=now)
    limits.take("all_sms", now=now)


def issue(
    *,
    purpose: str,
    person: User | None,
    channel: str,
    address: str,
    now: datetime,
    replaces: UUID | None = None,
) -> SignInCode:
    """Make a code and, if it is a person's, hand it to the outbox. In the caller's transaction.

    `replaces`: the code that the same session asked for before; it ends.
    """
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    asked = SignInCode(
        purpose=purpose,
        person=person,
        channel=channel,
        address=address,
        tries_left=settings.SIGN_IN_CODE_TRIES,
        created_at=now,
        expires_at=now + LIFE,
    )
    asked.code_hash = _hash(asked, code)
    asked.save(force_insert=True)
    if replaces is not None:
        SignInCode.objects.filter(pk=replaces, ended_at__isnull=True).update(ended_at=now)
    if person is not None:
        _send(asked, person, code, now)
    return asked


def try_code(*, code_id: UUID, purpose: str, typed: str, now: datetime) -> SignInCode:
    """The code's row if what was typed is right. The try counts, whatever comes of it.

    SignInRefusal: wrong_code (with the tries left), no_tries_left, code_expired, code_ended.
    """
    asked = _use_one_try(code_id, purpose, now)
    typed = "".join(ch for ch in plain_digits(typed) if ch.isdigit())
    if not constant_time_compare(_hash(asked, typed), asked.code_hash) or asked.person is None:
        raise wrong(asked)
    return asked


def use_up(asked: SignInCode, now: datetime) -> None:
    """End it, in the transaction of what it does. SignInRefusal (code_ended): it has done it."""
    if not SignInCode.objects.filter(pk=asked.pk, ended_at__isnull=True).update(ended_at=now):
        raise SignInRefusal("code_ended")


def wrong(asked: SignInCode) -> SignInRefusal:
    if asked.tries_left > 0:
        return SignInRefusal("wrong_code", tries_left=asked.tries_left)
    return SignInRefusal("no_tries_left")


def delete_old(*, now: datetime) -> int:
    """Forget codes that ended a day ago, with the addresses that were typed; returns how many."""
    deleted, _by_model = SignInCode.objects.filter(created_at__lte=now - KEPT_FOR).delete()
    return deleted


def _use_one_try(code_id: UUID, purpose: str, now: datetime) -> SignInCode:
    """Count the try before looking at it; committed whatever comes of it."""
    ours = SignInCode.objects.filter(pk=code_id, purpose=purpose)
    alive = ours.filter(ended_at__isnull=True, expires_at__gt=now)
    counted = alive.filter(tries_left__gt=0).update(tries_left=F("tries_left") - 1)
    asked = ours.select_related("person").first()
    if counted and asked is not None:
        return asked
    if asked is None or asked.expires_at <= now:
        raise SignInRefusal("code_expired")
    raise SignInRefusal("code_ended" if asked.ended_at else "no_tries_left")


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


def _hash(asked: SignInCode, code: str) -> str:
    """HMAC under the site's key; the id makes equal codes differ."""
    return salted_hmac("accounts.sign_in", f"{asked.id}:{code}", algorithm="sha256").hexdigest()
