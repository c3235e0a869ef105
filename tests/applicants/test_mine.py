"""My appointments: what stands, what is asked, what has happened."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from appointments import booking
from appointments.models import Appointment
from tests.applicants.builders import ask
from tests.applicants.reading import page, text
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db


def test_mine_asks_strangers_to_sign_in_and_comes_back(client):
    answer = client.get("/my/")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("account_request_login_code") + "?next=/my/"
    assert client.get("/my")["Location"] == "/my/"


def test_mine_without_an_application_leads_to_linking_one(signed_in):
    answer = signed_in.get(page("mine"))
    assert "No application is linked" in text(answer)
    assert page("claim") in answer.content.decode()


def test_mine_shows_appointment_attempts_and_what_happened(signed_in, application, person):
    slot = make_slot(day=in_days(5))
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    booking.confirm(hold_id=hold.pk, by=person)
    seen = text(signed_in.get(page("mine")))
    assert "Sunita Verma" in seen
    assert "Confirmed" in seen
    assert "9:45 am" in seen  # reporting time, 15 minutes before
    assert "2 attempts left" in seen
    assert "Booked" in seen


def test_mine_is_in_hindi_for_who_reads_hindi(client):
    person = make_person(language="hi")
    make_appointment(application=make_application(claimed_by=person))
    client.force_login(person)
    answer = client.get(page("mine"))
    assert 'lang="hi"' in answer.content.decode()
    assert "शेष" in text(answer)


def test_mine_in_doubt_says_do_not_travel_and_offers_no_change(signed_in, application):
    make_appointment(application=application, state=Appointment.State.IN_DOUBT)
    answer = signed_in.get(page("mine"))
    assert "Do not travel" in text(answer)
    assert page("cancel", application.pk) not in answer.content.decode()


def test_what_has_happened_strikes_a_seat_only_when_it_is_lost(signed_in, application):
    slot = make_slot()
    appointment = make_appointment(slot, application=application)
    for event in ("in_doubt", "stands"):
        appointment.timeline.create(event=event, at=slot.starts_at, by="officer", from_slot=slot)
    assert "<s>" not in signed_in.get(page("mine")).content.decode()
    appointment.timeline.create(event="no_seat", at=slot.starts_at, by="officer", from_slot=slot)
    assert signed_in.get(page("mine")).content.decode().count("<s>") == 1


def test_mine_in_doubt_with_an_open_question_asks_nothing(signed_in, person):
    ask(person, claimed_by=person)
    Appointment.objects.update(state=Appointment.State.IN_DOUBT)
    seen = text(signed_in.get(page("mine")))
    assert "Do not travel" in seen
    assert "Answer now" not in seen


def test_mine_puts_who_has_to_answer_first(signed_in, person):
    make_appointment(
        make_slot(day=in_days(9)),
        application=make_application(claimed_by=person, name="Calm Verma"),
    )
    ask(person, claimed_by=person, name="Asked Verma")
    seen = text(signed_in.get(page("mine")))
    assert seen.index("Asked Verma") < seen.index("Calm Verma")
    assert "Answer by" in seen


@pytest.mark.parametrize(("state", "word"), [("completed", "Completed"), ("no_show", "Did not")])
def test_mine_shows_how_the_last_visit_ended(signed_in, application, state, word):
    make_appointment(application=application, state=state)
    seen = text(signed_in.get(page("mine")))
    assert word in seen
    assert "No appointment" not in seen


def test_mine_reminds_of_a_seat_that_waits_to_be_confirmed(signed_in, application, person):
    slot = make_slot()
    booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    answer = signed_in.get(page("mine"))
    assert "This seat is kept for you until" in text(answer)
    assert page("check", application.pk) in answer.content.decode()


def test_mine_of_an_officer_leads_to_the_officers_pages(client):
    client.force_login(make_officer())
    client.cookies["django_language"] = "en"
    answer = client.get(page("mine"))
    assert "You are signed in as an officer" in text(answer)
    assert reverse("admin:index") in answer.content.decode()


def test_mine_costs_the_same_queries_for_one_and_three(signed_in, person):
    costs = []
    for number in range(3):
        slot = make_slot(hour=10 + number)
        application = make_application(claimed_by=person)
        make_appointment(slot, application=application)
        booking.hold_seat(
            application=application,
            slot_id=make_slot(hour=10 + number, day=in_days(9)).pk,
            by=person,
        )
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(page("mine"))
        costs.append(len(queries))
    assert costs[0] == costs[2] <= 14
