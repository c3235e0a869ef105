"""The table of `make faults`: on the terminal, and in docs/reliability.md after a whole run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from tests.faults.count import Row

BEGIN = "<!-- table of make faults: begin -->"
END = "<!-- table of make faults: end -->"
WIRE_BEGIN = "<!-- table of the faults over HTTP: begin -->"
WIRE_END = "<!-- table of the faults over HTTP: end -->"
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

WIRE_COLUMNS = {
    **{heading: COLUMNS[heading] for heading in ("Fault", "Sent", "Lost", "Twice")},
    "Twice without reason": "unexplained_duplicates",
    **{heading: COLUMNS[heading] for heading in ("In doubt", "Unknown")},
    "Delivered": "delivered",
    "False receipts believed": "wrong_receipts",
    "Seconds": "seconds",
}


def table(rows: Sequence[Row], columns: Mapping[str, str] = COLUMNS) -> str:
    """Markdown, one line for each fault."""
    lines = [list(columns), ["---", *("--:" for _ in list(columns)[1:])]]
    lines += [[_cell(asdict(row)[column]) for column in columns.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def put_into(document: Path, rows: Sequence[Row], day: date, *, over_http: bool = False) -> None:
    """Replace the table between the marks, and the day on which it was measured."""
    begin, end = (WIRE_BEGIN, WIRE_END) if over_http else (BEGIN, END)
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    _old, mark, after = rest.partition(end)
    if not mark:
        raise ValueError(f"{document} has no place for the table")
    measured = f"Run of {day.day} {day:%B %Y}:"
    drawn = table(rows, WIRE_COLUMNS if over_http else COLUMNS)
    new = f"{begin}\n{measured}\n\n{drawn}{end}"
    document.write_text(f"{before}{new}{after}", encoding="utf-8")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
