"""Several people behind one phone, moved by one plan: one SMS, one link, answers one by one."""

import datetime as dt

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from appointments import booking, offer_lists, offers, outages, plans
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import Appointment, Offer, OfferList, Plan
from notifications.models import Message
from notifications.render import render
from tests.applicants.builders import ask_family, go_live, plan_again, token_of_list
from tests.domain.builders import in_days, make_person, make_slot

pytestmark = pytest.mark.django_db

MOVED = ["MOVED_KEEP", "MOVED_ANSWER", "MOVED_MANY_KEEP", "MOVED_MANY_ANSWER"]


def sms():
    return Message.objects.filter(channel="sms", kind__in=MOVED).order_by("pk")


@pytest.mark.parametrize(
    ("people", "kinds"),
    [
        (1, ["MOVED_KEEP"]),
        (2, ["MOVED_KEEP", "MOVED_KEEP"]),
        (3, ["MOVED_MANY_KEEP"]),
        (5, ["MOVED_MANY_KEEP"]),
    ],
)
def test_up_to_two_people_get_an_sms_each_and_more_get_one(people, kinds):
    person = make_person()
    ask_family(person, people)
    assert [message.kind for message in sms()] == kinds
    assert {message.address for message in sms()} == {person.phone}


def test_one_sms_names_number_and_first_deadline_and_no_arn():
    plan, asked = ask_family(make_person(language="en"), 4)
    message = sms().get()
    first = min(offer.deadline for offer in asked)
    assert message.values["n"] == 4
    assert OfferList.objects.get(kind__startswith="MOVED_MANY").deadline == first
    words = render(message).text
    assert words.startswith("New times for 4 passport applications. They stand unless")
    assert message.values["by"] in words
    for offer in asked:
        assert offer.appointment.application.arn_tail not in words
    assert message.next_attempt_at == plan.live_at


def test_one_sms_says_that_silence_frees_the_seats():
    ask_family(make_person(language="en"), 3, silence="requeue")
    assert "or the seats are released" in render(sms().get()).text
    # So do the reminders, of those who have not answered by then.
    assert not Message.objects.filter(kind="REMIND_ANSWER").exists()
    reminders = Message.objects.filter(kind="REMIND_MANY_ANSWER")
    assert {(m.channel, m.values["n"]) for m in reminders} == {("sms", 3)}
    assert len(reminders) == 2


def test_mails_stay_one_each_with_the_link_of_that_person_alone():
    ask_family(make_person(), 3, email="family@example.org")
    mails = Message.objects.filter(channel="email", kind="MOVED_KEEP")
    tokens = {mail.values["url"].rpartition("/")[2] for mail in mails}
    assert len(tokens) == 3
    for token in tokens:
        assert offers.find(token, now=timezone.now())
        with pytest.raises(Refusal, match="offer_not_found"):
            offer_lists.find(token, now=timezone.now())


def test_sms_is_in_the_language_of_most_people():
    plan, _asked = ask_family(make_person(language="hi"), 3)
    assert sms().get().language == "hi"
    assert str(token_of_list(plan)).isalnum()


def test_phone_of_the_account_counts_before_that_of_the_register():
    """Who has linked their application with another phone hears of it there, alone."""
    person, other = make_person(), make_person()
    plan, _asked = ask_family(person, 3)
    first = plan.lines.order_by("pk").first().appointment.application
    first.claimed_by, first.claimed_at = other, timezone.now()
    first.save()
    outage = plan.outage
    make_slot(day=in_days(9), seats=9)
    outages.change_cut(
        outage_id=outage.pk,
        cuts=[Cut(first.home_centre_id, in_days(6), "normal", 0)],
        by=outage.declared_by,
    )
    again = plan_again(outage, first.region)
    addresses = Message.objects.filter(channel="sms", batch=f"plan:{again.pk}")
    assert sorted(addresses.values_list("kind", "address")) == sorted(
        [("REPLACED", other.phone), ("REPLACED", person.phone), ("REPLACED", person.phone)]
    )


def test_list_is_not_live_within_the_grace_and_undo_takes_its_sms_back():
    plan, _asked = ask_family(make_person(), 3)
    grace = timezone.now() + dt.timedelta(minutes=10)
    for model in (Plan, Offer, OfferList):
        model.objects.update(live_at=grace)
    token = token_of_list(plan)
    with pytest.raises(Refusal, match="offer_not_live"):
        offer_lists.find(token, now=timezone.now())
    plans.undo(plan_id=plan.pk, by=plan.approved_by)
    assert sms().get().state == "cancelled"
    found = offer_lists.find(token, now=timezone.now())
    assert {offer.state for offer in offer_lists.questions(found)} == {"withdrawn"}


def test_sms_that_has_not_left_goes_back_when_the_last_has_answered():
    _plan, asked = ask_family(make_person(), 3)
    for offer in asked[:2]:
        offers.accept(offer_id=offer.pk, by=None)
    assert sms().get().state == "queued"
    offers.give_up(offer_id=asked[2].pk, by=None)
    assert sms().get().state == "cancelled"


