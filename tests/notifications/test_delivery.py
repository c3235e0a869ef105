"""A worker's turn: what is claimed, what leaves, and what each answer makes of it."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import OperationalError

from notifications import bucket, claims, delivery, gates, health, outbox, sweep
from notifications.gateways.base import GatewayDown, Outcome, Outgoing
from notifications.models import Attempt, Gate, Message
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


def reload(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def words(gateway) -> list[str]:
    return [message.text for message in gateway.taken]


def during(number: int, do: Callable[[], object]) -> Callable[[Outgoing], None]:
    """Do something while that message is at the gateway. (The first is claimed by itself.)"""

    def meanwhile(message: Outgoing) -> None:
        if f"no. {number} " in message.text:
            do()

    return meanwhile


class TestAnswers:
    def test_accepted_message_is_recorded_with_the_words_that_left(self, gateway):
        message = queued(kind="PLAIN", language="hi")
        assert delivery.run("sms") is False
        message = reload(message)
        assert (message.state, message.sent_at) == (State.ACCEPTED, NOW)
        assert message.body == "सूचना: no. 1 -PSKMP"
        attempt = message.attempts.get()
        assert (attempt.outcome, attempt.gateway) == (Attempt.Outcome.ACCEPTED, "scripted")
        assert attempt.gateway_reference == "ref-1"
        assert attempt.started_at == attempt.ended_at == NOW
        assert gateway.references == [attempt.client_reference]

    def test_permanent_refusal_ends_the_message(self, gateway):
        gateway.script = [PERMANENT]
        message = queued()
        delivery.run("sms")
        message = reload(message)
        assert (message.state, message.error) == (State.FAILED, "no such number")
        assert message.attempts.get().outcome == Attempt.Outcome.PERMANENT

    def test_unknown_outcome_is_not_tried_again(self, gateway):
        gateway.script = [UNKNOWN]
        message = queued()
        delivery.run("sms")
        delivery.run("sms")
        assert reload(message).state == State.UNKNOWN
        assert len(gateway.taken) == 1

    def test_transient_answer_waits_longer_each_time(self, gateway, clock):
        gateway.script = [TRANSIENT] * 6
        message = queued()
        waits = []
        for _ in range(6):
            delivery.run("sms")
            message = reload(message)
            assert message.state == State.QUEUED
            waits.append((message.next_attempt_at - dt.datetime.now(dt.UTC)).total_seconds())
            delivery.run("sms")  # not due: nothing happens
            clock.move_to(message.next_attempt_at)
        assert waits == [30, 60, 120, 300, 300, 300]
        delivery.run("sms")
        message = reload(message)
        assert (message.state, message.error) == (State.ACCEPTED, "")
        assert [attempt.number for attempt in message.attempts.all()] == [1, 2, 3, 4, 5, 6, 7]

    def test_unexpected_error_of_a_gateway_leaves_the_fate_unknown(self, gateway):
        gateway.script = [RuntimeError("bug")]
        first, second = queued(1), queued(2)
        delivery.run("sms")
        assert reload(first).state == State.UNKNOWN
        assert reload(first).error == "RuntimeError: bug"
        assert reload(second).state == State.ACCEPTED

    def test_address_quoted_by_the_gateway_is_not_kept(self, gateway):
        message = queued()
        error = f"550 <{message.address}> unknown here"
        gateway.script = [Outcome(Attempt.Outcome.PERMANENT, error=error)]
        delivery.run("sms")
        assert reload(message).error == "550 <[recipient]> unknown here"

    def test_address_quoted_by_a_gateway_that_goes_down_is_not_kept(self, gateway):
        address = "Person@example.org"
        message = queued(kind="MAIL", channel="email", address=address, values={})
        gateway.script = [GatewayDown(f"no mail to {address.lower()} from this account")]
        delivery.run("email")
        said = "gateway down: no mail to [recipient] from this account"
        assert reload(message).error == said
        assert Gate.objects.get(name="scripted").reason == said

    def test_address_quoted_in_a_yes_is_not_kept(self, gateway):
        message = queued()
        yes = f"250 accepted for {message.address}"
        gateway.script = [Outcome(Attempt.Outcome.ACCEPTED, gateway_reference=yes)]
        delivery.run("sms")
        assert message.attempts.get().gateway_reference == "250 accepted for [recipient]"

    def test_answer_with_nul_is_recorded(self, gateway):
        gateway.script = [Outcome(Attempt.Outcome.PERMANENT, error="bad\0" + "x" * 300)]
        message = queued()
        delivery.run("sms")
        assert reload(message).error == "bad" + "x" * 197


class TestOrder:
    def test_soonest_matter_leaves_first(self, gateway):
        for number, soon in ((1, 30), (2, 10), (3, 20)):
            queued(number, urgent_by=NOW + minutes(soon))
        delivery.run("sms")
        assert words(gateway) == ["Note: no. 2 -PSKMP", "Note: no. 3 -PSKMP", "Note: no. 1 -PSKMP"]

    def test_one_connection_serves_many_claims(self, gateway):
        for number in range(35):
            queued(number)
        delivery.run("sms")
        assert gateway.opened == 1
        assert Message.objects.filter(state=State.ACCEPTED).count() == 35

    def test_other_channel_is_left_alone(self, gateway):
        queued()
        delivery.run("email")
        assert (gateway.taken, gateway.opened) == ([], 0)


class TestNotNow:
    def test_message_does_not_leave_before_its_time(self, gateway, clock):
        message = queued(send_after=NOW + minutes(10))
        delivery.run("sms")
        assert gateway.taken == []
        clock.move_to(NOW + minutes(10))
        delivery.run("sms")
        assert reload(message).state == State.ACCEPTED

    def test_message_past_its_life_is_never_sent(self, gateway, clock):
        message = queued(expires_at=NOW + minutes(5))
        clock.move_to(NOW + minutes(5))
        delivery.run("sms")
        assert gateway.taken == []
        assert reload(message).state == State.QUEUED  # the sweeper ends it

    def test_message_whose_life_ends_in_the_worker_is_not_sent(self, gateway, clock):
        queued(1)
        queued(2)
        late = queued(3, expires_at=NOW + minutes(5))
        gateway.meanwhile = during(2, lambda: clock.move_to(NOW + minutes(6)))
        delivery.run("sms")
        assert len(gateway.taken) == 2
        assert reload(late).state == State.EXPIRED
        assert late.attempts.get().outcome == Attempt.Outcome.NOT_STARTED

    def test_message_without_words_fails_and_the_next_one_leaves(self, gateway):
        wordless, fine = queued(1, values={"word": None}), queued(2)
        delivery.run("sms")
        assert reload(wordless).state == State.FAILED
        assert reload(wordless).error == "the text needs a value for 'word'"
        assert wordless.attempts.get().outcome == Attempt.Outcome.NOT_STARTED
        assert reload(fine).state == State.ACCEPTED

    def test_log_names_once_in_a_turn_what_cannot_be_put_into_words(self, gateway, caplog):
        for number in range(1, 5):
            queued(number, values={"word": None})
        delivery.run("sms")
        lines = [r.getMessage() for r in caplog.records if "put into words" in r.getMessage()]
        assert lines == [
            f"PLAIN en for {gateway.name}: RenderError: such messages cannot be put into words"
        ]
        delivery.run("sms")
        queued(5, values={"word": None})
        delivery.run("sms")
        assert caplog.text.count("put into words") == 2
        assert "9876" not in caplog.text

    def test_kind_that_is_no_longer_known_fails(self, gateway):
        message = queued()
        Message.objects.update(kind="GONE")
        delivery.run("sms")
        assert reload(message).state == State.FAILED

    def test_time_is_up_gives_back_what_has_not_begun(self, gateway, settings, stopwatch):
        settings.MESSAGE_RUN_SECONDS = 1.6
        gateway.meanwhile = lambda message: stopwatch.sleep(0.5)
        for number in range(1, 9):
            queued(number)
        assert delivery.run("sms") is True
        assert outbox_states() == {State.ACCEPTED: 4, State.QUEUED: 4}
        # Claims of one and of four; of these, the last had not begun when time was up.
        given_back = Attempt.objects.get(outcome=Attempt.Outcome.NOT_STARTED)
        assert given_back.started_at is None

    def test_call_does_not_begin_near_the_end_of_the_lease(self, gateway, settings, stopwatch):
        settings.MESSAGE_CALL_SECONDS, settings.MESSAGE_LEASE_SECONDS = 10, 21.5
        settings.MESSAGE_RUN_SECONDS = 4
        gateway.meanwhile = lambda message: stopwatch.sleep(1)
        for number in range(1, 9):
            queued(number)
        delivery.run("sms")
        begun = Attempt.objects.filter(started_at__isnull=False).order_by("id")
        tokens = list(begun.values_list("lease_token", flat=True))
        # Two calls to a claim; what was left of it was claimed anew.
        assert [tokens.count(token) for token in dict.fromkeys(tokens)] == [1, 2, 1]

    def test_slow_gateway_is_given_smaller_claims(self, gateway, settings, stopwatch):
        settings.MESSAGE_RUN_SECONDS = 10
        gateway.meanwhile = lambda message: stopwatch.sleep(0.5)
        for number in range(30):
            queued(number)
        delivery.run("sms")
        tokens = list(Attempt.objects.order_by("id").values_list("lease_token", flat=True))
        assert [tokens.count(token) for token in dict.fromkeys(tokens)] == [1, 4, 4, 4, 4, 4]


def outbox_states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Message.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


class TestQuietHours:
    NIGHT = dt.timedelta(hours=11)  # 21:00

    def test_sms_waits_for_the_morning(self, gateway, clock):
        message = queued(expires_at=NOW + minutes(3 * 24 * 60))
        clock.move_to(NOW + self.NIGHT)
        delivery.run("sms")
        assert gateway.taken == []
        clock.move_to(NOW + dt.timedelta(hours=22))  # 08:00
        delivery.run("sms")
        assert reload(message).state == State.ACCEPTED

    def test_email_leaves_at_night(self, gateway, clock):
        message = queued(kind="MAIL", channel="email", address="a@example.org", values={})
        clock.move_to(NOW + self.NIGHT)
        delivery.run("email")
        assert reload(message).state == State.ACCEPTED

    def test_sms_leaves_at_night_once_its_matter_is_near(self, gateway, clock):
        message = queued(quiet_ok_from=NOW + dt.timedelta(hours=14))
        clock.move_to(NOW + self.NIGHT)
        delivery.run("sms")
        assert gateway.taken == []
        clock.move_to(NOW + dt.timedelta(hours=14))
        delivery.run("sms")
        assert reload(message).state == State.ACCEPTED

    def test_night_that_falls_while_a_claim_is_handed_over_is_kept(self, gateway, clock):
        clock.move_to(NOW + self.NIGHT - minutes(1))
        gateway.meanwhile = during(2, lambda: clock.move_to(NOW + self.NIGHT))
        queued(1)
        second, third = queued(2), queued(3)
        delivery.run("sms")
        assert reload(second).state == State.ACCEPTED
        assert reload(third).state == State.QUEUED
        assert third.attempts.get().outcome == Attempt.Outcome.NOT_STARTED


class TestGatewayInTrouble:
    def test_gateway_that_is_down_is_left_alone_for_a_while(self, gateway, clock):
        gateway.down = "connection refused"
        message = queued()
        assert delivery.run("sms") is False
        assert reload(message).state == State.QUEUED
        assert not message.attempts.exists()
        assert Gate.objects.get(name="scripted").reason == "gateway down: connection refused"

        gateway.down = ""
        delivery.run("sms")
        assert gateway.opened == 0
        clock.shift(16)
        delivery.run("sms")
        assert reload(message).state == State.ACCEPTED
        assert Gate.objects.get(name="scripted").reason == ""

    def test_gateway_that_goes_down_keeps_nothing(self, gateway, clock):
        gateway.script = [ACCEPTED, GatewayDown("reset")]
        first, second, third = queued(1), queued(2), queued(3)
        delivery.run("sms")
        assert reload(first).state == State.ACCEPTED
        assert (reload(second).state, reload(second).error) == (
            State.QUEUED,
            "gateway down: reset",
        )
        assert reload(third).state == State.QUEUED
        assert third.attempts.get().outcome == Attempt.Outcome.NOT_STARTED
        assert len(gateway.taken) == 2

    def test_retry_after_is_honoured_by_the_whole_channel(self, gateway, clock):
        wait = dt.timedelta(minutes=7)
        gateway.script = [Outcome(Attempt.Outcome.TRANSIENT, error="429", retry_after=wait)]
        first, second = queued(1), queued(2)
        delivery.run("sms")
        clock.move_to(NOW + minutes(6))
        delivery.run("sms")
        assert len(gateway.taken) == 1
        assert reload(first).next_attempt_at == NOW + wait
        clock.move_to(NOW + minutes(7.1))
        delivery.run("sms")
        assert reload(first).state == reload(second).state == State.ACCEPTED

    def test_gateway_that_does_not_answer_gets_two_messages_and_no_more(self, gateway, clock):
        gateway.script = [UNKNOWN, ACCEPTED, UNKNOWN, UNKNOWN]
        for number in range(1, 9):
            queued(number)
        delivery.run("sms")
        assert outbox_states() == {State.UNKNOWN: 3, State.ACCEPTED: 1, State.QUEUED: 4}
        delivery.run("sms")
        assert len(gateway.taken) == 4
        clock.shift(16)
        delivery.run("sms")
        assert outbox_states() == {State.UNKNOWN: 3, State.ACCEPTED: 5}

    def test_absurd_retry_after_is_cut_to_an_hour(self, gateway, clock):
        wait = dt.timedelta(days=30)
        gateway.script = [Outcome(Attempt.Outcome.TRANSIENT, retry_after=wait)]
        queued(1)
        delivery.run("sms")
        assert gates.is_shut("scripted", NOW + minutes(59))
        assert not gates.is_shut("scripted", NOW + minutes(60))


class TestTakenBack:
    def test_message_cancelled_in_the_hands_of_a_worker_does_not_leave(self, gateway):
        queued(1)
        queued(2)
        third = queued(3, batch="plan:3")
        counts = []
        gateway.meanwhile = during(
            2, lambda: counts.append(outbox.cancel(batch="plan:3", reason="plan undone"))
        )
        delivery.run("sms")
        assert counts == [0]
        assert (reload(third).state, reload(third).error) == (State.CANCELLED, "plan undone")
        assert len(gateway.taken) == 2

    def test_message_cancelled_during_its_call_is_not_tried_again(self, gateway):
        message = queued(batch="plan:3")
        gateway.script = [TRANSIENT]
        gateway.meanwhile = lambda _: outbox.cancel(batch="plan:3", reason="plan undone")
        delivery.run("sms")
        assert reload(message).state == State.CANCELLED

    def test_message_cancelled_during_its_call_counts_as_sent_if_it_was(self, gateway):
        message = queued(batch="plan:3")
        gateway.meanwhile = lambda _: outbox.cancel(batch="plan:3", reason="plan undone")
        delivery.run("sms")
        assert reload(message).state == State.ACCEPTED


class TestLostLease:
    def claimed(self, message: Message) -> claims.Claim:
        [held] = claims.claim(SHARE, limit=1, now=NOW)
        assert held.message.pk == message.pk
        return held

    def test_worker_whose_lease_was_taken_changes_nothing(self):
        held = self.claimed(queued())
        claims.give_back([held], NOW)
        self.claimed(held.message)
        claims.record([(held, PERMANENT)], NOW)
        claims.give_back([held], NOW)
        message = reload(held.message)
        assert message.state == State.SENDING
        assert [a.outcome for a in message.attempts.all()] == [Attempt.Outcome.NOT_STARTED, ""]

    def test_worker_whose_lease_was_taken_does_not_call(self, gateway, monkeypatch):
        message = queued()
        held = self.claimed(message)
        claims.give_back([held], NOW)
        assert begin(held) == []

    def test_step_that_is_run_twice_finds_its_own_start(self, clock):
        # The commit succeeded, its answer was lost with the connection, and the step runs again.
        held = self.claimed(queued())
        assert begin(held)
        clock.shift(1)
        assert begin(held)
        assert held.message.attempts.get().started_at == NOW

    def test_call_that_the_sweeper_gave_up_does_not_begin_by_a_second_run(self):
        held = self.claimed(queued())
        assert begin(held)
        sweep.end_leases(NOW + minutes(60))
        assert reload(held.message).state == State.UNKNOWN
        assert begin(held) == []

    def test_clock_set_back_between_claim_and_call_does_not_stop_it(self, gateway, clock):
        held = self.claimed(queued())
        clock.move_to(NOW - minutes(60))
        assert begin(held)
        assert held.message.attempts.get().started_at == NOW


def breaks(really: Callable, *, on_call: int, after: bool = False) -> Callable:
    """The same, but that time the connection breaks: before it is done, or after."""
    calls = 0

    def flaky(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == on_call and not after:
            raise OperationalError("away")
        done = really(*args, **kwargs)
        if calls == on_call:
            raise OperationalError("away")
        return done

    return flaky


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("stopwatch")
class TestDatabaseAwayForAMoment:
    def test_answer_is_recorded_when_it_is_back(self, gateway, monkeypatch):
        message = queued()
        monkeypatch.setattr(delivery, "_finish", breaks(delivery._finish, on_call=1))
        delivery.run("sms")
        assert reload(message).state == State.ACCEPTED

    def test_answer_in_hand_is_not_lost_over_the_next_tokens(self, gateway, settings, monkeypatch):
        settings.GATEWAY_RATES = {"scripted": 4.0}
        for number in range(1, 4):
            queued(number)
        # The first is claimed alone; the answer to the second is in hand when the third asks.
        monkeypatch.setattr(bucket, "take", breaks(bucket.take, on_call=3))
        delivery.run("sms")
        assert outbox_states() == {State.ACCEPTED: 3}
        assert len(gateway.taken) == 3

    def test_answers_in_hand_are_not_lost_over_the_count_of_failures(self, gateway, monkeypatch):
        gateway.window = 10
        gateway.script = [ACCEPTED, ACCEPTED, TRANSIENT]
        for number in range(1, 5):
            queued(number)
        monkeypatch.setattr(health, "failed", breaks(health.failed, on_call=1))
        delivery.run("sms")
        assert outbox_states() == {State.ACCEPTED: 3, State.QUEUED: 1}
        assert len(gateway.taken) == 4

    @pytest.mark.parametrize("window", [1, 10])
    def test_start_that_was_committed_unheard_is_called_once(self, gateway, monkeypatch, window):
        gateway.window = window
        for number in range(1, 4):
            queued(number)
        monkeypatch.setattr(delivery, "_step", breaks(delivery._step, on_call=2, after=True))
        delivery.run("sms")
        assert outbox_states() == {State.ACCEPTED: 3}
        assert len(gateway.taken) == 3

    def test_message_taken_back_after_such_a_start_has_not_left(self, gateway, monkeypatch):
        message = queued(batch="plan:3")
        really = breaks(delivery._step, on_call=1, after=True)

        def step(*args):
            try:
                return really(*args)
            except OperationalError:
                outbox.cancel(batch="plan:3", reason="plan undone")
                raise

        monkeypatch.setattr(delivery, "_step", step)
        delivery.run("sms")
        assert gateway.taken == []
        assert reload(message).state == State.CANCELLED
        assert message.attempts.get().outcome == Attempt.Outcome.NOT_STARTED
