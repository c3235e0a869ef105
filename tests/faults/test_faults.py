"""The harness of `make faults`: it works, and its counting finds what it is there to find."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.count import Fate, Row, bookings_lost, messages
from tests.faults.servers import MESSAGE_PROCESSES

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 900  # seconds for a small run; how fast it is does not matter here
GOOD = Row(
    fault="none",
    sent=10,
    lost=0,
    duplicated=1,
    ambiguous=1,
    unexplained_duplicates=0,
    unknown=0,
    seconds=1.0,
    bookings=2,
    bookings_lost=0,
    oversold=0,
    errors_5xx=3,
    unexplained_5xx=0,
)


def fates(*, ambiguous: tuple[str, ...] = (), state: str = "accepted") -> list[Fate]:
    return [Fate(name, state, ambiguous=name in ambiguous) for name in "abc"]


def test_each_message_once_is_in_order():
    found = messages(fates(), "abc", expected=3)
    assert (found.sent, found.lost, found.duplicated) == (3, 0, 0)


def test_message_that_the_sink_never_saw_is_lost_whatever_the_database_says():
    assert messages(fates(), "ab", expected=3).lost == 1
    assert messages(fates(state="queued"), "", expected=3).lost == 3


def test_message_that_was_never_written_is_lost():
    assert messages(fates(), "abc", expected=5).lost == 2


def test_unknown_message_is_not_lost_but_counted():
    found = messages([Fate("a", "unknown")], "", expected=1)
    assert (found.lost, found.unknown, found.ambiguous) == (0, 1, 1)


def test_duplicate_is_found_and_explained_only_by_an_unknown_fate():
    found = messages(fates(), "abbc", expected=3)
    assert (found.duplicated, found.unexplained_duplicates) == (1, 1)
    found = messages(fates(ambiguous=("b",)), "abbc", expected=3)
    assert (found.duplicated, found.unexplained_duplicates) == (1, 0)
    found = messages(fates(ambiguous=("b",)), "abbbc", expected=3)
    assert (found.duplicated, found.unexplained_duplicates) == (1, 1)


def test_booking_that_somebody_was_told_of_must_be_there():
    assert bookings_lost({1, 2, 3}, {1, 3, 4}) == 1


@pytest.mark.parametrize(
    "name", ["lost", "unexplained_duplicates", "bookings_lost", "oversold", "unexplained_5xx"]
)
def test_each_harm_fails_the_row(name):
    assert GOOD.failures == []
    harmed = Row(**{**vars(GOOD), name: 1})
    assert harmed.failures == [f"{name} 1"]


@pytest.mark.slow
@pytest.mark.race
def test_small_run_kills_the_web_and_loses_nothing(tmp_path):
    out = tmp_path / "faults.json"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "FAULTS": "web kill -9",
        "MESSAGES": "200",
        "BOOKINGS": "40",
        "OUT": str(out),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads(out.read_text())
    assert (row["fault"], row["sent"], row["bookings"]) == ("web kill -9", 240, 40)


def test_table_takes_its_place_in_the_document(tmp_path):
    document = tmp_path / "reliability.md"
    document.write_text(f"before\n{report.BEGIN}\nstale\n{report.END}\nafter\n")
    for _ in range(2):
        report.put_into(document, [GOOD], date(2026, 11, 24))
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale" not in text
    assert text.count("| none | 10 | 0 | 1 | 1 | 0 | 1 | 2 | 0 | 0 | 3 | 0 |") == 1
    assert "24 November 2026" in text


def test_document_without_a_place_is_left_alone(tmp_path):
    document = tmp_path / "reliability.md"
    document.write_text("no marks\n")
    with pytest.raises(ValueError, match="no place"):
        report.put_into(document, [GOOD], date(2026, 11, 24))
    assert document.read_text() == "no marks\n"


def test_faults_over_http_have_a_table_of_their_own(tmp_path):
    document = tmp_path / "reliability.md"
    document.write_text(
        f"{report.BEGIN}\nstays\n{report.END}\n{report.WIRE_BEGIN}\n{report.WIRE_END}\n"
    )
    row = Row(**{**vars(GOOD), "fault": "wire: none", "delivered": 9})
    report.put_into(document, [row], date(2026, 11, 24), over_http=True)
    text = document.read_text()
    assert "stays" in text
    assert text.count("| wire: none | 10 | 0 | 1 | 0 | 1 | 0 | 9 | 0 | 1 |") == 1


@pytest.mark.slow
@pytest.mark.race
def test_small_run_over_http_kills_a_worker_and_believes_no_false_receipt(tmp_path):
    out = tmp_path / "faults.json"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "FAULTS": "wire: receipts in disorder,wire: group kill -9 after claim",
        "MESSAGES": "150",
        "OUT": str(out),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    disorder, killed = json.loads(out.read_text())
    assert (disorder["sent"], disorder["lost"], disorder["wrong_receipts"]) == (150, 0, 0)
    assert 90 <= disorder["delivered"] <= 150  # without the forged, foreign and garbled ones
    # Each of the processes killed may have begun one call that it never made: an officer decides.
    assert (killed["sent"] + killed["lost"], killed["lost"]) == (killed["delivered"], 0)
    assert 0 <= 150 - killed["sent"] <= killed["unknown"] <= MESSAGE_PROCESSES


def test_document_has_a_place():
    text = (ROOT / "docs/reliability.md").read_text()
    assert text.count(report.WIRE_BEGIN) == text.count(report.WIRE_END) == 1
    assert text.count(report.BEGIN) == text.count(report.END) == 1
