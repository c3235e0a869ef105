"""Pages for what went wrong. Wired in portal/urls.py and settings.CSRF_FAILURE_VIEW."""

import sys
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import (
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import requires_csrf_token

from accounts.api.problems import MEDIA_TYPE
from portal.middleware import API_PATH
from portal.office import dial

RETRY_AFTER_SECONDS = 60
TOO_LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for a form that holds more than the site takes."""
    if isinstance(exception, TOO_LARGE):
        return render(request, "413.html", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form was sent without the secret that its page carried: an old page, or no cookies."""
    return render(request, "403_csrf.html", {"form_page": _form_page(request)}, status=403)


def _form_page(request: HttpRequest) -> str:
    """The page of this site from which the form was sent, where the browser tells."""
    page = request.headers.get("Referer", "")
    own = url_has_allowed_host_and_scheme(
        page, {request.get_host()}, require_https=request.is_secure()
    )
    return page if own else ""


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 where the database is the one that is away.

    Both pages are rendered without context processors, database and translation: none of them
    can be trusted here. They are in both languages.
    """
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    if request.path_info.startswith(API_PATH):
        return _api_problem(503 if away else 500)
    if away:
        return unavailable(request)
    return HttpResponse(render_to_string("500.html", _help()), status=500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503 with a word on when to try again."""
    response = HttpResponse(render_to_string("503.html", _help()), status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _help() -> dict[str, str]:
    """All that these pages need from outside."""
    return {"helpline": settings.HELPLINE, "helpline_dial": dial(settings.HELPLINE)}


def _api_problem(status: int) -> HttpResponse:
    """The same for programs, as problem details."""
    code = "unavailable" if status == HTTPStatus.SERVICE_UNAVAILABLE else "server_error"
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "code": code}
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
