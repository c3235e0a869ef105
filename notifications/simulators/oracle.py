"""What a simulator accepted, as JSON lines: the truth that our own records are held against."""

import fcntl
import json
import os
import re
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

INDIAN_DIGITS = 10
HINDI = re.compile("[\u0900-\u097f]")


class Log:
    """Appends a line for each message, whole and at once, so that it outlives its writer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = -1

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def write(self, **entry: Any) -> None:
        """Note a message, with the moment."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(), **entry}, ensure_ascii=False)
        with self._lock:
            os.write(self._file, line.encode() + b"\n")


class Phone:
    """Shows SMS on the page of the demo's phones: lines like the file gateway's, in its file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def show(self, *, number: str, text: str, client_reference: str) -> None:
        """`number` as it was given: with the country's digits, or an Indian one without."""
        line = {
            "at": datetime.now(UTC).isoformat(),
            "channel": "sms",
            "to": f"+91{number}" if len(number) == INDIAN_DIGITS else f"+{number}",
            "kind": "",
            "language": "hi" if HINDI.search(text) else "en",
            "subject": "",
            "text": text,
            "html": "",
            "ics": "",
            "message": "",
            "client_reference": client_reference,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # the file gateway writes emails there
            os.write(file, json.dumps(line, ensure_ascii=False).encode() + b"\n")
        finally:
            os.close(file)


def read(path: Path) -> list[dict[str, Any]]:
    """All that was accepted, in the order in which it was; nothing if there is no log yet."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]
