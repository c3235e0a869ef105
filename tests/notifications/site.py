"""A whole site for the kill tests: its own database, broker and sink, and real Celery processes."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 90  # seconds
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
DUMP = """
import django; django.setup()
import json
from notifications.models import Attempt, Message
print(json.dumps({
    "messages": [
        {"id": str(m.public_id), "kind": m.kind, "state": m.state, "repeated": m.repeated}
        for m in Message.objects.filter(batch="kill")
    ],
    "attempts": [
        {"message": str(a.message.public_id), "reference": str(a.client_reference),
         "outcome": a.outcome, "started": a.started_at is not None, "repeat": a.is_repeat}
        for a in Attempt.objects.select_related("message")
    ],
}))
"""


class Site:
    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.sink = Path(env["VAR_DIR"]) / "phone.jsonl"
        self.database = Path(env["VAR_DIR"]) / "portal.sqlite3"
        self.log = Path(env["VAR_DIR"]) / "log"
        Path(env["VAR_DIR"]).mkdir(parents=True)
        self._running: list[subprocess.Popen[bytes]] = []
        self.python("manage.py", "migrate", "--verbosity", "0")

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

    def fill(self, count: int) -> None:
        self.python("-c", FILL.replace("COUNT", str(count)))

    def worker(self, concurrency: int = 2) -> "subprocess.Popen[bytes]":
        return self._celery(
            *("worker", "--queues", "messages", "--loglevel", "WARNING"),
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
        """How many messages are in each state; asked without Django, because it is asked often."""
        url = self.env.get("DATABASE_URL")
        server = psycopg.connect(url) if url else sqlite3.connect(self.database, timeout=20)
        with contextlib.closing(server) as connection:
            rows = connection.execute(
                "SELECT state, count(*) FROM notifications_message GROUP BY state"
            )
            return dict(rows.fetchall())

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = json.loads(self.python("-c", DUMP))
        return found

    def wait_until(self, happened: Callable[[], bool], what: str) -> None:
        give_up_at = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < give_up_at, (what, self.log.read_text()[-3000:])
            time.sleep(0.05)
