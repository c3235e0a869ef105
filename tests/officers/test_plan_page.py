"""The page of a plan: figures, people, approve, apply, undo, put aside."""

import datetime as dt
from copy import copy

import pytest
import time_machine
from django.utils import timezone

from appointments import booking, decide_by, plans, seats
from appointments.admin.scope import masked_arn
from appointments.models import Application, Appointment, Offer, Plan
from appointments.planning.reasons import SENTENCES, WHY_UNPLACED
from notifications.dates import long_moment, short_moment
from notifications.models import Message
from tests.domain.builders import approve_as_seen, make_person, make_region
from tests.officers.steps import declare, prepare

pytestmark = pytest.mark.django_db
State = Appointment.State


@pytest.fixture
def first(desk):
    return desk()


@pytest.fixture
def second(desk):
    return desk("approver")


@pytest.fixture
def plan(first, office):
    """Prepared by the first officer; 6 of 16 seats stay on each of two days."""
    return prepare(office, declare(office, first.officer, seats=6), first.officer)


@pytest.fixture
def approved(plan, second):
    return approve_as_seen(plan, second.officer)


@pytest.fixture
def applied(approved, second):
    return plans.apply(plan_id=approved.pk, by=second.officer)


def total(plan):
    return plan.summary["total"]


def page(plan, step="change"):
    return f"/officers/appointments/plan/{plan.pk}/{step}/"


# --- What it shows ------------------------------------------------------------------------------


def test_number_of_sms_is_that_of_the_sms_that_are_written(first, second, office):
    families = [office.people[:3], office.people[3:8], office.people[8:10]]
    for number, family in enumerate(families):
        ids = [person.application_id for person in family]
        Application.objects.filter(pk__in=ids).update(phone=f"+919812345{number:03d}")
    plan = prepare(office, declare(office, first.officer, seats=6), first.officer)
    plan = approve_as_seen(plan, second.officer)
    said = plan.summary["sms"]
    assert said == 32 - 2 - 4
    assert f"{said} SMS and 0 emails will leave. " in second.go(page(plan, "apply")).text
    plans.apply(plan_id=plan.pk, by=second.officer)
    assert Message.objects.filter(batch=f"plan:{plan.pk}", channel="sms").count() == said


def test_offer_of_somebody_who_cancelled_is_not_called_replaced(first, applied):
    offer = applied.offers.first()
    person = make_person()
    Application.objects.filter(appointments=offer.appointment_id).update(claimed_by=person)
    booking.cancel(appointment_id=offer.appointment_id, by=person)
    offer.refresh_from_db()
    assert offer.state == Offer.State.WITHDRAWN
    text = first.go(page(applied)).text
    assert "1 cancelled the appointment" in text
    assert "replaced" not in text


def test_one_person_is_not_called_people(first, second, approved):
    approved.summary["total"] |= {"keep": 1, "move": 1, "unplaced": 1}
    approved.summary |= {"clear_date": None, "emails": 1}
    approved.save()
    assert "1 person has no seat" in first.go(page(approved)).text
    words = second.go(page(approved, "apply")).text
    assert "1 person keeps their seat, 1 gets a new time" in words
    assert "1 has no seat yet and goes to the waiting list." in words


def test_page_shows_the_main_figures(first, plan):
    text = first.go(page(plan)).text
    keep, move = total(plan)["keep"], total(plan)["move"]
    assert keep + move == 32
    assert f"people 32 keep their seat {keep} get a new time {move} no seat yet 0" in text
    tatkaal = plan.summary["by_tier"]["tatkaal"]
    assert f"Tatkaal 8 {tatkaal['keep']} {tatkaal['move']} 0" in text
    assert "PSK Bhopal" in text
    assert "Everyone stays at their own centre." in text
    assert "32 SMS, 0 emails; 0 people cannot be reached" in text
    assert f"prepared by {first.officer.name}" in text.replace(_moment(plan.prepared_at), "")
    assert "The new time stands." in text


def _moment(at):
    return f" {short_moment(at, 'en')}"


