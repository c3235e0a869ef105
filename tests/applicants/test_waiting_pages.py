"""The waiting list and seats on offer, as an applicant sees them."""

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments import booking, offers, seats, waiting_list
from appointments.cuts import Cut
from appointments.models import Appointment, Offer
from notifications.models import Message
from tests.applicants.reading import page, text
from tests.domain.builders import (
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_moved,
    make_officer,
    make_person,
    make_slot,
    make_waiting,
)

pytestmark = pytest.mark.django_db


def ask():
    """What the clock does each minute; the token of the newest question."""
    waiting_list.offer_seats(now=timezone.now())
    kinds = ("SEAT_FOUND", "EARLIER")
    newest = Message.objects.filter(kind__in=kinds, channel="sms").latest("pk")
    return newest.values["url"].rpartition("/")[2]


def free_one(slot):
    person = make_person()
    gone = make_appointment(slot, application=make_application(claimed_by=person))
    booking.cancel(appointment_id=gone.pk, by=person)


@pytest.fixture
def waiting(application):
    return make_waiting(application=application)


@pytest.fixture
def moved(application):
    """Moved by an outage, and an earlier seat has come free."""
    moved = make_moved(make_slot(day=in_days(13), seats=1), days=11, application=application)
    free_one(make_slot(day=in_days(8), seats=1))
    return moved


# --- Joining ------------------------------------------------------------------------------------


def test_no_free_seat_leads_to_the_waiting_list_and_into_it(signed_in, application):
    answer = signed_in.get(page("choose_centre", application.pk))
    join = page("join", application.pk)
    assert join in answer.content.decode()
    asked = text(signed_in.get(join))
    assert "after that: 2 attempts left" in asked
    assert "Who is asked first" in asked
    assert not Appointment.objects.exists()
    seen = text(signed_in.post(join, follow=True))
    assert "Number 1 of 1 in line" in seen
    assert "uses one attempt, as when you book yourself" in seen
    assert Appointment.objects.get().joined_waiting


def test_joining_twice_shows_the_place_once_had(signed_in, application):
    for _ in range(2):
        signed_in.post(page("join", application.pk))
    assert Appointment.objects.count() == 1
    assert signed_in.get(page("join", application.pk)).status_code == 302


def test_free_seats_are_named_to_who_would_rather_wait(signed_in, application):
    make_slot()
    assert "Some times are free at this moment" in text(signed_in.get(page("join", application.pk)))


def test_who_has_an_appointment_is_told_why_not(signed_in, application):
    make_appointment(application=application)
    for answer in (
        signed_in.get(page("join", application.pk), follow=True),
        signed_in.post(page("join", application.pk), follow=True),
    ):
        assert "You have an appointment already." in answer.content.decode()


def test_another_persons_application_is_not_found(signed_in):
    other = make_application(claimed_by=make_person())
    assert signed_in.get(page("join", other.pk)).status_code == 404
    assert signed_in.post(page("join", other.pk)).status_code == 404


def test_mine_offers_to_book_or_to_join(signed_in, application):
    shown = signed_in.get(page("mine")).content.decode()
    assert page("choose", application.pk) in shown
    assert page("join", application.pk) in shown


# --- Waiting ------------------------------------------------------------------------------------


def test_mine_shows_place_rules_and_centres(signed_in, waiting):
    make_waiting(days=9)
    make_centre("NEA", lat=23.5, lon=77.43)
    make_centre("FAR", lat=26.2, lon=78.2)
    seen = text(signed_in.get(page("mine")))
    assert "Number 2 of 2 in line" in seen
    assert "it uses no attempt" in seen
    assert "centres up to 60 km from it: PSK NEA" in seen
    assert "PSK FAR" not in seen
    assert "Whoever has left 3 offers unanswered" in seen
    assert "Leave the waiting list" in seen


def test_no_seats_page_tells_who_waits_that_they_keep_their_place(signed_in, waiting):
    seen = text(signed_in.get(page("choose_centre", waiting.application_id)))
    assert "You keep your place on the waiting list" in seen
    assert "Join the waiting list" not in seen


def test_mine_asks_as_many_questions_for_one_who_waits_as_for_three(signed_in, person, waiting):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            signed_in.get(page("mine"))
        return len(seen)

    one = queries()
    for _ in range(2):
        make_waiting(application=make_application(claimed_by=person))
    assert queries() == one


# --- A seat is found ----------------------------------------------------------------------------


