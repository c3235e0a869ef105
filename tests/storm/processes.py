"""Lanes at work in processes of their own, on the same database."""

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from django.db import connection

from tests.storm.answers import Answer
from tests.storm.lanes import Log

# After its time a worker finishes the steps that it has begun; a lock waits for 10 s at most.
PATIENCE_SECONDS = 60


def blow(*, seed: int, seconds: float, processes: int, plant: str) -> Log:
    """Start the workers, let them go together, gather what they saw."""
    task = {"seed": seed, "seconds": seconds, "processes": processes, "plant": plant}
    workers = [_start() for _ in range(processes)]
    try:
        for index, worker in enumerate(workers):
            _say(worker, json.dumps({**task, "index": index}))
        for worker in workers:
            _hear(worker)
        for worker in workers:
            _say(worker, "go")
        seen = Log()
        for worker in workers:
            out, _ = worker.communicate(timeout=seconds + PATIENCE_SECONDS)
            seen.add(_log(json.loads(out)))
        return seen
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def _start() -> "subprocess.Popen[str]":
    url = urlsplit(os.environ["DATABASE_URL"])
    environment = {
        **os.environ,
        "DATABASE_URL": url._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.storm.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )


def _say(worker: "subprocess.Popen[str]", line: str) -> None:
    assert worker.stdin is not None
    worker.stdin.write(line + "\n")
    worker.stdin.flush()


def _hear(worker: "subprocess.Popen[str]") -> None:
    assert worker.stdout is not None
    heard = worker.stdout.readline()
    if heard != "ready\n":
        raise RuntimeError(f"a worker did not start: {heard!r}")


def _log(seen: dict[str, Any]) -> Log:
    answers = [Answer(**answer) for answer in seen["answers"]]
    return Log(Counter(seen["steps"]), Counter(seen["refusals"]), seen["errors"], answers)
