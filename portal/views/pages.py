"""Pages of text, the health of the site, and what search engines may read."""

import datetime as dt
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from portal.advice import advice

# When a person last read the text of these pages through (GIGW asks for the date).
LAST_REVIEWED = dt.date(2026, 11, 24)


def text_page(name: str) -> Callable[[HttpRequest], HttpResponse]:
    """A view that shows templates/portal/<name>.html."""

    def view(request: HttpRequest) -> HttpResponse:
        return render(request, f"portal/{name}.html", {"last_reviewed": LAST_REVIEWED})

    return view


def advice_page(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/advice.html", {"advice": advice(settings.SITE_HOST)})


@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """200 "ok" while the database answers, else 503. Says nothing more."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return HttpResponse("unavailable", content_type="text/plain", status=503)
    return HttpResponse("ok", content_type="text/plain")


def robots(request: HttpRequest) -> HttpResponse:
    """Public pages may be found; a demonstration, and pages about people, may not."""
    closed = ["/"] if settings.DEMO_MODE else ["/account/", "/affected/", "/officers/", "/api/"]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
