"""Pages for what went wrong. Wired in portal/urls.py and settings.CSRF_FAILURE_VIEW."""

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from accounts.api.problems import MEDIA_TYPE
from portal.middleware import API_PATH

RETRY_AFTER_SECONDS = 60


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form was sent without the secret that its page carried: an old page, or no cookies."""
    return render(request, "403_csrf.html", status=403)


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
    return HttpResponse(render_to_string("500.html"), status=500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503 with a word on when to try again."""
    response = HttpResponse(render_to_string("503.html"), status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _api_problem(status: int) -> HttpResponse:
    """The same for programs, as problem details."""
    code = "unavailable" if status == HTTPStatus.SERVICE_UNAVAILABLE else "server_error"
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "code": code}
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
