"""`make faults`: break one part after another under load; build/faults.json and a table.

A whole run at full size also puts its tables into docs/reliability.md.

    FAULTS="worker kill -9,two beats"   only these      MESSAGES=10000   BOOKINGS=2000
    FAULTS=wire                         those of the way over HTTP
    OUT=build/faults.json

Exit code 1: something was lost, sold twice, doubled without a reason, or a page broke.
"""

import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path

import django

from tests.faults import report
from tests.faults.count import Row
from tests.faults.servers import ROOT, Servers

DOCUMENT = ROOT / "docs/reliability.md"
# What a run has to be of to stand in the document.
PARTS = ("MESSAGES", "BOOKINGS")
WIRE = "wire"


def main() -> int:
    # A plain kill ends the run as Ctrl-C does, so that the servers are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="portal-faults-"))
    servers = Servers(folder)
    out = Path(os.environ.get("OUT", ROOT / "build/faults.json"))
    out.parent.mkdir(exist_ok=True)
    try:
        servers.start()
        rows = _run(servers, out)
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)
    _show(rows)
    failures = [f"{row.fault}: {', '.join(row.failures)}" for row in rows if row.failures]
    sys.stdout.write("\n".join(failures) + "\n" if failures else "Nothing is wrong.\n")
    return int(bool(failures))


def _run(servers: Servers, out: Path) -> list[Row]:
    os.environ.update(servers.environment())
    django.setup()
    run = importlib.import_module("tests.faults.run")  # it needs Django set up
    wire = importlib.import_module("tests.faults.wire")
    chosen = [name.strip() for name in os.environ.get("FAULTS", "").split(",") if name.strip()]
    if chosen == [WIRE]:
        chosen = list(wire.WIRE_FAULTS)
    chosen = chosen or [*run.FAULTS, *wire.WIRE_FAULTS]
    local = [name for name in chosen if name not in wire.WIRE_FAULTS]
    over_http = [name for name in chosen if name in wire.WIRE_FAULTS]
    load = {
        "messages": int(os.environ.get("MESSAGES", "10000")),
        "bookings": int(os.environ.get("BOOKINGS", "2000")),
    }
    rows: list[Row] = []
    for number, fault in enumerate(local, start=1):
        row = run.one(servers, fault, number, **load)
        run.say(f"{row}")
        rows.append(row)
        _write(out, rows)
    if over_http:
        first, messages = len(local) + 1, load["messages"]
        for row in wire.rows(servers, over_http, first=first, messages=messages):
            rows.append(row)
            _write(out, rows)
    return rows


def _show(rows: list[Row]) -> None:
    """The tables; those of a whole run, at full size, also into the document."""
    run, wire = (importlib.import_module(f"tests.faults.{name}") for name in ("run", "wire"))
    full_size = not any(os.environ.get(name) for name in PARTS)
    for faults, over_http in ((run.FAULTS, False), (wire.WIRE_FAULTS, True)):
        theirs = [row for row in rows if row.fault in faults]
        if theirs:
            columns = report.WIRE_COLUMNS if over_http else report.COLUMNS
            sys.stdout.write(report.table(theirs, columns) + "\n")
        if full_size and len(theirs) == len(faults):
            report.put_into(DOCUMENT, theirs, date.today(), over_http=over_http)


def _write(out: Path, rows: list[Row]) -> None:
    out.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
