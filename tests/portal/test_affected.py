"""Is my appointment affected? What anybody with number and date of birth is told, and no more."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments import booking, offers, outages, plans
from appointments.affected import Answer, answer
from appointments.cuts import Cut
from appointments.models import Application, Appointment, Offer, Plan, Slot
from appointments.planning.problem import Policy
from tests.applicants.reading import text
from tests.domain.builders import (
    approve_as_seen,
    at,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db

BORN = dt.date(1990, 5, 17)
HEADINGS = {
    Answer.STANDS: "Your appointment stands",
    Answer.IN_DOUBT: "In doubt: wait, do not travel",
    Answer.NEW_TIME: "There is a new time for you: see your SMS",
    Answer.WAITING: "You are on the waiting list",
    Answer.NO_APPOINTMENT: "No appointment is to come",
    Answer.NOTHING_FOUND: "Nothing found",
}


@pytest.fixture
def english(client: Client) -> Client:
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    return client


def typed(arn: str, born: dt.date = BORN) -> dict[str, Any]:
    return {
        "arn": arn,
        "date_of_birth_day": born.day,
        "date_of_birth_month": born.month,
        "date_of_birth_year": born.year,
    }


def told(appointment: Appointment) -> Answer:
    return answer(arn=appointment.application.arn, date_of_birth=BORN, now=timezone.now())


# --- What is true ------------------------------------------------------------------------------


def test_confirmed_appointment_to_come_stands():
    assert told(make_appointment()) is Answer.STANDS


def test_seat_that_a_cut_leaves_stands():
    slot = make_slot(seats=3)
    appointment = make_appointment(slot)
    declare_for_test(make_officer(), [Cut(slot.centre_id, slot.date, "normal", 1)])
    assert told(appointment) is Answer.STANDS


def test_seat_that_a_cut_may_take_is_in_doubt():
    slot = make_slot(seats=3)
    people = [make_appointment(slot) for _ in range(2)]
    declare_for_test(make_officer(), [Cut(slot.centre_id, slot.date, "normal", 1)])
    assert [told(person) for person in people] == [Answer.IN_DOUBT] * 2


def test_seat_in_doubt_stands_again_when_the_service_is_back():
    slot, officer = make_slot(), make_officer()
    appointment = make_appointment(slot)
    outage = declare_for_test(officer, [Cut(slot.centre_id, slot.date, "normal", 0)])
    assert told(appointment) is Answer.IN_DOUBT
    outages.restore(outage_id=outage.pk, by=officer)
    assert told(appointment) is Answer.STANDS


def test_confirmed_seat_in_a_crowded_slot_is_not_said_to_stand():
    appointment = make_appointment(make_slot(seats=1))
    Slot.objects.update(closed=1)
    assert told(appointment) is Answer.IN_DOUBT


@pytest.mark.parametrize(
    ("days", "until", "expected"),
    [
        (0, None, Answer.IN_DOUBT),
        # The centre's next day, whatever lies between.
        (4, None, Answer.IN_DOUBT),
        (9, None, Answer.STANDS),
        (9, 10, Answer.IN_DOUBT),
        (9, 8, Answer.STANDS),
    ],
)
def test_outage_that_has_not_said_what_it_leaves_makes_the_next_days_doubtful(
    days: int, until: int | None, expected: Answer, time_machine: Any
):
    time_machine.move_to(at(in_days(0), 8))
    slots = {day: make_slot(day=in_days(day), hour=12) for day in (0, 4, 9)}
    appointment = make_appointment(slots[days])
    expected_until = at(in_days(until), 12) if until else None
    declare_for_test(make_officer(), [], expected_until=expected_until)
    assert told(appointment) is expected


def test_outage_elsewhere_makes_nothing_doubtful():
    appointment = make_appointment(make_slot(day=in_days(0), hour=23, minute=59))
    declare_for_test(make_officer(), [], scope="centres", region=None, centres=[make_centre("IDR")])
    assert told(appointment) is Answer.STANDS


@pytest.mark.parametrize("state", ["cancelled", "completed", "no_show"])
def test_appointment_that_has_ended_is_none_to_come(state: str):
    assert told(make_appointment(state=state)) is Answer.NO_APPOINTMENT


def test_appointment_whose_time_has_passed_is_none_to_come():
    slot = make_slot(day=in_days(-1))
    assert told(make_appointment(slot)) is Answer.NO_APPOINTMENT


def test_application_without_an_appointment_has_none_to_come():
    application = make_application()
    found = answer(arn=application.arn, date_of_birth=BORN, now=timezone.now())
    assert found is Answer.NO_APPOINTMENT


# --- What a plan does --------------------------------------------------------------------------


def displaced(*, seats: int = 9) -> tuple[Appointment, Plan]:
    """Somebody whose only seat closed; a plan, just applied, with so many seats elsewhere."""
    slot = make_slot(seats=1)
    appointment = make_appointment(slot)
    if seats:
        make_slot(day=in_days(6), seats=seats)
    officer, second = make_officer(), make_officer("approver")
    outage = declare_for_test(officer, [Cut(slot.centre_id, slot.date, "normal", 0)])
    plan = plans.prepare(outage_id=outage.pk, region_id=slot.region_id, by=officer, policy=Policy())
    approve_as_seen(plan, second)
    plan = plans.apply(plan_id=plan.pk, by=second)
    appointment.refresh_from_db()
    return appointment, plan


def after_grace(plan: Plan) -> None:
    Offer.objects.filter(plan=plan).update(live_at=plan.applied_at)
    Plan.objects.filter(pk=plan.pk).update(live_at=plan.applied_at)


def test_move_is_not_revealed_before_its_grace_is_over():
    appointment, plan = displaced()
    assert appointment.state == Appointment.State.CONFIRMED
    assert told(appointment) is Answer.IN_DOUBT
    after_grace(plan)
    assert told(appointment) is Answer.NEW_TIME


def test_place_in_the_line_is_not_revealed_before_the_grace_is_over():
    appointment, plan = displaced(seats=0)
    assert appointment.state == Appointment.State.WAITING
    assert told(appointment) is Answer.IN_DOUBT
    after_grace(plan)
    assert told(appointment) is Answer.WAITING


def test_seat_that_a_plan_keeps_stands_only_after_the_grace():
    slot = make_slot(seats=2)
    people = [make_appointment(slot) for _ in range(2)]
    make_slot(day=in_days(6), seats=9)
    officer, second = make_officer(), make_officer("approver")
    outage = declare_for_test(officer, [Cut(slot.centre_id, slot.date, "normal", 1)])
    plan = plans.prepare(outage_id=outage.pk, region_id=slot.region_id, by=officer)
    approve_as_seen(plan, second)
    plan = plans.apply(plan_id=plan.pk, by=second)
    assert {told(person) for person in people} == {Answer.IN_DOUBT}
    after_grace(plan)
    assert sorted(told(person) for person in people) == [Answer.NEW_TIME, Answer.STANDS]


def test_plan_taken_back_leaves_the_doubt():
    appointment, plan = displaced()
    assert plan.applied_by is not None
    plans.undo(plan_id=plan.pk, by=plan.applied_by)
    assert told(appointment) is Answer.IN_DOUBT


def test_offer_that_was_accepted_is_still_a_new_time():
    appointment, plan = displaced()
    after_grace(plan)
    offers.accept(offer_id=plan.offers.get().pk, by=None)
    assert told(appointment) is Answer.NEW_TIME


def test_another_time_chosen_instead_is_a_new_time_too():
    person = make_person()
    appointment, plan = displaced()
    after_grace(plan)
    plans.settle(now=timezone.now())
    Application.objects.update(claimed_by=person)
    other = make_slot(day=in_days(8))
    hold = booking.hold_seat(application=appointment.application, slot_id=other.pk, by=person)
    booking.confirm(hold_id=hold.pk, by=person)
    # "Stands" would be read as the day first promised.
    assert told(appointment) is Answer.NEW_TIME


def test_seat_kept_for_somebody_on_the_waiting_list_is_in_their_sms():
    appointment, plan = displaced(seats=0)
    after_grace(plan)
    now = timezone.now()
    Offer.objects.create(
        appointment=appointment,
        kind=Offer.Kind.WAITING,
        new_slot=make_slot(day=in_days(9)),
        token_hash="x",
        live_at=now,
        deadline=now + dt.timedelta(hours=6),
        created_at=now,
    )
    assert told(appointment) is Answer.NEW_TIME


# --- The page ----------------------------------------------------------------------------------


def test_question_is_asked_without_signing_in(english: Client):
    page = text(english.get("/affected/"))
    assert "Is my appointment affected?" in page
    assert "You need not sign in." in page


@pytest.mark.parametrize("written", ["{0}", " {0} ", "२६-{1}", "26{1}", "26 {1}"])
def test_number_may_be_written_as_people_write_it(english: Client, written: str):
    appointment = make_appointment()
    arn = appointment.application.arn
    page = text(english.post("/affected/", typed(written.format(arn, arn[3:]))))
    assert HEADINGS[Answer.STANDS] in page


@pytest.mark.parametrize("which", list(Answer))
def test_page_says_the_answer_in_both_languages(client: Client, monkeypatch: Any, which: Answer):
    monkeypatch.setattr("portal.views.affected.ask", lambda **_asked: which)
    assert re.search("[\u0900-\u097f]", text(client.post("/affected/", typed("26-0000000001"))))
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    response = client.post("/affected/", typed("26-0000000001"))
    assert response.status_code == 200
    assert f"<h1>{HEADINGS[which]}</h1>" in response.text


def test_only_a_post_is_answered(english: Client):
    appointment = make_appointment()
    page = text(english.get("/affected/", typed(appointment.application.arn)))
    assert not any(heading in page for heading in HEADINGS.values())
    assert english.put("/affected/").status_code == 405


@pytest.mark.parametrize("method", ["get", "post"])
def test_nothing_keeps_or_lists_the_page(english: Client, method: str):
    data = typed("26-0000000001") if method == "post" else {}
    response = getattr(english, method)("/affected/", data)
    assert "no-store" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex"


def test_answer_tells_neither_name_nor_day_nor_centre(english: Client):
    appointment = make_appointment()
    page = english.post("/affected/", typed(appointment.application.arn)).text
    slot = appointment.slot
    assert slot is not None
    for secret in (
        appointment.application.name,
        appointment.application.arn,
        appointment.application.arn_tail,
        slot.centre.name_en,
        f"{slot.date.day} {slot.date:%B}",
    ):
        assert secret not in page


def test_unknown_number_and_wrong_birth_date_cannot_be_told_apart(english: Client):
    known = make_appointment().application.arn
    english.post("/affected/", typed("26-9999999998"))  # makes the network's counter
    seen = []
    for data in (typed("26-9999999999"), typed(known, BORN + dt.timedelta(days=1))):
        with CaptureQueriesContext(connection) as queries:
            response = english.post("/affected/", data)
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.text)
        # But for what was asked and the ids of rows, the same statements in the same order.
        asked = [re.sub(r"'[^']*'|\"s\d+_x\d+\"|\b\d+\b", "?", query["sql"]) for query in queries]
        seen.append((response.status_code, page, asked))
    assert seen[0] == seen[1]
    assert HEADINGS[Answer.NOTHING_FOUND] in seen[0][1]


def test_mistakes_are_explained_and_what_was_typed_stays(english: Client):
    response = english.post("/affected/", {**typed("26-12"), "date_of_birth_year": "90"})
    page = response.text
    assert response.status_code == 200
    assert "There is a problem" in page
    assert 'value="26-12"' in page
    assert 'value="90"' in page


# --- Limits ------------------------------------------------------------------------------------


@pytest.fixture
def limit(settings: Any) -> Callable[[str, int], None]:
    def set_limit(name: str, amount: int) -> None:
        steps = [(amount, dt.timedelta(hours=1))]
        settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, name: steps}

    return set_limit


@pytest.mark.parametrize("right", [True, False])
def test_right_answers_count_too_so_that_nobody_polls_others(
    english: Client, limit: Callable[..., None], right: bool
):
    limit("affected_by_arn", 2)
    arn = make_appointment().application.arn
    born = BORN if right else dt.date(1980, 1, 1)
    answers = [english.post("/affected/", typed(arn, born)) for _ in range(3)]
    assert [response.status_code for response in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 3000
    page = answers[2].text
    assert "This application number has been asked about too often. Try again" in page
    assert f'value="{arn}"' in page
    assert f'value="{born.year}"' in page
    # Others ask on.
    assert english.post("/affected/", typed("26-9999999999")).status_code == 200


def test_network_has_its_own_limit(english: Client, limit: Callable[..., None]):
    limit("affected_by_network", 2)
    for number in range(2):
        assert english.post("/affected/", typed(f"26-000000000{number}")).status_code == 200
    refused = english.post("/affected/", typed("26-0000000007"))
    assert refused.status_code == 429
    assert "Too many people are asking from your network" in refused.text
    other = english.post("/affected/", typed("26-0000000007"), REMOTE_ADDR="10.9.9.9")
    assert other.status_code == 200


def test_limits_leave_room_for_the_people_behind_one_carrier():
    amount, period = settings.SIGN_IN_LIMITS["affected_by_network"][0]
    assert amount / period.total_seconds() >= 1
