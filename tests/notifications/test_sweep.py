"""The sweeper: what it puts right, and what it must not touch."""

import datetime as dt

import pytest

from notifications import claims, delivery, gates, nudge, outbox, sweep
from notifications.models import Attempt, Gate, Message
from tests.notifications.builders import (
    ACCEPTED,
    NOW,
    PERMANENT,
    SHARE,
    UNKNOWN,
    begin,
    draft,
    minutes,
    queued,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
State = Message.State
LEASE = dt.timedelta(seconds=60)


def reload(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def claimed(limit: int = 1) -> list[claims.Claim]:
    """Messages in the hands of a worker which is killed at this moment."""
    return claims.claim(SHARE, limit=limit, now=NOW)


class TestEndedLeases:
    def test_message_not_begun_goes_back_to_the_queue(self, clock):
        message = queued()
        claimed()
        clock.shift(LEASE)
        assert sweep.sweep() == sweep.Swept(returned=1)
        message = reload(message)
        assert (message.state, message.lease_token) == (State.QUEUED, None)
        attempt = message.attempts.get()
        assert attempt.outcome == Attempt.Outcome.NOT_STARTED
        assert attempt.error == "its worker stopped before the call"

    def test_message_begun_may_have_left(self, clock):
        message = queued()
        [held] = claimed()
        assert begin(held)
        clock.shift(LEASE)
        assert sweep.sweep() == sweep.Swept(unknown=1)
        message = reload(message)
        assert (message.state, message.error) == (
            State.UNKNOWN,
            "its worker stopped after the call had begun",
        )
        assert message.body == "Note: no. 1 -PSKMP"  # what the person may have read
        assert message.attempts.get().outcome == Attempt.Outcome.UNKNOWN

    def test_message_begun_while_the_sweeper_is_at_it_does_not_go_back(self, clock):
        message = queued()
        [held] = claimed()
        clock.shift(LEASE)
        begin(held)  # between the sweeper's two steps
        assert sweep._take_back([message.pk], NOW + LEASE) == 0
        assert reload(message).state == State.SENDING
        assert sweep.sweep() == sweep.Swept(unknown=1)

    def test_living_worker_keeps_its_messages(self, clock):
        queued()
        claimed()
        clock.shift(LEASE - dt.timedelta(seconds=1))
        assert sweep.sweep() == sweep.Swept()

    def test_message_taken_back_meanwhile_ends_as_cancelled(self, clock):
        message = queued(batch="plan:3")
        claimed()
        outbox.cancel(batch="plan:3", reason="plan undone")
        clock.shift(LEASE)
        sweep.sweep()
        assert reload(message).state == State.CANCELLED

    def test_lease_from_before_the_clock_was_set_back_is_over(self, clock):
        message = queued()
        claimed()
        clock.shift(-dt.timedelta(hours=3))
        assert sweep.sweep() == sweep.Swept(returned=1)
        assert reload(message).state == State.QUEUED

    def test_many_leases_end_in_one_turn(self, clock):
        for number in range(1100):
            outbox.enqueue([draft(number)], now=NOW)
        claimed(limit=1100)
        clock.shift(LEASE)
        assert sweep.sweep() == sweep.Swept(returned=1100)


class TestUnknown:
    def test_urgent_message_is_repeated_exactly_once_and_marked(self, gateway, clock):
        gateway.script = [UNKNOWN, UNKNOWN]
        message = queued(kind="URGENT")
        delivery.run("sms")
        assert sweep.sweep() == sweep.Swept(repeated=1)
        delivery.run("sms")
        assert sweep.sweep() == sweep.Swept()
        delivery.run("sms")
        message = reload(message)
        assert message.state == State.UNKNOWN
        assert [attempt.is_repeat for attempt in message.attempts.all()] == [False, True]
        assert len(gateway.taken) == 2

    def test_repeat_that_is_accepted_ends_the_matter(self, gateway):
        gateway.script = [UNKNOWN, ACCEPTED]
        message = queued(kind="URGENT")
        delivery.run("sms")
        sweep.sweep()
        delivery.run("sms")
        assert reload(message).state == State.ACCEPTED
        assert gateway.taken[0].public_id == gateway.taken[1].public_id
        assert gateway.references[0] != gateway.references[1]

    def test_message_of_another_kind_stays_for_an_officer(self, gateway):
        gateway.script = [UNKNOWN]
        message = queued(kind="PLAIN")
        delivery.run("sms")
        assert sweep.sweep() == sweep.Swept()
        assert reload(message).state == State.UNKNOWN

    def test_urgent_message_past_its_life_is_not_repeated(self, gateway, clock):
        gateway.script = [UNKNOWN]
        queued(kind="URGENT", expires_at=NOW + minutes(10), values={"word": "a", "url": "h/x"})
        delivery.run("sms")
        clock.shift(minutes(10))
        assert sweep.sweep() == sweep.Swept(wiped=1)

    def test_urgent_message_taken_back_is_not_repeated(self, gateway):
        gateway.script = [UNKNOWN]
        gateway.meanwhile = lambda _: outbox.cancel(batch="plan:3", reason="plan undone")
        message = queued(kind="URGENT", batch="plan:3")
        delivery.run("sms")
        sweep.sweep()
        assert reload(message).state == State.UNKNOWN

    def test_late_answer_of_a_worker_given_up_settles_it(self, clock):
        # A worker stood still (a paused machine) for longer than its lease, then woke up.
        queued()
        [held] = claimed()
        begin(held)
        clock.shift(LEASE)
        sweep.sweep()
        claims.record([(held, ACCEPTED)], NOW + LEASE)
        message = reload(held.message)
        assert (message.state, message.sent_at) == (State.ACCEPTED, NOW + LEASE)
        assert message.attempts.get().outcome == Attempt.Outcome.ACCEPTED

    def test_late_answer_saves_a_repeat_that_has_not_been_claimed(self, gateway, clock):
        queued(kind="URGENT")
        [held] = claimed()
        begin(held)
        clock.shift(LEASE)
        assert sweep.sweep() == sweep.Swept(unknown=1, repeated=1)
        claims.record([(held, ACCEPTED)], NOW + LEASE)
        assert reload(held.message).state == State.ACCEPTED
        delivery.run("sms")
        assert gateway.taken == []

    def test_late_refusal_does_not_undo_what_an_officer_may_have_seen(self, clock):
        queued()
        [held] = claimed()
        begin(held)
        clock.shift(LEASE)
        sweep.sweep()
        claims.record([(held, PERMANENT)], NOW + LEASE)
        assert reload(held.message).state == State.UNKNOWN


def test_message_past_its_life_expires(clock):
    early, late = queued(1, expires_at=NOW + minutes(5)), queued(2, expires_at=NOW + minutes(6))
    clock.shift(minutes(5))
    assert sweep.sweep() == sweep.Swept(expired=1)
    assert reload(early).state == State.EXPIRED
    assert reload(late).state == State.QUEUED


class TestSecrets:
    def test_link_is_masked_in_what_is_kept_and_wiped_once_it_has_left(self, gateway):
        message = queued(1, kind="URGENT", values={"word": "now", "url": "host/secret"})
        delivery.run("sms")
        assert gateway.taken[0].text == "Urgent: now host/secret -PSKMP"
        assert reload(message).body == "Urgent: now host/••• -PSKMP"
        assert sweep.sweep() == sweep.Swept(wiped=1)
        assert reload(message).values == {"word": "now"}
        assert sweep.sweep() == sweep.Swept()

    def test_link_of_a_message_that_may_be_sent_again_is_kept_until_its_end(self, gateway, clock):
        gateway.script = [PERMANENT]
        message = queued(1, kind="URGENT", values={"word": "now", "url": "host/secret"})
        delivery.run("sms")
        assert sweep.sweep() == sweep.Swept(followed_up=1)
        clock.move_to(message.expires_at)
        assert sweep.sweep() == sweep.Swept(wiped=1)
        assert "secret" not in str(reload(message).values)


class TestOneAtATime:
    def test_second_sweeper_goes_away(self):
        assert gates.pass_alone(sweep.GATE, now=NOW, until=NOW + minutes(1))
        assert sweep.sweep() is None

    def test_turn_is_free_again_after_a_sweep(self):
        assert sweep.sweep() is not None
        assert sweep.sweep() is not None

    def test_turn_of_a_sweeper_that_was_killed_ends_by_itself(self, clock):
        gates.pass_alone(sweep.GATE, now=NOW, until=NOW + sweep.TURN)
        clock.shift(sweep.TURN)
        assert sweep.sweep() is not None

    def test_turn_is_free_although_the_clock_was_set_back(self, clock):
        gates.pass_alone(sweep.GATE, now=NOW, until=NOW + sweep.TURN)
        clock.shift(-dt.timedelta(days=1))
        assert sweep.sweep() is not None

    def test_sweeper_that_overran_does_not_open_the_gate_of_the_next(self):
        gates.pass_alone(sweep.GATE, now=NOW, until=NOW + minutes(1))
        gates.pass_alone(sweep.GATE, now=NOW + minutes(1), until=NOW + minutes(2))
        gates.leave(sweep.GATE, now=NOW + minutes(1), until=NOW + minutes(1))
        assert Gate.objects.get(name=sweep.GATE).shut_until == NOW + minutes(2)


class TestNudges:
    @pytest.fixture
    def nudged(self, monkeypatch) -> list[str]:
        nudged: list[str] = []
        monkeypatch.setattr(
            nudge, "publish", lambda to, urgent=False: nudged.append(to + " urgent" * urgent)
        )
        return nudged

    def test_channel_with_due_messages_is_nudged(self, nudged):
        queued()
        sweep.sweep()
        assert nudged == ["sms urgent", "sms"]

    def test_message_that_went_back_is_nudged_in_the_same_turn(self, nudged, clock):
        queued()
        claimed()
        clock.shift(LEASE)
        sweep.sweep()
        assert nudged == ["sms urgent", "sms"]

    def test_urgent_worker_is_left_alone_with_what_is_not_urgent(self, nudged):
        queued(urgent_by=NOW + dt.timedelta(days=3))
        sweep.sweep()
        assert nudged == ["sms"]

    def test_nothing_due_nudges_nobody(self, nudged):
        queued(send_after=NOW + minutes(1))
        sweep.sweep()
        assert nudged == []

    def test_channel_that_rests_is_not_nudged(self, nudged):
        queued()
        gates.shut("file", until=NOW + minutes(1), now=NOW, reason="down")
        sweep.sweep()
        assert nudged == []
