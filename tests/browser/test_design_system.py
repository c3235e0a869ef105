"""Every part of the design system in every state: accessible, within the window, unclipped."""

import re
from itertools import accumulate
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from tests.browser.harness import Visitor, VisitorFactory, axe, overflow

WIDTHS = [320, 360, 768, 1280]


@pytest.fixture(autouse=True)
def _specimen_page(settings: Settings):
    settings.ROOT_URLCONF = "tests.browser.urls"


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_parts_are_accessible(visit: VisitorFactory, language: str, dark: bool):
    axe(visit(language, dark=dark).go("/specimen/"))


@pytest.mark.parametrize("language", ["hi", "en"])
def test_form_with_errors_is_accessible(visit: VisitorFactory, language: str):
    visitor = visit(language)
    page = visitor.go("/specimen/")
    visitor.follow(page.locator("button#submit-id-submit").click)
    assert page.locator(".field-errors").count() == 6
    axe(page)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_all_parts_fit_every_width(visit: VisitorFactory, language: str):
    visitor = visit(language)
    page = visitor.go("/specimen/")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert overflow(page) == 0, width


def test_error_summary_takes_the_focus_and_leads_to_the_field(page_en: Visitor):
    page = page_en.go("/specimen/")
    page_en.follow(page.locator("button#submit-id-submit").click)
    expect(page.locator(".error-summary")).to_be_focused()
    assert page.title().startswith("Error: ")
    page.locator(".error-summary a").nth(1).click()
    expect(page.locator("#id_born_0")).to_be_focused()


def test_headings_leave_room_for_matras(page_hi: Visitor):
    """Devanagari reaches further up and down than Latin: lines of headings must not touch."""
    page = page_hi.go("/specimen/")
    ratios = page.eval_on_selector_all(
        "h1, h2, h3, .banner-heading",
        "all => all.map(e => { const s = getComputedStyle(e);"
        " return parseFloat(s.lineHeight) / parseFloat(s.fontSize); })",
    )
    assert min(ratios) >= 1.4
    body = page.evaluate(
        "(() => { const s = getComputedStyle(document.body);"
        " return parseFloat(s.lineHeight) / parseFloat(s.fontSize); })()"
    )
    assert body == pytest.approx(1.65, abs=0.01)


def test_state_is_icon_word_and_colour(page_hi: Visitor):
    page = page_hi.go("/specimen/")
    for status in page.locator(".status").all():
        assert status.locator("svg").count() == 1
        assert status.inner_text().strip()


def test_printed_page_is_black_on_white_without_navigation(page_hi: Visitor):
    page = page_hi.go("/specimen/")
    page.emulate_media(media="print", color_scheme="light")
    assert not page.locator("nav").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".date").first.is_visible()


def test_style_sheets_close_what_they_open():
    """A browser drops the rest of a sheet without a word when a brace is missing."""
    sheets = sorted(Path(settings.BASE_DIR).glob("*/static/**/*.css"))
    assert len(sheets) >= 3
    for sheet in sheets:
        rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        depths = list(accumulate({"{": 1, "}": -1}.get(character, 0) for character in rules))
        assert depths[-1] == 0, sheet.name
        assert set(depths) <= {0, 1, 2}, sheet.name
