"""Results of the storms of a run, as a table and as build/storm.json."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.storm.storm import Result

OUT = Path("build/storm.json")
ROWS = pytest.StashKey[list[dict[str, Any]]]()
COLUMNS = (
    "seed",
    "threads",
    "processes",
    "steps",
    "refusals",
    "errors",
    "oversold",
    "lost",
    "findings",
    "planted",
)


@pytest.fixture
def record_storm(request: pytest.FixtureRequest) -> Callable[[Result], None]:
    """Write a storm's figures down, also of a storm that fails its test."""
    rows = request.config.stash.setdefault(ROWS, [])

    def record(result: Result) -> None:
        rows.append(_row(result))
        OUT.parent.mkdir(exist_ok=True)
        OUT.write_text(json.dumps(rows, indent=1) + "\n")

    return record


def _row(result: Result) -> dict[str, Any]:
    return {
        "seed": result.seed,
        "planted": result.plant,
        "threads": result.threads,
        "processes": max(1, result.processes),
        "steps": result.log.steps.total(),
        "refusals": result.log.refusals.total(),
        "errors": len(result.log.errors),
        "answers": len(result.log.answers),
        "oversold": result.found("oversold"),
        "lost": result.found("lost"),
        "doubled": result.found("doubled"),
        "findings": [f"{kind}: {text}" for kind, text in result.findings],
    }


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = terminalreporter.config.stash.get(ROWS, [])
    if not rows:
        return
    terminalreporter.write_line("  ".join(COLUMNS))
    for row in rows:
        shown = {**row, "findings": len(row["findings"]), "planted": row["planted"] or "-"}
        cells = (f"{shown[column]!s:>{len(column)}}" for column in COLUMNS)
        terminalreporter.write_line("  ".join(cells))
