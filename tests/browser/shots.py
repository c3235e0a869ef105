"""What a picture is: where, whose, in which language and width. See scenes.py and journeys.py."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from appointments.models import Application
from tests.browser.harness import PHONE_WIDTH

SUNITA = "+919876543210"
ARJUN = "+919876543211"
PATELS = "+919876543213"

# Moves the site's clock on.
Later = Callable[[dt.timedelta], None]
# An address, or how to find it once the demo is there.
Path = str | Callable[[], str]


@dataclass(frozen=True)
class Shot:
    """One picture: docs/screenshots/<name>.png. `who`: email or phone of who is signed in."""

    name: str
    path: Path
    language: str = "hi"
    width: int = PHONE_WIDTH
    who: str = ""
    dark: bool = False
    # The whole page, or what the window shows of it.
    whole: bool = False
    # What is done on the page before.
    act: Callable[[Page], None] | None = None


def page_of(phone: str, rest: str) -> Callable[[], str]:
    """The page of the (first) application behind a phone, once the demo is there."""

    def path() -> str:
        application = Application.objects.filter(phone=phone).earliest("pk")
        return f"/my/{application.pk}/{rest}"

    return path
