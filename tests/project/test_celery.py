"""Celery over Redis is set so that a killed worker, a dead Redis or a slow task lose no work."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
import redis
from celery import Celery
from django.conf import settings
from kombu import Connection, Exchange, Queue

from portal import file_broker
from tests import services

ROOT = Path(settings.BASE_DIR)
# As a process of a site with Redis reads them; the suite itself runs on the broker in memory.
ASK = """
import json, django
django.setup()
from django.conf import settings
names = [name for name in dir(settings) if name.startswith("CELERY_")]
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""


@pytest.fixture(scope="module")
def on_redis(tmp_path_factory) -> dict[str, Any]:
    return settings_of(VAR_DIR=str(tmp_path_factory.mktemp("var")))


def settings_of(**given: str) -> dict[str, Any]:
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        **given,
    }
    said = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def test_work_of_a_killed_worker_is_done_by_another(on_redis):
    assert on_redis["CELERY_TASK_ACKS_LATE"] is True
    assert on_redis["CELERY_TASK_REJECT_ON_WORKER_LOST"] is True
    assert on_redis["CELERY_WORKER_PREFETCH_MULTIPLIER"] == 1


def test_no_task_is_started_again_while_it_may_still_run(on_redis):
    transport = on_redis["CELERY_BROKER_TRANSPORT_OPTIONS"]
    assert transport["visibility_timeout"] > on_redis["CELERY_TASK_TIME_LIMIT"]
    assert on_redis["CELERY_TASK_TIME_LIMIT"] > on_redis["CELERY_TASK_SOFT_TIME_LIMIT"]


@pytest.mark.parametrize(("seconds", "expires"), [("60", 60), ("10", 10), ("1", 5)])
def test_sweep_waits_in_its_queue_until_the_next_one_comes(tmp_path, seconds, expires):
    """Not for less than a worker may be late, or none would ever run."""
    found = settings_of(MESSAGE_SWEEP_SECONDS=seconds, VAR_DIR=str(tmp_path))
    entry = found["CELERY_BEAT_SCHEDULE"]["sweep-messages"]
    assert entry["options"]["expires"] == expires


def test_dead_redis_holds_nobody_for_ever(on_redis):
    transport = on_redis["CELERY_BROKER_TRANSPORT_OPTIONS"]
    assert 0 < transport["socket_connect_timeout"] <= transport["socket_timeout"] <= 5
    assert on_redis["CELERY_TASK_PUBLISH_RETRY"] is False


def test_nothing_waits_for_an_answer_and_workers_stop_softly(on_redis):
    assert on_redis["CELERY_TASK_IGNORE_RESULT"] is True
    assert on_redis["CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT"] > 0


def test_urgent_messages_others_plans_and_housekeeping_have_queues_of_their_own():
    assert [queue.name for queue in settings.CELERY_TASK_QUEUES] == [
        *("urgent", "messages", "plans", "housekeeping")
    ]


@pytest.fixture
def app() -> Celery:
    """The portal's queues and routes on a broker in this process."""
    app = Celery("routes", broker="memory://", set_as_current=False)
    app.conf.task_queues = settings.CELERY_TASK_QUEUES
    app.conf.task_routes = settings.CELERY_TASK_ROUTES
    app.conf.task_create_missing_queues = settings.CELERY_TASK_CREATE_MISSING_QUEUES
    app.conf.task_default_queue = settings.CELERY_TASK_DEFAULT_QUEUE
    return app


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("notifications.tasks.deliver", "messages"),
        ("notifications.tasks.sweep", "urgent"),
        ("appointments.tasks.settle_plans", "plans"),
        ("appointments.tasks.decide_plans", "plans"),
        ("appointments.tasks.decide_plan", "plans"),
        ("appointments.tasks.expire_holds", "housekeeping"),
        ("appointments.tasks.forget_proofs", "housekeeping"),
        ("appointments.tasks.remind_of_visits", "housekeeping"),
        ("appointments.tasks.alert_officers", "housekeeping"),
        ("appointments.tasks.forget_looks", "housekeeping"),
        ("accounts.tasks.forget", "housekeeping"),
    ],
)
def test_task_arrives_in_its_queue_and_in_no_other(app, task, queue):
    found = Counter()
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        for one in app.amqp.queues.values():
            one(channel).declare()
            channel.queue_purge(one.name)
        app.send_task(task, connection=connection)
        for one in app.amqp.queues.values():
            while one(channel).get(no_ack=True):
                found[one.name] += 1
    assert found == {queue: 1}


def test_queue_that_nobody_declared_is_refused(app):
    with pytest.raises(Exception, match="typo"):
        app.send_task("accounts.tasks.forget", queue="typo")


