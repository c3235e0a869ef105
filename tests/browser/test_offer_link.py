"""The link of a message in a real browser: it must work where nobody has signed in."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from appointments import offers, plans, seats
from appointments.models import Centre, Offer, Plan
from tests.applicants.builders import ask
from tests.browser.harness import Visitor, axe, overflow
from tests.domain.builders import in_days, make_person, make_slot

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
def test_another_time_after_signing_in(visit, language):
    words = WORDS[language]
    person = make_person(language=language)
    _application, offer, token = ask(person, centre=bhopal())
    make_slot(centre=bhopal(), day=in_days(8))
    visitor = visit()
    page = visitor.go(f"/{token}")
    visitor.follow(page.get_by_role("link", name=words["another"]).click)
    assert f"next=/{token}/another-time/" in page.url
    visitor.sign_in(person)
    page = visitor.go(f"/{token}/another-time/")
    sound(visitor)
    visitor.follow(page.get_by_role("button").last.click)  # link the application
    sound(visitor)
    page.get_by_role("radio").first.check()
    visitor.follow(page.get_by_role("button", name=words["continue"]).click)
    sound(visitor)
    visitor.follow(page.get_by_role("button", name=words["confirm"]).click)
    assert heading(visitor) == words["confirmed"]
    offer.refresh_from_db()
    assert offer.state == "changed"
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
