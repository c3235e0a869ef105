"""Whole addresses of messages: masked everywhere, shown one by one, and each look written down."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from appointments.errors import Refusal
from appointments.models import AddressLook
from appointments.verbs import verb
from notifications.models import Message

SEE_ADDRESSES = "notifications.see_addresses"
LOOKS_KEPT = timedelta(days=365)


@verb
def look(*, message_id: int, by: User) -> str:
    """The whole number or email address that a message went to. Every look is a row.

    Refusal: not_permitted. Message.DoesNotExist: the page asks for the officer's own first.
    """
    if not by.is_active or not by.is_staff or not by.has_perm(SEE_ADDRESSES):
        raise Refusal("not_permitted")
    address = Message.objects.values_list("address", flat=True).get(pk=message_id)
    AddressLook.objects.create(message_id=message_id, officer=by, at=timezone.now())
    return str(address)


def looks_at(message_id: int) -> QuerySet[AddressLook]:
    """Newest first."""
    return AddressLook.objects.filter(message=message_id).select_related("officer")


def forget_looks(now: datetime) -> int:
    """Drop what is older than a year; how many."""
    return AddressLook.objects.filter(at__lte=now - LOOKS_KEPT).delete()[0]
