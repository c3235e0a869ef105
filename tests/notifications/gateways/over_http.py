"""Messages, servers and a site for the tests of gateways over HTTP. All of it on loopback."""

import contextlib
import socket
import socketserver
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections

from notifications import receipts
from notifications.gateways.base import Filed, Outgoing
from notifications.models import Attempt
from notifications.segments import measure
from notifications.simulators.http import HttpSimulator
from notifications.simulators.http_protocols import Accounts
from notifications.simulators.templates import Registry, Template

ACCEPTED, PERMANENT = Attempt.Outcome.ACCEPTED, Attempt.Outcome.PERMANENT
TRANSIENT, UNKNOWN = Attempt.Outcome.TRANSIENT, Attempt.Outcome.UNKNOWN

NUMBER = "+919812345678"
HEADER = "PSKMPX"
HINDI_ID, ENGLISH_ID = "1107160000000000001", "1107160000000000002"
# The same two in MSG91's own panel.
HINDI_PANEL_ID, ENGLISH_PANEL_ID = "6808ca80d6fc054bef421351", "6808ca80d6fc054bef421352"
HINDI = "ARN ..4711: शुक्र 26/12 का अपॉइंटमेंट यथावत है। -PSKMP"
ENGLISH = "ARN ..4711: your appointment Fri 26/12 stands. -PSKMP"
TEMPLATES = {
    HINDI_ID: Template(
        "ARN ..{#numeric#}: {#alphanumeric#} का अपॉइंटमेंट यथावत है। -PSKMP", HEADER, HINDI_PANEL_ID
    ),
    ENGLISH_ID: Template(
        "ARN ..{#numeric#}: your appointment {#var#} stands. -PSKMP", HEADER, ENGLISH_PANEL_ID
    ),
}
ACCOUNTS = Accounts("the-authkey", "office", "the-password", "the-secure-key")


def simulator(folder: Path, **options: Any) -> HttpSimulator:
    options = {"accounts": ACCOUNTS, "registry": Registry(TEMPLATES), **options}
    return HttpSimulator(folder / "http.jsonl", **options)


def use(settings: Any, url: str) -> None:
    """Point both gateways at an address, under the accounts that the simulator knows."""
    settings.MSG91_URL = settings.MOBILE_SEVA_URL = url
    settings.MSG91_AUTHKEY = ACCOUNTS.msg91_authkey
    settings.MOBILE_SEVA_USERNAME = ACCOUNTS.mobile_seva_username
    settings.MOBILE_SEVA_PASSWORD = ACCOUNTS.mobile_seva_password
    settings.MOBILE_SEVA_SECURE_KEY = ACCOUNTS.mobile_seva_secure_key
    settings.MESSAGE_HTTP_PROXY = ""


def outgoing(reference: uuid.UUID, **changes: Any) -> Outgoing:
    """An SMS in Hindi, as the registry has it filed."""
    fields: dict[str, Any] = {
        "public_id": uuid.uuid4(),
        "kind": "STANDS",
        "channel": "sms",
        "address": NUMBER,
        "language": "hi",
        "text": HINDI,
        "filed": Filed("1101", HEADER, HINDI_ID, ("4711", "शुक्र 26/12"), HINDI_PANEL_ID),
        "signed_reference": receipts.sign("msg91", reference),
        **changes,
    }
    return Outgoing(size=measure(fields["text"]), **fields)


def in_english(reference: uuid.UUID, **changes: Any) -> Outgoing:
    filed = Filed("1101", HEADER, ENGLISH_ID, ("4711", "Fri 26/12"), ENGLISH_PANEL_ID)
    return outgoing(reference, **{"language": "en", "text": ENGLISH, "filed": filed, **changes})


def tells_nothing(error: str, message: Outgoing) -> bool:
    """Whether words for officers and logs hold neither address nor text."""
    values = message.filed.variables if message.filed else ()
    secrets = [message.address[1:], message.address[-10:], message.text, *values]
    return not any(secret in error for secret in secrets)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def bare_server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with its first connection what a test says; its host and port."""

    def run() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        host, port = listener.getsockname()
        yield f"{host}:{port}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None: ...


class _Threaded(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = False  # closing waits for them
    block_on_close = True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()  # or the test's database cannot be dropped


@contextlib.contextmanager
def site() -> Iterator[str]:
    """The portal on a port of its own, in this process; its address."""
    server = make_server("127.0.0.1", 0, WSGIHandler(), _Threaded, _Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
