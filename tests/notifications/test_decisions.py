"""An officer decides about a message in trouble."""

import pytest
from django.utils import translation

from notifications import decisions, delivery, outbox, sweep
from notifications.errors import Refusal
from notifications.models import TAKEN, Decision, Message
from tests.notifications.builders import NOW, PERMANENT, UNKNOWN, minutes, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
State = Message.State


@pytest.fixture
def unknown(gateway) -> Message:
    gateway.script = [UNKNOWN]
    message = queued(batch="plan:3")
    delivery.run("sms")
    message.refresh_from_db()
    assert message.state == State.UNKNOWN
    return message


@pytest.fixture
def failed(gateway) -> Message:
    gateway.script = [PERMANENT]
    message = queued()
    delivery.run("sms")
    message.refresh_from_db()
    assert message.state == State.FAILED
    return message


def test_resend_of_an_unknown_message_leaves_marked_as_a_repeat(unknown, gateway):
    message = decisions.resend(message=unknown, by="officer 7", reason="not on the phone")
    assert message.state == State.QUEUED
    delivery.run("sms")
    message.refresh_from_db()
    assert message.state == State.ACCEPTED
    assert [attempt.is_repeat for attempt in message.attempts.all()] == [False, True]
    decision = Decision.objects.get()
    assert (decision.verb, decision.by, decision.reason, decision.at) == (
        "resend",
        "officer 7",
        "not on the phone",
        NOW,
    )


def test_resend_of_a_refused_message_is_no_repeat(failed):
    decisions.resend(message=failed, by="officer 7", reason="number was blocked")
    delivery.run("sms")
    assert [attempt.is_repeat for attempt in failed.attempts.all()] == [False, False]


def test_resend_again_changes_nothing(unknown, gateway):
    decisions.resend(message=unknown, by="officer 7", reason="not on the phone")
    again = decisions.resend(message=unknown, by="officer 8", reason="clicked too")
    assert again.state == State.QUEUED
    assert Decision.objects.count() == 1
    delivery.run("sms")
    assert len(gateway.taken) == 2


def test_resend_after_it_was_sent_is_refused(unknown):
    decisions.treat_as_sent(message=unknown, by="officer 7", reason="person came")
    with pytest.raises(Refusal, check=lambda error: error.code == "not_troubled"):
        decisions.resend(message=unknown, by="officer 7", reason="once more")


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("accepted", "It was sent."),
        ("unconfirmed", "It was sent."),
        ("delivered", "It has arrived."),
        ("cancelled", "It was taken back before it left."),
        ("expired", "What this message says is out of date."),
    ],
)
def test_refusal_to_send_again_says_what_became_of_the_message(unknown, state, why):
    sent_at = NOW if state in TAKEN else None
    delivered_at = NOW if state == "delivered" else None
    changes = {"state": state, "sent_at": sent_at, "delivered_at": delivered_at}
    Message.objects.filter(pk=unknown.pk).update(**changes)
    with pytest.raises(Refusal) as refused:
        decisions.resend(message=unknown, by="officer 7", reason="once more")
    with translation.override("en"):
        assert (refused.value.code, str(refused.value)) == ("not_troubled", why)


def test_every_state_has_a_word_on_sending_again():
    assert {*decisions.NOT_TROUBLED, *Message.TROUBLED_STATES} == set(State)


def test_resend_past_the_end_of_life_is_refused(unknown, clock):
    clock.move_to(unknown.expires_at)
    with translation.override("en"), pytest.raises(Refusal, match="out of date"):
        decisions.resend(message=unknown, by="officer 7", reason="late")
    assert not Decision.objects.exists()


def test_resend_of_a_message_cancelled_during_its_call_is_the_officers_choice(gateway):
    gateway.script = [UNKNOWN]
    gateway.meanwhile = lambda _: outbox.cancel(batch="plan:3", reason="undone")
    message = queued(batch="plan:3")
    delivery.run("sms")
    gateway.meanwhile = None
    again = {"by": "officer 7", "reason": "it stands after all", "though_taken_back": True}
    decisions.resend(message=message, **again)
    delivery.run("sms")
    message.refresh_from_db()
    assert message.state == State.ACCEPTED


def test_resend_of_one_that_was_taken_back_is_refused_to_who_was_not_told(failed):
    Message.objects.filter(pk=failed.pk).update(cancel_requested=True)
    with pytest.raises(Refusal, check=lambda error: error.code == "taken_back"):
        decisions.resend(message=failed, by="officer 7", reason="phone is on again")
    failed.refresh_from_db()
    assert (failed.state, failed.cancel_requested) == (State.FAILED, True)
    assert not Decision.objects.exists()


def test_resent_message_gets_no_second_repeat_by_itself(gateway):
    gateway.script = [UNKNOWN, UNKNOWN, UNKNOWN]
    message = queued(kind="URGENT")
    delivery.run("sms")
    sweep.sweep()
    delivery.run("sms")
    decisions.resend(message=message, by="officer 7", reason="asked for")
    delivery.run("sms")
    assert sweep.sweep() == sweep.Swept()
    assert len(gateway.taken) == 3


def test_treat_as_sent_ends_an_unknown_message(unknown):
    message = decisions.treat_as_sent(message=unknown, by="officer 7", reason="person answered")
    assert (message.state, message.sent_at) == (State.ACCEPTED, NOW)
    assert Decision.objects.get().verb == "treat_as_sent"
    again = decisions.treat_as_sent(message=unknown, by="officer 8", reason="again")
    assert again.state == State.ACCEPTED
    assert Decision.objects.count() == 1


def test_refused_message_cannot_be_treated_as_sent(failed):
    with pytest.raises(Refusal, check=lambda error: error.code == "not_unknown"):
        decisions.treat_as_sent(message=failed, by="officer 7", reason="wish")


@pytest.mark.parametrize("verb", [decisions.resend, decisions.treat_as_sent])
@pytest.mark.parametrize(("by", "reason"), [("officer 7", "  "), (" ", "because")])
def test_decision_needs_an_actor_and_a_reason(unknown, verb, by, reason):
    with pytest.raises(Refusal, check=lambda error: error.code == "reason_required"):
        verb(message=unknown, by=by, reason=reason)
    unknown.refresh_from_db()
    assert unknown.state == State.UNKNOWN


def test_resent_message_keeps_the_quiet_hours(unknown, gateway, clock):
    clock.shift(minutes(11 * 60))
    decisions.resend(message=unknown, by="officer 7", reason="not on the phone")
    delivery.run("sms")
    assert len(gateway.taken) == 1
