"""Nudges are best effort: quick, few, and never an error for the person who booked."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from celery import current_app
from django.core.cache import cache

from notifications import delivery, nudge, tasks


@pytest.fixture
def sent(monkeypatch) -> list[str]:
    sent: list[str] = []
    monkeypatch.setattr(
        nudge, "_send", lambda to, urgent: sent.append(f"{to} urgent" if urgent else to)
    )
    return sent


def test_one_nudge_waits_at_a_time_for_each_channel(sent):
    assert nudge.publish("sms")
    assert nudge.publish("sms")
    assert nudge.publish("email")
    assert sent == ["sms", "email"]
    nudge.picked_up("sms")
    assert nudge.publish("sms")
    assert sent == ["sms", "email", "sms"]


def test_urgent_lane_has_nudges_of_its_own(sent):
    assert nudge.publish("sms", urgent=True)
    assert nudge.publish("sms")
    assert nudge.publish("sms", urgent=True)
    assert sent == ["sms urgent", "sms"]
    nudge.picked_up("sms", urgent=True)
    assert nudge.publish("sms")
    assert nudge.publish("sms", urgent=True)
    assert sent == ["sms urgent", "sms", "sms urgent"]


def test_broker_that_fails_is_left_alone_for_a_while(monkeypatch):
    calls: list[str] = []

    def fail(channel, urgent):
        calls.append(channel)
        raise OSError("no broker")

    monkeypatch.setattr(nudge, "_send", fail)
    assert nudge.publish("sms") is False
    assert nudge.publish("email") is False
    assert calls == ["sms"]
    monkeypatch.setattr(nudge, "_rests_until", time.monotonic() - 1)
    assert nudge.publish("email") is False
    assert calls == ["sms", "email"]


def test_cache_that_fails_stops_neither_publisher_nor_worker(monkeypatch):
    def fail(*args):
        raise OSError("no cache")

    monkeypatch.setattr(cache, "add", fail)
    monkeypatch.setattr(cache, "delete", fail)
    assert nudge.publish("sms") is False
    nudge.picked_up("sms")


def test_worker_that_ran_out_of_time_asks_for_another_turn(sent, monkeypatch):
    monkeypatch.setattr(delivery, "run", lambda channel, urgent_only: True)
    nudge.publish("sms")
    tasks.deliver("sms")
    assert sent == ["sms", "sms"]


def test_worker_that_found_the_end_does_not(sent, monkeypatch):
    monkeypatch.setattr(delivery, "run", lambda channel, urgent_only: False)
    tasks.deliver("sms")
    assert sent == []


def test_nudge_is_a_task_that_workers_know(settings):
    assert tasks.deliver.name == nudge.DELIVER
    assert settings.CELERY_BEAT_SCHEDULE["sweep-messages"]["task"] == tasks.sweep.name


@pytest.fixture
def redis(tmp_path, celery_app) -> Iterator["subprocess.Popen[bytes]"]:
    """A Redis which a test may freeze or kill, as the broker of nudges."""
    path = tmp_path / "broker.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tmp_path) as server:
        for _ in range(3000):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(path))
                break
            time.sleep(0.02)
        celery_app.conf.broker_url = celery_app.conf.broker_write_url = f"redis+socket://{path}"
        yield server
        server.send_signal(signal.SIGCONT)
        server.kill()


@pytest.fixture
def celery_app() -> Iterator[object]:
    conf = current_app.conf
    before = conf.broker_url, conf.broker_write_url, conf.broker_transport_options
    conf.broker_transport_options = {"socket_timeout": 5, "socket_connect_timeout": 2}
    yield current_app
    conf.broker_url, conf.broker_write_url, conf.broker_transport_options = before


# More than a nudge may take, on a machine that is slow itself; less than the five seconds which
# Celery's own connections would wait, let alone for ever.
SOON = 4.5


def seconds_of_a_nudge() -> float:
    nudge._rests_until = 0.0
    cache.clear()
    began = time.monotonic()
    nudge.publish("sms")
    return time.monotonic() - began


@pytest.mark.skipif(
    os.environ.get("TEST_DATABASE") == "sqlite", reason="the run on SQLite needs no Redis"
)
class TestRealBroker:
    def test_nudge_arrives(self, redis):
        assert nudge.publish("sms") is True

    def test_frozen_broker_holds_nobody_longer_than_two_seconds(self, redis):
        assert nudge.publish("sms") is True
        os.kill(redis.pid, signal.SIGSTOP)
        assert seconds_of_a_nudge() < SOON
        assert seconds_of_a_nudge() < SOON
        # The two seconds themselves: one for a connection, one for an answer, and no second try.
        assert nudge.IMPATIENT["socket_connect_timeout"] + nudge.IMPATIENT["socket_timeout"] <= 2
        assert nudge.IMPATIENT["max_retries"] == 0

    def test_dead_broker_holds_nobody(self, redis):
        assert nudge.publish("sms") is True
        redis.kill()
        redis.wait()
        assert seconds_of_a_nudge() < SOON
        assert seconds_of_a_nudge() < SOON

    def test_broker_that_comes_back_is_used_again(self, redis):
        os.kill(redis.pid, signal.SIGSTOP)
        assert nudge.publish("sms") is False
        os.kill(redis.pid, signal.SIGCONT)
        nudge._rests_until = 0.0
        assert nudge.publish("sms") is True
