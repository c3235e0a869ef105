"""Silence keeps a new time, but nobody is left who never heard of it."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from appointments import messages, offers
from appointments.models import Offer
from notifications import batches, decisions
from notifications.dates import short_moment
from notifications.models import Message
from notifications.render import render
from tests.applicants.builders import ask, ask_family
from tests.domain.builders import far_from_midnight, make_person

pytestmark = pytest.mark.django_db
MOVED = ("MOVED_KEEP", "MOVED_MANY_KEEP")
WHO = {"by": "officer 1", "reason": "the text is in doubt"}


@pytest.fixture(autouse=True)
def _one_day():
    with far_from_midnight():
        yield


def close(*asked):
    with time_machine.travel(max(offer.deadline for offer in asked), tick=False):
        assert offers.close_silent(now=timezone.now()) == len(asked)


def said(*kinds):
    return [(m.channel, m.state) for m in Message.objects.filter(kind__in=kinds).order_by("pk")]


def moved_to(state, **fields):
    now = timezone.now()
    taken = {"sent_at": now} if state in ("accepted", "delivered", "undelivered") else {}
    arrived = {"delivered_at": now} if state == "delivered" else {}
    rows = Message.objects.filter(kind__in=MOVED, **fields)
    rows.update(state=state, **taken, **arrived)
    return rows


def test_new_time_that_was_held_back_until_its_deadline_is_told_as_what_stands():
    """ "Change it by ..." asks for what is not possible any more."""
    _application, offer, _token = ask(make_person(language="en"), email="a@example.org")
    batch = messages.offer_batch(offer)
    batches.pause(batch=batch, **WHO)
    close(offer)
    assert said("MOVED_KEEP") == [("email", "cancelled"), ("sms", "cancelled")]
    assert said("STANDS") == [("email", "queued"), ("sms", "queued")]
    text = render(Message.objects.get(kind="STANDS", channel="sms")).text
    assert f"your appointment {short_moment(offer.new_slot.starts_at, 'en')}," in text
    # An officer's pause of the plan's messages holds this one too.
    assert set(Message.objects.filter(kind="STANDS").values_list("batch", flat=True)) == {batch}
    mail = render(Message.objects.get(kind="STANDS", channel="email"))
    assert "that is over" not in mail.text  # the outage may go on


@pytest.mark.parametrize("state", ["failed", "unknown", "undelivered"])
def test_new_time_that_did_not_arrive_is_told_as_what_stands(state):
    _application, offer, _token = ask(make_person())
    moved_to(state)
    close(offer)
    assert said("STANDS") == [("sms", "queued")]
    again = decisions.resend_batch(
        batch=messages.offer_batch(offer), by="officer 1", reason="the gateway works again"
    )
    assert again.queued == 0


def test_so_is_one_whose_receipt_is_owed():
    _application, offer, _token = ask(make_person())
    moved_to("accepted").update(receipt_by=offer.deadline + dt.timedelta(hours=1))
    close(offer)
    assert said("STANDS") == [("sms", "queued")]


@pytest.mark.parametrize("state", ["accepted", "delivered"])
def test_who_has_heard_the_new_time_hears_no_more_of_it(state):
    _application, offer, _token = ask(make_person())
    moved_to(state)
    close(offer)
    assert not said("STANDS")


@pytest.mark.parametrize("state", ["failed", "queued", "unknown"])
def test_nor_does_who_got_the_mail(state):
    _application, offer, _token = ask(make_person(), email="a@example.org")
    moved_to("delivered", channel="email")
    moved_to(state, channel="sms")
    close(offer)
    assert not said("STANDS")


def test_who_had_several_to_hear_of_hears_of_them_together():
    plan, asked = ask_family(make_person(), 3)
    batches.pause(batch=messages.plan_batch(plan.pk), **WHO)
    close(*asked)
    assert said(*MOVED) == [("sms", "cancelled")]
    many = Message.objects.get(kind="STANDS_MANY")
    assert (many.state, many.values["n"]) == ("queued", 3)


def test_list_that_waits_names_the_first_deadline_of_those_it_still_asks():
    plan, asked = ask_family(make_person(language="en"), 3)
    batches.pause(batch=messages.plan_batch(plan.pk), **WHO)
    first, *others = asked
    soon = first.deadline - dt.timedelta(hours=2)
    Offer.objects.filter(pk=first.pk).update(deadline=soon)
    moved = Message.objects.filter(kind="MOVED_MANY_KEEP")
    values = {"by": short_moment(soon, "en"), "deadline_at": soon.isoformat()}
    moved.update(values={**moved.get().values, **values})
    with time_machine.travel(soon, tick=False):
        assert offers.close_silent(now=timezone.now()) == 1
    assert said("STANDS") == [("sms", "queued")]
    assert moved.get().values["n"] == 2
    assert moved.get().values["by"] == short_moment(others[0].deadline, "en")
    assert moved.get().values["deadline_at"] == others[0].deadline.isoformat()
