"""An HTTP server on loopback that answers as a test says, and remembers what it was asked."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BROKEN = ("reset", "hang", "close")


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int  # the client's port: equal for requests on one connection

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Stub:
    """`script`: answers to give, in order, then `usual` for ever.

    An answer is (status, body, headers), or one of BROKEN, after the request has been read.
    """

    usual: tuple[int, Any, dict[str, str]]
    script: list[Any] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: Stub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.stub.asked.append(
            Asked(self.path, dict(self.headers.items()), body, self.client_address[1])
        )
        answer = self.stub.script.pop(0) if self.stub.script else self.stub.usual
        if answer in BROKEN:
            self._break(answer)
            return
        status, content, headers = answer
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _break(self, how: str) -> None:
        self.close_connection = True
        if how == "hang":
            time.sleep(2)
        if how == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def http_stub(usual: tuple[int, Any, dict[str, str]]) -> Iterator[Stub]:
    stub = Stub(usual)
    handler = type("Handler", (_Handler,), {"stub": stub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield stub
    server.shutdown()
    server.server_close()
    thread.join(5)
