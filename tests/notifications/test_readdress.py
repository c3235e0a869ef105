"""A person has another number: whatever may be said yet is said there."""

import pytest

from notifications import claims, decisions, delivery, outbox, sweep
from notifications.models import Attempt, Message
from tests.notifications.builders import (
    ACCEPTED,
    NOW,
    PERMANENT,
    SHARE,
    TRANSIENT,
    UNKNOWN,
    begin,
    minutes,
    queued,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
State = Message.State
OLD, NEW = "+919800000001", "+919811111111"


def follow(address=NEW):
    return outbox.readdress(
        reference="a:1", channel="sms", address=address, reason="no such address any more"
    )


def one(**changes):
    return queued(1, reference="a:1", kind="URGENT", **changes)


def in_hand():
    """A worker has it, and its call has begun."""
    message = one()
    (held,) = claims.claim(SHARE, limit=1, now=NOW)
    assert begin(held)
    return message, held


def test_refused_number_is_corrected_and_the_message_sent_again(gateway):
    gateway.script = [PERMANENT]
    message = one()
    delivery.run("sms")
    assert follow() == 1
    assert follow() == 0
    decisions.resend(message=message, by="officer 7", reason="the number is right now")
    delivery.run("sms")
    assert [outgoing.address for outgoing in gateway.taken] == [OLD, NEW]
    first, second = Attempt.objects.order_by("number")
    assert first.error == "no such number (tried at ••••••0001)"
    assert second.error == ""


def test_where_it_was_tried_is_noted_once(gateway):
    gateway.script = [PERMANENT]
    one()
    delivery.run("sms")
    follow("+919822222222")
    follow()
    assert Attempt.objects.get().error == "no such number (tried at ••••••0001)"


def test_repeat_of_one_in_doubt_goes_to_the_new_number(gateway):
    gateway.script = [UNKNOWN]
    one()
    delivery.run("sms")
    assert follow() == 1
    sweep.sweep()
    delivery.run("sms")
    assert [outgoing.address for outgoing in gateway.taken] == [OLD, NEW]


def test_one_in_doubt_is_not_repeated_to_a_number_that_is_gone(gateway):
    gateway.script = [UNKNOWN]
    message = one()
    delivery.run("sms")
    assert follow("") == 0
    sweep.sweep()
    message.refresh_from_db()
    assert (message.state, message.address) == (State.UNKNOWN, OLD)


def test_one_that_comes_back_from_a_worker_goes_to_the_new_number():
    message, held = in_hand()
    assert follow() == 1
    claims.record([(held, TRANSIENT)], NOW)
    message.refresh_from_db()
    assert (message.state, message.address) == (State.QUEUED, NEW)


def test_one_that_left_meanwhile_keeps_the_number_that_it_went_to():
    message, held = in_hand()
    follow()
    claims.record([(held, ACCEPTED)], NOW)
    message.refresh_from_db()
    assert (message.state, message.address) == (State.ACCEPTED, OLD)


def test_so_does_one_of_which_that_is_known_late(clock):
    message, held = in_hand()
    clock.shift(minutes(2))
    sweep.end_leases(NOW + minutes(2))
    follow()
    claims.record([(held, ACCEPTED)], NOW + minutes(2))
    message.refresh_from_db()
    assert (message.state, message.address) == (State.ACCEPTED, OLD)


@pytest.mark.parametrize("past", [True, False])
def test_what_is_said_no_more_keeps_its_number(past, gateway, clock):
    message = one()
    gateway.script = [PERMANENT if past else ACCEPTED]
    delivery.run("sms")
    if past:
        clock.shift(minutes(24 * 60 + 1))
    assert follow() == 0
    message.refresh_from_db()
    assert message.address == OLD
