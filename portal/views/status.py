"""How the service stands: of a region, of a centre; for people, for programs, for feed readers."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import parse_etags

from appointments.models import Centre, Region
from appointments.service import DaySeats
from appointments.status import Status
from portal import status_words
from portal.centre_states import CentreRow, by_kind, row_of
from portal.kept_status import etag_of, kept_status
from portal.language import reader_language
from portal.public_cache import public_page
from portal.status_json import as_json

# Language of a feed, and its name in itself.
FEEDS = (("hi", "हिन्दी"), ("en", "English"))


@public_page
def overview(request: HttpRequest) -> HttpResponse:
    """The regions; with one region, its page."""
    regions = list(Region.objects.order_by("name_en"))
    if len(regions) == 1:
        return _page(request, regions[0])
    now = timezone.now()
    rows = [(region, kept_status(region=region, now=now)) for region in regions]
    context = {
        "rows": [
            {"region": region, "status": status, "heading": status_words.heading_of(status)}
            for region, status in rows
        ]
    }
    return render(request, "portal/status_overview.html", context)


@public_page
def region_status(request: HttpRequest, region_code: str) -> HttpResponse:
    return _page(request, _region(region_code))


@public_page
def centre_status(request: HttpRequest, region_code: str, centre_code: str) -> HttpResponse:
    centre = _centre(region_code, centre_code)
    return _page(request, centre.region, centre)


def region_news(request: HttpRequest, region_code: str) -> HttpResponse:
    return _news(request, _region(region_code))


def centre_news(request: HttpRequest, region_code: str, centre_code: str) -> HttpResponse:
    centre = _centre(region_code, centre_code)
    return _news(request, centre.region, centre)


@public_page
def region_json(request: HttpRequest, region_code: str) -> HttpResponse:
    """The same for programs, both languages inside. Shape: docs/status.md."""
    status = kept_status(region=_region(region_code), now=timezone.now())
    body = as_json(status, site=f"{settings.SITE_SCHEME}://{settings.SITE_HOST}")
    return JsonResponse(body, json_dumps_params={"ensure_ascii": False, "indent": 1})


def _region(code: str) -> Region:
    return get_object_or_404(Region, code__iexact=code)


def _centre(region_code: str, code: str) -> Centre:
    centres = Centre.objects.select_related("region")
    return get_object_or_404(centres, code__iexact=code, region__code__iexact=region_code)


def _page(request: HttpRequest, region: Region, centre: Centre | None = None) -> HttpResponse:
    status = kept_status(region=region, centre=centre, now=timezone.now())
    return render(request, "portal/status.html", _context(status, region, centre))


@public_page
def _news(request: HttpRequest, region: Region, centre: Centre | None = None) -> HttpResponse:
    """The part of the page that changes; 304 for whoever has it, before anything is written."""
    status = kept_status(region=region, centre=centre, now=timezone.now())
    etag = etag_of(status, reader_language())
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponse(status=304)
    else:
        response = render(request, "portal/status_news.html", _context(status, region, centre))
    response.headers["ETag"] = etag
    return response


def _context(status: Status, region: Region, centre: Centre | None) -> dict[str, Any]:
    language = reader_language()
    place = [region.code.lower(), *([centre.code.lower()] if centre else [])]
    return {
        "status": status,
        "region": region,
        "centre": centre,
        "heading": status_words.heading_of(status),
        "outages": [
            {
                "outage": outage,
                "text": outage.text.in_language(language),
                "facts": status_words.facts_of(outage, status),
            }
            for outage in status.outages
        ],
        "groups": [] if centre else _groups(status),
        "days": _days(status),
        "fewer": sum(day.left < day.total for day in status.days),
        "forecast": status_words.forecast_in_words(status.forecast),
        "history": status_words.history_of(status),
        "news_url": reverse("centre_news" if centre else "region_news", args=place),
        # What the page has, so that the same is not sent again.
        "have": json.dumps({"If-None-Match": etag_of(status, language)}),
        "feeds": FEEDS,
        "every": settings.STATUS_POLL_SECONDS,
        # Whoever looks and goes does not wait for a library that is there for those who stay.
        "htmx_after": settings.STATUS_POLL_SECONDS // 2,
    }


def _groups(status: Status) -> list[tuple[str, list[CentreRow]]]:
    return by_kind(row_of(centre, status.region_code) for centre in status.centres)


def _days(status: Status) -> list[dict[str, Any]]:
    """With the length of each bar, in hundredths of the fullest day."""
    most = max((day.total for day in status.days), default=0)
    return [{"day": day, "word": _word(day), **_bar(day, most)} for day in status.days]


def _bar(day: DaySeats, most: int) -> dict[str, int]:
    if not most:
        return {"total": 0, "left": 0}
    return {"total": round(100 * day.total / most), "left": round(100 * day.left / most)}


def _word(day: DaySeats) -> str:
    if day.left == day.total:
        return "running"
    return "reduced" if day.left else "outage"
