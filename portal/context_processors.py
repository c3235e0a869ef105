"""What every page knows: the office that runs the site, where one can go, what is happening."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from portal.banners import banners_for
from portal.language import reader_language

# Short enough for one line on a phone of 360 px; the office's name leads home.
NAVIGATION = (
    ("appointments:mine", _("My appointments")),
    ("centres", _("Centres")),
    ("contact", _("Help")),
)
FOOTER = (
    ("advice", _("Advice")),
    ("centres", _("Centres")),
    ("status", _("Service status")),
    ("contact", _("Contact")),
    ("privacy", _("Privacy")),
    ("terms", _("Terms of use")),
    ("accessibility", _("Accessibility")),
)


@dataclass(frozen=True)
class Link:
    label: Any
    url: str
    current: str


def office(request: HttpRequest) -> dict[str, Any]:
    """Name and helpline of the office, navigation, and (read when shown) the banners."""
    is_english = reader_language() == "en"
    return {
        "demo_mode": settings.DEMO_MODE,
        "office_name": settings.OFFICE_NAME_EN if is_english else settings.OFFICE_NAME_HI,
        "helpline": settings.HELPLINE,
        "site_host": settings.SITE_HOST,
        "helpline_dial": "".join(ch for ch in settings.HELPLINE if ch.isdigit() or ch == "+"),
        "navigation": SimpleLazyObject(lambda: _links(NAVIGATION, request)),
        "footer_links": SimpleLazyObject(lambda: _links(FOOTER, request)),
        "banners": SimpleLazyObject(lambda: banners_for(getattr(request, "user", None))),
    }


def _links(entries: tuple[tuple[str, Any], ...], request: HttpRequest) -> list[Link]:
    links = [(label, reverse(name)) for name, label in entries]
    return [Link(label, url, _current(request.path, url)) for label, url in links]


def _current(path: str, url: str) -> str:
    """What aria-current says: this very page, a page under it, or neither."""
    if path == url:
        return "page"
    return "true" if path.startswith(url) else ""
