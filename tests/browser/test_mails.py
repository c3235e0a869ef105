"""Every email in a real browser: narrow and wide, in both languages, with all its values."""

import pytest
from playwright.sync_api import Page

from accounts.message_kinds import OTP
from appointments import message_kinds
from notifications.models import Message
from notifications.render import render
from tests.browser.harness import DESK_WIDTH, PHONE_WIDTH, axe, overflow
from tests.notifications.test_render import ALERT_VALUES, VALUES

pytestmark = pytest.mark.browser
# A finger's width on a phone (WCAG 2.2 asks for 24).
TOUCH = 44


def show(page: Page, code: str, language: str) -> None:
    values = {**ALERT_VALUES, **VALUES, "why_hi": "कोई सीट नहीं थी।", "why_en": "No seat was left."}
    message = Message(kind=code, channel="email", language=language, values=values)
    page.set_content(render(message).html)


@pytest.mark.parametrize("width", [PHONE_WIDTH, DESK_WIDTH])
@pytest.mark.parametrize("language", ["hi", "en"])
def test_every_email_is_accessible_and_fits(visit, width, language):
    page = visit(language, width=width).page
    for kind in (*message_kinds.ALL, OTP):
        if not kind.speaks("email"):
            continue
        show(page, kind.code, language)
        assert overflow(page) == 0, kind.code
        axe(page)


def test_buttons_are_wide_enough_for_a_finger(visit):
    page = visit("hi", width=PHONE_WIDTH).page
    show(page, "MOVED_ANSWER", "hi")
    buttons = page.locator("td > a")
    assert buttons.count() == 6
    for number in range(6):
        box = buttons.nth(number).bounding_box()
        assert box is not None
        assert box["height"] >= TOUCH


def test_dates_stand_in_one_line_each_on_a_phone(visit):
    """Weekday, then day and month: what a person looks for first."""
    page = visit("en", width=PHONE_WIDTH).page
    values = {**VALUES, "new_at": "2026-09-30T04:45:00+00:00"}  # Wednesday, 30 September
    message = Message(kind="MOVED_KEEP", channel="email", language="en", values=values)
    page.set_content(render(message).html)
    hero = page.locator("td > strong").filter(has_text="September").first
    tops = hero.evaluate("node => [...node.getClientRects()].map(box => Math.round(box.top))")
    assert len(set(tops)) == 2
