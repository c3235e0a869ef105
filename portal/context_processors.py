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
from portal.office import dial, office_in

# Short enough for one line on a phone of 360 px; the office's name leads home.
NAVIGATION = (
    ("appointments:mine", _("My appointments")),
    ("centres", _("Centres")),
    ("contact", _("Help")),
)
# At the end of the line, for those who are signed in; signing out is one tap further on a phone.
ACCOUNT = (("my_account", _("Account")),)
FOOTER = (
    ("advice", _("Advice")),
    ("centres", _("Centres")),
    ("status", _("Service status")),
    ("contact", _("Contact")),
    ("privacy", _("Privacy")),
    ("terms", _("Terms of use")),
    ("accessibility", _("Accessibility")),
    ("feedback", _("Feedback")),
    ("sitemap", _("Sitemap")),
)


@dataclass(frozen=True)
class Link:
    label: Any
    url: str
    current: str


def office(request: HttpRequest) -> dict[str, Any]:
    """Name and helpline of the office, navigation, and (read when shown) the banners."""
    this = office_in(reader_language())
    return {
        "demo_mode": settings.DEMO_MODE,
        "office": this,
        "office_name": this.name,
        "helpline": settings.HELPLINE,
        "site_host": settings.SITE_HOST,
        "helpline_dial": dial(settings.HELPLINE),
        "navigation": SimpleLazyObject(lambda: _links(NAVIGATION, request)),
        "account_link": SimpleLazyObject(lambda: _links(ACCOUNT, request)[0]),
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
