"""Nobody waits for ever: locks and statements that take too long are refused in words."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from honcho.environ import parse_procfile

from appointments import booking
from appointments.errors import Refusal
from appointments.models import Application, Hold, Region, Slot
from appointments.verbs import TRIES, verb
from tests.domain.builders import make_application, make_person, make_slot

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.race
SHOW = """
from django.db import connection
with connection.cursor() as cursor:
    for name in ("statement_timeout", "lock_timeout"):
        cursor.execute(f"SHOW {name}")
        print(cursor.fetchone()[0])
"""


@contextmanager
def limit(name: str, value: str) -> Iterator[None]:
    """A limit of this connection, as the settings of a process set it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
    try:
        yield
    finally:
        connection.close()  # the next one has the limits of the settings


@contextmanager
def locked_elsewhere(application: Application) -> Iterator[None]:
    """Another thread's transaction holds the application's row."""
    has_lock, done = threading.Event(), threading.Event()

    def hold_lock() -> None:
        try:
            with transaction.atomic():
                Application.objects.select_for_update().get(pk=application.pk)
                has_lock.set()
                done.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=hold_lock)
    thread.start()
    assert has_lock.wait(10)
    try:
        yield
    finally:
        done.set()
        thread.join()


@on_postgresql
@pytest.mark.parametrize("name", ["lock_timeout", "statement_timeout"])
def test_a_lock_that_another_keeps_is_refused_in_words_and_changes_nothing(name):
    person = make_person()
    application = make_application(claimed_by=person)
    slot = make_slot()
    with limit(name, "100ms"), locked_elsewhere(application):
        with pytest.raises(Refusal, match=r"^busy$") as refused:
            booking.hold_seat(application=application, slot_id=slot.pk, by=person)
        assert refused.value.message
    assert not Hold.objects.exists()
    assert Slot.objects.get().taken == 0
    assert booking.hold_seat(application=application, slot_id=slot.pk, by=person).slot_id == slot.pk


def sleeping():
    """A verb which writes a row and then asks the database for too much."""
    calls = []

    @verb
    def run():
        calls.append(1)
        Region.objects.create(code="R", name_en="R", name_hi="R")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    return run, calls


@on_postgresql
def test_a_statement_that_takes_too_long_is_refused_once_and_leaves_nothing():
    run, calls = sleeping()
    with limit("statement_timeout", "100ms"), pytest.raises(Refusal, match=r"^busy$"):
        run()
    assert len(calls) == 1
    assert Region.objects.count() == 0


@on_postgresql
def test_a_verb_within_another_leaves_the_refusal_to_the_outermost():
    inner, calls = sleeping()
    states = []

    @verb
    def outer():
        try:
            inner()
        except OperationalError as error:
            states.append(error.__cause__.sqlstate)
            raise

    with limit("statement_timeout", "100ms"), pytest.raises(Refusal, match=r"^busy$"):
        outer()
    assert len(calls) == 1 < TRIES
    assert states == ["57014"]
    assert Region.objects.count() == 0


@on_postgresql
def test_a_transaction_whose_process_hangs_gives_its_locks_back():
    application = make_application()
    hangs, ended = threading.Event(), threading.Event()
    lost: list[DatabaseError] = []

    def hang() -> None:
        try:
            with limit("idle_in_transaction_session_timeout", "100ms"), transaction.atomic():
                Application.objects.select_for_update().get(pk=application.pk)
                hangs.set()
                ended.wait(20)
                Application.objects.update(name="never")
        except DatabaseError as error:
            lost.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=hang)
    thread.start()
    assert hangs.wait(10)
    with limit("lock_timeout", "5s"), transaction.atomic():
        Application.objects.select_for_update().get(pk=application.pk)
    ended.set()
    thread.join()
    application.refresh_from_db()
    assert lost
    assert application.name != "never"


def test_every_process_has_a_limit_and_commands_have_none():
    processes = parse_procfile((ROOT / "deploy/Procfile").read_text()).processes
    assert all(' STATEMENT_TIMEOUT="${STATEMENT_TIMEOUT:-30s}" ' in c for c in processes.values())
    units = list((ROOT / "deploy/systemd").glob("*.service"))
    # Receipts over SMPP have a process only where SMPP is used.
    assert len(units) == len(processes) + 1
    assert all("STATEMENT_TIMEOUT=30s" in unit.read_text() for unit in units)


@on_postgresql
@pytest.mark.parametrize(("command", "seen"), [("manage.py", "0"), ("wsgi", "7s")])
def test_what_the_environment_says_reaches_web_and_workers_only(site_env, command, seen):
    """Asked of PostgreSQL by a process of that kind, whatever .env says."""
    start = {
        "manage.py": [str(ROOT / "manage.py"), "shell", "-v", "0", "-c", SHOW],
        "wsgi": ["-c", f"import portal.wsgi\n{SHOW}"],
    }[command]
    database = os.environ["DATABASE_URL"].replace("/portal?", "/postgres?")
    environment = site_env(STATEMENT_TIMEOUT="7s", DATABASE_URL=database)
    shown = subprocess.run(
        [sys.executable, *start], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert shown.stdout.split() == [seen, "10s"], shown.stderr
