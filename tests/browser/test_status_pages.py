"""Status pages in a browser: in every state, without scripts, and while they stand open."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.models import User
from appointments import outages, slots
from appointments.cuts import Cut, spread_total
from appointments.models import Centre, Outage, Region, Slot
from tests.browser.harness import Visitor, VisitorFactory, axe, overflow
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_officer,
)

pytestmark = pytest.mark.django_db(transaction=True)
in_both_languages = pytest.mark.parametrize("language", ["hi", "en"])

STATES = ["normal", "partial", "outage", "restored"]
HEADINGS = {
    "normal": {"hi": "सभी केंद्र सामान्य रूप से चालू हैं", "en": "All centres work normally"},
    "partial": {"hi": "आंशिक सेवा", "en": "Partial service"},
    "outage": {
        "hi": "सेवा बाधित: केंद्र न जाएँ",
        "en": "Service interrupted: do not travel",
    },
    "restored": {"hi": "सभी केंद्र सामान्य रूप से चालू हैं", "en": "All centres work normally"},
}


@pytest.fixture
def open_days(office: str, settings: Settings) -> None:
    """Seats at all centres, as on any day, but for two weeks: the page shows ten days."""
    settings.HORIZON_WORKING_DAYS = 12
    slots.open_slots(now=timezone.now())


def bring_about(state: str) -> tuple[Outage, User] | None:
    """By the verbs that the officers' pages call."""
    cache.clear()
    if state == "normal":
        return None
    officer = make_officer(region=Region.objects.get())
    centres = list(Centre.objects.all())
    days = sorted(set(Slot.objects.filter(date__gt=in_days(0)).values_list("date", flat=True)))[:2]
    seats = 0 if state == "outage" else 600
    cuts = spread_total(total_per_day=seats, centres=centres, dates=days)
    outage = declare(
        officer,
        cuts,
        text_hi="सर्वर में तकनीकी खराबी है। नया SMS मिलने तक केंद्र न जाएँ।",
        text_en="The server has a fault. Do not travel until a new SMS comes.",
    )
    if state == "restored":
        outages.restore(outage_id=outage.pk, by=officer)
    return outage, officer


def declare(officer: User, cuts: list[Cut], *, text_hi: str, text_en: str) -> Outage:
    return outages.declare(
        by=officer,
        request_key=uuid.uuid4(),
        scope=Outage.Scope.REGION,
        region=Region.objects.get(),
        since=timezone.now() - dt.timedelta(hours=1),
        cause=Outage.Cause.SERVER,
        cuts=cuts,
        text_hi=text_hi,
        text_en=text_en,
    )


def sound(page: Page) -> None:
    axe(page)
    assert overflow(page) == 0


@in_both_languages
@pytest.mark.parametrize("state", STATES)
def test_status_is_accessible_in_every_state(
    visit: VisitorFactory, open_days: None, language: str, state: str
):
    bring_about(state)
    visitor = visit(language)
    for path in ("/status/", "/status/bpl/bpl/", "/centres/", "/"):
        sound(visitor.go(path))
    page = visitor.go("/status/")
    assert page.locator("html").get_attribute("lang") == language
    expect(page.locator("#news h2").first).to_have_text(HEADINGS[state][language])


@in_both_languages
def test_everything_is_there_without_scripts(visit: VisitorFactory, open_days: None, language: str):
    bring_about("partial")
    visitor = visit(language, scripts=False)
    page = visitor.go("/status/")
    assert page.locator(".days tbody tr").count() == 10
    assert page.locator(".timeline-entry").count() == 2
    again = {"hi": "फिर देखें", "en": "Look again"}[language]
    visitor.follow(page.get_by_role("link", name=again).click)
    assert page.url.endswith("/status/")


@pytest.fixture
def often(settings: Any) -> None:
    """Open pages look each second."""
    settings.STATUS_POLL_SECONDS = 1


def asked(page: Page) -> list[int]:
    """Statuses of what the open page is answered from now on."""
    statuses: list[int] = []
    page.on(
        "response",
        lambda answer: statuses.append(answer.status) if "/news/" in answer.url else None,
    )
    return statuses


