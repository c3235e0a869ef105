"""Where an applicant is signed in, and signing out elsewhere.

The session itself is the truth: a device whose session is gone is not listed, and ending one
deletes its session, so that its very next request is a stranger's.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts import browsers
from accounts.models import Device, User

# Written at most so often, or each page would be a write.
USE_NOTED_EVERY = timedelta(minutes=5)
# When this session noted its use last; in the session, so that looking costs no query.
NOTED = "device_noted_at"


def on_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Receiver of Django's user_logged_in: however somebody came in, the device is noted."""
    if not user.is_staff:
        note(request, user, now=timezone.now())


def note_use(request: HttpRequest, *, now: datetime) -> None:
    """Keep "last used" true within USE_NOTED_EVERY; for every request of a signed-in applicant."""
    user = request.user
    if not isinstance(user, User) or user.is_staff:
        return
    noted = parse_datetime(request.session.get(NOTED, ""))
    if noted is None or noted <= now - USE_NOTED_EVERY:
        note(request, user, now=now)


def note(request: HttpRequest, person: User, *, now: datetime) -> None:
    if request.session.session_key is None:
        request.session.save()  # another person was signed in here: Django has just begun anew
    browser, system = browsers.family(request.headers.get("User-Agent", ""))
    Device.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "person": person,
            "browser": browser,
            "system": system,
            "last_used_at": now,
        },
        create_defaults={
            "person": person,
            "browser": browser,
            "system": system,
            "signed_in_at": now,
            "last_used_at": now,
        },
    )
    request.session[NOTED] = now.isoformat()


def live_of(person: User, now: datetime) -> QuerySet[Device]:
    """Devices on which this person is signed in now; the one used last first."""
    live = Session.objects.filter(expire_date__gt=now).values("session_key")
    return person.devices.filter(session_key__in=live).order_by("-last_used_at", "-pk")


def end(*, device_id: int, by: User) -> bool:
    """Sign out on one of one's own devices at once; False if there is none. Again: no change."""
    return bool(_end(by.devices.filter(pk=device_id)))


def end_others(*, by: User, but: str | None) -> int:
    """Sign out everywhere except in the session `but`; returns how many devices that were."""
    return _end(by.devices.exclude(session_key=but or ""))


def delete_ended() -> int:
    """Forget devices whose session is gone; returns how many."""
    live = Session.objects.values("session_key")
    deleted, _by_model = Device.objects.exclude(session_key__in=live).delete()
    return deleted


def _end(devices: Iterable[Device]) -> int:
    keys = [device.session_key for device in devices]
    with transaction.atomic():
        Session.objects.filter(session_key__in=keys).delete()
        Device.objects.filter(session_key__in=keys).delete()
    return len(keys)
