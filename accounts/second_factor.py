"""The officers' second factor: six digits of an app (TOTP, RFC 6238), or a recovery code.

allauth stores it and carries the pages. What it leaves to the cache (tries, used codes) is
counted here in the database, so that it is exact and outlives the cache.
"""

import logging
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt, encrypt
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts import limits
from accounts.errors import SignInRefusal
from accounts.models import User
from accounts.phones import plain_digits

log = logging.getLogger(__name__)

TYPE = Authenticator.Type
STEP_SECONDS = 30
# In Authenticator.data: the step of the last code that was accepted; no code opens twice.
LAST_STEP = "last_step"
# In the session, while an app is being set up.
OFFERED_KEY = "app_being_set_up"


def is_set_up(officer: User) -> bool:
    return Authenticator.objects.filter(user=officer, type=TYPE.TOTP).exists()


def check(*, officer: User, typed: str, now: datetime) -> Authenticator:
    """The authenticator that this code proves; the code is used up.

    SignInRefusal: second_factor (too many wrong ones), wrong_second_factor, second_factor_used.
    """
    limits.take("second_factor", str(officer.pk), now=now)
    with transaction.atomic():
        proven = _prove(officer, plain_digits(typed).replace(" ", ""), now)
    limits.give_back("second_factor", str(officer.pk), now=now)
    return proven


def matching_step(secret: str, typed: str, now: datetime) -> int | None:
    """The 30-second step (since 1970) of which this is the code, or None. Base32 secret."""
    current = int(now.timestamp()) // STEP_SECONDS
    off = settings.MFA_TOTP_TOLERANCE
    for step in range(current - off, current + off + 1):
        if constant_time_compare(code_of(secret, step), typed):
            return step
    return None


def code_of(secret: str, step: int) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, step))


def offered_secret(request: HttpRequest, *, renew: bool) -> str:
    """The secret that this session was shown to set up an app with, base32; encrypted there."""
    offered = request.session.get(OFFERED_KEY)
    if renew or not offered:
        offered = request.session[OFFERED_KEY] = encrypt(totp.generate_totp_secret())
    return decrypt(offered)


def forget_app(*, officer: User) -> None:
    """Make room for another app; the recovery codes stay."""
    Authenticator.objects.filter(user=officer, type=TYPE.TOTP).delete()


def remember_first_code(*, officer: User, step: int) -> Authenticator:
    """The code that connected the app is used up."""
    app = Authenticator.objects.get(user=officer, type=TYPE.TOTP)
    app.data[LAST_STEP] = step
    app.save(update_fields=["data"])
    return app


def recovery_codes_left(officer: User) -> int:
    spare = Authenticator.objects.filter(user=officer, type=TYPE.RECOVERY_CODES).first()
    return len(spare.wrap().get_unused_codes()) if spare else 0


def reset(*, officer: User, by: User | None) -> bool:
    """Forget the second factor and its recovery codes; False if there was none.

    The officer sets up a new one at the next sign-in. Sessions that the old one opened end.
    `by`: the officer who did it, None from the command line.
    """
    with transaction.atomic():
        deleted, _by_model = Authenticator.objects.filter(user=officer).delete()
    log.warning("second factor of officer %s reset by %s", officer.pk, by.pk if by else "command")
    return bool(deleted)


def _prove(officer: User, typed: str, now: datetime) -> Authenticator:
    ours = Authenticator.objects.select_for_update().filter(user=officer)
    app = ours.filter(type=TYPE.TOTP).first()
    if app is not None and _use_app_code(app, typed, now):
        return app
    spare = ours.filter(type=TYPE.RECOVERY_CODES).first()
    if spare is not None and spare.wrap().validate_code(typed):
        log.warning("officer %s signed in with a recovery code", officer.pk)
        return spare
    raise SignInRefusal("wrong_second_factor")


def _use_app_code(app: Authenticator, typed: str, now: datetime) -> bool:
    step = matching_step(decrypt(app.data["secret"]), typed, now)
    if step is None:
        return False
    if step <= app.data.get(LAST_STEP, -1):
        raise SignInRefusal("second_factor_used")
    app.data[LAST_STEP] = step
    app.save(update_fields=["data"])
    return True