def test_people_whom_nothing_reaches_are_named(first, unreachable, plan):
    text = first.go(page(plan)).text
    assert "No phone and no email is known of these people." in text
    assert unreachable.application.arn in text
    assert unreachable.application.name in text
    assert "1 person cannot be reached" in text


def test_names_are_masked_for_a_centre_officer(desk, office, unreachable, plan):
    clerk = desk("centre", centre=office.bhopal)
    text = clerk.go(page(plan)).text
    assert unreachable.application.arn not in text
    assert unreachable.application.name not in text
    assert masked_arn(unreachable.application.arn) in text


def test_people_without_a_seat_are_listed_with_the_reason(first, plan, office):
    first.go(f"/officers/appointments/outage/{plan.outage_id}/prepare/")
    first.send(changes={"horizon_days": "2", "reserve": "0", "lead_hours": "0"})
    text = first.text
    assert "no seat yet 20" in text
    reasons = Plan.objects.first().summary["reasons"]
    unplaced = [SENTENCES[reason] for reason in WHY_UNPLACED if reason in reasons]
    assert unplaced
    assert all(sentence in text for sentence in unplaced)
    assert "not within the days planned for: 20 people have no seat" in text
    assert "All 20" in text


def test_moves_are_found_by_appointment_centre_and_tier(first, plan, office):
    line = plan.lines.filter(outcome="move", from_slot__centre=office.sagar).first()
    for query, found in (
        (f"?number={line.appointment_id}", 1),
        (
            f"?centre={office.sagar.pk}",
            plan.lines.filter(outcome="move", from_slot__centre=office.sagar).count(),
        ),
        ("?tier=tatkaal", plan.summary["by_tier"]["tatkaal"]["move"]),
        ("?show=keep", total(plan)["keep"]),
        ("?show=unplaced", 0),
        ("?show=nonsense&tier=x&centre=y&number=z&page=w", total(plan)["move"]),
    ):
        first.go(page(plan) + query)
        assert f"{found} found" in first.text


