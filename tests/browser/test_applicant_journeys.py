"""The applicants' journeys in a real browser: a phone of 360 px, both languages, no JavaScript."""

import datetime as dt

import pytest
from django.utils import timezone

from appointments import booking, seats
from appointments.models import Appointment, Centre, Hold
from tests.browser.harness import Visitor, axe, overflow
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = {
    "hi": {
        "link": "आवेदन जोड़ें",
        "book": "अपॉइंटमेंट बुक करें",
        "continue": "आगे बढ़ें",
        "another": "दूसरा केंद्र, तिथि या समय",
        "confirm": "अपॉइंटमेंट की पुष्टि करें",
        "confirmed": "आपके अपॉइंटमेंट की पुष्टि हो गई है",
        "cancel": "अपॉइंटमेंट रद्द करें",
        "cancelled": "अपॉइंटमेंट रद्द हो गया",
    },
    "en": {
        "link": "Link an application",
        "book": "Book an appointment",
        "continue": "Continue",
        "another": "Another centre, date or time",
        "confirm": "Confirm the appointment",
        "confirmed": "Your appointment is confirmed",
        "cancel": "Cancel the appointment",
        "cancelled": "The appointment is cancelled",
    },
}


def sound(visitor: Visitor) -> None:
    """Nothing that axe finds, nothing that scrolls sideways."""
    axe(visitor.page)
    assert overflow(visitor.page) == 0


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("scripts", [True, False])
def test_link_book_and_cancel(visit, language, scripts):
    words = WORDS[language]
    centre = Centre.objects.get(code="BPL")
    for day in (4, 5):
        make_slot(centre=centre, day=in_days(day))
    person = make_person(language=language)
    application = make_application(centre=centre)
    visitor = visit(language, scripts=scripts)
    visitor.sign_in(person)
    page = visitor.go("/my/")
    check = sound if scripts else (lambda _visitor: None)  # axe is a script itself

    visitor.follow(page.get_by_role("link", name=words["link"]).click)
    check(visitor)
    visitor.follow(page.get_by_role("button").last.click)  # nothing filled in
    assert page.locator(".error-summary").is_visible()
    check(visitor)
    page.locator("input[name=arn]").fill(application.arn)
    born = application.date_of_birth
    for part, number in (("day", born.day), ("month", born.month), ("year", born.year)):
        page.locator(f"input[name=date_of_birth_{part}]").fill(str(number))
    visitor.follow(page.get_by_role("button").last.click)
    check(visitor)

    visitor.follow(page.get_by_role("link", name=words["book"]).click)
    check(visitor)
    visitor.follow(page.get_by_role("button", name=words["continue"]).click)
    assert page.locator(".error-summary").is_visible()
    check(visitor)
    page.get_by_label(words["another"]).check()
    visitor.follow(page.get_by_role("button", name=words["continue"]).click)
    check(visitor)
    visitor.follow(page.get_by_role("button", name=words["continue"]).click)  # home centre
    check(visitor)
    for _question in ("day", "time"):
        page.get_by_role("radio").first.check()
        visitor.follow(page.get_by_role("button", name=words["continue"]).click)
        check(visitor)
    visitor.follow(page.get_by_role("button", name=words["confirm"]).click)
    assert page.get_by_role("heading", level=1).inner_text() == words["confirmed"]
    check(visitor)

    page = visitor.go("/my/")
    check(visitor)
    visitor.follow(page.get_by_role("link", name=words["cancel"]).click)
    check(visitor)
    visitor.follow(page.get_by_role("button", name=words["cancel"]).click)
    assert page.get_by_role("heading", level=1).inner_text() == words["cancelled"]
    check(visitor)
    assert Appointment.objects.get().state == "cancelled"
    assert seats.check() == []


