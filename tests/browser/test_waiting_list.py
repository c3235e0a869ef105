"""Joining, waiting and answering in a real browser: phone and desk, both languages, no script."""

import pytest
from django.utils import timezone

from appointments import booking, offers, seats, waiting_list
from appointments.models import Centre, Offer
from notifications.models import Message
from tests.browser.harness import DESK_WIDTH, PHONE_WIDTH, Visitor, axe, overflow
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_moved,
    make_person,
    make_slot,
    make_waiting,
)

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = {
    "hi": {
        "join": "प्रतीक्षा सूची में नाम जोड़ें",
        "answer": "अभी उत्तर दें",
        "take": "यह समय लें",
        "taken": "यह समय अब आपका है",
        "no": "नहीं, मेरा अभी का समय रहने दें",
        "said no": "आपने यह समय नहीं लिया",
        "rules": "सूची कैसे आगे बढ़ती है",
    },
    "en": {
        "join": "Join the waiting list",
        "answer": "Answer now",
        "take": "Take this time",
        "taken": "This time is yours now",
        "no": "No thanks, keep my time",
        "said no": "You have said no thanks",
        "rules": "How the line moves on",
    },
}


def sound(visitor: Visitor) -> None:
    axe(visitor.page)
    assert overflow(visitor.page) == 0


def heading(visitor: Visitor) -> str:
    return visitor.page.get_by_role("heading", level=1).inner_text()


def bhopal() -> Centre:
    return Centre.objects.get(code="BPL")


def own(language: str):
    person = make_person(language=language)
    application = make_application(centre=bhopal(), claimed_by=person, name="Sunita Verma")
    return person, application


def token_of_the_newest_question() -> str:
    kinds = ("SEAT_FOUND", "EARLIER")
    newest = Message.objects.filter(kind__in=kinds, channel="sms").latest("pk")
    return str(newest.values["url"].rpartition("/")[2])


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("scripts", [True, False])
def test_join_wait_and_take_the_seat_that_is_found(visit, language, scripts):
    words = WORDS[language]
    person, application = own(language)
    for _ in range(3):
        make_waiting(application=make_application(centre=bhopal()))
    visitor = visit(language, scripts=scripts)
    check = sound if scripts else (lambda visitor: None)
    visitor.sign_in(person)
    page = visitor.go(f"/my/{application.pk}/centre/")
    check(visitor)
    visitor.follow(page.get_by_role("link", name=words["join"]).click)
    check(visitor)
    visitor.follow(page.get_by_role("button", name=words["join"]).click)
    assert page.locator(".place strong").inner_text() == "4"
    page.get_by_text(words["rules"]).click()
    check(visitor)
    for hour in range(10, 14):
        make_slot(centre=bhopal(), day=in_days(5), hour=hour, seats=1)
    waiting_list.offer_seats(now=timezone.now())
    visitor.go("/my/")
    check(visitor)
    visitor.follow(page.get_by_role("link", name=words["answer"]).click)
    check(visitor)
    visitor.follow(page.get_by_role("button", name=words["take"]).click)
    assert heading(visitor) == words["taken"]
    check(visitor)
    assert seats.check() == []


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("width", [PHONE_WIDTH, DESK_WIDTH])
def test_earlier_time_by_link_and_no_thanks(visit, language, width):
    words = WORDS[language]
    _person, application = own(language)
    late = make_slot(centre=bhopal(), day=in_days(13), seats=1)
    make_moved(late, days=11, application=application)
    early = make_slot(centre=bhopal(), day=in_days(5), seats=1)
    other = make_person()
    gone = make_appointment(early, application=make_application(claimed_by=other))
    booking.cancel(appointment_id=gone.pk, by=other)
    waiting_list.offer_seats(now=timezone.now())
    visitor = visit(width=width)
    page = visitor.go(f"/{token_of_the_newest_question()}")
    assert page.locator("html").get_attribute("lang") == language
    sound(visitor)
    visitor.follow(page.get_by_role("button", name=words["no"]).click)
    assert heading(visitor) == words["said no"]
    sound(visitor)


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("end", ["released", "withdrawn", "given_up", "changed"])
def test_every_end_of_a_seat_on_offer(visit, language, end):
    _person, application = own(language)
    waiting = make_waiting(application=application)
    make_slot(centre=bhopal(), day=in_days(9), seats=1)
    waiting_list.offer_seats(now=timezone.now())
    if end == "given_up":
        offers.give_up(offer_id=waiting.offers.get().pk, by=None)
    else:
        Offer.objects.update(state=end, ended_at=timezone.now())
    visitor = visit(language)
    visitor.witness.expected_statuses.add(410)
    visitor.go(f"/{token_of_the_newest_question()}")
    sound(visitor)
