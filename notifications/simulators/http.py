"""A gateway over HTTP that speaks MSG91 and Mobile Seva, and fails on demand.

    python -m notifications.simulators http --port 8093 --log var/sms-http.jsonl \\
        --callback http://127.0.0.1:8000/callbacks/msg91/

A GET of /_simulator says how it fares; a POST there changes it while it runs:

    {"script": ["500", "429:30", "taken_reset"], "weights": {"hang": 0.01},
     "receipts": {"script": ["duplicate"], "weights": {"delayed:5": 0.1}},
     "latency": 0.05, "rate": 100}
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from notifications.simulators import http_receipts, oracle, templates
from notifications.simulators.faults import Fault, Plan, parse_weights
from notifications.simulators.http_protocols import (
    Accounts,
    Language,
    MobileSeva,
    Msg91,
    Refused,
    Reply,
    Taken,
)

ADMIN = "/_simulator"
CALLBACK_OF = "msg91"
LARGEST_REQUEST = 1024 * 1024
HANG_SECONDS = 60
DRIP_SECONDS = 0.05
RESET = struct.pack("ii", 1, 0)  # closing sends RST instead of FIN
GARBAGE = Reply(200, b"<html><body>It works!</body></html>", "text/html")
# The message is not taken ...
BEFORE = {
    "500": "an error of the server",
    "502": "an error of the server behind it",
    "503": "no service; 503:30 names the seconds of Retry-After, 503:date:30 a date",
    "429": "too many; 429:30 and 429:date:30 as above",
    "http": "any status, http:418",
    "error": "200 with an error in the body, error:631",
    "garbage": "200 with a page that is no answer",
    "reset": "the connection is reset",
    "hang": "no answer, for so many seconds",
}
# ... or it is, and the answer fails.
AFTER = {
    "taken_500": "an error of the server",
    "taken_garbage": "200 with a page that is no answer",
    "taken_reset": "the connection is reset",
    "taken_hang": "no answer, for so many seconds",
    "taken_drip": "the right answer, a letter at a time, so many seconds apart",
    "taken_cut": "half of an answer",
    "taken_flood": "an answer without end",
}
FAULTS = {"ok": "the right answer", **BEFORE, **AFTER}


@dataclass
class Conduct:
    """How it behaves; may change while it runs. `latency` in seconds, `rate` in messages a second
    (0: no limit)."""

    latency: float = 0
    rate: float = 0
    answers: Plan = field(default_factory=lambda: Plan(FAULTS, usual="ok"))
    receipts: Plan = field(default_factory=lambda: Plan(http_receipts.FAULTS, usual="ok"))

    def change(self, wish: dict[str, Any]) -> None:
        """ValueError: something in it is not known. What stands before it is changed."""
        known = {"script", "weights", "receipts", "latency", "rate"}
        if wish.keys() - known:
            raise ValueError(f"only {', '.join(sorted(known))} can be changed")
        self.answers.change(script=wish.get("script"), weights=wish.get("weights"))
        receipts = wish.get("receipts", {})
        self.receipts.change(script=receipts.get("script"), weights=receipts.get("weights"))
        self.latency = float(wish.get("latency", self.latency))
        self.rate = float(wish.get("rate", self.rate))

    def state(self) -> dict[str, Any]:
        answers = self.answers.state()
        return {
            **answers,
            "receipts": self.receipts.state(),
            "latency": self.latency,
            "rate": self.rate,
        }


class HttpSimulator:
    """The simulator as a context manager; it listens on loopback while it is entered."""

    def __init__(
        self,
        log: Path,
        *,
        port: int = 0,
        callback: str = "",
        accounts: Accounts | None = None,
        registry: templates.Registry | None = None,
        receipt_version: str = "v2",
        receipt_delay: float = 0,
        batch: int = 1,
        phone: Path | None = None,
    ) -> None:
        """`port` 0: any that is free. `callback`: where reports go; "" for none. `phone`: the file
        of the demo's phones, which then show what was accepted."""
        self.log = oracle.Log(log)
        self.phone = oracle.Phone(phone) if phone else None
        self.conduct = Conduct()
        self.counts: Counter[str] = Counter()
        self.ends = threading.Event()
        self.reporter = http_receipts.Reporter(
            callback, version=receipt_version, delay=receipt_delay, batch=batch
        )
        accounts, registry = accounts or Accounts(), registry or templates.Registry()
        self.languages: dict[str, Language] = {
            language.path: language
            for language in (Msg91(accounts, registry), MobileSeva(accounts, registry))
        }
        self._port = port
        self._lock = threading.Lock()
        self._tokens, self._filled_at = 1.0, time.monotonic()

    def __enter__(self) -> Self:
        self.log.__enter__()
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.simulator = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        self.reporter.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.ends.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()
        self.reporter.stop()
        self.log.__exit__(kind, error, traceback)

    def accepted(self) -> list[dict[str, Any]]:
        """The log so far."""
        return oracle.read(self.log.path)

    def accept(self, taken: list[Taken]) -> None:
        """Note messages as accepted, and see to their reports."""
        for each in taken:
            entry = each.entry()
            self.log.write(**entry)
            self.count("accepted")
            if self.phone:
                reference = entry["client_reference"]
                self.phone.show(number=each.to, text=each.text, client_reference=reference)
            fault = self.conduct.receipts.next()
            if each.gateway != CALLBACK_OF:
                continue
            if fault.name == "early":
                self.reporter.report_now(each)
            else:
                self.reporter.schedule(each, fault)

    def has_room(self) -> bool:
        """Whether its limit of messages a second allows one more, which is then counted."""
        rate = self.conduct.rate
        if not rate:
            return True
        with self._lock:
            now = time.monotonic()
            self._tokens = min(max(rate, 1), self._tokens + (now - self._filled_at) * rate)
            self._filled_at = now
            room = self._tokens >= 1
            self._tokens -= room
        return room

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def state(self) -> dict[str, Any]:
        with self._lock:
            counts = dict(self.counts)
        return {**self.conduct.state(), "counts": counts, "reports": dict(self.reporter.counts)}


