"""A gateway that writes messages into a file, one JSON line each: the phone of the demo.

For demo and development. The file holds codes and links in clear, so only its owner reads it.
"""

import fcntl
import json
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from notifications.gateways.base import GatewayDown, Outcome, Outgoing
from notifications.models import Attempt

LOCK_POLL_SECONDS = 0.002


class FileGateway:
    """Appends to settings.MESSAGE_FILE_SINK; a line that is there has reached the disk."""

    name = "file"
    reports = False
    needs_template = False
    has_template_ids = False
    window = 1

    def __enter__(self) -> Self:
        try:
            self._file = _open(settings.MESSAGE_FILE_SINK)
        except OSError as error:
            raise GatewayDown(str(error)) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        line = json.dumps(_entry(message, client_reference), ensure_ascii=False) + "\n"
        with _locked(self._file):
            end = os.lseek(self._file, 0, os.SEEK_END)
            try:
                _append(self._file, end, line.encode())
            except OSError as error:  # disk full: nothing stays behind
                os.ftruncate(self._file, end)
                return Outcome(Attempt.Outcome.TRANSIENT, error=str(error))
        return Outcome(Attempt.Outcome.ACCEPTED, gateway_reference=f"{end}")

    @classmethod
    def problems(cls) -> list[str]:
        return []


def read_sink(
    *, newest: int = 50, address: str = "", addresses: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The newest messages in the file, newest first; of one address, or of some, if named.

    Keys: at (aware datetime), channel, to, kind, language, subject, text, html, ics, message (id),
    client_reference. A line that a crash cut short is passed over.
    """
    path = Path(settings.MESSAGE_FILE_SINK)
    if not path.exists():
        return []
    wanted = {address, *addresses} - {""}
    # Lines of others are left unread: parsing is what takes long.
    marks = [json.dumps(to, ensure_ascii=False).encode() for to in wanted]
    found: list[dict[str, Any]] = []
    for line in reversed(path.read_bytes().split(b"\n")):
        if wanted and not any(mark in line for mark in marks):
            continue
        entry = _parsed(line)
        if entry and (not wanted or entry["to"] in wanted):
            found.append(entry)
        if len(found) == newest:
            break
    return found


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


@contextmanager
def _locked(file: int) -> Iterator[None]:
    """GatewayDown: another process has held the lock for the whole time of a call."""
    ends_at = time.monotonic() + settings.MESSAGE_CALL_SECONDS
    while not _lock(file):
        if time.monotonic() > ends_at:
            raise GatewayDown("the file is locked by another process")
        time.sleep(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _append(file: int, end: int, line: bytes) -> None:
    """Write at the end, on a line of its own even if a crash cut the last one short."""
    if end and os.pread(file, 1, end - 1) != b"\n":
        line = b"\n" + line
    while line:
        line = line[os.write(file, line) :]
    os.fsync(file)


def _entry(message: Outgoing, client_reference: UUID) -> dict[str, str]:
    return {
        "at": timezone.now().isoformat(),
        "channel": message.channel,
        "to": message.address,
        "kind": message.kind,
        "language": message.language,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "ics": message.ics,
        "message": str(message.public_id),
        "client_reference": str(client_reference),
    }


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry: dict[str, Any] = json.loads(line)
        entry["at"] = datetime.fromisoformat(entry["at"])
    except (ValueError, TypeError, KeyError):
        return None
    return entry