def test_page_takes_a_fixed_number_of_queries(first, plan, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        first.go(page(plan))


# --- Approve ------------------------------------------------------------------------------------


def test_second_officer_approves_within_suggested_bounds(second, plan):
    second.go(page(plan, "approve"))
    suggested = plans.suggested_bounds(plan).moved
    assert second.fields["moved"] == [str(suggested)]
    assert second.fields["unplaced"] == ["3"]
    assert "reason" not in second.fields
    second.send()
    plan.refresh_from_db()
    assert (plan.state, plan.approved_by) == (Plan.State.APPROVED, second.officer)
    assert plan.bounds["moved"] == suggested
    assert "is approved" in second.text


def test_bounds_below_the_plan_are_refused_and_what_was_typed_stays(second, plan):
    second.go(page(plan, "approve")).send(changes={"moved": "3", "unplaced": "77"})
    assert f"{total(plan)['move']} people moved, approved were 3" in second.text
    assert second.fields["unplaced"] == ["77"]
    plan.refresh_from_db()
    assert plan.state == Plan.State.PREPARED


@pytest.mark.parametrize("wrong", ["", "-1", "few"])
def test_wrong_bound_is_an_error_at_its_field(second, plan, wrong):
    second.go(page(plan, "approve")).send(changes={"moved": wrong})
    assert "Give a whole number." in second.text


def test_approval_is_of_what_was_seen(second, plan):
    second.go(page(plan, "approve"))
    Plan.objects.update(fingerprint="other")
    second.send()
    assert "has changed since you saw it" in second.text
    plan.refresh_from_db()
    assert plan.state == Plan.State.PREPARED


def test_approving_again_is_refused_in_words(second, approved):
    second.go(page(approved, "approve"))
    assert "no longer waiting for approval" in second.text


def test_lone_approval_needs_a_reason_waits_and_is_marked_in_every_list(first, plan):
    first.go(page(plan, "approve"))
    assert "15 minutes after your approval" in first.text
    assert "all other officers of the region are alerted" in first.text
    first.send()
    assert "Give a reason" in first.text
    first.send(changes={"reason": "Nobody else is on duty"})
    plan.refresh_from_db()
    assert plan.state == Plan.State.APPROVED
    assert plan.lone_reason == "Nobody else is on duty"
    assert "May be applied from" in first.text
    assert "Nobody else is on duty" in first.text
    for url in (
        "/officers/",
        "/officers/appointments/plan/",
        f"/officers/appointments/outage/{plan.outage_id}/change/",
    ):
        assert '<span class="flag">alone</span>' in first.go(url).page.content.decode()
    first.go(page(plan, "apply"))
    assert "may be applied from" in first.text
    first.url = page(plan, "apply")
    first.send()
    assert "may be applied from" in first.text
    plan.refresh_from_db()
    assert plan.state == Plan.State.APPROVED


def test_lone_approval_alerts_the_others(first, second, plan):
    first.go(page(plan, "approve")).send(changes={"reason": "Alone"})
    alert = Message.objects.get(kind="PLAN_ALONE")
    assert alert.address == second.officer.email


def test_lone_approval_where_the_region_forbids_it_is_refused(first, plan, office):
    office.region.lone_approval = False
    office.region.save()
    assert "Approve alone" not in first.go(page(plan)).text
    first.go(page(plan, "approve"))
    assert "must be approved by a second officer" in first.text


# --- An hour ------------------------------------------------------------------------------------


def at_hour(moment):
    local = timezone.localtime(moment)
    return {"when": "hour", "hour_date": f"{local:%Y-%m-%d}", "hour_time": f"{local:%H:%M}"}


@pytest.fixture
def hour():
    tomorrow = timezone.localtime() + dt.timedelta(days=1)
    return tomorrow.replace(hour=8, minute=0, second=0, microsecond=0)


@pytest.fixture
def timed(plan, second, hour):
    """Approved to be applied by itself tomorrow at eight."""
    second.go(page(plan, "approve")).send(changes=at_hour(hour))
    plan.refresh_from_db()
    return plan


def test_approval_with_an_hour_says_what_happens_when_and_how_to_stop_it(
    first, second, timed, hour
):
    assert (timed.state, timed.decide_by) == (Plan.State.APPROVED, hour)
    said = long_moment(hour, "en")
    assert f"It is applied by itself on {said}" in second.text
    outage = f"/officers/appointments/outage/{timed.outage_id}/change/"
    for desk in (first, second):
        for url in (page(timed), outage, "/officers/"):
            text = desk.go(url).text
            assert f"by itself on {said} , if the outage is still open then." in text
            assert f"{second.officer.name} approved it so." in text
            assert "To stop it:" in text
    assert short_moment(hour, "en") in first.go("/officers/appointments/plan/").text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"when": "hour"}, "Date: Give the date, or leave it to an officer to apply it."),
        (
            {"when": "hour", "hour_date": "2020-01-01", "hour_time": "08:00"},
            "Time (India): Give an hour to come: this one has passed.",
        ),
        (
            {"when": "hour", "hour_date": "2120-01-01", "hour_time": "08:00"},
            "Date: Give an hour within the next 7 days.",
        ),
        (
            {"when": "hour", "hour_date": "soon", "hour_time": "08:00"},
            "Date: Give a date, such as 2026-03-24.",
        ),
        ({"when": "sometime"}, "When it is applied: Select a valid choice."),
    ],
    ids=["empty", "past", "far", "no date", "no choice"],
)
def test_wrong_hour_is_said_at_its_field_and_nothing_typed_is_lost(second, plan, changes, error):
    second.go(page(plan, "approve")).send(changes={**changes, "moved": "31"})
    assert error in second.text
    assert second.fields["moved"] == ["31"]
    for name in ("hour_date", "hour_time"):
        assert second.fields[name] == [changes.get(name, "")]
    plan.refresh_from_db()
    assert plan.state == Plan.State.PREPARED


@pytest.mark.parametrize("typed", [("2030-01-01", "08:00"), ("soon", "25:99"), ("", "08:00")])
def test_hour_typed_but_not_chosen_is_asked_about(second, plan, typed):
    fields = dict(zip(("hour_date", "hour_time"), typed, strict=True))
    second.go(page(plan, "approve")).send(changes={"when": "hand", **fields})
    assert "When it is applied: You typed an hour: choose “By itself”" in second.text
    assert {name: second.fields[name] for name in fields} == {k: [v] for k, v in fields.items()}
    plan.refresh_from_db()
    assert plan.state == Plan.State.PREPARED


