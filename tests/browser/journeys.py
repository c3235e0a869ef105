"""The pages of an applicant's main journeys, each in both languages and at two widths.

`make screenshots` takes them after the scenes, into docs/screenshots/journeys/; docs/journeys.md
shows them in order. Whoever changes a text or a page looks at it here, in its place.
"""

import datetime as dt
from collections.abc import Callable, Iterator

from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import User
from appointments import availability, booking, offers, waiting_list
from appointments.models import Application, Offer, Region
from notifications.models import Message
from tests.browser.harness import DESK_WIDTH, PHONE_WIDTH
from tests.browser.shots import ARJUN, PATELS, SUNITA, Later, Path, Shot, page_of

RAMESH = "+919876543212"
AHIRWARS = "+919876543216"
MANPREET = "+919876543217"

Act = Callable[[Page], None]


def prepare(later: Later) -> None:
    """Somebody has accepted, somebody waits, somebody has a seat kept while choosing."""
    first = _first(PATELS)
    offer = Offer.objects.get(appointment__application=first, state=Offer.State.OPEN)
    offers.accept(offer_id=offer.pk, by=_person(PATELS))
    waits = _first(AHIRWARS)
    person = _person(AHIRWARS)
    booking.claim(arn=waits.arn, date_of_birth=waits.date_of_birth, by=person)
    waiting_list.join(application=waits, by=person)
    arjun = _first(ARJUN)
    slot = availability.nearest(arjun, None, timezone.now())[0]
    booking.hold_seat(application=arjun, slot_id=slot.pk, by=_person(ARJUN))


def _person(phone: str) -> User:
    return User.objects.get(phone=phone)


def _first(phone: str) -> Application:
    return Application.objects.filter(phone=phone).earliest("pk")


def link_of(phone: str, rest: str = "") -> Callable[[], str]:
    """The link in the SMS that this phone got last."""

    def path() -> str:
        sent = Message.objects.filter(address=phone, channel="sms", kind__startswith="MOVED")
        token = str(sent.latest("pk").values["url"]).rpartition("/")[2]
        return f"/{token}{rest}"

    return path


def ask_whether_affected(phone: str) -> Act:
    def act(page: Page) -> None:
        application = _first(phone)
        page.locator("main input[name=arn]").fill(application.arn)
        _fill_date(page, "date_of_birth", application.date_of_birth)
        with page.expect_navigation():
            page.locator("main button[type=submit]").first.click()

    return act


def _fill_date(page: Page, name: str, day: dt.date) -> None:
    for part in ("day", "month", "year"):
        page.locator(f"main input[name={name}_{part}]").fill(str(getattr(day, part)))


def press(page: Page) -> None:
    """Send the page's form with nothing filled in."""
    with page.expect_navigation():
        page.locator("main form.form button[type=submit]").last.click()


def _status(rest: str = "") -> Callable[[], str]:
    return lambda: f"/status/{Region.objects.get().code}/{rest}"


# Name, path, who is signed in, what is done before the picture is taken.
PAGES: tuple[tuple[str, Path, str, Act | None], ...] = (
    ("01-home", "/", "", None),
    ("02-affected", "/affected/", "", None),
    ("03-affected-answer", "/affected/", "", ask_whether_affected(SUNITA)),
    ("04-status", _status(), "", None),
    ("05-status-centre", _status("BPL/"), "", None),
    ("06-offer", link_of(SUNITA), "", None),
    ("07-offer-give-up", link_of(SUNITA, "/give-up/"), "", None),
    ("08-several-people", link_of(PATELS), "", None),
    ("09-another-time", link_of(RAMESH, "/another-time/"), "", None),
    ("10-sign-in", "/account/sign-in/", "", None),
    ("11-sign-in-error", "/account/sign-in/", "", press),
    ("12-mine", "/my/", SUNITA, None),
    ("13-accepted", page_of(PATELS, "question/"), PATELS, None),
    ("14-check", page_of(ARJUN, "check/"), ARJUN, None),
    ("15-booked", page_of(MANPREET, "done/"), MANPREET, None),
    ("16-slip", page_of(MANPREET, "slip/"), MANPREET, None),
    ("17-choose-day", page_of(SUNITA, "centre/BPL/"), SUNITA, None),
    ("18-cancel", page_of(MANPREET, "cancel/"), MANPREET, None),
    ("19-waiting", "/my/", AHIRWARS, None),
    ("20-urgent-travel", page_of(MANPREET, "travel/send/"), MANPREET, None),
    ("21-urgent-travel-error", page_of(MANPREET, "travel/send/"), MANPREET, press),
    ("22-account", "/account/", SUNITA, None),
    ("23-my-data", "/account/data/", SUNITA, None),
    ("24-link-application-error", "/my/add/", SUNITA, press),
)


def shots() -> Iterator[Shot]:
    for name, path, who, act in PAGES:
        for language in ("hi", "en"):
            for width in (PHONE_WIDTH, DESK_WIDTH):
                yield Shot(
                    f"journeys/{name}-{language}-{width}",
                    path,
                    language,
                    width,
                    who,
                    whole=True,
                    act=act,
                )