@pytest.mark.parametrize("language", ["hi", "en"])
def test_states_of_my_appointments(visit, language):
    person = make_person(language=language)
    centre = Centre.objects.get(code="BPL")
    slot = make_slot(centre=centre, seats=9)
    for state in ("confirmed", "in_doubt", "completed", "no_show"):
        make_appointment(
            slot, application=make_application(centre=centre, claimed_by=person), state=state
        )
    Appointment.objects.create(
        application=make_application(centre=centre, claimed_by=person),
        state="waiting",
        booked_at=timezone.now(),
        waiting_since=timezone.now(),
    )
    visitor = visit(language)
    visitor.sign_in(person)
    visitor.go("/my/")
    sound(visitor)
    # The account, where one signs out, stands on the line of the navigation of a phone too.
    tops = "items => items.filter(i => i.offsetParent !== null).map(i => i.offsetTop)"
    assert len(set(visitor.page.locator(".nav li").evaluate_all(tops))) == 1


@pytest.mark.parametrize("language", ["hi", "en"])
def test_hold_that_ran_out_is_explained(visit, language):
    person = make_person(language=language)
    centre = Centre.objects.get(code="BPL")
    application = make_application(centre=centre, claimed_by=person)
    slot = make_slot(centre=centre)
    booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    visitor = visit(language)
    visitor.sign_in(person)
    page = visitor.go(f"/my/{application.pk}/check/")
    sound(visitor)
    past = timezone.now() - dt.timedelta(minutes=20)
    Hold.objects.update(created_at=past, expires_at=past + dt.timedelta(minutes=10))
    visitor.follow(page.get_by_role("button", name=WORDS[language]["confirm"]).click)
    assert page.get_by_role("alert").is_visible()
    sound(visitor)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_pages_where_there_is_nothing_to_choose_and_of_the_waiting_list(visit, language):
    person = make_person(language=language)
    application = make_application(centre=Centre.objects.get(code="BPL"), claimed_by=person)
    visitor = visit(language)
    visitor.sign_in(person)
    visitor.go(f"/my/{application.pk}/centre/")
    sound(visitor)
    application.appointments.create(
        state="waiting", booked_at=timezone.now(), waiting_since=timezone.now()
    )
    page = visitor.go(f"/my/{application.pk}/cancel/")
    sound(visitor)
    visitor.follow(page.locator("main").get_by_role("button").click)
    sound(visitor)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_seat_lost_to_somebody_else_is_explained(visit, language):
    person = make_person(language=language)
    centre = Centre.objects.get(code="BPL")
    full = make_slot(centre=centre, seats=1)
    make_slot(centre=centre, hour=12)
    application = make_application(centre=centre, claimed_by=person)
    visitor = visit(language)
    visitor.sign_in(person)
    page = visitor.go(f"/my/{application.pk}/time/")
    make_appointment(full)
    page.get_by_role("radio").first.check()
    visitor.follow(page.get_by_role("button", name=WORDS[language]["continue"]).click)
    assert page.get_by_role("alert").is_visible()
    assert page.get_by_role("radio").first.get_attribute("value") != str(full.pk)
    sound(visitor)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_guessing_is_stopped_on_a_page_that_is_sound_too(visit, language, settings):
    settings.SIGN_IN_LIMITS = settings.SIGN_IN_LIMITS | {
        "claim_by_account": [(1, dt.timedelta(hours=1))]
    }
    visitor = visit(language)
    visitor.witness.expected_statuses.add(429)
    visitor.sign_in(make_person(language=language))
    page = visitor.go("/my/add/")
    for _ in range(2):
        page.locator("input[name=arn]").fill("26-9999999999")
        for part, number in (("day", 1), ("month", 2), ("year", 1990)):
            page.locator(f"input[name=date_of_birth_{part}]").fill(str(number))
        visitor.follow(page.get_by_role("button").last.click)
        sound(visitor)
    assert page.locator("input[name=arn]").input_value() == "26-9999999999"


def test_officer_on_the_applicants_page_is_sent_to_the_officers(visit):
    visitor = visit("en")
    visitor.sign_in(make_officer())
    visitor.go("/my/")
    sound(visitor)


def test_keyboard_alone_books(visit):
    person = make_person(language="en")
    centre = Centre.objects.get(code="BPL")
    make_slot(centre=centre, day=in_days(4))
    application = make_application(centre=centre, claimed_by=person)
    visitor = visit("en")
    visitor.sign_in(person)
    page = visitor.go(f"/my/{application.pk}/time/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    page.keyboard.press("Space")
    visitor.follow(lambda: page.keyboard.press("Enter"))
    assert page.get_by_role("heading", level=1).inner_text() == "Check and confirm"
