"""Workers are killed; the sink, which knows nothing of the database, says what really left.

Real processes: `celery -A portal worker` and beat, on the embedded default (SQLite, broker of
files) and on PostgreSQL and Redis. A message may be missing or doubled only if its worker died
between the start of its call and the record of its answer, and then the database says so.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from tests import services
from tests.notifications.site import Site

pytestmark = pytest.mark.slow
COUNT = 1000
QUICK = {
    "MESSAGE_RUN_SECONDS": "3",
    "MESSAGE_CALL_SECONDS": "1",
    "MESSAGE_LEASE_SECONDS": "4",
    "MESSAGE_SWEEP_SECONDS": "1",
}
# Where no worker dies, no lease may end: a slow disk or a restart must not look like a death. What
# was claimed in a commit whose answer was lost waits for this long, and is then sent.
PATIENT = {**QUICK, "MESSAGE_LEASE_SECONDS": "60"}
GATEWAYS = "tests.notifications.saboteur."


@pytest.fixture(params=["embedded", "services"])
def site(request, site_env, tmp_path) -> Iterator[Site]:
    extra = {**QUICK, "SMS_GATEWAY": GATEWAYS + "ThrottledGateway"}
    if request.param == "services":
        extra |= own_services(tmp_path.name)
    made = Site(site_env(**extra))
    yield made
    made.stop()


def own_services(name: str) -> dict[str, str]:
    """A database and a Redis number of this test's own, on the servers of the run."""
    if os.environ.get("TEST_DATABASE") == "sqlite":
        pytest.skip("asks PostgreSQL and Redis")
    database = "kill_" + "".join(letter for letter in name if letter.isalnum()).lower()
    host = os.environ["DATABASE_URL"].partition("host=")[2]
    with psycopg.connect(host=host, user="portal", dbname="postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{database}"')
    return {
        "DATABASE_URL": f"postgres://portal@/{database}?host={host}",
        "REDIS_URL": os.environ["REDIS_URL"] + "?db=60",
    }


def check(site: Site, *, most_unknown: int) -> int:
    """Hold the database against the sink; returns how many fates are not known."""
    found = site.dump()
    attempts: dict[str, list[dict[str, Any]]] = {}
    for attempt in found["attempts"]:
        attempts.setdefault(attempt["message"], []).append(attempt)
    begun = {attempt["reference"] for attempt in found["attempts"] if attempt["started"]}
    lines = site.lines()
    arrived = Counter(line["message"] for line in lines)

    assert {line["client_reference"] for line in lines} <= begun
    assert len({line["client_reference"] for line in lines}) == len(lines)  # no call is repeated
    unknown = 0
    for message in found["messages"]:
        tries = attempts[message["id"]]
        # A worker that was only asleep may still have said what became of its attempt.
        lost = [a for a in tries if a["outcome"] == "unknown"]
        unknown += bool(lost or message["repeated"])
        times = arrived[message["id"]]
        if not (lost or message["repeated"]):
            assert (message["state"], times) == ("accepted", 1), message
        elif message["kind"] == "VISIT":
            assert message["state"] == "unknown"
            assert times <= 1
        else:
            repeats = [a for a in tries if a["repeat"] and a["started"]]
            assert message["state"] == "accepted" or len(lost) == 2
            assert len(repeats) == 1
            assert times <= 2
    assert unknown <= most_unknown
    assert len(found["messages"]) - unknown <= len(arrived) <= len(found["messages"])
    return unknown


def outcomes(site: Site) -> set[str]:
    return {attempt["outcome"] for attempt in site.dump()["attempts"]}


def is_settled(site: Site) -> bool:
    return not {"queued", "sending"} & site.states().keys()


def test_thousand_messages_survive_the_killing_of_their_workers(site):
    site.fill(COUNT)
    site.beat()
    for share in (0.2, 0.4, 0.6):
        worker = site.worker(concurrency=2)
        site.wait_until(lambda share=share: len(site.lines()) >= share * COUNT, "messages leave")
        site.kill(worker)
    site.worker(concurrency=2)
    site.wait_until(lambda: len(site.lines()) >= COUNT - 6, "the rest leaves")
    site.wait_until(lambda: is_settled(site), "nothing is in hand")
    check(site, most_unknown=6)  # one for each process that was killed


def test_messages_survive_a_broker_that_forgets_everything(site_env, tmp_path):
    gateway = GATEWAYS + "ThrottledGateway"
    site = Site(site_env(**PATIENT, SMS_GATEWAY=gateway, **own_services(tmp_path.name)))
    try:
        site.fill(300)
        site.beat()
        site.worker(concurrency=2)
        site.wait_until(lambda: len(site.lines()) >= 50, "messages leave")
        redis.Redis.from_url(site.env["REDIS_URL"]).flushdb()
        site.fill(300)  # the same keys: nothing new
        site.wait_until(lambda: is_settled(site), "nothing is in hand")
        assert check(site, most_unknown=0) == 0
    finally:
        site.stop()


@pytest.fixture
def own_postgres() -> Iterator[str]:
    """A PostgreSQL that a test may restart; gives the URL of its database."""
    if os.environ.get("TEST_DATABASE") == "sqlite":
        pytest.skip("asks PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="portal-restart-"))
    folder.chmod(0o755)  # the server's account must be able to walk through it
    url = services.start_postgres(folder)
    with psycopg.connect(url.replace("/portal?", "/postgres?"), autocommit=True) as server:
        server.execute("CREATE DATABASE portal")
    yield url
    pg_ctl(url, "stop")
    shutil.rmtree(folder, ignore_errors=True)


def pg_ctl(url: str, verb: str) -> None:
    home = Path(url.partition("host=")[2])
    account = services.server_account()
    command = ["setpriv", *services.identity(account)] if account else []
    command += [services.server_program("pg_ctl", "postgresql"), verb]
    command += ["-D", str(home / "data"), "-m", "fast", "-w"]
    subprocess.run(
        command,
        check=True,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_messages_survive_restarts_of_postgresql(site_env, own_postgres):
    gateway = GATEWAYS + "ThrottledGateway"
    site = Site(site_env(**PATIENT, SMS_GATEWAY=gateway, DATABASE_URL=own_postgres))
    try:
        site.fill(600)
        site.beat()
        site.worker(concurrency=2)
        for share in (100, 200, 300):
            site.wait_until(lambda share=share: len(site.lines()) >= share, "messages leave")
            pg_ctl(own_postgres, "restart")
        site.wait_until(lambda: is_settled(site), "nothing is in hand")
        # No worker died: each kept its answer until the database was back.
        assert check(site, most_unknown=0) == 0
    finally:
        site.stop()


@pytest.fixture
def embedded(site_env) -> Iterator[Site]:
    made = Site(site_env(**PATIENT, SMS_GATEWAY=GATEWAYS + "ThrottledGateway"))
    yield made
    made.stop()


def test_worker_that_is_asked_to_end_leaves_nothing_unknown(embedded):
    embedded.fill(300)
    embedded.beat()
    worker = embedded.worker(concurrency=2)
    embedded.wait_until(lambda: len(embedded.lines()) >= 50, "messages leave")
    worker.send_signal(signal.SIGTERM)
    worker.wait(120)
    embedded.worker(concurrency=2)
    embedded.wait_until(lambda: is_settled(embedded), "nothing is in hand")
    assert check(embedded, most_unknown=0) == 0


@pytest.mark.parametrize("step", ["after_claim", "mid_call", "after_accept"])
def test_worker_that_sleeps_past_its_lease_sends_nothing_that_another_sends(
    site_env, tmp_path, step
):
    order = tmp_path / "sabotage"
    gateway = GATEWAYS + "SuicidalGateway"
    site = Site(site_env(**QUICK, SMS_GATEWAY=gateway, SABOTAGE=str(order)))
    try:
        order.write_text(f"{step} sleep")
        site.fill(100)
        site.beat()
        sleeper = site.worker(concurrency=1)
        site.wait_until(lambda: not order.exists(), "it falls asleep")
        site.worker(concurrency=1)
        site.wait_until(lambda: is_settled(site), "the other takes over")
        os.killpg(sleeper.pid, signal.SIGCONT)
        time.sleep(3)
        # The message in its hands was given up as unknown; its late answer settles that.
        site.wait_until(lambda: "unknown" not in outcomes(site), "the late answer")
        assert check(site, most_unknown=0) == 0
    finally:
        site.stop()


@pytest.mark.parametrize("scope", ["child", "group"])
@pytest.mark.parametrize(
    ("step", "unknown"),
    [("before_claim", 0), ("after_claim", 0), ("mid_call", 1), ("after_accept", 1)],
)
def test_worker_killed_at_each_step(site_env, tmp_path, step, unknown, scope):
    order = tmp_path / "sabotage"
    gateway = GATEWAYS + "SuicidalGateway"
    site = Site(site_env(**QUICK, SMS_GATEWAY=gateway, SABOTAGE=str(order)))
    try:
        order.write_text(f"{step} {scope}")
        site.fill(40)
        site.beat()
        site.worker(concurrency=1)
        site.wait_until(lambda: not order.exists(), "the worker dies")
        if scope == "group":
            site.worker(concurrency=1)
        site.wait_until(lambda: is_settled(site), "nothing is in hand")
        assert check(site, most_unknown=1) == unknown
        if step == "after_accept":
            assert len(site.lines()) >= 40
    finally:
        site.stop()
