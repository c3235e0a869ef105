"""`make faults`: break one part after another under load; build/faults.json and a table.

A whole run also puts its table into docs/reliability.md.

    FAULTS="worker kill -9,two beats"   only these      MESSAGES=10000   BOOKINGS=2000
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
PARTS = ("FAULTS", "MESSAGES", "BOOKINGS")


def whole() -> bool:
    """All faults, at full size."""
    return not any(os.environ.get(name) for name in PARTS)


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
    sys.stdout.write(report.table(rows))
    if whole():
        report.put_into(DOCUMENT, rows, date.today())
    failures = [f"{row.fault}: {', '.join(row.failures)}" for row in rows if row.failures]
    sys.stdout.write("\n".join(failures) + "\n" if failures else "Nothing is wrong.\n")
    return int(bool(failures))


def _run(servers: Servers, out: Path) -> list[Row]:
    os.environ.update(servers.environment())
    django.setup()
    run = importlib.import_module("tests.faults.run")  # it needs Django set up
    chosen = [name.strip() for name in os.environ.get("FAULTS", "").split(",") if name.strip()]
    load = {
        "messages": int(os.environ.get("MESSAGES", "10000")),
        "bookings": int(os.environ.get("BOOKINGS", "2000")),
    }
    rows: list[Row] = []
    for number, fault in enumerate(chosen or run.FAULTS, start=1):
        row = run.one(servers, fault, number, **load)
        run.say(f"{row}")
        rows.append(row)
        out.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return rows


if __name__ == "__main__":
    sys.exit(main())