# --- The broker on files -------------------------------------------------------------------------


@pytest.mark.parametrize("round_", range(20))
def test_processes_that_start_together_on_files_never_read_half_a_table(tmp_path, round_):
    """Kombu's own way of making a table leaves it empty for a moment."""
    # New names each time: within a process kombu remembers what it has bound.
    names = [f"q{round_}-{number}" for number in range(16)]
    queues = [Queue(name, Exchange("shared"), routing_key=name) for name in names]
    failed: list[Exception] = []
    gun = threading.Barrier(len(queues))

    def start(queue: Queue) -> None:
        gun.wait()
        options = file_broker.transport_options(tmp_path, ["shared"])
        try:
            with Connection(f"{file_broker.SCHEME}://", transport_options=options) as connection:
                queue(connection.default_channel).declare()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=start, args=(queue,)) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    bound = json.loads((tmp_path / "control" / "shared.exchange").read_text())
    assert {row[2] for row in bound} == {queue.name for queue in queues}


def test_message_on_files_is_never_seen_half_written(tmp_path):
    """Kombu's own way of writing one leaves it empty for a moment, and whoever reads it stops."""
    options = file_broker.transport_options(tmp_path, ["shared"])
    name = f"half-{tmp_path.name}"
    url = f"{file_broker.SCHEME}://"
    read: list[int] = []
    failed: list[Exception] = []

    def write() -> None:
        with Connection(url, transport_options=options) as connection:
            queue = connection.SimpleQueue(name)
            for number in range(300):
                queue.put({"number": number, "text": "x" * 5000})

    def look() -> None:
        try:
            with Connection(url, transport_options=options) as connection:
                channel = connection.default_channel
                until = time.monotonic() + 120
                while len(read) < 600 and time.monotonic() < until:
                    with contextlib.suppress(Empty):
                        channel._get(name)
                        read.append(1)
        except Exception as error:
            failed.append(error)

    file_broker.transport_options(tmp_path, [name])
    threads = [threading.Thread(target=each) for each in (write, write, look, look)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(read) == 600


def test_message_is_not_lost_while_another_thread_binds_its_queue(tmp_path, monkeypatch):
    """Kombu remembers a queue as bound before it writes so; what is sent then went nowhere."""
    begun, other_has_tried = threading.Event(), threading.Event()
    real = file_broker.Channel._queue_bind

    def slowly(self, *args):
        begun.set()
        other_has_tried.wait(2)  # mended: the other waits for us instead
        real(self, *args)

    monkeypatch.setattr(file_broker.Channel, "_queue_bind", slowly)
    name = f"bound-{tmp_path.name}"
    options = file_broker.transport_options(tmp_path, [name])
    url = f"{file_broker.SCHEME}://"

    def send() -> None:
        with Connection(url, transport_options=options) as connection:
            connection.SimpleQueue(name).put({})
        other_has_tried.set()

    first, second = threading.Thread(target=send), threading.Thread(target=send)
    first.start()
    assert begun.wait(60)
    second.start()
    for thread in (first, second):
        thread.join()
    assert len(list((tmp_path / "messages").iterdir())) == 2


def test_broker_on_files_is_the_one_that_writes_them_whole():
    with Connection(f"{file_broker.SCHEME}://") as connection:
        assert type(connection.transport) is file_broker.Transport


def test_table_that_is_there_keeps_its_queues(tmp_path):
    (tmp_path / "control").mkdir()
    (tmp_path / "control" / "shared.exchange").write_text('[["key", "", "queue"]]')
    file_broker.transport_options(tmp_path, ["shared"])
    assert "queue" in (tmp_path / "control" / "shared.exchange").read_text()


# --- deploy/redis.conf ---------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path) -> Iterator[redis.Redis]:
    """A Redis as deployed, but on a socket."""
    program = services.server_program("redis-server", "redis-server")
    socket = tmp_path / "redis.sock"
    command = [program, str(ROOT / "deploy/redis.conf"), "--port", "0", "--dir", str(tmp_path)]
    process = subprocess.Popen(
        [*command, "--unixsocket", str(socket), "--loglevel", "warning"], stdout=subprocess.DEVNULL
    )
    client = redis.Redis(unix_socket_path=str(socket))
    try:
        services.wait_until(client.ping)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait()


def test_deployed_redis_keeps_nudges_and_never_evicts_them(server):
    assert server.config_get("appendonly") == {"appendonly": "yes"}
    assert server.config_get("appendfsync") == {"appendfsync": "everysec"}
    assert server.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
