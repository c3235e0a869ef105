"""The status of a region as an Atom feed: one entry for each thing that happened."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import linebreaks
from django.utils.translation import gettext as _

from appointments.models import Region
from appointments.status import Event, HistoryEntry, Status
from portal.kept_status import kept_status
from portal.public_cache import public_page
from portal.status_words import EVENTS, facts_of, scope_of

# Tag URIs name the day since which the host is ours; it must never change.
TAG_YEAR = 2026


class StatusFeed(Feed):
    feed_type = Atom1Feed

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Status:
        region = get_object_or_404(Region, code__iexact=kwargs["region_code"])
        return kept_status(region=region, now=timezone.now())

    def title(self, status: Status) -> str:
        return _("Passport appointments, %(region)s: service status") % {
            "region": status.region.in_language(translation.get_language() or "hi")
        }

    def link(self, status: Status) -> str:
        return reverse("region_status", args=[status.region_code.lower()])

    def feed_url(self, status: Status) -> str:
        language = translation.get_language()
        return reverse("region_feed", args=[status.region_code.lower(), language])

    def feed_guid(self, status: Status) -> str:
        return f"tag:{_host()},{TAG_YEAR}:status/{status.region_code}/{translation.get_language()}"

    def items(self, status: Status) -> Sequence[tuple[HistoryEntry, Status]]:
        return [(entry, status) for entry in status.history]

    def item_title(self, item: Any) -> str:
        entry, status = item
        return f"{EVENTS[entry.event]}: {scope_of(entry.outage, status)}"

    def item_description(self, item: Any) -> str:
        """The facts as they stand, and of an announcement what the office wrote; as HTML."""
        entry, status = item
        lines = [f"{fact.label}: {fact.value}" for fact in facts_of(entry.outage, status)]
        if entry.event is Event.DECLARED:
            lines.insert(
                0, entry.outage.text.in_language(translation.get_language() or "hi") + "\n"
            )
        return str(linebreaks("\n".join(lines), autoescape=True))

    def item_link(self, item: Any) -> str:
        return self.link(item[1])

    def item_guid(self, item: Any) -> str:
        entry, _status = item
        moment = int(entry.at.timestamp())
        return f"tag:{_host()},{TAG_YEAR}:outage/{entry.outage.id}/{entry.event}/{moment}"

    def item_updateddate(self, item: Any) -> datetime:
        return item[0].at

    def item_pubdate(self, item: Any) -> datetime:
        return item[0].at


def _host() -> str:
    return settings.SITE_HOST.split(":")[0]


_feed = StatusFeed()


@public_page
def region_feed(request: HttpRequest, region_code: str, language: str) -> HttpResponse:
    """In the language that its address names, whatever the reader's cookie says."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        response = _feed(request, region_code=region_code)
    response.headers["Content-Language"] = language
    return response
