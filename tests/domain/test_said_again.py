"""What events have made wrong is not said once more: by no repeat, channel or officer's press."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from appointments import messages, offer_lists, offers, outages, seats
from appointments.cuts import Cut
from appointments.models import Appointment, OfferList, Plan
from notifications import decisions, sweep
from notifications.models import Message, NotReached
from tests.applicants.builders import ask, ask_family, go_live, plan_again
from tests.domain.builders import (
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
State = Message.State


@pytest.fixture
def restored(request):
    """The outage is over; of its HOLD notices nobody knows whether they left, or they failed."""
    officer, centre = make_officer(), make_centre()
    slot = make_slot(centre=centre, day=in_days(3), seats=2)
    for _ in range(2):
        make_appointment(slot)
    outage = declare_for_test(officer, [Cut(centre.pk, in_days(3), "normal", 0)])
    outages.send_notices_now(outage_id=outage.pk, by=officer)
    taken = timezone.now() if request.param == State.UNDELIVERED else None
    Message.objects.filter(kind="HOLD").update(state=request.param, sent_at=taken)
    outages.restore(outage_id=outage.pk, by=officer)
    return outage


@pytest.mark.parametrize("restored", [State.UNKNOWN], indirect=True)
def test_doubt_is_not_repeated_after_the_service_is_back(restored):
    sweep.sweep()
    assert set(Message.objects.filter(kind="HOLD").values_list("state", flat=True)) == {"unknown"}
    assert not NotReached.objects.filter(kind="HOLD").exists()


@pytest.mark.parametrize("restored", [State.FAILED, State.UNDELIVERED], indirect=True)
def test_doubt_is_not_sent_again_after_the_service_is_back(restored):
    resent = decisions.resend_batch(
        batch=messages.hold_batch(restored.pk), by="officer 1", reason="the gateway works again"
    )
    assert (resent.queued, resent.kept) == (0, 2)


def test_reminder_without_a_receipt_goes_by_no_email_once_it_is_answered():
    _application, offer, _token = ask(
        make_person(), silence=Plan.Silence.REQUEUE, email="own@example.org"
    )
    now = timezone.now()
    reminder = Message.objects.filter(kind="REMIND_ANSWER", other_address="own@example.org").first()
    owed = {"sent_at": now, "receipt_by": now + dt.timedelta(minutes=30), "urgent_by": now}
    Message.objects.filter(pk=reminder.pk).update(state=State.ACCEPTED, **owed)
    offers.accept(offer_id=offer.pk, by=None)
    with time_machine.travel(now + dt.timedelta(minutes=31), tick=False):
        assert sweep.sweep().silent == 1
    assert not Message.objects.filter(kind="REMIND_ANSWER", channel="email").exists()


@pytest.mark.parametrize("state", [State.UNKNOWN, State.FAILED, State.ACCEPTED])
def test_question_to_several_is_not_put_again_once_each_has_answered(state):
    """They answer one by one, and nobody leaves the list of an SMS that does not wait."""
    plan, asked = ask_family(make_person(), 3, silence=Plan.Silence.REQUEUE)
    asks = OfferList.objects.get(kind="MOVED_MANY_ANSWER", plan=plan)
    now = timezone.now()
    owed = {"sent_at": now, "receipt_by": now} if state == State.ACCEPTED else {}
    Message.objects.filter(kind="MOVED_MANY_ANSWER").update(state=state, urgent_by=now, **owed)
    offers.give_up(offer_id=asked[0].pk, by=None)
    offer_lists.accept_all(list_id=asks.pk, by=None)
    sms = Message.objects.get(kind="MOVED_MANY_ANSWER")
    assert (sms.state, sms.cancel_requested) == (state, True)
    sweep.sweep()
    assert states("MOVED_MANY_ANSWER") == {state}
    assert not NotReached.objects.filter(kind="MOVED_MANY_ANSWER").exists()


def test_question_to_several_is_put_again_while_one_has_not_answered():
    _plan, asked = ask_family(make_person(), 3, silence=Plan.Silence.REQUEUE)
    Message.objects.filter(kind="MOVED_MANY_ANSWER").update(state="unknown")
    for offer in asked[1:]:
        offers.accept(offer_id=offer.pk, by=None)
    sweep.sweep()
    assert states("MOVED_MANY_ANSWER") == {"queued"}


def test_question_that_waits_again_names_those_who_are_still_asked():
    """Two answered while a worker had it; the gateway did not take it, and a third answers."""
    _plan, asked = ask_family(make_person(email="family@example.org"), 4, silence="requeue")
    asks = Message.objects.filter(kind="MOVED_MANY_ANSWER")
    asks.update(state="unknown")
    for offer in asked[:2]:
        offers.accept(offer_id=offer.pk, by=None)
    asks.update(state="queued")
    offers.accept(offer_id=asked[2].pk, by=None)
    sms = asks.get()
    assert (sms.state, sms.values["n"]) == ("queued", 1)
    assert [row["of"] for row in sms.values["listed"]] == [asked[3].appointment_id]


# --- A new doubt --------------------------------------------------------------------------------


def cut_of(appointments):
    """Another outage takes all seats of the days on which these people are now."""
    slots = {a.slot for a in Appointment.objects.filter(pk__in=[a.pk for a in appointments])}
    cuts = {(slot.centre_id, slot.date) for slot in slots}
    return declare_for_test(make_officer(), [Cut(*cell, "normal", 0) for cell in sorted(cuts)])


def leave(**fields):
    """What is queued has left, by a gateway that reports nothing more."""
    now = timezone.now()
    Message.objects.filter(state="queued", **fields).update(state="accepted", sent_at=now)


def take_back(outage):
    outages.take_back(outage_id=outage.pk, by=outage.declared_by)


def states(*kinds, **fields):
    return set(Message.objects.filter(kind__in=kinds, **fields).values_list("state", flat=True))


@pytest.fixture
def kept():
    """Two people who heard of a doubt; the service is back, and that their seats stand waits."""
    officer, centre = make_officer(), make_centre()
    slot = make_slot(centre=centre, day=in_days(3), seats=2)
    people = [make_appointment(slot) for _ in range(2)]
    outage = declare_for_test(officer, [Cut(centre.pk, in_days(3), "normal", 0)])
    leave(kind="HOLD")
    outages.restore(outage_id=outage.pk, by=officer)
    return people


@pytest.mark.parametrize("count", [1, 3])
def test_no_reminder_of_an_answer_after_a_new_doubt(count):
    """HOLD says that they need do nothing, and no answer is taken."""
    _plan, asked = ask_family(make_person(), count, silence=Plan.Silence.REQUEUE)
    leave(kind__startswith="MOVED")
    cut_of([offer.appointment for offer in asked])
    assert states("REMIND_ANSWER", "REMIND_MANY_ANSWER") == {"cancelled"}


def test_reminder_of_those_who_are_not_in_doubt_goes_on():
    _plan, asked = ask_family(make_person(), 3, silence=Plan.Silence.REQUEUE)
    leave(kind__startswith="MOVED")
    elsewhere = make_slot(day=in_days(7))
    Appointment.objects.filter(pk=asked[0].appointment_id).update(slot=elsewhere)
    seats.recount()
    cut_of([asked[0].appointment])
    reminders = Message.objects.filter(kind="REMIND_MANY_ANSWER")
    assert {(m.state, m.values["n"]) for m in reminders} == {("queued", 2)}


@pytest.mark.parametrize("state", ["unknown", "queued", "failed"])
def test_it_stands_is_not_said_after_a_new_doubt(kept, state):
    Message.objects.filter(kind="STANDS").update(state=state, urgent_by=timezone.now())
    cut_of(kept)
    sweep.sweep()
    assert states("STANDS") == {"cancelled" if state == "queued" else state}
    batch = Message.objects.filter(kind="STANDS").first().batch
    again = decisions.resend_batch(batch=batch, by="officer 1", reason="the gateway works again")
    assert again.queued == 0


@pytest.mark.parametrize("state", ["unknown", "queued", "failed"])
def test_it_stands_is_said_after_all_if_the_new_doubt_was_a_mistake(kept, state):
    Message.objects.filter(kind="STANDS").update(state=state, urgent_by=timezone.now())
    take_back(cut_of(kept))
    new = Message.objects.filter(kind="STANDS", state="queued", cancel_requested=False)
    assert {m.reference for m in new} == {f"appointment:{a.pk}" for a in kept}


def test_who_heard_that_it_stands_hears_nothing_of_a_mistake(kept):
    leave(kind="STANDS")
    take_back(cut_of(kept))
    assert Message.objects.filter(kind="STANDS").count() == 2


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("state", ["unknown", "failed"])
def test_new_time_is_not_said_again_after_a_new_doubt(count, state):
    plan, asked = ask_family(make_person(), count)
    moved = ("MOVED_KEEP", "MOVED_MANY_KEEP")
    Message.objects.filter(kind__in=moved).update(state=state, urgent_by=timezone.now())
    cut_of([offer.appointment for offer in asked])
    sweep.sweep()
    assert states(*moved) == {state}
    again = decisions.resend_batch(
        batch=messages.plan_batch(plan.pk), by="officer 1", reason="the gateway works again"
    )
    assert again.queued == 0


@pytest.mark.parametrize("count", [1, 3])
def test_new_time_that_waits_to_be_said_still_is_before_the_doubt(count):
    """Nothing else says that the old one is void."""
    _plan, asked = ask_family(make_person(), count)
    cut_of([offer.appointment for offer in asked])
    moved = Message.objects.filter(kind__in=["MOVED_KEEP", "MOVED_MANY_KEEP"])
    assert [m.state for m in moved] == ["queued"]
    hold = Message.objects.filter(kind__startswith="HOLD").latest("pk")
    assert moved[0].next_attempt_at <= hold.next_attempt_at


@pytest.mark.parametrize("heard_of_the_doubt", [True, False])
@pytest.mark.parametrize("state", ["unknown", "queued", "failed"])
@pytest.mark.parametrize("count", [1, 3])
def test_new_time_is_told_if_the_new_doubt_was_a_mistake(heard_of_the_doubt, state, count):
    """Their question has ended as kept: its link is of no use any more."""
    _plan, asked = ask_family(make_person(), count, silence=Plan.Silence.REQUEUE)
    if heard_of_the_doubt:
        leave(kind__startswith="HOLD")
    Message.objects.filter(kind__startswith="HOLD", state="queued").update(state="cancelled")
    Message.objects.filter(kind__startswith="MOVED").update(state=state)
    take_back(cut_of([offer.appointment for offer in asked]))
    (stands,) = Message.objects.filter(kind__startswith="STANDS")
    assert (stands.state, stands.values.get("n", 1)) == ("queued", count)
    assert states("REMIND_ANSWER", "REMIND_MANY_ANSWER") == {"cancelled"}


def test_who_heard_the_new_time_hears_nothing_of_a_mistake():
    _plan, asked = ask_family(make_person(), 1)
    leave()
    take_back(cut_of([asked[0].appointment]))
    assert not Message.objects.filter(kind="STANDS").exists()


@pytest.fixture
def mixed():
    """Three people at a phone: by one plan one keeps the seat, and two move."""
    officer, centre = make_officer(), make_centre()
    full = make_slot(centre=centre, seats=3)
    people = [
        make_appointment(full, application=make_application(phone="+919812345678"))
        for _ in range(3)
    ]
    outage = declare_for_test(officer, [Cut(centre.pk, full.date, "normal", 1)])
    leave()
    make_slot(centre=centre, day=in_days(6), seats=9)
    go_live(plan_again(outage, centre.region))
    return people


def test_list_of_all_still_tells_the_new_times_after_a_new_doubt(mixed):
    cut_of(mixed)
    sms = Message.objects.get(kind="MIXED_MANY_KEEP")
    assert (sms.state, sms.values["n"]) == ("queued", 2)


def test_list_of_all_is_not_said_again_once_all_are_in_doubt(mixed):
    Message.objects.filter(kind="MIXED_MANY_KEEP").update(state="unknown")
    cut_of(mixed)
    sweep.sweep()
    assert states("MIXED_MANY_KEEP") == {"unknown"}
