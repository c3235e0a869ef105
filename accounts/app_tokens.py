"""Tokens by which an app or a program acts for a person: issued once, stored hashed, revocable.

An applicant's is opened by a code to the phone and may do what the person may. An officer's is made
behind the second factor and only reads.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from accounts import second_factor, sign_in
from accounts.errors import SignInRefusal
from accounts.models import AppToken, User

APPLICANT_LIFE = timedelta(days=90)
OFFICER_LIFE = timedelta(days=30)
KEPT_FOR = timedelta(days=30)
# Written at most so often, or each read of the API would be a write.
USE_NOTED_EVERY = timedelta(minutes=1)


def secret_for(*, code_id: UUID, typed: str, retry_key: str) -> str:
    """The secret of the token that this code opens for the request with this key.

    It follows from what the app sent, so that an app that lost the answer can be told again what
    nobody kept.
    """
    return _secret(str(code_id), typed, retry_key)


def open_with_code(*, code_id: UUID, typed: str, name: str, secret: str, now: datetime) -> AppToken:
    """A token with this secret (see secret_for) for the person whom the code opens.

    The same request again, within the code's life, finds the token that the first one opened.
    SignInRefusal: as sign_in.check_code.
    """
    try:
        person = sign_in.check_code(code_id=code_id, typed=typed, now=now)
    except SignInRefusal:
        opened = _live(now).filter(created_at__gt=now - sign_in.CODE_LIFE)
        known = opened.filter(secret_hash=_hash(secret)).first()
        if known is None:
            raise
        return known
    return _issue(person, AppToken.Kind.APPLICANT, name, secret, now)


def issue_to_officer(
    *, officer: User, name: str, random_part: str, now: datetime
) -> tuple[AppToken, str]:
    """A reading token for an officer whose session has proven a second factor (the caller's duty).

    `random_part`: at least 32 random characters.
    """
    secret = _secret("officer", str(officer.pk), random_part)
    return _issue(officer, AppToken.Kind.OFFICER, name, secret, now), secret


def find(*, secret: str, now: datetime) -> AppToken | None:
    """The live token with this secret, its person still allowed in; else None."""
    token = _live(now).filter(secret_hash=_hash(secret)).select_related("person").first()
    if token is None or not _may_use(token):
        return None
    _note_use(token, now)
    return token


def revoke(*, token_id: int, by: User, now: datetime) -> bool:
    """End a token of one's own at once; False if there is none. Again: changes nothing."""
    mine = AppToken.objects.filter(pk=token_id, person=by)
    mine.filter(revoked_at__isnull=True).update(revoked_at=now)
    return mine.exists()


def revoke_all(*, person: User, now: datetime) -> int:
    """End all of a person's tokens at once; returns how many that were."""
    return _live(now).filter(person=person).update(revoked_at=now)


def live_of(person: User, now: datetime) -> QuerySet[AppToken]:
    """Tokens by which something may act for this person now; the newest first."""
    return _live(now).filter(person=person).order_by("-pk")


def delete_ended(*, now: datetime) -> int:
    """Forget tokens that ended a month ago; returns how many."""
    before = now - KEPT_FOR
    gone = AppToken.objects.filter(Q(expires_at__lte=before) | Q(revoked_at__lte=before))
    deleted, _by_model = gone.delete()
    return deleted


def _issue(person: User, kind: str, name: str, secret: str, now: datetime) -> AppToken:
    life = OFFICER_LIFE if kind == AppToken.Kind.OFFICER else APPLICANT_LIFE
    return AppToken.objects.create(
        person=person,
        kind=kind,
        name=name,
        secret_hash=_hash(secret),
        created_at=now,
        expires_at=now + life,
    )


def _live(now: datetime) -> QuerySet[AppToken]:
    return AppToken.objects.filter(revoked_at__isnull=True, expires_at__gt=now)


def _may_use(token: AppToken) -> bool:
    """An account that was closed, or that lost its rights or its second factor, opens nothing."""
    person = token.person
    if not person.is_active:
        return False
    if token.kind == AppToken.Kind.OFFICER:
        return person.is_staff and second_factor.is_set_up(person)
    return not person.is_staff


def _note_use(token: AppToken, now: datetime) -> None:
    noted = token.last_used_at
    if noted is None or noted <= now - USE_NOTED_EVERY:
        AppToken.objects.filter(pk=token.pk).update(last_used_at=now)


def _secret(*parts: str) -> str:
    digest = salted_hmac("accounts.app_tokens", "\n".join(parts), algorithm="sha256").hexdigest()
    return f"pp_{digest}"


def _hash(secret: str) -> str:
    return salted_hmac("accounts.app_tokens.hash", secret, algorithm="sha256").hexdigest()
