"""A whole site for the kill tests: its own database, broker and sink, and real Celery processes."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 300  # seconds: a busy machine takes long to start what has to be killed
# Should the test run itself be killed, the kernel ends what it started.
ENDS_WITH_US = ["setpriv", "--pdeathsig=KILL"] if shutil.which("setpriv") else []

FILL = """
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
from notifications import outbox
now = timezone.now()
values = {"a4": "4821", "d": "Fri 26/12", "dt": "Fri 26/12 12:15", "psk": "Vidisha", "url": "h/x"}
outbox.enqueue(
    [
        outbox.Draft(
            kind="HOLD" if number % 2 else "VISIT", channel="sms", language="en", values=values,
            address=f"+9198{number:08d}", dedupe_key=f"kill:{number}", batch="kill",
            urgent_by=now + timedelta(hours=1), quiet_ok_from=now,
            expires_at=now + timedelta(days=1),
        )
        for number in range(COUNT)
    ],
    now=now,
)
"""
# Everything about the batch that the tests compare with the sink.
MESSAGES = "SELECT public_id, kind, state, repeated FROM notifications_message"
ATTEMPTS = """
    SELECT m.public_id, a.client_reference, a.outcome, a.started_at IS NOT NULL, a.is_repeat
    FROM notifications_attempt a JOIN notifications_message m ON m.id = a.message_id
"""


@functools.cache
def _migrated(path: str, settings: str) -> Path:
    """An empty database on SQLite, made once for all sites of this process."""
    return _made({"PATH": path, "DJANGO_SETTINGS_MODULE": settings}, "manage.py", "migrate")


@functools.cache
def _filled(path: str, settings: str, count: int) -> Path:
    """... and one with so many messages."""
    env = {"PATH": path, "DJANGO_SETTINGS_MODULE": settings}
    return _made(env, "-c", FILL.replace("COUNT", str(count)), start=_migrated(path, settings))


def _made(env: dict[str, str], *arguments: str, start: Path | None = None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="portal-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if start:
        shutil.copy(start, folder / "portal.sqlite3")
    command = [sys.executable, *arguments]
    whole = {**env, "VAR_DIR": str(folder)}
    subprocess.run(
        command, cwd=ROOT, env=whole, check=True, timeout=PATIENCE, stdout=subprocess.DEVNULL
    )
    return folder / "portal.sqlite3"


class Site:
    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.sink = Path(env["VAR_DIR"]) / "phone.jsonl"
        self.database = Path(env["VAR_DIR"]) / "portal.sqlite3"
        self.log = Path(env["VAR_DIR"]) / "log"
        Path(env["VAR_DIR"]).mkdir(parents=True)
        self._running: list[subprocess.Popen[bytes]] = []
        self._is_empty = True
        if "DATABASE_URL" in env:
            self.python("manage.py", "migrate", "--verbosity", "0")
        else:
            shutil.copy(_migrated(*self._base), self.database)

    def python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def _base(self) -> tuple[str, str]:
        return self.env["PATH"], self.env["DJANGO_SETTINGS_MODULE"]

    def fill(self, count: int) -> None:
        if self._is_empty and "DATABASE_URL" not in self.env:
            shutil.copy(_filled(*self._base, count), self.database)
        else:
            self.python("-c", FILL.replace("COUNT", str(count)))
        self._is_empty = False

    def worker(self, concurrency: int = 2) -> "subprocess.Popen[bytes]":
        return self._celery(
            *("worker", "--queues", "urgent,messages", "--loglevel", "WARNING"),
            *("--concurrency", str(concurrency), "--without-gossip", "--without-mingle"),
        )

    def beat(self) -> "subprocess.Popen[bytes]":
        return self._celery("beat", "--loglevel", "WARNING")

    def _celery(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*ENDS_WITH_US, sys.executable, "-m", "celery", "-A", "portal", *arguments],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """-9, to the process and all its children."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._running.remove(process)

    def stop(self) -> None:
        for process in list(self._running):
            if process.poll() is None:
                self.kill(process)

    def lines(self) -> list[dict[str, Any]]:
        if not self.sink.exists():
            return []
        found = []
        for line in self.sink.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # cut short by a kill: the message did not arrive
        return found

    def states(self) -> dict[str, int]:
        """How many messages are in each state."""
        return dict(self._ask("SELECT state, count(*) FROM notifications_message GROUP BY state"))

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        return {
            "messages": [
                {"id": _uuid(id_), "kind": kind, "state": state, "repeated": bool(repeated)}
                for id_, kind, state, repeated in self._ask(MESSAGES)
            ],
            "attempts": [
                {
                    "message": _uuid(id_),
                    "reference": _uuid(reference),
                    "outcome": outcome,
                    "started": bool(started),
                    "repeat": bool(repeat),
                }
                for id_, reference, outcome, started, repeat in self._ask(ATTEMPTS)
            ],
        }

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        """Without Django, which takes seconds to start."""
        url = self.env.get("DATABASE_URL")
        server = psycopg.connect(url) if url else sqlite3.connect(self.database, timeout=20)
        with contextlib.closing(server) as connection:
            return connection.execute(query).fetchall()

    def wait_until(self, happened: Callable[[], bool], what: str) -> None:
        give_up_at = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < give_up_at, (what, self.log.read_text()[-3000:])
            time.sleep(0.05)


def _uuid(written: object) -> str:
    """SQLite keeps it without hyphens."""
    return str(UUID(str(written)))