def test_seat_found_is_a_question_on_mine_and_is_taken(signed_in, waiting):
    make_slot(day=in_days(5), seats=1)
    ask()
    seen = text(signed_in.get(page("mine")))
    assert "A seat is kept for you" in seen
    question = page("question", waiting.application_id)
    seen = text(signed_in.get(question))
    assert "A seat is free for you" in seen
    assert "the next in line is asked, and you go on waiting" in seen
    assert "This date uses no attempt." in seen
    offer = Offer.objects.get()
    seen = text(signed_in.post(question, {"offer": offer.pk}, follow=True))
    assert "This time is yours now" in seen
    assert "What to bring" in seen
    waiting.refresh_from_db()
    assert waiting.state == "confirmed"
    assert seats.check() == []


def test_who_joined_reads_that_the_date_uses_an_attempt(signed_in, application, person):
    waiting_list.join(application=application, by=person)
    make_slot(day=in_days(5), seats=1)
    ask()
    seen = text(signed_in.get(page("question", application.pk)))
    assert "This date uses one attempt. After that: 2 attempts left." in seen


def test_link_needs_no_sign_in_and_shows_no_name(client, waiting):
    make_slot(day=in_days(5), seats=1)
    token = ask()
    client.cookies["django_language"] = "en"
    answer = client.get(f"/{token}")
    assert "A seat is free for you" in text(answer)
    whole = answer.content.decode()
    for secret in ("Sunita", waiting.application.arn, "1990", waiting.application.phone):
        assert secret not in whole
    client.head(f"/{token}")
    offer = Offer.objects.get()
    assert offer.state == "open"
    answer = client.post(f"/{token}", {"offer": offer.pk, "decline": "1"}, follow=True)
    seen = text(answer)
    assert "You have said no thanks" in seen
    assert "You keep your place on the waiting list" in seen
    offer.refresh_from_db()
    assert offer.state == "declined"


def test_answer_to_an_older_question_does_not_answer_the_newer_one(signed_in, waiting):
    make_slot(day=in_days(5), seats=1)
    ask()
    old = Offer.objects.get()
    offers.decline(offer_id=old.pk, by=None)
    make_slot(day=in_days(6), seats=1)
    ask()
    signed_in.post(page("question", waiting.application_id), {"offer": old.pk})
    assert Offer.objects.filter(state="open").count() == 1
    waiting.refresh_from_db()
    assert waiting.state == "waiting"


def test_silence_leaves_a_page_that_says_so(client, waiting):
    make_slot(day=in_days(9), seats=1)
    token = ask()
    with time_machine.travel(Offer.objects.get().deadline, tick=False):
        offers.close_silent(now=timezone.now())
        client.cookies["django_language"] = "en"
        answer = client.get(f"/{token}")
    assert answer.status_code == 410
    assert "This seat has gone to the next in line" in text(answer)


def test_outage_that_takes_the_seat_leaves_a_page_that_says_so(client, waiting):
    slot = make_slot(day=in_days(5), seats=1)
    token = ask()
    declare_for_test(make_officer(), [Cut(slot.centre_id, slot.date, "normal", 0)])
    client.cookies["django_language"] = "en"
    seen = text(client.get(f"/{token}"))
    assert "This offer has been withdrawn" in seen
    assert "You keep your place on the waiting list" in seen


def test_timeline_tells_what_was_offered_and_how_it_went(signed_in, waiting, person):
    make_slot(day=in_days(5), seats=1)
    ask()
    offers.decline(offer_id=Offer.objects.get().pk, by=person)
    seen = text(signed_in.get(page("mine")))
    assert "A time is kept for you: your answer is awaited" in seen
    assert "You did not want the offered time" in seen


# --- An earlier seat ----------------------------------------------------------------------------


def test_earlier_time_stands_beside_the_one_that_is_kept(signed_in, moved):
    ask()
    question = page("question", moved.application_id)
    answer = signed_in.get(question)
    seen = text(answer)
    assert "Your time now" in seen
    assert "Earlier time" in seen
    assert "If you do not answer, you keep the time that you have now." in seen
    assert "date-struck" not in answer.content.decode()
    mine = text(signed_in.get(page("mine")))
    assert "An earlier time is kept for you" in mine
    assert "Choose another time" in mine
    offer = Offer.objects.get()
    seen = text(signed_in.post(question, {"offer": offer.pk, "decline": "1"}, follow=True))
    assert "Your appointment stays as it is." in seen
    moved.refresh_from_db()
    assert (moved.state, moved.slot.date) == ("confirmed", in_days(13))


def test_earlier_time_is_taken_by_link_in_hindi(client, moved, person):
    person.language = "hi"
    person.save()
    token = ask()
    answer = client.get(f"/{token}")
    assert "पहले का समय" in text(answer)
    assert answer["Content-Language"] == "hi"
    answer = client.post(f"/{token}", {"offer": Offer.objects.get().pk}, follow=True)
    assert "यह समय अब आपका है" in text(answer)
    moved.refresh_from_db()
    assert moved.slot.date == in_days(8)
    assert dt.timedelta(0) < in_days(13) - moved.slot.date
    assert seats.check() == []
