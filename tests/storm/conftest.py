"""Results of the storms of a run, as a table and as build/storm.json."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.storm.storm import Result

OUT = Path("build/storm.json")


@pytest.fixture(scope="session")
def _storms() -> Iterator[list[Result]]:
    results: list[Result] = []
    yield results
    if not results:
        return
    rows = [
        {
            "seed": r.seed,
            "steps": r.steps.total(),
            "refusals": r.refusals.total(),
            "errors": len(r.errors),
            "findings": r.findings,
        }
        for r in results
    ]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n")


@pytest.fixture
def record_storm(_storms: list[Result]) -> Callable[[Result], None]:
    return _storms.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.getoption("numprocesses", None) or not OUT.exists():
        return
    terminalreporter.write_line("seed  steps  refusals  errors  findings")
    for row in json.loads(OUT.read_text()):
        terminalreporter.write_line(
            f"{row['seed']:>4}  {row['steps']:>5}  {row['refusals']:>8}  {row['errors']:>6}"
            f"  {len(row['findings']):>8}"
        )
