"""Every public page, in both languages, as a person with a cheap phone meets it."""

import re
from urllib.parse import urlsplit

import pytest
from django.urls import reverse
from playwright.sync_api import Page
from pytest_django.fixtures import Settings

from tests.browser.harness import PHONE_WIDTH, Visitor, VisitorFactory, axe, layout_shift, overflow
from tests.portal.test_pages import CONTACTS

# Pages that anybody may open. A new public page belongs here.
PAGES = [
    "home",
    "centres",
    "affected",
    "status",
    "advice",
    "contact",
    "privacy",
    "terms",
    "accessibility",
    "feedback",
    "sitemap",
    "account_request_login_code",
]
# Latin letters which stay in Hindi text: names of things that have no other name.
LATIN_IN_HINDI = {
    "SMS", "OTP", "WCAG", "GIGW", "AA", "JavaScript", "Atom", "JSON", "PSK", "POPSK", "English",
    "www.passportindia.gov.in", "pgportal.gov.in",
}  # fmt: skip
in_both_languages = pytest.mark.parametrize("language", ["hi", "en"])


@in_both_languages
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_accessible_and_whole(visit: VisitorFactory, language: str, dark: bool):
    visitor = visit(language, dark=dark)
    for name in PAGES:
        page = visitor.go(reverse(name))
        assert page.locator("html").get_attribute("lang") == language, name
        assert page.locator("h1").count() == 1, name
        assert page.locator("h1").inner_text().strip(), name
        assert page.title().count(" | ") == 1, name
        axe(page)


@in_both_languages
def test_pages_fit_small_windows_and_large_text(visit: VisitorFactory, language: str):
    visitor = visit(language)
    for name in PAGES:
        page = visitor.go(reverse(name))
        assert layout_shift(page) == 0, name
        assert overflow(page) == 0, name
        page.set_viewport_size({"width": 320, "height": 640})
        assert overflow(page) == 0, name
        # A desk of 1280 px zoomed to 200%, and its text enlarged once more.
        page.set_viewport_size({"width": 640, "height": 450})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert overflow(page) == 0, name
        page.set_viewport_size({"width": PHONE_WIDTH, "height": 740})


def test_hindi_pages_hold_no_english(page_hi: Visitor):
    site = urlsplit(page_hi.host).netloc
    for name in PAGES:
        text = visible_text(page_hi.go(reverse(name))).replace(site, "")
        words = set(re.findall(r"[A-Za-z][\w.:-]*\w", text))
        assert words - LATIN_IN_HINDI == set(), name


def visible_text(page: Page) -> str:
    """What a reader sees outside of parts marked as English, title included."""
    return str(
        page.evaluate(
            """() => {
            document.querySelectorAll('[lang=en]').forEach(part => part.remove());
            return document.title + ' ' + document.body.innerText;
        }"""
        )
    )


@in_both_languages
def test_no_link_is_broken(visit: VisitorFactory, language: str):
    visitor = visit(language)
    links = set()
    for name in PAGES:
        page = visitor.go(reverse(name))
        links |= set(page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"))
    inside = {link.split("#")[0] for link in links if link.startswith(visitor.host)}
    assert len(inside) >= len(PAGES)
    broken = {link: visitor.context.request.get(link).status for link in inside}
    assert {link: status for link, status in broken.items() if status >= 400} == {}


def test_link_into_a_page_names_a_place_that_exists(page_hi: Visitor):
    for name in PAGES:
        page = page_hi.go(reverse(name))
        for target in page.eval_on_selector_all(
            "a[href^='#']", "links => links.map(link => link.getAttribute('href'))"
        ):
            assert page.locator(target).count() == 1


def test_skip_link_is_the_first_stop_of_the_keyboard(page_hi: Visitor):
    page = page_hi.go("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_focus_is_always_visible(page_hi: Visitor):
    page = page_hi.go("/centres/")
    stops = page.locator("a[href], button").count()
    for _stop in range(stops):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement);"
            " return [s.outlineStyle, parseFloat(s.outlineWidth)]; })()"
        )
        assert style[0] == "solid"
        assert style[1] >= 2


def test_links_and_buttons_are_large_enough_for_a_thumb(page_hi: Visitor):
    for name in PAGES:
        page = page_hi.go(reverse(name))
        small = page.eval_on_selector_all(
            "header a, header button, .button, .foot-links a",
            "all => all.filter(e => e.getBoundingClientRect().height < 47.5"
            " && !e.classList.contains('skip')).map(e => e.outerHTML)",
        )
        assert small == []


@pytest.mark.parametrize("scripts", [True, False])
def test_language_switch_keeps_the_page(visit: VisitorFactory, scripts: bool):
    visitor = visit(scripts=scripts)
    page = visitor.go("/advice/")
    assert page.locator("h1").inner_text() == "आवेदकों के लिए परामर्श"
    visitor.follow(page.get_by_role("button", name="English").click)
    assert page.url.endswith("/advice/")
    assert page.locator("h1").inner_text() == "Advice to applicants"
    visitor.follow(page.get_by_role("link", name="Centres").first.click)
    assert page.locator("html").get_attribute("lang") == "en"
    visitor.follow(page.get_by_role("button", name="हिन्दी").click)
    assert page.locator("h1").inner_text() == "केंद्र"


def test_first_view_is_light(page_hi: Visitor):
    sizes = []
    page_hi.page.on("response", lambda response: sizes.append(len(response.body())))
    page_hi.go("/")
    page_hi.page.wait_for_load_state("networkidle")
    assert len(sizes) <= 6
    assert sum(sizes) <= 60_000


@in_both_languages
def test_contacts_of_an_office_are_accessible_and_fit(
    visit: VisitorFactory, settings: Settings, language: str
):
    for name, value in CONTACTS.items():
        setattr(settings, name, value)
    visitor = visit(language)
    for name in ("contact", "privacy", "feedback"):
        page = visitor.go(reverse(name))
        assert page.locator("main a[href^='mailto:']").count() >= 1, name
        page.set_viewport_size({"width": 320, "height": 640})
        assert overflow(page) == 0, name
        axe(page)


@in_both_languages
def test_page_that_does_not_exist_is_accessible(visit: VisitorFactory, language: str):
    visitor = visit(language)
    visitor.witness.expected_statuses.add(404)
    page = visitor.go("/nowhere/")
    assert page.locator("html").get_attribute("lang") == language
    axe(page)


@in_both_languages
def test_demo_pages_are_accessible_and_fit(
    visit: VisitorFactory, settings: Settings, language: str
):
    settings.DEMO_MODE = True
    visitor = visit(language)
    for name in ("demo", "demo_phone"):
        page = visitor.go(reverse(name))
        assert page.locator("h1").count() == 1, name
        assert overflow(page) == 0, name
        axe(page)
