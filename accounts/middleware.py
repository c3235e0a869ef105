"""Everything under /officers/ is for officers whose session proved a second factor."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from accounts import devices, officers, second_factor
from accounts.models import User

OFFICERS_PATH = "/officers/"
# Pages that lead to a second factor: who has none yet must reach them.
WAY_IN = {"officer_login", "mfa_authenticate"}
TO_SET_UP = {"mfa_activate_totp", "account_reauthenticate"}
TO_PROVE = {"mfa_reauthenticate"}


class OfficerSecondFactorMiddleware:
    """By path, not by view: a page added there later is guarded without anybody's thought."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        if not request.path_info.startswith(OFFICERS_PATH) or _view_name(request) in WAY_IN:
            return None
        return turned_away(request)


class DeviceMiddleware:
    """Notes now and then that a device is in use, for the list of devices of an applicant."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # A stranger has no session to look into: no query for public pages.
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            devices.note_use(request, now=timezone.now())
        return self.get_response(request)


def turned_away(request: HttpRequest) -> HttpResponse | None:
    """Where this request is sent instead, or None if it may go on. Applicants see no page."""
    person = request.user
    if not isinstance(person, User):
        return _redirect("officer_login", request)
    if not person.is_staff:
        raise Http404
    if officers.has_second_factor(request):
        return None
    if _has_gone_stale(request):
        logout(request)
        return _redirect("officer_login", request)
    allowed, page = _next_step(person)
    return None if _view_name(request) in allowed else _redirect(page, request)


def _next_step(officer: User) -> tuple[set[str], str]:
    if second_factor.is_set_up(officer):
        return TO_PROVE, "mfa_reauthenticate"
    return TO_SET_UP, "mfa_activate_totp"


def _has_gone_stale(request: HttpRequest) -> bool:
    proven_at = officers.second_factor_at(request)
    return proven_at is not None and proven_at < timezone.now() - settings.OFFICER_SESSION


def _view_name(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.view_name if match else ""


def _redirect(page: str, request: HttpRequest) -> HttpResponse:
    """To that page, and from there back here; a form that was being sent is not repeated."""
    url = reverse(page)
    if request.method == "GET" and request.path_info != OFFICERS_PATH:
        url = f"{url}?{urlencode({'next': request.get_full_path()})}"
    return HttpResponseRedirect(url)
