"""Pages of text, the health of the site, and what search engines may read."""

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from portal.advice import advice
from portal.public_pages import sections_for
from portal.reviews import ACCESSIBILITY_TESTED, LAST_REVIEWED


def text_page(name: str) -> Callable[[HttpRequest], HttpResponse]:
    """A view that shows templates/portal/<name>.html."""

    def view(request: HttpRequest) -> HttpResponse:
        context = {
            "last_reviewed": LAST_REVIEWED,
            "tested": ACCESSIBILITY_TESTED,
            "proof_days": settings.PROOF_KEPT_DAYS,
        }
        return render(request, f"portal/{name}.html", context)

    return view


def site_map(request: HttpRequest) -> HttpResponse:
    """Every public page, for people (GIGW: a search or a sitemap)."""
    return render(request, "portal/sitemap.html", {"sections": sections_for(request)})


def advice_page(request: HttpRequest) -> HttpResponse:
    context = {"advice": advice(settings.SITE_HOST), "last_reviewed": LAST_REVIEWED}
    return render(request, "portal/advice.html", context)


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
    about_people = ["/account/", "/affected/", "/officers/", "/api/", "/check/"]
    closed = ["/"] if settings.DEMO_MODE else about_people
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    if not settings.DEMO_MODE:
        lines.append(f"Sitemap: {request.build_absolute_uri(reverse('sitemap_xml'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
