"""The account in a real browser: a phone of 360 px, both languages, with and without scripts."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import app_tokens
from accounts.models import User
from appointments.models import Application
from notifications.models import Message
from tests.browser.harness import DESK_WIDTH, Visitor, VisitorFactory, axe, overflow
from tests.domain.builders import make_application, make_appointment, make_person, make_slot

pytestmark = pytest.mark.django_db(transaction=True)

in_both_languages = pytest.mark.parametrize("language", ["hi", "en"])
NEW_NUMBER = "91234 56780"
PAGES = [
    "",
    "language/",
    "notice/",
    "messages/",
    "devices/",
    "apps/",
    "data/",
    "close/",
    "still-you/",
    "email/remove/",
]


def sound(visitor: Visitor) -> Visitor:
    """Nothing that axe finds, nothing that scrolls sideways, one h1."""
    axe(visitor.page)
    assert overflow(visitor.page) == 0
    assert visitor.page.locator("h1").count() == 1
    return visitor


def enter(visitor: Visitor) -> None:
    visitor.follow(lambda: visitor.page.keyboard.press("Enter"))


def newest_code() -> str:
    return str(Message.objects.filter(kind="OTP").order_by("pk").last().values["otp"])


def somebody(language: str) -> User:
    """With an address, an application, an app, and signed in on a second device."""
    person = make_person(language=language, email="sunita.verma@example.in")
    make_appointment(make_slot(), application=make_application(claimed_by=person))
    now = timezone.now()
    app_tokens._issue(person, "applicant", "Passport helper", "s" * 40, now - timedelta(days=3))
    Client(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0"}).force_login(
        person
    )
    return person


@in_both_languages
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_of_the_account_are_accessible_and_fit(visit: VisitorFactory, language, dark):
    visitor = visit(language, dark=dark)
    visitor.sign_in(somebody(language))
    for name in ("/my/", *(f"/account/{page}" for page in PAGES)):
        page = visitor.go(name)
        assert page.locator("html").get_attribute("lang") == language
        sound(visitor)
        page.set_viewport_size({"width": 320, "height": 640})
        assert overflow(page) == 0, name
        page.set_viewport_size({"width": 360, "height": 740})


@in_both_languages
def test_navigation_stays_on_one_line_of_a_phone(visit: VisitorFactory, language):
    visitor = visit(language)
    visitor.sign_in(somebody(language))
    page = visitor.go("/my/")
    shown = "items => items.filter(i => i.offsetParent !== null).map(i => i.offsetTop)"
    tops = page.locator("nav li").evaluate_all(shown)
    assert len(tops) == 4
    assert len(set(tops)) == 1
    # Signing out is one tap further on a phone, and in the line on a desk.
    page.set_viewport_size({"width": DESK_WIDTH, "height": 900})
    tops = page.locator("nav li").evaluate_all(shown)
    assert (len(tops), len(set(tops))) == (5, 1)


@in_both_languages
@pytest.mark.parametrize("scripts", [True, False])
def test_number_is_changed_after_a_proof_by_keyboard_alone(visit, language, scripts):
    person = somebody(language)
    visitor = visit(language, scripts=scripts)
    visitor.sign_in(person)
    page = visitor.go("/account/phone/")
    # Signed in a while ago: first a code to the old number.
    page.wait_for_url("**/account/still-you/**")
    if scripts:
        visitor.follow(page.locator("main form button").first.click)
        sound(visitor)
    page.locator("#id_channel_0").focus()
    page.keyboard.press("Space")
    enter(visitor)
    page.get_by_role("textbox").fill(newest_code())
    enter(visitor)
    page.wait_for_url("**/account/phone/")
    page.get_by_role("textbox").fill("12")
    enter(visitor)
    assert page.get_by_role("alert").locator("a").get_attribute("href") == "#id_address"
    assert page.get_by_role("textbox").input_value() == "12"
    if scripts:
        sound(visitor)
    page.get_by_role("textbox").fill(NEW_NUMBER)
    enter(visitor)
    page.wait_for_url("**/account/phone/code/")
    code = newest_code()
    page.get_by_role("textbox").fill("000000" if code != "000000" else "000001")
    enter(visitor)
    assert page.get_by_role("alert").count() == 1
    if scripts:
        sound(visitor)
    page.get_by_role("textbox").fill(code)
    enter(visitor)
    page.wait_for_url("**/account/")
    assert NEW_NUMBER in page.content()
    assert User.objects.get(pk=person.pk).phone == "+919123456780"
    if scripts:
        sound(visitor)


@in_both_languages
def test_code_asked_for_too_soon_says_when_to_try_again(visit: VisitorFactory, language):
    visitor = visit(language)
    visitor.witness.expected_statuses.add(429)
    visitor.sign_in(somebody(language))
    page = visitor.go("/account/still-you/")
    page.locator("#id_channel_1").check()
    visitor.follow(page.locator("main form button").first.click)
    visitor.follow(page.locator("button[name=again]").click)
    assert page.get_by_role("alert").count() == 1
    sound(visitor)


@in_both_languages
@pytest.mark.parametrize("scripts", [True, False])
def test_notice_is_answered_and_never_stands_in_the_way(visit, language, scripts):
    person = somebody(language)
    visitor = visit(language, scripts=scripts)
    visitor.sign_in(person)
    page = visitor.go("/my/")
    # The appointment stands on the same page as the panel.
    assert page.locator(".card").count() == 1
    visitor.follow(page.locator("#notice-due + p a").click)
    visitor.follow(page.locator("main form.form button").click)
    assert page.get_by_role("alert").locator("a").count() == 2
    if scripts:
        sound(visitor)
    page.locator("#id_email_messages_1").check()
    page.locator("#id_earlier_seats_0").check()
    visitor.follow(page.locator("main form.form button").click)
    page.wait_for_url("**/my/")
    assert page.locator("#notice-due").count() == 0
    person.refresh_from_db()
    assert (person.email_messages, person.earlier_seats) == (False, True)


@in_both_languages
def test_other_devices_and_an_app_are_ended(visit: VisitorFactory, language):
    person = somebody(language)
    visitor = visit(language)
    visitor.sign_in(person)
    page = visitor.go("/account/devices/")
    assert page.locator(".account-line").count() == 2
    visitor.follow(page.locator(".account-line .button-stop").click)
    assert page.locator(".account-line").count() == 1
    sound(visitor)
    visitor.go("/account/apps/")
    visitor.follow(page.locator(".account-line .button-stop").click)
    assert page.locator(".account-line").count() == 0
    sound(visitor)


def test_data_is_downloaded_under_a_name_without_the_person(visit: VisitorFactory):
    visitor = visit("en")
    visitor.sign_in(somebody("en"))
    page = visitor.go("/account/data/")
    with page.expect_download() as download:
        page.locator("main form button").click()
    assert download.value.suggested_filename == "my-passport-appointments.json"
    held = json.loads(download.value.path().read_text())
    assert len(held["applications"]) == 1


@in_both_languages
def test_account_is_closed_after_reading_asking_and_a_proof(visit: VisitorFactory, language):
    person = somebody(language)
    visitor = visit(language, scripts=False)
    visitor.sign_in(person)
    page = visitor.go("/account/close/")
    visitor.follow(page.locator("main .button-stop").click)
    page.locator("#id_channel_0").check()
    visitor.follow(page.locator("main form button").first.click)
    page.get_by_role("textbox").fill(newest_code())
    enter(visitor)
    page.wait_for_url("**/account/close/sure/")
    assert User.objects.get(pk=person.pk).is_active
    visitor.follow(page.locator("main .button-stop").click)
    assert page.get_by_role("status").count() == 1
    assert not User.objects.get(pk=person.pk).is_active
    assert Application.objects.get().claimed_by is None
    page = visitor.go("/account/")
    page.wait_for_url("**/account/sign-in/**")


def test_account_pages_hold_no_english_for_readers_of_hindi(page_hi: Visitor):
    person = somebody("hi")
    User.objects.filter(pk=person.pk).update(email=None, email_verified=False)
    Application.objects.update(name="सुनीता")
    page_hi.sign_in(person)
    known = {"SMS", "JSON", "Firefox", "Chrome", "English", "Passport", "helper"}
    for path in PAGES:
        page = page_hi.go(f"/account/{path}")
        words = page.evaluate(
            """() => {
            document.querySelectorAll('[lang=en], footer').forEach(part => part.remove());
            return document.body.innerText.match(/[A-Za-z]{2,}/g) || [];
        }"""
        )
        assert set(words) <= known, path
