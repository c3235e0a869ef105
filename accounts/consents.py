"""What a person was told, what they agreed to, and taking it back.

The switches on the person (User.email_messages, User.earlier_seats) are what senders read; the
rows of Consent are the record of when and in which words. Both change in one transaction. What the
service cannot do without is told, not asked: docs/decisions/0020-account.md.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Consent, User

# Count up when the words of templates/account/notice.html change in substance: then all are shown
# the notice again.
NOTICE_VERSION = 1
Item = Consent.Item
# Optional item -> the switch on the person that senders read.
SWITCHES = {Item.EMAIL: "email_messages", Item.EARLIER_SEATS: "earlier_seats"}


def notice_is_due(person: User) -> bool:
    """Whether the notice in its present words is still to be answered. No query."""
    return not person.is_staff and person.notice_version < NOTICE_VERSION


def answer_notice(*, person: User, wanted: Collection[str], now: datetime) -> None:
    """The notice was read; of the optional items those in `wanted` are agreed to, no others.

    Again with the same answer: changes nothing.
    """
    with transaction.atomic():
        mine = _locked(person)
        _open(mine, Item.NOTICE, now)
        for item in SWITCHES:
            _set(mine, item, item in wanted, now)
        _update(person, mine, notice_version=NOTICE_VERSION)


def choose(*, person: User, item: str, wanted: bool, now: datetime) -> None:
    """Agree to one optional item, or withdraw it. Again: changes nothing."""
    with transaction.atomic():
        mine = _locked(person)
        _set(mine, Item(item), wanted, now)
        _update(person, mine)


def withdraw_all(*, person: User, now: datetime) -> None:
    """End every consent: the account is being closed. In the caller's transaction."""
    person.consents.filter(withdrawn_at__isnull=True).update(withdrawn_at=now)


def standing(person: User) -> QuerySet[Consent]:
    """What holds now: at most one row for each item."""
    return person.consents.filter(withdrawn_at__isnull=True)


def _locked(person: User) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _set(person: User, item: Item, wanted: bool, now: datetime) -> None:
    setattr(person, SWITCHES[item], wanted)
    if wanted:
        _open(person, item, now)
    else:
        standing(person).filter(item=item).update(withdrawn_at=now)


def _open(person: User, item: Item, now: datetime) -> None:
    """Record it in the present words; what was agreed to in older words ends with that."""
    held = standing(person).filter(item=item)
    held.exclude(version=NOTICE_VERSION).update(withdrawn_at=now)
    if not held.exists():
        Consent.objects.create(person=person, item=item, version=NOTICE_VERSION, given_at=now)


def _update(person: User, mine: User, **changes: int) -> None:
    """Write the switches; the caller's copy of the person shows them too."""
    values = {name: getattr(mine, name) for name in SWITCHES.values()} | changes
    User.objects.filter(pk=mine.pk).update(**values)
    for name, value in values.items():
        setattr(person, name, value)
