"""Signing in with a real browser: both languages, with and without scripts, by keyboard."""

import re
import time

import pytest

from accounts import demo, second_factor
from accounts.models import User
from notifications.models import Message
from tests.accounts.conftest import OFFICER_EMAIL, PASSWORD, SECRET, app_code
from tests.browser.harness import Visitor, VisitorFactory, axe, overflow

pytestmark = pytest.mark.browser

TYPED = "98765 43210"


def newest_code() -> str:
    return str(Message.objects.filter(kind="OTP").order_by("pk").last().values["otp"])


def enter(visitor: Visitor) -> None:
    visitor.follow(lambda: visitor.page.keyboard.press("Enter"))


def checked(visitor: Visitor) -> Visitor:
    axe(visitor.page)
    assert overflow(visitor.page) == 0
    return visitor


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("language", ["hi", "en"])
def test_applicant_signs_in_with_number_and_code(visit: VisitorFactory, language, scripts):
    visitor = visit(language, scripts=scripts)
    page = visitor.go("/account/sign-in/?next=/centres/")
    page.get_by_role("textbox").fill("98765")
    enter(visitor)
    assert page.get_by_role("alert").locator("a").get_attribute("href") == "#id_contact"
    page.get_by_role("textbox").fill(TYPED)
    enter(visitor)
    page.wait_for_url("**/account/sign-in/code/**")
    page.get_by_role("textbox").fill("000000" if newest_code() != "000000" else "000001")
    enter(visitor)
    assert page.get_by_role("alert").count() == 1
    page.get_by_role("textbox").fill(newest_code())
    enter(visitor)
    page.wait_for_url("**/centres/")
    assert User.objects.get().language == language


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("language", ["hi", "en"])
def test_pages_of_applicants_are_accessible_with_and_without_errors(visit, language, dark):
    visitor = visit(language, dark=dark)
    visitor.witness.expected_statuses.add(429)
    page = visitor.go("/account/sign-in/email/")
    checked(visitor)
    page = visitor.go("/account/sign-in/")
    for typed in ("1", TYPED):
        page.get_by_role("textbox").fill(typed)
        enter(visitor)
        checked(visitor)
    page.get_by_role("textbox").fill("1")
    enter(visitor)
    checked(visitor)
    # Too soon: the page of a limit.
    visitor.follow(page.locator("button[name=again]").click)
    assert page.get_by_role("alert").count() == 1
    checked(visitor)


def test_officer_sets_up_an_app_and_every_page_is_accessible(visit: VisitorFactory):
    User.objects.create_superuser(OFFICER_EMAIL, PASSWORD, name="Meera")
    visitor = visit("hi")
    page = visitor.go("/officers/")
    checked(visitor)
    page.get_by_label("Email address").fill(OFFICER_EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    enter(visitor)
    page.wait_for_url("**/officers/security/app/**")
    checked(visitor)
    assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 0
    secret = re.sub(r"\s", "", page.locator("dd code").inner_text())
    page.get_by_role("textbox").fill(code_for(secret))
    enter(visitor)
    page.wait_for_url("**/officers/security/recovery-codes/**")
    assert page.locator("main li code").count() == 10
    checked(visitor)
    for path in ("security/", "security/recovery-codes/new/", "security/password/"):
        visitor.go(f"/officers/{path}")
        checked(visitor)


def test_officer_signs_in_with_the_app(visit: VisitorFactory, settings):
    settings.DEMO_MODE = True
    demo.create_officer(email=OFFICER_EMAIL, password=PASSWORD, name="Meera", totp_secret=SECRET)
    visitor = visit("en")
    page = visitor.go("/officers/sign-in/")
    page.get_by_label("Email address").fill(OFFICER_EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    enter(visitor)
    page.wait_for_url("**/officers/sign-in/code/")
    checked(visitor)
    page.get_by_role("textbox").fill(app_code())
    enter(visitor)
    page.wait_for_url("**/officers/")
    assert "Meera" in page.content()


def code_for(secret: str) -> str:
    return second_factor.code_of(secret, int(time.time()) // second_factor.STEP_SECONDS)


def test_session_that_the_harness_makes_is_an_officers(visit: VisitorFactory, settings):
    settings.DEMO_MODE = True
    officer = demo.create_officer(
        email=OFFICER_EMAIL, password=PASSWORD, name="Meera", totp_secret=SECRET
    )
    visitor = visit("en")
    visitor.sign_in(officer)
    page = visitor.go("/officers/")
    assert page.url.endswith("/officers/")
