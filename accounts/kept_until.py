"""Something that a visitor chose before signing in is kept for them for some minutes.

Who keeps it, and what it is, is the caller's; the pages of signing in say until when.
"""

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

KEY = "kept_until"


def remember(request: HttpRequest, until: datetime) -> None:
    request.session[KEY] = until.isoformat()


def forget(request: HttpRequest) -> None:
    request.session.pop(KEY, None)


def kept_until(request: HttpRequest) -> datetime | None:
    """The moment until which it is kept; None when nothing is, or the time is over."""
    stored = request.session.get(KEY)
    until = datetime.fromisoformat(stored) if stored else None
    return until if until and until > timezone.now() else None
