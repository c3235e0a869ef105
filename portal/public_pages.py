"""All pages that anybody may read, for the sitemap of people and that of search engines.

A test finds a public page that is missing here.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.sitemaps import Sitemap
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.reviews import LAST_REVIEWED


@dataclass(frozen=True)
class PublicPage:
    name: str
    label: Any
    # What one finds there, in a line.
    about: Any = ""
    # Texts that are reviewed as a whole; the others change by themselves.
    is_text: bool = False

    @property
    def url(self) -> str:
        return reverse(self.name)


# Heading -> pages under it, in the order of need.
SECTIONS: tuple[tuple[Any, tuple[PublicPage, ...]], ...] = (
    (
        _("Your appointment"),
        (
            PublicPage("home", _("Home page"), _("What is happening now, and what to do")),
            PublicPage(
                "account_request_login_code",
                _("Sign in"),
                _("See your appointment, answer an offered time, book, change or cancel"),
            ),
            PublicPage(
                "affected",
                _("Is my appointment affected?"),
                _("Find out with the application number and date of birth, without signing in"),
            ),
            PublicPage("status", _("Service status"), _("Capacity, what has happened, outlook")),
            PublicPage("centres", _("Centres"), _("All centres, and how each works today")),
            PublicPage("advice", _("Advice to applicants"), _("During an outage, and on the day")),
        ),
    ),
    (
        _("Help"),
        (
            PublicPage(
                "contact", _("Help and contact"), _("Helpline, office, complaints"), is_text=True
            ),
            PublicPage(
                "feedback", _("Feedback"), _("Report a fault or a barrier of this site"), True
            ),
        ),
    ),
    (
        _("About this site"),
        (
            PublicPage(
                "accessibility", _("Accessibility statement"), _("What works, what does not"), True
            ),
            PublicPage("privacy", _("Privacy policy"), _("What is kept of you, and why"), True),
            PublicPage("terms", _("Terms of use"), _("What holds for using this site"), True),
            PublicPage("sitemap", _("Sitemap")),
        ),
    ),
)
PAGES = tuple(page for _heading, pages in SECTIONS for page in pages)


class PublicSitemap(Sitemap):
    """Both languages are at one address, by the reader's choice."""

    def items(self) -> list[PublicPage]:
        return list(PAGES)

    def location(self, item: PublicPage) -> str:
        return item.url

    def lastmod(self, item: PublicPage) -> Any:
        return LAST_REVIEWED if item.is_text else None


def sections_for(request: HttpRequest) -> list[tuple[Any, list[PublicPage]]]:
    """The map as this reader sees it: whoever is signed in has no need to."""
    signed_in = request.user.is_authenticated
    return [
        (heading, [p for p in pages if not (signed_in and p.name == "account_request_login_code")])
        for heading, pages in SECTIONS
    ]
