"""Accounts of applicants: found or made when a code is asked for, kept once it was right."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Language, SignInCode, User

# An account whose number nobody proved to own is forgotten after this.
UNVERIFIED_LIFE = timedelta(days=1)


def person_for_phone(*, phone: str, language: str, now: datetime) -> User:
    """The account of this number (E.164), made on the way if there is none.

    A new account is unverified and has the language of the page it was made from; so has one
    that is still unverified, because the next page may be somebody else's. In a transaction: the
    row is locked, so that it is not forgotten before a code hangs on it.
    """
    person, _created = User.objects.select_for_update().get_or_create(
        phone=phone,
        defaults={"language": language, "date_joined": now, "password": _no_password()},
    )
    if person.language != language and _unproven(person).update(language=language):
        person.language = language
    return person


def person_for_email(*, email: str) -> User | None:
    """The account of this address, or None: addresses do not open new accounts."""
    return User.objects.filter(email=email.lower()).first()


def may_sign_in_by_code(person: User | None) -> bool:
    """Officers never: their way in is a password and a second factor."""
    return person is not None and person.is_active and not person.is_staff


def confirm_phone(*, person: User, phone: str) -> bool:
    """Mark the number as proven by a right code; False if the account lost it or is closed."""
    mine = User.objects.filter(pk=person.pk, phone=phone, is_active=True, is_staff=False)
    return bool(mine.update(phone_verified=True))


def confirm_email(*, person: User, email: str) -> bool:
    """The same for an address."""
    mine = User.objects.filter(pk=person.pk, email=email, is_active=True, is_staff=False)
    return bool(mine.update(email_verified=True))


def set_language(*, person: User, language: str) -> None:
    """Remember the language in which this person wants pages and messages ("hi" or "en")."""
    if language in Language.values and person.language != language:
        person.language = language
        person.save(update_fields=["language"])


def delete_unverified(*, now: datetime) -> int:
    """Forget accounts made on the way whose number was never proven; returns how many.

    One for which a code was asked within the day stays: its owner may be typing it.
    """
    before = now - UNVERIFIED_LIFE
    recent = SignInCode.objects.filter(created_at__gt=before, person__isnull=False)
    with transaction.atomic():
        stale = User.objects.filter(
            phone_verified=False,
            email__isnull=True,
            is_staff=False,
            last_login__isnull=True,
            date_joined__lte=before,
        ).exclude(pk__in=recent.values("person"))
        # Locked first, so that a number proven at this moment is not deleted with the rest.
        people = list(stale.select_for_update(skip_locked=True).values_list("pk", flat=True))
        User.objects.filter(pk__in=people).delete()
    return len(people)


def delete_unproven(*, phone: str) -> None:
    """Forget an account with this number that nobody has ever been in, at once.

    For somebody who has just proven to own the number. In the caller's transaction.
    """
    never = {"phone_verified": False, "last_login__isnull": True, "is_staff": False}
    unproven = User.objects.filter(phone=phone, email__isnull=True, **never)
    # Locked first: one that is being proven at this moment is somebody's account, and stays.
    people = list(unproven.select_for_update().values_list("pk", flat=True))
    User.objects.filter(pk__in=people).delete()


def _unproven(person: User) -> QuerySet[User]:
    """This account while nobody has ever been in it."""
    never = {"phone_verified": False, "last_login__isnull": True, "is_staff": False}
    return User.objects.filter(pk=person.pk, **never)


def _no_password() -> str:
    person = User()
    person.set_unusable_password()
    return person.password
