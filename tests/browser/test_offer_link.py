"""The link of a message in a real browser: it must work where nobody has signed in."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from appointments import booking, offers, plans, seats
from appointments.cuts import Cut
from appointments.models import Appointment, Centre, Hold, Offer, Plan
from notifications.models import Message
from tests.applicants.builders import ask, ask_family, token_of_list
from tests.browser.harness import Visitor, axe, overflow
from tests.domain.builders import (
    declare_for_test,
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
        "accept": "नया समय स्वीकार करें",
        "accepted": "आपने नया समय स्वीकार कर लिया है",
        "another": "दूसरी तिथि चुनें",
        "no more": "मुझे अब अपॉइंटमेंट नहीं चाहिए",
        "give up": "अपॉइंटमेंट छोड़ें",
        "cancelled": "अपॉइंटमेंट रद्द हो गया",
        "continue": "आगे बढ़ें",
        "confirm": "नए समय की पुष्टि करें",
        "sign in": "लॉग इन करके पुष्टि करें",
        "one": "दूसरा समय चुनें या छोड़ें",
        "confirmed": "आपके अपॉइंटमेंट की पुष्टि हो गई है",
    },
    "en": {
        "accept": "Accept the new time",
        "accepted": "You have accepted the new time",
        "another": "Choose another time",
        "no more": "I do not want an appointment any more",
        "give up": "Give up the appointment",
        "cancelled": "The appointment is cancelled",
        "continue": "Continue",
        "confirm": "Confirm the new time",
        "sign in": "Sign in and confirm",
        "one": "Another time or give up",
        "confirmed": "Your appointment is confirmed",
    },
}


def sound(visitor: Visitor) -> None:
    """Nothing that axe finds, nothing that scrolls sideways."""
    axe(visitor.page)
    assert overflow(visitor.page) == 0


def bhopal() -> Centre:
    return Centre.objects.get(code="BPL")


def heading(visitor: Visitor) -> str:
    return visitor.page.get_by_role("heading", level=1).inner_text()


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("scripts", [True, False])
def test_accept_in_the_persons_language(visit, language, scripts):
    words = WORDS[language]
    _application, offer, token = ask(make_person(language=language), centre=bhopal())
    visitor = visit(scripts=scripts)  # nothing chosen in this browser
    page = visitor.go(f"/{token}")
    assert page.locator("html").get_attribute("lang") == language
    if scripts:
        sound(visitor)
    visitor.follow(page.get_by_role("button", name=words["accept"]).click)
    assert heading(visitor) == words["accepted"]
    if scripts:
        sound(visitor)
    offer.refresh_from_db()
    assert offer.state == "accepted"


@pytest.mark.parametrize("language", ["hi", "en"])
def test_give_up(visit, language):
    words = WORDS[language]
    _application, offer, token = ask(make_person(language=language), centre=bhopal())
    visitor = visit()
    page = visitor.go(f"/{token}")
    visitor.follow(page.get_by_role("link", name=words["no more"]).click)
    sound(visitor)
    visitor.follow(page.get_by_role("button", name=words["give up"]).click)
    assert heading(visitor) == words["cancelled"]
    sound(visitor)
    offer.refresh_from_db()
    assert offer.state == "given_up"
    assert seats.check() == []


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("scripts", [True, False])
def test_another_time_is_held_before_signing_in(visit, language, scripts):
    """The whole way with the code typed, every page and its error state held against axe."""
    words = WORDS[language]
    person = make_person(language=language)
    _application, offer, token = ask(person, centre=bhopal())
    make_slot(centre=bhopal(), day=in_days(8))
    vidisha = Centre.objects.get(town_en="Vidisha")
    make_slot(centre=vidisha, day=in_days(9))
    visitor = visit(scripts=scripts)
    check = sound if scripts else (lambda _visitor: None)  # axe is a script itself
    page = visitor.go(f"/{token}")
    visitor.follow(page.get_by_role("link", name=words["another"]).click)
    check(visitor)
    visitor.follow(page.get_by_role("button", name=words["continue"]).click)  # nothing chosen
    assert page.locator(".error-summary").is_visible()
    check(visitor)
    page.get_by_role("radio").first.check()
    visitor.follow(page.get_by_role("button", name=words["continue"]).click)
    check(visitor)
    assert Hold.objects.get().purpose == "change"

    visitor.follow(page.get_by_role("link", name=words["sign in"]).click)
    assert page.locator(".notice").is_visible()  # until when the seat is kept
    check(visitor)
    page.get_by_role("textbox").fill(person.phone)
    visitor.follow(page.locator("main").get_by_role("button").first.click)
    assert page.locator(".notice").first.is_visible()
    check(visitor)
    code = Message.objects.filter(kind="OTP").latest("pk").values["otp"]
    page.get_by_role("textbox").fill(code)
    visitor.follow(page.locator("main").get_by_role("button").first.click)
    check(visitor)
    visitor.follow(page.locator("main").get_by_role("button").click)  # link the application
    check(visitor)
    visitor.follow(page.get_by_role("button", name=words["confirm"]).click)
    assert heading(visitor) == words["confirmed"]
    offer.refresh_from_db()
    assert offer.state == "changed"
    visitor.go(f"/{token}")
    check(visitor)
    assert seats.check() == []


def test_another_time_with_the_keyboard_alone(visit):
    _application, _offer, token = ask(make_person(language="en"), centre=bhopal())
    make_slot(centre=bhopal(), day=in_days(8))
    visitor = visit()
    page = visitor.go(f"/{token}/another-time/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    page.keyboard.press("Space")
    visitor.follow(lambda: page.keyboard.press("Enter"))
    assert heading(visitor) == "Sign in to confirm this time"


@pytest.mark.parametrize("language", ["hi", "en"])
def test_every_page_of_choosing_by_link(visit, language):
    _application, _offer, token = ask(make_person(language=language), centre=bhopal())
    make_slot(centre=bhopal(), day=in_days(8))
    visitor = visit()
    another = f"/{token}/another-time"
    day = in_days(8)
    for path in ("", "/centre", "/centre/BPL", f"/centre/BPL/{day.year}-{day.month}-{day.day}"):
        visitor.go(f"{another}{path}/")
        sound(visitor)
        visitor.follow(visitor.page.locator("main").get_by_role("button").last.click)
        sound(visitor)


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("scripts", [True, False])
def test_list_of_several_people(visit, language, scripts):
    person = make_person(language=language)
    plan, asked = ask_family(person, 4, centre=bhopal())
    visitor = visit(scripts=scripts)
    check = sound if scripts else (lambda _visitor: None)
    token = token_of_list(plan)
    page = visitor.go(f"/{token}")
    assert page.locator("html").get_attribute("lang") == language
    check(visitor)
    visitor.follow(page.get_by_role("link", name=WORDS[language]["one"]).first.click)
    check(visitor)
    visitor.follow(page.get_by_role("link", name=WORDS[language]["no more"]).click)
    check(visitor)
    visitor.follow(page.get_by_role("button", name=WORDS[language]["give up"]).click)
    check(visitor)
    Appointment.objects.filter(pk=asked[3].appointment_id).update(state="in_doubt")
    visitor.go(f"/{token}")
    check(visitor)
    visitor.follow(page.locator("main").get_by_role("button").first.click)  # all at once
    check(visitor)
    states = sorted(Offer.objects.values_list("state", flat=True))
    assert states == ["accepted", "accepted", "given_up", "open"]


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("scripts", [True, False])
def test_list_that_asks_nothing(visit, language, scripts):
    slot = make_slot(centre=bhopal(), seats=4)
    given = {"phone": "+919812345678", "language": language, "centre": bhopal()}
    people = [make_appointment(slot, application=make_application(**given)) for _ in range(4)]
    cuts = [Cut(slot.centre_id, slot.date, "normal", 0)]
    declare_for_test(make_officer(region=bhopal().region), cuts, region=bhopal().region)
    Appointment.objects.filter(pk=people[1].pk).update(state="confirmed")
    Appointment.objects.filter(pk=people[2].pk).update(
        state="waiting", slot=None, waiting_since=timezone.now()
    )
    Appointment.objects.filter(pk=people[3].pk).update(state="cancelled", slot=None)
    visitor = visit(scripts=scripts)
    sms = Message.objects.get(kind="HOLD_MANY")
    page = visitor.go(f"/{sms.values['url'].rpartition('/')[2]}")
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("main section").count() == 4
    assert page.locator("main form").count() == 0
    if scripts:
        sound(visitor)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_time_that_is_over_and_other_phones(visit, language):
    _application, offer, token = ask(make_person(language=language), centre=bhopal())
    slot = make_slot(centre=bhopal(), day=in_days(8))
    booking.hold_seat_by_link(offer_id=offer.pk, slot_id=slot.pk)
    visitor = visit(language)
    visitor.witness.expected_statuses.add(403)
    visitor.sign_in(make_person(language=language))
    visitor.go(f"/{token}/another-time/kept/")
    sound(visitor)
    with time_machine.travel(offer.deadline, tick=True):
        visitor.context.clear_cookies()
        visitor.go(f"/{token}")
        sound(visitor)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_pages_of_links_that_lead_nowhere(visit, language):
    person = make_person(language=language)
    _application, offer, token = ask(person, centre=bhopal(), silence="requeue")
    visitor = visit(language)
    visitor.witness.expected_statuses |= {403, 404, 410}
    visitor.go("/AAAAAAAAAAA")
    sound(visitor)
    visitor.sign_in(make_person())
    visitor.go(f"/{token}/another-time/")
    sound(visitor)
    with time_machine.travel(offer.deadline, tick=True):
        offers.close_silent(now=timezone.now())
    visitor.go(f"/{token}")
    sound(visitor)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_link_within_the_grace_and_after_an_undo(visit, language):
    _application, offer, token = ask(make_person(language=language), centre=bhopal())
    grace = timezone.now() + dt.timedelta(minutes=10)
    Plan.objects.update(live_at=grace)
    Offer.objects.update(live_at=grace)
    visitor = visit(language)
    visitor.witness.expected_statuses |= {404, 410}
    visitor.go(f"/{token}")
    sound(visitor)
    plans.undo(plan_id=offer.plan_id, by=offer.plan.approved_by)
    visitor.go(f"/{token}")
    sound(visitor)


def test_language_switch_on_a_link_page_comes_back_to_it(visit):
    _application, _offer, token = ask(make_person(language="hi"), centre=bhopal())
    visitor = visit()
    page = visitor.go(f"/{token}")
    visitor.follow(page.get_by_role("button", name="English").click)
    assert page.url.endswith(f"/{token}")
    assert page.locator("html").get_attribute("lang") == "en"
