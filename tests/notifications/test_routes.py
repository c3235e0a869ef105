"""Which gateway gets what: order, take-over, handing back, and who may never take over."""

import datetime as dt

import pytest

from notifications import claims, delivery, health, sweep
from notifications.gateways.base import GatewayDown, Outcome
from notifications.models import Attempt, Gate, GatewayState, Message
from tests.notifications.builders import (
    ACCEPTED,
    NOW,
    PERMANENT,
    TRANSIENT,
    UNKNOWN,
    minutes,
    queued,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
State = Message.State


def by_gateway(message: Message) -> list[tuple[str, str]]:
    called = message.attempts.exclude(outcome=Attempt.Outcome.NOT_STARTED)
    return [(attempt.gateway, attempt.outcome) for attempt in called]


def test_first_gateway_gets_all_while_it_works(gateway, second):
    for number in range(5):
        queued(number)
    delivery.run("sms")
    assert (len(gateway.taken), len(second.taken)) == (5, 0)


def test_second_takes_over_at_once_when_the_first_is_down(gateway, second):
    gateway.down = "connection refused"
    messages = [queued(number) for number in range(3)]
    delivery.run("sms")
    assert len(second.taken) == 3
    assert by_gateway(messages[0]) == [("second", "accepted")]
    assert health.rests("scripted", NOW)


def test_message_at_the_gateway_that_goes_down_is_sent_by_the_second_in_the_same_turn(
    gateway, second
):
    gateway.script = [ACCEPTED, GatewayDown("reset")]
    first, struck = queued(1), queued(2)
    delivery.run("sms")
    assert by_gateway(first) == [("scripted", "accepted")]
    assert by_gateway(struck) == [("scripted", "transient"), ("second", "accepted")]


def test_first_gets_its_messages_back_after_its_rest(gateway, second, clock):
    gateway.down = "connection refused"
    queued(1)
    delivery.run("sms")
    gateway.down = ""
    queued(2)
    delivery.run("sms")
    assert (len(gateway.taken), len(second.taken)) == (0, 2)
    clock.shift(health.FIRST_REST)
    queued(3)
    delivery.run("sms")
    assert (len(gateway.taken), len(second.taken)) == (1, 2)
    assert GatewayState.objects.get(name="scripted").rests == 0


def test_each_rest_without_a_success_is_twice_as_long(gateway, second, clock):
    gateway.down = "connection refused"
    rests = []
    for number in range(7):
        queued(number)
        delivery.run("sms")
        began = dt.datetime.now(dt.UTC)
        while health.rests("scripted", dt.datetime.now(dt.UTC)):
            clock.shift(dt.timedelta(seconds=1))
        rests.append(round((dt.datetime.now(dt.UTC) - began).total_seconds()))
    assert rests == [15, 30, 60, 120, 240, 300, 300]
    assert len(second.taken) == 7


def test_failures_within_a_window_make_it_rest(gateway, second):
    gateway.script = [TRANSIENT] * 5
    messages = [queued(number) for number in range(8)]
    delivery.run("sms")
    assert health.rests("scripted", NOW)
    assert len(gateway.taken) == 5
    # The last one that it refused is sent at once by the other; those before wait for their time.
    assert by_gateway(messages[4]) == [("scripted", "transient"), ("second", "accepted")]
    assert by_gateway(messages[7]) == [("second", "accepted")]
    assert by_gateway(messages[0]) == [("scripted", "transient")]


def test_a_few_failures_of_many_calls_do_not(gateway, second):
    gateway.script = ([TRANSIENT] + [ACCEPTED] * 9) * 8
    for number in range(80):
        queued(number)
    delivery.run("sms")
    assert (len(gateway.taken), second.taken) == (80, [])


def test_failures_far_apart_do_not(gateway, second, clock):
    for number in range(6):
        gateway.script = [TRANSIENT]
        queued(number)
        delivery.run("sms")
        clock.shift(health.WINDOW)
    assert second.taken == []


def test_refusals_of_messages_are_no_failures_of_the_gateway(gateway, second):
    gateway.script = [PERMANENT] * 8
    for number in range(8):
        queued(number)
    delivery.run("sms")
    assert (len(gateway.taken), second.taken) == (8, [])


def test_gateway_that_asks_for_rest_is_passed_over_so_long(gateway, second, clock):
    wait = dt.timedelta(minutes=7)
    gateway.script = [Outcome(Attempt.Outcome.TRANSIENT, error="429", retry_after=wait)]
    message = queued(1)
    delivery.run("sms")
    assert by_gateway(message) == [("scripted", "transient"), ("second", "accepted")]
    queued(2)
    clock.move_to(NOW + minutes(6.9))
    delivery.run("sms")
    assert len(second.taken) == 2
    queued(3)
    clock.move_to(NOW + minutes(7))
    delivery.run("sms")
    assert len(gateway.taken) == 2


def test_shorter_rest_does_not_end_a_longer_one(gateway):
    """Two workers are at the gateway: it tells one "in ten minutes", the other "in a moment"."""
    moment = dt.timedelta(seconds=5)
    gateway.script = [Outcome(Attempt.Outcome.TRANSIENT, error="429", retry_after=moment)]
    gateway.meanwhile = lambda _: health.rest(
        "scripted", now=NOW, reason="maintenance", wait=minutes(10)
    )
    queued(1)
    delivery.run("sms")
    assert health.rests("scripted", NOW + minutes(9.9))
    assert not health.rests("scripted", NOW + minutes(10))
    assert Gate.objects.get(name="scripted").reason == "maintenance"


def test_longer_rest_prolongs_a_shorter_one():
    health.rest("scripted", now=NOW, reason="busy", wait=dt.timedelta(seconds=5))
    health.rest("scripted", now=NOW, reason="maintenance", wait=minutes(10))
    assert health.rests("scripted", NOW + minutes(9.9))
    assert Gate.objects.get(name="scripted").reason == "maintenance"


def test_rest_that_seems_longer_than_any_is_no_obstacle():
    """A clock that was set back left it."""
    health.rest("scripted", now=NOW + minutes(120), reason="maintenance", wait=minutes(10))
    health.rest("scripted", now=NOW, reason="busy", wait=minutes(1))
    assert health.rests("scripted", NOW + minutes(0.9))


def test_message_in_doubt_is_never_given_to_another_gateway(gateway, second, clock):
    gateway.script = [UNKNOWN, UNKNOWN]
    message, other, third = queued(1, kind="URGENT"), queued(2), queued(3)
    delivery.run("sms")  # two without an answer: the first rests, the second takes the third
    assert len(second.taken) == 1
    assert sweep.sweep() == sweep.Swept(repeated=1)
    delivery.run("sms")
    assert Message.objects.get(pk=message.pk).state == State.QUEUED
    assert len(second.taken) == 1
    clock.shift(health.FIRST_REST)
    delivery.run("sms")
    assert by_gateway(message) == [("scripted", "unknown"), ("scripted", "accepted")]
    assert by_gateway(other) == [("scripted", "unknown")]
    assert by_gateway(third) == [("second", "accepted")]


def test_second_gateway_repeats_its_own_although_the_first_is_back(gateway, second, clock):
    gateway.down = "refused"
    second.script = [UNKNOWN]
    message = queued(1, kind="URGENT")
    delivery.run("sms")
    gateway.down = ""
    clock.shift(health.FIRST_REST)
    sweep.sweep()
    queued(2)
    delivery.run("sms")
    assert by_gateway(message) == [("second", "unknown"), ("second", "accepted")]
    assert len(gateway.taken) == 1


def test_message_in_doubt_with_a_gateway_no_longer_in_use_is_not_repeated(
    gateway, second, settings
):
    gateway.script = [UNKNOWN]
    message = queued(1, kind="URGENT")
    delivery.run("sms")
    settings.MESSAGE_GATEWAYS = {
        **settings.MESSAGE_GATEWAYS,
        "sms": "tests.notifications.builders.SecondGateway",
    }
    assert sweep.repeat_unknown(NOW) == 0
    assert Message.objects.get(pk=message.pk).state == State.UNKNOWN


class TestLanes:
    def test_urgent_goes_before_offers_before_the_rest(self, gateway):
        later = NOW + dt.timedelta(days=3)
        queued(1, urgent_by=later)
        queued(2, urgent_by=later, kind="OFFER")
        queued(3, urgent_by=NOW + dt.timedelta(hours=23))
        delivery.run("sms")
        assert [message.text.split()[2] for message in gateway.taken] == ["3", "2", "1"]

    def test_urgent_worker_takes_nothing_else(self, gateway):
        queued(1, urgent_by=NOW + dt.timedelta(days=3))
        urgent = queued(2)
        delivery.run("sms", urgent_only=True)
        assert [message.public_id for message in gateway.taken] == [urgent.public_id]

    def test_what_comes_near_is_hurried(self, clock):
        near = queued(1, urgent_by=NOW + dt.timedelta(hours=25))
        far = queued(2, urgent_by=NOW + dt.timedelta(hours=27))
        clock.shift(dt.timedelta(hours=1))
        # Both have been due for an hour: not how they are hurried, but they are seen to as well.
        assert sweep.sweep() == sweep.Swept(hurried=1, late=2)
        near.refresh_from_db()
        far.refresh_from_db()
        assert (near.lane, far.lane) == (0, 2)


class TestWindow:
    """Gateways that take many messages for each commit."""

    @pytest.fixture(autouse=True)
    def _wide(self, gateway) -> None:
        gateway.window = 10

    def test_each_is_handed_over_and_recorded_once(self, gateway):
        messages = [queued(number) for number in range(25)]
        delivery.run("sms")
        assert len({message.public_id for message in gateway.taken}) == len(gateway.taken) == 25
        assert Message.objects.filter(state=State.ACCEPTED).count() == 25
        for message, sent in zip(messages, gateway.taken, strict=True):
            message.refresh_from_db()
            assert message.body == sent.text

    def test_different_answers_in_one_window(self, gateway):
        gateway.script = [ACCEPTED, PERMANENT, TRANSIENT, UNKNOWN, ACCEPTED]
        for number in range(6):
            queued(number)
        delivery.run("sms")
        states = list(Message.objects.order_by("id").values_list("state", flat=True))
        assert states == [
            *(State.ACCEPTED, State.FAILED, State.QUEUED),
            *(State.UNKNOWN, State.ACCEPTED, State.ACCEPTED),
        ]

    def test_what_was_begun_but_not_asked_goes_back_and_is_not_in_doubt(self, gateway, clock):
        gateway.script = [ACCEPTED, ACCEPTED, GatewayDown("reset")]
        for number in range(8):
            queued(number)
        delivery.run("sms")
        states = list(Message.objects.order_by("id").values_list("state", flat=True))
        assert states == [State.ACCEPTED] * 2 + [State.QUEUED] * 6
        back = Attempt.objects.filter(outcome=Attempt.Outcome.NOT_STARTED)
        assert back.count() == 5
        assert not back.filter(started_at__isnull=False).exists()
        clock.shift(health.FIRST_REST + dt.timedelta(seconds=30))
        delivery.run("sms")
        assert Message.objects.filter(state=State.ACCEPTED).count() == 8

    def test_time_that_is_up_within_a_window_gives_back_the_rest(
        self, gateway, settings, stopwatch
    ):
        settings.MESSAGE_RUN_SECONDS = 3
        # One alone, in no time, which promises a large claim; then it is slow.
        gateway.meanwhile = lambda message: stopwatch.sleep(1 if len(gateway.taken) > 1 else 0.1)
        for number in range(12):
            queued(number)
        assert delivery.run("sms") is True
        states = list(Message.objects.values_list("state", flat=True))
        # Three of the ten of a window.
        assert states.count(State.ACCEPTED) == 4
        assert states.count(State.QUEUED) == 8
        assert not Attempt.objects.filter(outcome="", started_at__isnull=False).exists()

    def test_late_answers_among_others_settle_what_was_given_up(self, gateway, clock):
        [queued(number) for number in range(2)]
        held = claims.claim(claims.Share(channel="sms", gateway="scripted"), limit=2, now=NOW)
        claims.start(held, NOW)
        Message.objects.filter(pk=held[0].message.pk).update(
            state=State.UNKNOWN, lease_token=None, lease_until=None
        )
        Attempt.objects.filter(pk=held[0].attempt.pk).update(outcome="unknown", ended_at=NOW)
        claims.record([(each, ACCEPTED) for each in held], NOW)
        assert set(Message.objects.values_list("state", flat=True)) == {State.ACCEPTED}
        assert set(Attempt.objects.values_list("outcome", flat=True)) == {"accepted"}


STRANGE = Outcome(Attempt.Outcome.TRANSIENT, error="no such template", template_unknown=True)


class TestTemplateThatTheGatewayDoesNotKnow:
    def test_another_gateway_takes_over_at_once(self, gateway, second):
        gateway.script = [STRANGE]
        struck, other = queued(1), queued(2)
        delivery.run("sms")
        assert by_gateway(struck) == [("scripted", "transient"), ("second", "accepted")]
        assert by_gateway(other) == [("second", "accepted")]
        assert Gate.objects.get(name="scripted").reason == "no such template"

    def test_alone_it_waits_and_holds_up_nothing_else(self, gateway):
        gateway.script = [*[STRANGE] * 9, ACCEPTED]
        waiting = [queued(number) for number in range(9)]
        other = queued(20)
        delivery.run("sms")
        assert not health.rests("scripted", NOW)
        other.refresh_from_db()
        assert other.state == State.ACCEPTED
        for message in waiting:
            message.refresh_from_db()
            assert message.state == State.QUEUED
            assert message.error == "no such template"
            assert message.next_attempt_at == NOW + claims.BACK_OFF[0]

    def test_what_waited_leaves_once_it_is_mended(self, gateway, clock):
        gateway.script = [STRANGE]
        message = queued(1)
        delivery.run("sms")
        clock.shift(claims.BACK_OFF[0])
        delivery.run("sms")
        message.refresh_from_db()
        assert (message.state, message.error) == (State.ACCEPTED, "")
