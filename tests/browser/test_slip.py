"""The slip on paper and on a phone, and what a script adds to it and to the page "done"."""

import io
import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from appointments.models import Centre
from tests.browser.harness import DESK_WIDTH, PHONE_WIDTH, Visitor, axe, overflow
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db(transaction=True)
in_both_languages = pytest.mark.parametrize("language", ["hi", "en"])
A4 = (595, 842)
# A phone with a share sheet; what it is given can be asked for.
SHARE_SHEET = "navigator.share = data => { window.shared = data; return Promise.resolve(); };"


@pytest.fixture
def booked(office):
    """Somebody with a confirmed appointment at the centre with the longest name."""
    centre = Centre.objects.get(code="NPM")
    person = make_person()
    application = make_application(centre=centre, claimed_by=person, name="Sunita Verma")
    slot = make_slot(centre=centre, day=in_days(4), hour=12, minute=15)
    make_appointment(slot, application=application)
    return SimpleNamespace(
        person=person,
        application=application,
        slot=slot,
        centre=centre,
        slip=f"/my/{application.pk}/slip/",
        done=f"/my/{application.pk}/done/",
    )


def open_slip(visit, booked, language="hi", **options) -> Visitor:
    visitor = visit(language, **options)
    visitor.sign_in(booked.person)
    visitor.go(booked.slip)
    return visitor


def printed(page: Page) -> PdfReader:
    return PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))


def as_long_as_can_be(booked) -> None:
    """Every text of the slip at the length that its column takes."""
    words = "Maharajkumari Thiruvananthapuramwala " * 4
    booked.application.name = words[:120]
    booked.application.save()
    centre = booked.centre
    for name, length in [("name", 80), ("town", 40), ("district", 40)]:
        setattr(centre, f"{name}_en", ("Chhatrapati Sambhajinagar (Aurangabad) " * 3)[:length])
        setattr(centre, f"{name}_hi", ("छत्रपति संभाजीनगर (औरंगाबाद) ज़िला " * 3)[:length])
    centre.district_en = centre.district_en[::-1]
    centre.district_hi = "नर्मदापुरम " * 3
    centre.save()


@in_both_languages
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("longest", [False, True], ids=["usual", "longest"])
def test_slip_prints_on_one_sheet_of_a4(visit, booked, settings, language, dark, longest):
    if longest:
        as_long_as_can_be(booked)
        settings.OFFICE_NAME_EN = "Regional Passport Office, Thiruvananthapuram and Lakshadweep"
        settings.OFFICE_NAME_HI = "क्षेत्रीय पासपोर्ट कार्यालय, तिरुवनंतपुरम और लक्षद्वीप"
    settings.DEMO_MODE = True
    page = open_slip(visit, booked, language, dark=dark).page
    paper = printed(page)
    assert len(paper.pages) == 1
    sheet = paper.pages[0]
    assert tuple(round(float(side)) for side in sheet.mediabox[2:]) == A4
    words = sheet.extract_text()
    assert booked.application.arn in words
    assert "Reporting time" in words
    for screen_only in ("Print the slip", "Tell your family", "Sign out", "Sitemap", "Phones"):
        assert screen_only not in words


def test_slip_on_paper_is_black_on_white(visit, booked):
    page = open_slip(visit, booked, "hi", dark=True).page
    page.emulate_media(media="print", color_scheme="dark")
    colours = set(
        page.eval_on_selector_all(
            ".slip, .slip *:not(svg *)",
            "all => all.flatMap(e => { const s = getComputedStyle(e);"
            " return [s.color, s.backgroundColor]; })",
        )
    )
    grey = re.compile(r"rgba?\((\d+), \1, \1[,)]")
    assert all(grey.match(colour) for colour in colours), colours
    for gone in (".top", ".foot", ".slip-screen"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator(".slip-code svg")).to_be_visible()


@in_both_languages
@pytest.mark.parametrize("width", [320, PHONE_WIDTH, DESK_WIDTH])
def test_slip_is_accessible_and_fits_the_window(visit, booked, language, width):
    as_long_as_can_be(booked)
    visitor = open_slip(visit, booked, language, width=width)
    page = visitor.page
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("h1").count() == 1
    assert overflow(page) == 0
    axe(page)
    page.set_viewport_size({"width": 640, "height": 450})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert overflow(page) == 0


