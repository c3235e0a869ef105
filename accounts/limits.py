"""Limits that hold exactly, however many processes and parallel requests there are.

settings.SIGN_IN_LIMITS names each limit and its steps: at most `amount` within `period`, counted
from the first time on. A step is one row, changed by one conditional UPDATE. Callers take an
allowance inside the transaction of what it allows: a refusal later on gives it back.
"""

import ipaddress
import logging
from datetime import datetime, timedelta

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts.errors import SignInRefusal
from accounts.models import Allowance

log = logging.getLogger(__name__)

# Of an IPv6 address this much is one subscriber; the rest they can change at will.
IPV6_PREFIX = 64
UNKNOWN_NETWORK = "unknown"
TRIES = 3


def take(limit: str, *subject: str, now: datetime) -> None:
    """Use up one of what `limit` allows to `subject`. SignInRefusal: none is left.

    The refusal carries the limit's name and when to try again.
    """
    for amount, period in settings.SIGN_IN_LIMITS[limit]:
        retry_at = _take_step(_key(limit, period, subject), amount, period, now)
        if retry_at is not None:
            raise SignInRefusal(limit, retry_at=retry_at)


def give_back(limit: str, *subject: str, now: datetime) -> None:
    """Undo one `take`: what was tried was right, and only wrong tries count."""
    keys = [_key(limit, period, subject) for _amount, period in settings.SIGN_IN_LIMITS[limit]]
    Allowance.objects.filter(key__in=keys, used__gt=0, ends_at__gt=now).update(used=F("used") - 1)


def network_of(request: HttpRequest) -> str:
    """The visitor's network: an IPv4 address, or the first 64 bits of an IPv6 address.

    Behind proxies ALLAUTH_TRUSTED_PROXY_COUNT says how many of them to believe.
    """
    try:
        address = ipaddress.ip_address(get_adapter().get_client_ip(request))
    except (ImproperlyConfigured, PermissionDenied, ValueError) as error:
        # A Unix socket without a proxy, or fewer proxies than the settings say. All who come
        # this way share one limit: safe, and it is heard of.
        log.error("no network address: %s", type(error).__name__)
        return UNKNOWN_NETWORK
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network(f"{address}/{IPV6_PREFIX}", strict=False))
    return str(address)


def delete_ended(*, now: datetime) -> int:
    """Forget allowances whose time is over; returns how many."""
    ended = Allowance.objects.filter(ends_at__lte=now)
    with transaction.atomic():
        # Those which somebody renews at this moment stay: waiting for them could be in a circle.
        free = list(ended.select_for_update(skip_locked=True).values_list("pk", flat=True))
        Allowance.objects.filter(pk__in=free).delete()
    return len(free)


def _key(limit: str, period: timedelta, subject: tuple[str, ...]) -> str:
    who = salted_hmac("accounts.limits", "\n".join(subject), algorithm="sha256").hexdigest()
    return f"{limit}:{int(period.total_seconds())}:{who}"


def _take_step(key: str, amount: int, period: timedelta, now: datetime) -> datetime | None:
    """None if it is allowed, else when it will be again."""
    ends_at = now + period
    for _ in range(TRIES):
        with transaction.atomic():
            row, created = Allowance.objects.get_or_create(
                key=key, defaults={"used": 1, "ends_at": ends_at}
            )
        mine = Allowance.objects.filter(pk=row.pk)
        if created or mine.filter(ends_at__lte=now).update(used=1, ends_at=ends_at):
            return None
        if mine.filter(ends_at__gt=now, used__lt=amount).update(used=F("used") + 1):
            return None
        retry_at = mine.values_list("ends_at", flat=True).first()
        # None: it ended and was forgotten between two statements; start anew.
        if retry_at is not None:
            return retry_at
    return ends_at