def test_open_page_says_what_has_changed_and_keeps_focus_and_place(
    page_en: Visitor, open_days: None, often: None
):
    page = page_en.go("/status/")
    link = page.get_by_role("link", name="Jabalpur", exact=True)
    link.focus()
    page.evaluate("document.querySelector('[role=status]').dataset.kept = 'yes'")
    before = page.evaluate("scrollY")
    bring_about("outage")
    expect(page.locator("#news h2").first).to_have_text(HEADINGS["outage"]["en"])
    expect(page.get_by_text("The server has a fault.")).to_be_visible()
    assert page.evaluate("document.activeElement.textContent") == "Jabalpur"
    # The line that a screen reader listens to is still the same; only what it says was replaced.
    assert page.locator("[role=status][data-kept=yes] #read-at").count() == 1
    assert before > 0
    sound(page)
    outages.restore(outage_id=Outage.objects.get().pk, by=User.objects.get())
    expect(page.locator("#news h2").first).to_have_text(HEADINGS["restored"]["en"])


def test_open_page_is_left_alone_while_nothing_changes(
    page_hi: Visitor, open_days: None, often: None
):
    bring_about("partial")
    page = page_hi.go("/status/bpl/bpl/")
    page.evaluate("document.querySelector('#news').dataset.kept = 'yes'")
    statuses = asked(page)
    page.wait_for_timeout(2600)
    assert len(statuses) >= 2
    assert set(statuses) == {304}
    assert page.locator("#news[data-kept=yes]").count() == 1


# --- Is my appointment affected? ---------------------------------------------------------------

CHECK = {
    "hi": {
        "link": "क्या मेरा अपॉइंटमेंट प्रभावित है?",
        "arn": "आवेदन संदर्भ संख्या (एआरएन)",
        "send": "देखें कि प्रभावित है या नहीं",
        "doubt": "अनिश्चित: प्रतीक्षा करें, केंद्र न जाएँ",
        "nothing": "कुछ नहीं मिला",
    },
    "en": {
        "link": "Is my appointment affected?",
        "arn": "Application number (ARN)",
        "send": "See whether it is affected",
        "doubt": "In doubt: wait, do not travel",
        "nothing": "Nothing found",
    },
}


@in_both_languages
@pytest.mark.parametrize("scripts", [True, False])
def test_worried_person_asks_from_the_first_page(
    visit: VisitorFactory, open_days: None, language: str, scripts: bool
):
    words = CHECK[language]
    slot = Slot.objects.filter(date__gt=in_days(0), centre__code="BPL", quota="normal").earliest(
        "pk"
    )
    application = make_application(centre=slot.centre)
    make_appointment(slot, application=application)
    officer = make_officer(region=slot.region)
    cut = [Cut(slot.centre_id, slot.date, "normal", 0)]
    declare(officer, cut, text_hi="खराबी", text_en="Fault")
    visitor = visit(language, scripts=scripts)
    page = visitor.go("/")
    button = page.get_by_role("link", name=words["link"]).first
    # On the first screen of a phone, above the fold.
    box = button.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 740
    visitor.follow(button.click)
    if scripts:
        sound(page)
    ask(visitor, words, application.arn, application.date_of_birth)
    expect(page.get_by_role("heading", level=1)).to_have_text(words["doubt"])
    assert page.url.endswith("/affected/")
    if scripts:
        sound(page)
    visitor.go("/affected/")
    ask(visitor, words, application.arn, dt.date(1999, 1, 1))
    expect(page.get_by_role("heading", level=1)).to_have_text(words["nothing"])
    if scripts:
        sound(page)


def ask(visitor: Visitor, words: dict[str, str], arn: str, born: dt.date) -> None:
    page = visitor.page
    page.get_by_label(words["arn"]).fill(arn)
    for part in ("day", "month", "year"):
        page.locator(f"[name=date_of_birth_{part}]").fill(str(getattr(born, part)))
    visitor.follow(page.get_by_role("button", name=words["send"]).click)


def test_too_many_questions_are_refused_in_words(page_hi: Visitor, settings: Any):
    limit = [(1, dt.timedelta(hours=1))]
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, "affected_by_arn": limit}
    page_hi.witness.expected_statuses.add(429)
    for _ in range(2):
        page = page_hi.go("/affected/")
        ask(page_hi, CHECK["hi"], "26-1234567890", dt.date(1990, 1, 1))
    expect(page.get_by_role("alert")).to_contain_text("बहुत बार पूछा जा चुका है")
    assert page.get_by_label(CHECK["hi"]["arn"]).input_value() == "26-1234567890"
    sound(page)
