"""A private PostgreSQL and Redis for the message bench, and real Celery workers on them.

PostgreSQL keeps its promises here (fsync and synchronous commit are on), as in an office.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from tests.faults.servers import CELERY, DIES_WITH_US, ROOT, WORKER, Servers

PATIENCE = 900  # seconds
Process = subprocess.Popen[bytes]


class Site(Servers):
    """The servers alone; each measure starts the workers that it is about."""

    def start(self) -> None:
        (self.folder / "var").mkdir()
        self._make_cluster()
        self.start_postgres()
        self.start_redis()
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            check=True,
            cwd=ROOT,
            env=self.environment(),
        )

    def environment(self) -> dict[str, str]:
        gateway = "bench.messages_sinks.MemoryGateway"
        return {
            **super().environment(),
            "SMS_GATEWAY": gateway,
            "EMAIL_GATEWAY": gateway,
            "BENCH_SINK": str(self.sink),
            "STATEMENT_TIMEOUT": "600s",
        }

    @property
    def sink(self) -> Path:
        return self.folder / "sink.txt"

    def handed_over(self) -> list[str]:
        """The ids of messages that the sink took, in its order, repeats and all."""
        if not self.sink.exists():
            return []
        return [line.split()[0] for line in self.sink.read_text().splitlines()]

    def query(self, text: str) -> list[tuple[object, ...]]:
        with contextlib.closing(self._connect("portal")) as connection:
            cursor = connection.execute(psycopg.sql.SQL(text))  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        """No message, no task, nothing in the sink: every run begins alike."""
        self.query("TRUNCATE notifications_message CASCADE")
        self.query("DELETE FROM notifications_gate")
        self.redis().flushall()
        self.sink.unlink(missing_ok=True)

    @contextlib.contextmanager
    def worker(
        self, processes: int, *, app: str = "portal", queue: str = "messages", **extra: str
    ) -> Iterator[Process]:
        """A Celery worker, until the context is left; then it ends as it does in an office."""
        command = [*CELERY, "worker", "-Q", queue, "-n", f"{queue}@%h", "-c", str(processes)]
        command[command.index("portal")] = app
        with self.process([*command, *WORKER], **extra) as process:
            yield process

    @contextlib.contextmanager
    def clock(self, **extra: str) -> Iterator[None]:
        """Beat, and the worker of the urgent queue, which also sweeps."""
        with (
            self.process([*CELERY, "beat", "--loglevel", "WARNING"], **extra),
            self.worker(1, queue="urgent", **extra),
        ):
            yield

    @contextlib.contextmanager
    def process(self, command: list[str], **extra: str) -> Iterator[Process]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*DIES_WITH_US, *command],
                cwd=ROOT,
                env={**self.environment(), **extra},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def wait_until(self, happened: Callable[[], bool], *, pause: float = 0.05) -> None:
        give_up_at = time.monotonic() + PATIENCE
        while not happened():
            if time.monotonic() > give_up_at:
                raise TimeoutError(self.log.read_text()[-3000:])
            time.sleep(pause)
