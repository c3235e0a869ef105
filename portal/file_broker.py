"""Celery's broker on files (kombu's filesystem transport), for the embedded default.

Kombu writes the table of an exchange when the first queue is bound to it: for a moment the file is
empty, and a second process that starts then reads nothing, fails and stops. So the tables are made
here, whole, before any process looks.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NO_QUEUES = "[]"


def transport_options(folder: Path, exchanges: Iterable[str]) -> dict[str, Any]:
    """Make the broker's folders and its exchanges' tables; returns how kombu finds them."""
    messages, control = folder / "messages", folder / "control"
    for each in (messages, control):  # kombu does not
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    for exchange in exchanges:
        _make_table(control / f"{exchange}.exchange")
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "store_processed": False,
        "polling_interval": 0.2,
    }


def _make_table(table: Path) -> None:
    """Appears whole or not at all; one that is there stays as it is."""
    if table.exists():
        return
    handle, name = tempfile.mkstemp(dir=table.parent)
    with os.fdopen(handle, "w") as whole:
        whole.write(NO_QUEUES)
    with contextlib.suppress(FileExistsError):
        os.link(name, table)
    Path(name).unlink()
