"""An applicant's app claims, holds, confirms, changes, cancels and answers, as the pages do."""

import datetime as dt

import pytest
from django.utils import timezone

from appointments import cuts, plans, seats, waiting_list
from appointments.models import Appointment, Hold, Offer, Slot
from tests.domain.builders import (
    approved_plan,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return make_person()


@pytest.fixture
def app(app_of, person):
    return app_of(person)


def test_application_is_linked_by_number_and_birth_date(app, person):
    application = make_application()
    body = {"arn": application.arn, "date_of_birth": str(application.date_of_birth)}
    answer = app.post("applications/", body)
    assert answer.status_code == 201
    assert answer.json()["arn_tail"] == application.arn[-4:]
    assert application.arn not in answer.content.decode()
    assert app.get("applications/").json()["count"] == 1


def test_wrong_birth_date_is_refused_as_an_unknown_number(app):
    application = make_application()
    wrong = app.post("applications/", {"arn": application.arn, "date_of_birth": "1950-01-01"})
    unknown = app.post("applications/", {"arn": "99-9999999999", "date_of_birth": "1950-01-01"})
    assert wrong.status_code == unknown.status_code == 404
    assert wrong.json() == unknown.json()


def test_guessing_ends_as_on_the_pages(app):
    application = make_application()
    body = {"arn": application.arn, "date_of_birth": "1950-01-01"}
    codes = [app.post("applications/", body).json()["code"] for _ in range(6)]
    assert codes == ["application_not_found"] * 5 + ["claim_by_arn"]


def test_seat_is_held_confirmed_changed_and_given_back(app, person):
    application = make_application(claimed_by=person)
    first, second = make_slot(seats=1), make_slot(hour=12, seats=1)
    free = app.get(f"applications/{application.pk}/slots/").json()["results"]
    assert [slot["id"] for slot in free] == [first.pk, second.pk]

    hold = app.post(f"applications/{application.pk}/holds/", {"slot": first.pk}).json()
    booked = app.post(f"holds/{hold['id']}/confirm/").json()
    assert (booked["state"], booked["slot"]["id"]) == ("confirmed", first.pk)

    hold = app.post(f"applications/{application.pk}/holds/", {"slot": second.pk}).json()
    changed = app.post(f"holds/{hold['id']}/confirm/").json()
    assert (changed["id"], changed["slot"]["id"]) == (booked["id"], second.pk)

    ended = app.post(f"appointments/{booked['id']}/cancel/").json()
    assert (ended["state"], ended["slot"]) == ("cancelled", None)
    assert set(Slot.objects.values_list("taken", flat=True)) == {0}
    events = app.get(f"applications/{application.pk}/timeline/").json()["results"]
    assert [event["event"] for event in events] == ["booked", "changed", "cancelled"]


def test_seat_that_is_held_can_be_freed_twice(app, person):
    application = make_application(claimed_by=person)
    slot = make_slot()
    hold = app.post(f"applications/{application.pk}/holds/", {"slot": slot.pk}).json()
    assert [app.delete(f"holds/{hold['id']}/").status_code for _ in range(2)] == [204, 204]
    assert Slot.objects.get().taken == 0


def test_seat_held_by_somebody_else_is_neither_freed_nor_confirmed(app, app_of):
    other = make_person()
    application = make_application(claimed_by=other)
    hold = app_of(other).post(f"applications/{application.pk}/holds/", {"slot": make_slot().pk})
    hold_id = hold.json()["id"]
    # Freed already, for all that this app may know.
    assert app.delete(f"holds/{hold_id}/").status_code == 204
    foreign = app.post(f"holds/{hold_id}/confirm/")
    unknown = app.post(f"holds/{hold_id + 1}/confirm/")
    assert (foreign.status_code, foreign.json()) == (unknown.status_code, unknown.json())
    assert foreign.json()["code"] == "hold_expired"
    assert Hold.objects.filter(pk=hold_id).exists()
    assert Slot.objects.get().taken == 1


def test_full_slot_is_refused_with_the_words_of_the_pages(app, person, app_of):
    make_appointment(slot=(slot := make_slot(seats=1)))
    application = make_application(claimed_by=person)
    answer = app.post(f"applications/{application.pk}/holds/", {"slot": slot.pk})
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_full")
    assert answer.json()["detail"] == "This time is now full. Choose another one."
    hindi = app_of(person, language="hi")
    answer = hindi.post(f"applications/{application.pk}/holds/", {"slot": slot.pk})
    assert answer.json()["detail"] == "यह समय अब भर गया है। कोई दूसरा चुनें।"


@pytest.fixture
def question(app, person, time_machine):
    """What the app shows of an appointment that a plan moved, after the plan's grace."""
    officer, second = make_officer(), make_officer("approver")
    lost = make_slot(seats=1)
    make_slot(day=in_days(4), seats=1)
    make_appointment(slot=lost, application=make_application(claimed_by=person))
    cut = cuts.spread_total(total_per_day=0, centres=[lost.centre], dates=[lost.date])
    outage = declare_for_test(officer, cut)
    plan = approved_plan(outage, by=officer, second=second)
    plans.apply(plan_id=plan.pk, by=second)
    assert app.get("offers/").json()["count"] == 0  # the plan may still be undone
    time_machine.move_to(timezone.now() + dt.timedelta(minutes=11))
    (shown,) = app.get("offers/").json()["results"]
    assert shown["old_slot"]["id"] == lost.pk
    return shown


def test_new_time_is_accepted_once(app, question):
    answers = [app.post(f"offers/{question['id']}/accept/") for _ in range(2)]
    assert [answer.json()["state"] for answer in answers] == ["accepted", "accepted"]
    assert Appointment.objects.get().slot_id == question["new_slot"]["id"]


def test_new_time_is_given_up(app, question):
    answer = app.post(f"offers/{question['id']}/give-up/")
    assert answer.json()["state"] == "given_up"
    assert Appointment.objects.get().state == Appointment.State.CANCELLED
    assert app.get(f"offers/{question['id']}/").json()["state"] == "given_up"


def test_somebody_waits_is_asked_and_takes_or_declines(app, person, app_of):
    application = make_application(claimed_by=person)
    waiting = [app.post(f"applications/{application.pk}/waiting-list/") for _ in range(2)]
    assert [answer.status_code for answer in waiting] == [201, 201]
    assert waiting[0].json()["state"] == "waiting"
    make_slot(seats=1)
    make_slot(day=in_days(5), seats=1)
    waiting_list.offer_seats(now=timezone.now())
    (shown,) = app.get("offers/").json()["results"]
    assert (shown["kind"], shown["state"], shown["old_slot"]) == ("waiting", "open", None)
    assert app_of(make_person()).post(f"offers/{shown['id']}/decline/").status_code == 404
    assert app.post(f"offers/{shown['id']}/decline/").json()["state"] == "declined"
    waiting_list.offer_seats(now=timezone.now())
    newest = app.get("offers/").json()["results"][0]
    assert app.post(f"offers/{newest['id']}/accept/").json()["state"] == "accepted"
    live = app.get(f"applications/{application.pk}/").json()
    assert live["appointment"]["slot"]["id"] == newest["new_slot"]["id"]
    assert live["attempts_left"] == 2
    assert seats.check() == []


def test_new_time_of_a_plan_is_not_declined(app, question):
    answer = app.post(f"offers/{question['id']}/decline/")
    assert (answer.status_code, answer.json()["code"]) == (409, "offer_needs_another_answer")


def test_who_has_an_appointment_does_not_wait(app, person):
    application = make_application(claimed_by=person)
    make_appointment(application=application)
    answer = app.post(f"applications/{application.pk}/waiting-list/")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_booked")


def test_question_of_somebody_else_is_not_found(app_of, question):
    other = app_of(make_person())
    assert other.post(f"offers/{question['id']}/accept/").status_code == 404
    assert Offer.objects.get().state == Offer.State.OPEN


def foreign_paths():
    other = make_person()
    appointment = make_appointment(application=make_application(claimed_by=other))
    application = appointment.application
    return application, appointment


def test_what_belongs_to_somebody_else_is_not_found(app):
    application, appointment = foreign_paths()
    slot = make_slot(hour=15)
    answers = [
        app.get(f"applications/{application.pk}/"),
        app.get(f"applications/{application.pk}/slots/"),
        app.get(f"applications/{application.pk}/timeline/"),
        app.post(f"applications/{application.pk}/holds/", {"slot": slot.pk}),
        app.post(f"appointments/{appointment.pk}/cancel/"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    appointment.refresh_from_db()
    assert appointment.state == Appointment.State.CONFIRMED


def test_id_that_no_row_can_have_is_not_found(app):
    assert app.get(f"applications/{2**63}/").status_code == 404
    assert app.get(f"offers/{2**63}/").status_code == 404


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"offset": "-1"}, {"limit": "201"}]
)
def test_nonsense_for_a_page_is_refused(app, query):
    answer = app.get("applications/", **query)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == set(query)


def test_what_a_token_shows_is_kept_nowhere(app):
    assert app.get("applications/").headers["Cache-Control"] == "private, no-store"


def test_without_a_token_nothing_is_told(anonymous):
    for path in ("applications/", "applications/1/", "offers/", "sign-in/tokens/"):
        answer = anonymous.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