def test_lone_hour_is_not_before_the_wait(first, plan):
    soon = at_hour(timezone.now() + dt.timedelta(minutes=5))
    first.go(page(plan, "approve")).send(changes={**soon, "reason": "Nobody else"})
    assert "You approve this plan alone: it may be applied from" in first.text
    assert first.fields["reason"] == ["Nobody else"]


def test_approver_changes_the_hour_and_withdraws_it(second, timed, hour):
    second.go(page(timed, "hour"))
    assert second.fields["hour_time"] == ["08:00"]
    second.send(changes={"hour_time": "09:30"})
    timed.refresh_from_db()
    assert timed.decide_by == hour.replace(hour=9, minute=30)
    assert "Hour given at which it is applied" in second.text
    second.go(page(timed, "hour")).send(changes={"when": "hand"})
    timed.refresh_from_db()
    assert (timed.state, timed.decide_by) == (Plan.State.APPROVED, None)
    assert "Nobody is moved until it is applied." in second.text


def test_another_officer_can_only_withdraw_it(first, second, timed):
    first.go(page(timed, "hour"))
    assert "when" not in first.fields
    assert f"Only {second.officer.name}, who approved it, can give it another hour." in first.text
    first.send()
    timed.refresh_from_db()
    assert (timed.state, timed.decide_by) == (Plan.State.APPROVED, None)
    first.go(page(timed, "hour"))
    assert "Only the officer who approved this plan can give it an hour." in first.text


def test_hour_withdrawn_by_two_officers_or_a_double_click_is_withdrawn(first, timed):
    first.go(page(timed, "hour"))
    again = copy(first)
    for desk in (first, again):
        desk.send()
        assert "stays approved" in desk.text
        assert "Only the officer" not in desk.text
    assert timed.log.filter(event="hour_withdrawn").count() == 1


def test_steps_that_meet_the_hour_name_it(first, timed, hour):
    said = f"{timed} is to be applied by itself on {long_moment(hour, 'en')}"
    outage = f"/officers/appointments/outage/{timed.outage_id}"
    assert f"{said}; that is off then." in first.go(f"{outage}/restore/").text
    assert f"{said}; a new plan ends that." in first.go(f"{outage}/prepare/").text
    assert said in first.go(f"{outage}/cut/").send("preview").text


def test_page_of_a_plan_that_was_held_back_says_why_and_what_changed(first, second, timed, hour):
    first.go(f"/officers/appointments/outage/{timed.outage_id}/cut/").send("preview").send("do")
    Plan.objects.update(bounds={**timed.bounds, "moved": 5})
    with time_machine.travel(hour):
        decide_by.strike(plan_id=timed.pk)
    text = second.go(page(timed)).text
    assert (
        f"Held back at its hour It was to be applied by itself on {long_moment(hour, 'en')}" in text
    )
    assert "people moved, approved were 5" in text
    assert "It needs a new approval, or a new plan." in text
    assert "Since it was approved:" in text
    assert f"Cut Changed by {first.officer.name}" in text
    assert "held back" in second.go("/officers/appointments/plan/").text
    assert (
        f"{timed} was held back at its hour and waits for approval." in second.go("/officers/").text
    )


def test_page_of_a_plan_that_was_late_lets_it_be_applied_by_hand(second, timed, hour):
    with time_machine.travel(hour + dt.timedelta(hours=2)):
        decide_by.strike(plan_id=timed.pk)
    text = second.go(page(timed)).text
    assert "Its hour had passed for too long: the server was down or busy" in text
    assert "The approval stands: an officer can apply it by hand." in text
    assert "As first prepared" not in text
    assert "was held back at its hour. Look why" in second.go("/officers/").text
    second.go(page(timed, "apply")).send()
    assert "is applied." in second.text
    assert "Held back" not in second.text.partition("Log")[0]


