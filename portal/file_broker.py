"""Celery's broker on files (kombu's filesystem transport), for the embedded default.

Kombu writes the table of an exchange when the first queue is bound to it: for a moment the file is
empty, and a second process that starts then reads nothing, fails and stops. So the tables are made
here, whole, before any process looks. It writes messages in the same way, and a worker which looks
at that moment stops too: here they appear whole. And it remembers a queue as bound before the table
says so: what another thread of the process sends at that moment goes nowhere. Here it waits.
"""

import contextlib
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

NO_QUEUES = "[]"
SCHEME = "files"
BINDING = threading.Lock()


class Channel(filesystem.Channel):
    def queue_bind(self, *args: Any, **kwargs: Any) -> None:
        with BINDING:
            super().queue_bind(*args, **kwargs)

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"  # as kombu's
        try:
            _write_whole(folder / name, dumps(payload))
        except OSError as error:
            raise ChannelError(f"cannot write into {folder}") from error


class Transport(filesystem.Transport):
    Channel = Channel


TRANSPORT_ALIASES[SCHEME] = "portal.file_broker:Transport"


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
    if not table.exists():
        with contextlib.suppress(FileExistsError):
            _write_whole(table, NO_QUEUES)


def _write_whole(file: Path, text: str) -> None:
    """FileExistsError: it is there."""
    handle, name = tempfile.mkstemp(dir=file.parent)
    try:
        with os.fdopen(handle, "w") as whole:
            whole.write(text)
        os.link(name, file)
    finally:
        Path(name).unlink()
