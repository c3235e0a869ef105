"""The bench of messages runs, says what it should, and loses no message. It judges no time here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    *("name", "value", "unit", "yardstick", "yardstick_name", "ratio", "spread"),
    *("goal", "passed", "messages", "exactly_once"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """One quick run, on servers of its own."""
    if os.environ.get("TEST_DATABASE") == "sqlite":
        pytest.skip("the bench has its own PostgreSQL")
    result = tmp_path_factory.mktemp("bench") / "bench.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench.messages_bench", "--quick", "--result", str(result)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(result.parent)},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: list[dict[str, Any]] = json.loads(result.read_text())
    assert all(row["name"] in done.stdout for row in found)
    return found


def test_each_row_is_whole(rows):
    for row in rows:
        assert set(row) == KEYS
        assert row["value"] > 0
        assert row["messages"] > 0
        assert (row["ratio"] is None) == (row["yardstick"] is None)
        assert (row["passed"] is None) == (row["goal"] == "")
        if row["ratio"]:
            assert row["spread"][0] <= row["ratio"] <= row["spread"][1]


@pytest.mark.parametrize(
    "measure",
    [
        "drain against a task per message, as Celery comes",
        "drain against a task per message, connection kept",
        "SMTP against a script that sends ready mails",
        "SMTP against a script that puts each into words too",
        "hand-over, idle",
        "hand-over, nudge lost",
        "commit while the broker is dead",
        "hand-over once the broker is back",
        "burst of 60",
    ],
)
def test_measure_is_there(rows, measure):
    assert [row["name"].startswith(measure) for row in rows].count(True) == 1


def test_every_message_was_handed_over_exactly_once_on_both_sides(rows):
    held_against_the_sink = [row for row in rows if row["exactly_once"] is not None]
    assert len(held_against_the_sink) == 5
    assert all(row["exactly_once"] for row in held_against_the_sink)
