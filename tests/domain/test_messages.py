"""Who is told what: language, contact, links, and nothing that a message must not say."""

import re

import pytest
import time_machine
from django.utils import timezone

from appointments import booking, offers, outages, plans
from appointments.cuts import Cut
from appointments.models import Appointment, Plan
from notifications.models import Message
from notifications.render import render
from tests.domain.builders import (
    approve_as_seen,
    declare_for_test,
    far_from_midnight,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_day():
    with far_from_midnight():
        yield


def test_contact_is_the_accounts_before_the_registers():
    person = make_person(email="own@example.org", language="en")
    appointment = make_appointment(
        application=make_application(claimed_by=person, email="register@example.org")
    )
    assert appointment.contact == (person.phone, "own@example.org", "en")


def test_contact_falls_back_to_the_register_for_an_unverified_phone():
    person = make_person(phone_verified=False)
    application = make_application(claimed_by=person, email="register@example.org")
    appointment = make_appointment(application=application)
    assert appointment.contact == (application.phone, "register@example.org", "hi")


@pytest.fixture
def everything_said():
    """A loop in which every kind that it can say is said, in both languages and channels."""
    first, second = make_officer(), make_officer("approver")
    centre = make_centre()
    full = make_slot(centre=centre, seats=12)
    for number in range(12):
        application = make_application(
            name="Sunita Verma",
            email=f"a{number}@example.org",
            language="hi" if number % 2 else "en",
            claimed_by=make_person(email=f"p{number}@example.org") if number < 4 else None,
        )
        make_appointment(full, application=application)
    make_slot(centre=centre, day=in_days(6), seats=9)
    cuts = [Cut(centre.pk, full.date, "normal", 1)]
    outage = declare_for_test(first, cuts)
    outages.send_notices_now(outage_id=outage.pk, by=first)

    def apply_plan():
        plan = plans.prepare(
            outage_id=outage.pk,
            region_id=centre.region_id,
            by=first,
            silence=Plan.Silence.REQUEUE if not Plan.objects.exists() else Plan.Silence.KEEP,
        )
        approve_as_seen(plan, second)
        return plans.apply(plan_id=plan.pk, by=second)

    plan = apply_plan()
    with time_machine.travel(plan.live_at):
        plans.settle(now=timezone.now())
        accepted, given_up, *_ = plan.offers.all()
        offers.accept(offer_id=accepted.pk, by=None)
        offers.give_up(offer_id=given_up.pk, by=None)
        more = [*cuts, Cut(centre.pk, in_days(6), "normal", 3)]
        outages.change_cut(outage_id=outage.pk, cuts=more, by=first)
        make_slot(centre=centre, day=in_days(9), seats=20)
        plan = apply_plan()
    with time_machine.travel(plan.offers.latest("deadline").deadline):
        offers.close_silent(now=timezone.now())
    waiting = Appointment.objects.filter(state="waiting").first()
    person = make_person()
    waiting.application.claimed_by = person
    waiting.application.save()
    hold = booking.hold_seat(
        application=waiting.application, slot_id=make_slot(day=in_days(12)).pk, by=person
    )
    booking.confirm(hold_id=hold.pk, by=person)
    return list(Message.objects.select_related(None))


def test_loop_says_every_kind_it_can(everything_said):
    kinds = {m.kind for m in everything_said}
    assert kinds >= {
        *("HOLD", "STANDS", "MOVED_ANSWER", "REMIND_ANSWER", "NO_SEAT", "REPLACED"),
        *("CONFIRMED", "CANCELLED", "PLAN_WAITS"),
    }


def test_no_message_says_name_birth_date_or_full_arn(everything_said):
    for message in everything_said:
        words = render(message)
        said = f"{words.subject} {words.text} {words.html} {words.ics}"
        assert "Sunita" not in said
        assert not re.search(r"\d{2}-\d{10}|\d{10}", said), message.kind
        assert "1990" not in said
        assert "None" not in said


def test_every_question_carries_a_link_and_its_deadline(everything_said):
    asked = [m for m in everything_said if m.kind in ("MOVED_ANSWER", "REPLACED")]
    assert asked
    for message in asked:
        assert re.search(r"/[0-9A-Za-z]{11}$", message.values["url"])
        if message.channel == "sms":
            assert message.values["by"] in render(message).text


def test_every_message_has_an_end_of_life_after_it_may_first_leave(everything_said):
    for message in everything_said:
        assert message.expires_at > message.next_attempt_at, message.kind


def test_texts_are_in_the_persons_language(everything_said):
    for message in everything_said:
        if message.channel == "sms":
            hindi = bool(re.search("[\u0900-\u097f]", render(message).text))
            assert hindi == (message.language == "hi")