def test_slip_is_accessible_in_the_dark(visit, booked):
    axe(open_slip(visit, booked, dark=True).page)


def test_sides_stand_below_each_other_on_a_phone_and_beside_each_other_on_a_desk(visit, booked):
    page = open_slip(visit, booked, "en").page
    hindi, english = page.locator(".slip-side").all()
    assert hindi.get_attribute("lang") == "hi"
    assert hindi.bounding_box()["y"] < english.bounding_box()["y"]
    page.set_viewport_size({"width": DESK_WIDTH, "height": 900})
    assert hindi.bounding_box()["x"] < english.bounding_box()["x"]
    assert hindi.bounding_box()["y"] == english.bounding_box()["y"]


def test_code_is_dark_on_light_with_its_quiet_zone_also_in_the_dark(visit, booked):
    """Scanners want dark modules on a light ground, whatever the theme."""
    page = open_slip(visit, booked, dark=True).page
    code = page.locator(".slip-code svg")
    assert code.locator("path").first.get_attribute("fill") == "#fff"
    assert code.locator("path").last.get_attribute("stroke") == "#000"
    assert code.bounding_box()["width"] >= 160
    image = page.get_by_role("img", name="द्वार पर अधिकारी के लिए कोड")
    expect(image).to_be_visible()


# --- With a script, and without ------------------------------------------------------------------


def test_button_prints_where_scripts_run(visit, booked):
    page = open_slip(visit, booked, "en").page
    page.evaluate("window.print = () => { window.printed = true; }")
    page.get_by_role("button", name="Print the slip").click()
    assert page.evaluate("window.printed") is True
    expect(page.locator("[data-without-script]")).to_be_hidden()


def test_words_say_how_to_print_where_no_script_runs(visit, booked):
    page = open_slip(visit, booked, "en", scripts=False).page
    expect(page.get_by_role("button", name="Print the slip")).to_have_count(0)
    expect(page.get_by_text("open your browser's menu")).to_be_visible()
    expect(page.get_by_role("link", name="By SMS")).to_be_visible()


@pytest.mark.parametrize("name", ["slip", "done"])
def test_share_sheet_gets_the_words_and_nothing_else(visit, booked, name):
    visitor = visit("en")
    visitor.sign_in(booked.person)
    visitor.page.add_init_script(SHARE_SHEET)
    page = visitor.go(getattr(booked, name))
    page.get_by_role("button", name="Share").click()
    shared = page.evaluate("window.shared")
    assert list(shared) == ["text"]
    assert "12:15 pm" in shared["text"]
    assert "Sunita" not in shared["text"]


@pytest.mark.parametrize("name", ["slip", "done"])
def test_button_to_share_stays_away_where_there_is_no_share_sheet(visit, booked, name):
    visitor = visit("en")
    visitor.sign_in(booked.person)
    visitor.page.add_init_script("delete Navigator.prototype.share;")
    page = visitor.go(getattr(booked, name))
    expect(page.get_by_role("button", name="Share")).to_have_count(0)
    expect(page.get_by_role("link", name="By email")).to_be_visible()


@in_both_languages
def test_pages_around_the_slip_are_accessible_and_fit(visit, booked, language):
    visitor = visit(language)
    visitor.sign_in(booked.person)
    for path in ("/my/", booked.done, "/check/made-up/"):
        page = visitor.go(path)
        assert overflow(page) == 0, path
        axe(page)


@in_both_languages
def test_pages_of_errors_are_accessible_and_fit(visit, settings, language):
    settings.ROOT_URLCONF = "tests.portal.test_pages"
    visitor = visit(language)
    visitor.witness.expected_statuses |= {400, 403, 404, 413, 429, 500, 503}
    for status in (400, 403, 404, 413, 429):
        page = visitor.go(f"/fail/{status}/")
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("h1").count() == 1
        assert overflow(page) == 0
        axe(page)


@pytest.mark.parametrize("status", [500, 503])
def test_pages_of_failures_are_accessible_and_fit(visit, settings, status):
    settings.ROOT_URLCONF = "tests.portal.test_pages"
    visitor = visit()
    visitor.witness.expected_statuses.add(status)
    page = visitor.go(f"/fail/{status}/")
    assert page.locator("h1").count() == 1
    assert overflow(page) == 0
    axe(page)
