"""The token bucket: what all workers together may give a gateway."""

import datetime as dt
import threading
from collections import Counter

import pytest
from django.db import connection

from notifications import bucket, delivery
from notifications.models import GatewayState, Message
from notifications.render import Rendered, put_into_words
from tests.notifications.builders import NOW, ScriptedGateway, queued

SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _rate(settings) -> None:
    settings.GATEWAY_RATES = {"scripted": 10.0}


def take(least: int, most: int = 0, *, urgent: bool = True, at: dt.datetime = NOW) -> bucket.Grant:
    return bucket.take("scripted", least=least, most=most or least, urgent=urgent, now=at)


@pytest.mark.django_db
class TestTake:
    def test_bucket_begins_full_and_holds_a_second(self):
        assert take(1, 50).tokens == 10
        assert take(1).tokens == 0

    def test_it_fills_at_the_rate(self):
        take(10)
        assert take(1, 50, at=NOW + SECOND / 2).tokens == 5
        assert take(1, 50, at=NOW + SECOND * 60).tokens == 10

    def test_whoever_gets_none_is_told_how_long_to_wait(self):
        take(10)
        assert take(3) == bucket.Grant(0, pytest.approx(0.3))
        assert take(3, at=NOW + SECOND * 0.3).tokens == 3

    def test_the_last_fifth_is_kept_for_the_urgent_lane(self):
        assert take(1, 50, urgent=False).tokens == 8
        assert take(1, urgent=False).tokens == 0
        assert take(1, 50, urgent=True).tokens == 2

    def test_text_of_more_parts_than_the_bucket_holds_leaves_all_the_same(self, settings):
        settings.GATEWAY_RATES = {"scripted": 1.0}
        assert take(3).tokens == 3
        assert take(1).tokens == 0
        assert take(1, at=NOW + SECOND * 2.9).tokens == 0  # what was too much is owed
        assert take(1, at=NOW + SECOND * 3).tokens == 1

    def test_one_a_second_serves_every_lane(self, settings):
        settings.GATEWAY_RATES = {"scripted": 1.0}
        assert take(1, urgent=False).tokens == 1

    def test_what_is_put_back_may_be_taken_again(self):
        take(10)
        bucket.put_back("scripted", 4)
        assert take(1, 50).tokens == 4

    def test_clock_set_back_gives_nothing_away(self):
        take(10)
        assert take(1, at=NOW - SECOND * 3600).tokens == 0
        assert take(1, 50, at=NOW - SECOND * 3599).tokens == 10

    def test_gateway_without_a_rate_costs_no_query(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert bucket.take("file", least=1, most=7, urgent=False, now=NOW).tokens == 7
            bucket.put_back("file", 7)


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestDelivery:
    def test_each_part_of_a_text_costs_a_token(self, gateway, stopwatch, clock, settings):
        settings.MESSAGE_RUN_SECONDS = 3
        stopwatch.sleep = lambda seconds: _pass(stopwatch, clock, seconds)
        for number in range(40):  # in Hindi, of two parts each
            queued(number, language="hi", values={"word": "न" * 80})
        assert delivery.run("sms") is True
        # Three seconds at ten parts a second, and the bucket was full when they began.
        assert 2 * len(gateway.taken) in range(36, 43)
        assert {message.size.parts for message in gateway.taken} == {2}

    def test_what_is_sent_is_recorded_before_the_worker_waits(
        self, gateway, stopwatch, clock, settings
    ):
        settings.MESSAGE_RUN_SECONDS = 2
        left_open: list[int] = []

        def nap(seconds: float) -> None:
            sending = Message.objects.filter(state=Message.State.SENDING)
            left_open.append(sending.filter(attempts__started_at__isnull=False).count())
            _pass(stopwatch, clock, seconds)

        stopwatch.sleep = nap
        for number in range(30):
            queued(number)
        delivery.run("sms")
        assert left_open
        assert set(left_open) == {0}

    def test_words_are_made_once_for_a_message_that_waits_for_tokens(
        self, gateway, stopwatch, clock, settings, monkeypatch
    ):
        settings.MESSAGE_RUN_SECONDS, settings.GATEWAY_RATES = 5, {"scripted": 2.0}
        naps: list[float] = []

        def nap(seconds: float) -> None:
            naps.append(seconds)
            _pass(stopwatch, clock, seconds)

        stopwatch.sleep = nap
        made: Counter[int] = Counter()

        def counted(message: Message, gateway: ScriptedGateway) -> Rendered:
            made[message.pk] += 1
            return put_into_words(message, gateway)

        monkeypatch.setattr(delivery, "put_into_words", counted)
        for number in range(8):
            queued(number)
        assert delivery.run("sms") is False
        assert len(gateway.taken) == 8
        assert len(naps) > 8  # several for one message
        assert set(made.values()) == {1}

    def test_window_that_waits_when_time_is_up_goes_back_to_the_queue(
        self, gateway, stopwatch, clock, settings
    ):
        settings.MESSAGE_RUN_SECONDS, settings.GATEWAY_RATES = 1, {"scripted": 1.0}
        gateway.window = 3
        stopwatch.sleep = lambda seconds: _pass(stopwatch, clock, seconds)
        for number in range(9):
            queued(number)
        assert delivery.run("sms") is True
        states = Counter(Message.objects.values_list("state", flat=True))
        assert states == {"accepted": len(gateway.taken), "queued": 9 - len(gateway.taken)}
        assert not Message.objects.filter(attempts__outcome="").exists()

    def test_tokens_not_used_go_back(self, gateway, settings):
        settings.GATEWAY_RATES = {"scripted": 100.0}
        queued(1)
        delivery.run("sms")
        assert GatewayState.objects.get(name="scripted").tokens == pytest.approx(99)


def _pass(stopwatch, clock, seconds: float) -> None:
    stopwatch.seconds += seconds
    clock.shift(dt.timedelta(seconds=seconds))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_workers_take_no_more_than_there_is(settings):
    settings.GATEWAY_RATES = {"scripted": 100.0}
    taken: list[int] = []

    def work() -> None:
        for _ in range(20):
            taken.append(take(3).tokens)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 99
