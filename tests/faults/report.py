"""The table of `make faults`: on the terminal, and in docs/reliability.md after a whole run."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from tests.faults.count import Row

BEGIN = "<!-- table of make faults: begin -->"
END = "<!-- table of make faults: end -->"
# Heading -> the column of build/faults.json.
COLUMNS = {
    "Fault": "fault",
    "Sent": "sent",
    "Lost": "lost",
    "Twice": "duplicated",
    "In doubt": "ambiguous",
    "Unknown": "unknown",
    "Seconds": "seconds",
    "Booked": "bookings",
    "Bookings lost": "bookings_lost",
    "Oversold": "oversold",
    "5xx": "errors_5xx",
    "Unexplained 5xx": "unexplained_5xx",
}


def table(rows: Sequence[Row]) -> str:
    """Markdown, one line for each fault."""
    lines = [list(COLUMNS), ["---", *("--:" for _ in list(COLUMNS)[1:])]]
    lines += [[_cell(asdict(row)[column]) for column in COLUMNS.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def put_into(document: Path, rows: Sequence[Row], day: date) -> None:
    """Replace the table between the marks, and the day on which it was measured."""
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _old, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{document} has no place for the table")
    measured = f"Run of {day.day} {day:%B %Y}:"
    new = f"{BEGIN}\n{measured}\n\n{table(rows)}{END}"
    document.write_text(f"{before}{new}{after}", encoding="utf-8")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