class _Server(ThreadingHTTPServer):
    simulator: HttpSimulator
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._connections.add(request)
        self.simulator.count("connections")
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Wake the threads that wait for a next request or for a client to read."""
        with self._guard:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client that went away is no news
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path.rstrip("/") == ADMIN:
            self._say(_json(200, self._simulator.state()))
        else:
            self._say(Reply(404, b"", "text/plain"))

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), LARGEST_REQUEST))
        path = self.path.rstrip("/")
        if path == ADMIN:
            self._say(self._changed(body))
        elif path in self._simulator.languages:
            self._message(self._simulator.languages[path], body)
        else:
            self._say(Reply(404, b"", "text/plain"))

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: a path is no news, and the log is another."""

    @property
    def _simulator(self) -> HttpSimulator:
        return self.server.simulator

    def _changed(self, body: bytes) -> Reply:
        try:
            self._simulator.conduct.change(json.loads(body))
        except (ValueError, TypeError, AttributeError) as error:
            return _json(400, {"error": str(error)})
        return _json(200, self._simulator.state())

    def _message(self, language: Language, body: bytes) -> None:
        simulator = self._simulator
        fault = simulator.conduct.answers.next()
        simulator.count("requests")
        simulator.count(f"fault {fault.name}") if fault.name != "ok" else None
        simulator.ends.wait(simulator.conduct.latency)
        if fault.name in BEFORE:
            self._fail(fault, language)
        elif not simulator.has_room():
            self._busy(429, "1")
        else:
            self._take(language, body, fault)

    def _take(self, language: Language, body: bytes, fault: Fault) -> None:
        try:
            taken = language.take(body, {key.lower(): text for key, text in self.headers.items()})
        except Refused as refused:
            self._simulator.count("refused")
            self._say(refused.reply)
            return
        self._simulator.accept(taken)
        self._answer(language.success(taken), fault)

    def _fail(self, fault: Fault, language: Language) -> None:
        """What goes wrong before the message is taken."""
        if fault.name in ("429", "503"):
            self._busy(int(fault.name), fault.value)
        elif fault.name == "error":
            self._say(language.error(fault.value or language.usual_error))
        elif fault.name == "garbage":
            self._say(GARBAGE)
        elif fault.name == "reset":
            self._reset()
        elif fault.name == "hang":
            self._hang(fault)
        else:
            status = int(fault.number(418)) if fault.name == "http" else int(fault.name)
            self._say(Reply(status, b"", "text/plain"))

    def _answer(self, reply: Reply, fault: Fault) -> None:
        """The answer to a message that was taken, right or wrong."""
        ways: dict[str, Callable[[], None]] = {
            "ok": lambda: self._say(reply),
            "taken_500": lambda: self._say(Reply(500, b"", "text/plain")),
            "taken_garbage": lambda: self._say(GARBAGE),
            "taken_reset": self._reset,
            "taken_hang": lambda: self._hang(fault),
            "taken_drip": lambda: self._drip(reply, fault.number(DRIP_SECONDS)),
            "taken_cut": lambda: self._cut(reply),
            "taken_flood": self._flood,
        }
        ways[fault.name]()

    def _busy(self, status: int, wait: str) -> None:
        """`wait`: seconds, or `date:` and seconds; "" for no word about it."""
        if wait.startswith("date:"):
            moment = datetime.now(UTC) + timedelta(seconds=float(wait.removeprefix("date:")))
            wait = format_datetime(moment, usegmt=True)
        self._say(Reply(status, b"", "text/plain"), **({"Retry-After": wait} if wait else {}))

    def _say(self, reply: Reply, **headers: str) -> None:
        self._head(reply, len(reply.body), headers)
        self.wfile.write(reply.body)

    def _head(self, reply: Reply, length: int, headers: dict[str, str]) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(length))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        os.close(self.connection.detach())

    def _hang(self, fault: Fault) -> None:
        self.close_connection = True
        self._simulator.ends.wait(fault.number(HANG_SECONDS))

    def _drip(self, reply: Reply, seconds: float) -> None:
        """Each letter comes before any single read could time out."""
        self.close_connection = True
        head = f"HTTP/1.1 {reply.status} OK\r\nConnection: close\r\n"
        head += f"Content-Length: {len(reply.body)}\r\n\r\n"
        for letter in head.encode() + reply.body:
            self.wfile.write(bytes([letter]))
            self.wfile.flush()
            if self._simulator.ends.wait(seconds):
                return

    def _cut(self, reply: Reply) -> None:
        self.close_connection = True
        self._head(reply, len(reply.body), {})
        self.wfile.write(reply.body[: len(reply.body) // 2])

    def _flood(self) -> None:
        self.close_connection = True
        self._head(GARBAGE, 2**40, {})
        while not self._simulator.ends.is_set():
            self.wfile.write(b" " * 65536)


def _json(status: int, said: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(said, ensure_ascii=False).encode(), "application/json")


def main(arguments: list[str]) -> int:
    """Run it until it is asked to end."""
    given = _parser().parse_args(arguments)
    simulator = HttpSimulator(
        given.log,
        port=given.port,
        callback=given.callback,
        accounts=Accounts(
            msg91_authkey=os.environ.get("MSG91_AUTHKEY", ""),
            mobile_seva_username=os.environ.get("MOBILE_SEVA_USERNAME", ""),
            mobile_seva_password=os.environ.get("MOBILE_SEVA_PASSWORD", ""),
            mobile_seva_secure_key=os.environ.get("MOBILE_SEVA_SECURE_KEY", ""),
        ),
        registry=templates.load(given.templates) if given.templates else None,
        receipt_version=given.receipt_version,
        receipt_delay=given.receipt_delay,
        batch=given.batch,
        phone=given.phone,
    )
    simulator.conduct.change(
        {
            "weights": parse_weights(given.faults),
            "receipts": {"weights": parse_weights(given.receipts)},
            "latency": given.latency,
            "rate": given.rate,
        }
    )
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    with simulator:
        sys.stdout.write(f"listening on {simulator.url}\n")
        sys.stdout.flush()
        asked.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m notifications.simulators http",
        description="A gateway for SMS over HTTP: MSG91 and Mobile Seva. Keys that it asks for are"
        " those of the site's environment (MSG91_AUTHKEY ...); without them it takes any.",
        epilog="Faults: "
        + "; ".join(f"{name}: {what}" for name, what in FAULTS.items())
        + f". Of reports: {', '.join(sorted(http_receipts.FAULTS))}.",
    )
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--log", type=Path, required=True, help="JSON lines of what it accepted")
    parser.add_argument("--phone", type=Path, help="file of the demo's phones, to show them there")
    parser.add_argument("--callback", default="", help="where MSG91's reports go")
    parser.add_argument("--templates", type=Path, help="filed texts; others are then refused")
    parser.add_argument("--faults", default="", help="their shares: 500=0.02,429:30=0.01")
    parser.add_argument("--receipts", default="", help="the same of reports: duplicate=0.1")
    parser.add_argument("--receipt-version", choices=["v2", "v3"], default="v2")
    parser.add_argument("--receipt-delay", type=float, default=1.0, help="seconds")
    parser.add_argument("--batch", type=int, default=1, help="reports in one post, at most")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--rate", type=float, default=0.0, help="messages a second; 0: no limit")
    return parser