def test_replacing_plan_makes_a_new_list_and_ends_the_old_one():
    plan, asked = ask_family(make_person(), 3)
    outage, centre = plan.outage, asked[0].new_slot.centre
    make_slot(day=in_days(9), seats=9)
    cuts = [Cut(centre.pk, in_days(6), "normal", 0)]
    outages.change_cut(outage_id=outage.pk, cuts=cuts, by=outage.declared_by)
    again = plan_again(outage, centre.region)
    go_live(again)
    plans.settle(now=timezone.now())
    first, second = sms()
    assert (first.state, second.state) == ("cancelled", "queued")
    old = offer_lists.find(token_of_list(plan), now=timezone.now())
    new = offer_lists.find(token_of_list(again), now=timezone.now())
    assert {offer.state for offer in offer_lists.questions(old)} == {"withdrawn"}
    assert {offer.state for offer in offer_lists.questions(new)} == {"open"}


def test_accept_all_accepts_each_and_again_changes_nothing():
    _plan, asked = ask_family(make_person(), 3)
    offers.give_up(offer_id=asked[0].pk, by=None)
    offer_list = OfferList.objects.get(kind__startswith="MOVED_MANY")
    answers = offer_lists.accept_all(list_id=offer_list.pk, by=None)
    assert [offer.pk for offer in answers.accepted] == [asked[1].pk, asked[2].pk]
    assert answers.refused == []
    again = offer_lists.accept_all(list_id=offer_list.pk, by=None)
    assert (again.accepted, again.refused) == ([], [])
    assert sorted(Offer.objects.values_list("state", flat=True)) == [
        *("accepted", "accepted", "given_up")
    ]
    assert Message.objects.filter(kind="CONFIRMED", channel="sms").count() == 2


def test_accept_all_reports_who_was_refused_and_why():
    _plan, asked = ask_family(make_person(), 3)
    Appointment.objects.filter(pk=asked[1].appointment_id).update(state="in_doubt")
    answers = offer_lists.accept_all(
        list_id=OfferList.objects.get(kind__startswith="MOVED_MANY").pk, by=None
    )
    assert len(answers.accepted) == 2
    ((offer, refusal),) = answers.refused
    assert (offer.pk, refusal.code) == (asked[1].pk, "in_doubt")


def test_others_at_the_phone_are_counted_while_they_are_asked():
    _plan, asked = ask_family(make_person(), 2)
    now = timezone.now()
    assert offer_lists.others_at_phone(asked[0], now=now) == 1
    offers.accept(offer_id=asked[1].pk, by=None)
    assert offer_lists.others_at_phone(asked[0], now=now) == 0


def test_silence_of_one_ends_only_that_offer():
    _plan, asked = ask_family(make_person(), 3, silence="requeue")
    offers.accept(offer_id=asked[0].pk, by=None)
    with time_machine.travel(max(offer.deadline for offer in asked)):
        offers.close_silent(now=timezone.now())
    assert sorted(Offer.objects.values_list("state", flat=True)) == [
        *("accepted", "released", "released")
    ]


def test_two_lists_never_share_a_token():
    ask_family(make_person(), 3)
    copy = OfferList.objects.get(kind__startswith="MOVED_MANY")
    copy.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save(force_insert=True)


# --- A seat held by link ------------------------------------------------------------------------


def test_hold_by_link_keeps_the_rules_of_choosing():
    _plan, (offer,) = ask_family(make_person(), 1)
    other = make_slot(day=in_days(8), quota="tatkaal")
    for slot_id, code in (
        (other.pk, "wrong_quota"),
        (offer.new_slot_id, "same_slot"),
        (0, "slot_"),
    ):
        with pytest.raises(Refusal, match=code):
            booking.hold_seat_by_link(offer_id=offer.pk, slot_id=slot_id)


def test_hold_by_link_twice_is_one_hold():
    _plan, (offer,) = ask_family(make_person(), 1)
    slot = make_slot(day=in_days(8), seats=1)
    holds = {booking.hold_seat_by_link(offer_id=offer.pk, slot_id=slot.pk).pk for _ in range(3)}
    assert len(holds) == 1


def test_hold_by_link_of_a_question_that_ended_is_refused():
    _plan, (offer,) = ask_family(make_person(), 1)
    slot = make_slot(day=in_days(8))
    offers.accept(offer_id=offer.pk, by=None)
    with pytest.raises(Refusal, match="offer_ended"):
        booking.hold_seat_by_link(offer_id=offer.pk, slot_id=slot.pk)


def test_choice_of_somebody_else_is_not_released():
    _plan, (offer,) = ask_family(make_person(), 1)
    with pytest.raises(Refusal, match="not_yours"):
        booking.release_choice(offer_id=offer.pk, by=make_person())