def test_page_says_that_the_clock_applied_it(second, timed, hour):
    with time_machine.travel(hour):
        decide_by.strike(plan_id=timed.pk)
    text = second.go(page(timed)).text
    assert f"by the clock in the name of {second.officer.name}" in text


# --- Apply, undo, put aside ---------------------------------------------------------------------


def test_apply_moves_people_after_saying_what_it_will_do(second, approved):
    second.go(page(approved, "apply"))
    keep, move = total(approved)["keep"], total(approved)["move"]
    assert f"{keep} people keep their seat, {move} get a new time" in second.text
    assert "10 minutes of grace follow" in second.text
    second.send()
    assert "is applied." in second.text
    assert "Undo until" in second.text
    assert f"{move} asked: {move} no answer yet" in second.text
    assert Offer.objects.filter(state=Offer.State.OPEN).count() == move
    assert not Appointment.objects.filter(state=State.IN_DOUBT).exists()
    assert seats.check() == []


def test_apply_twice_applies_once(second, approved):
    second.go(page(approved, "apply"))
    url = second.url
    second.send()
    second.url = url
    second.send()
    assert approved.log.filter(event="applied").count() == 1


def test_opening_a_step_changes_nothing(second, approved):
    for step in ("apply", "hour", "undo", "drop", "approve"):
        second.go(page(approved, step))
    approved.refresh_from_db()
    assert approved.state == Plan.State.APPROVED


def test_plan_out_of_bounds_comes_back_with_what_changed(second, approved):
    Plan.objects.update(bounds={**approved.bounds, "moved": 5})
    second.go(page(approved, "apply")).send()
    assert "The plan came back to you" in second.text
    assert f"{total(approved)['move']} people moved, approved were 5" in second.text
    assert "Nobody was moved." in second.text
    approved.refresh_from_db()
    assert approved.state == Plan.State.PREPARED


def test_apply_without_approval_is_refused_in_words(second, plan):
    second.go(page(plan, "apply"))
    assert "has not been approved" in second.text
    second.url = page(plan, "apply")
    second.send()
    assert "has not been approved" in second.text


def test_undo_within_the_grace_puts_everyone_back(second, applied):
    second.go(page(applied, "undo"))
    assert "32 messages that wait are taken back" in second.text
    second.send(changes={"why": "wrong numbers"})
    assert "Everyone is back where they were." in second.text
    assert "wrong numbers" in second.text
    assert Appointment.objects.filter(state=State.IN_DOUBT).count() == 32
    assert seats.check() == []


def test_undo_after_the_grace_is_refused_in_words(second, applied):
    second.go(page(applied, "undo"))
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=11)):
        second.send()
        assert "have passed" in second.text
        assert "Undo until" not in second.text
    applied.refresh_from_db()
    assert applied.state == Plan.State.APPLIED


def test_plan_put_aside_waits_no_more(second, plan):
    second.go(page(plan, "drop")).send(changes={"why": "too far"})
    assert "is put aside" in second.text
    plan.refresh_from_db()
    assert plan.state == Plan.State.DROPPED
    second.go(page(plan, "drop"))
    assert "no longer waiting for approval" in second.text


# --- Who ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["approve", "hour", "apply", "undo", "drop"])
def test_centre_officer_can_do_nothing(desk, office, plan, step):
    clerk = desk("centre", centre=office.bhopal)
    clerk.go(page(plan))
    assert page(plan, step) not in clerk.page.content.decode()
    clerk.url = page(plan, step)
    clerk.send(status=403)
    clerk.go(page(plan, step), status=403)


def test_officer_of_another_region_does_not_see_it(desk, plan):
    abroad = desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))
    abroad.go(page(plan), status=404)
    abroad.go(page(plan, "approve"), status=404)
    assert "Plan" not in abroad.go("/officers/").text.replace("Plans", "")


def test_lists_and_first_page_name_the_plan_that_waits(second, plan):
    text = second.go("/officers/").text
    assert f"{plan} waits for approval." in text
    assert "Plans that wait for somebody" in text
    assert str(plan) in second.go("/officers/appointments/plan/?state__exact=prepared").text
    assert "0 plans" in second.go("/officers/appointments/plan/?approval=alone").text
