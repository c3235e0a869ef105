"""What the tests of SMPP share: an account at an SMSC, messages, and a receiver in a thread."""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from django.db import connections
from pytest_django import Settings

from notifications import receipts, segments
from notifications.gateways.base import Filed, Outcome, Outgoing
from notifications.gateways.smpp import SmppGateway
from notifications.gateways.smpp.receiver import Receiver
from notifications.kinds import get

ENTITY, TEMPLATE, HEADER = "1101234567890123456", "1107654321098765432", "PSKMPX"
# The longest that MOVED_ANSWER may be: 134 UTF-16 units, two parts filled to the last letter.
URL = "psk.mp.gov.in/aB3dE6gH9jK"
VALUES = {
    "hi": {"dt": "शुक्र 26/12 12:15", "by": "बुध 24/12 21:00", "psk": "नर्मदापुरम"},
    "en": {"dt": "Fri 26/12 12:15", "by": "Wed 24/12 21:00", "psk": "Narmadapuram"},
}


def moved_answer(language: str, *, units: int = 0) -> str:
    """The real words; filled up to so many units by a longer address of the site."""
    words = get("MOVED_ANSWER").sms[language]
    text = words.format(a4="4821", url=URL, brand="-PSKMP", **VALUES[language])
    missing = max(units - segments.measure(text).units, 0)
    return text.replace(URL, "x" * missing + URL)


def account(settings: Settings, port: int) -> None:
    settings.MESSAGE_GATEWAYS = {"sms": ["smpp"], "email": ["file"]}
    settings.SMPP_HOST, settings.SMPP_PORT = "127.0.0.1", port
    settings.SMPP_SYSTEM_ID, settings.SMPP_PASSWORD = "office", "secret"
    settings.MESSAGE_CALL_SECONDS = 10


def outgoing(text: str = "Note: no. 1", address: str = "+919800000001", **changes: Any) -> Outgoing:
    filed = changes.pop("filed", Filed(ENTITY, HEADER, TEMPLATE))
    return Outgoing(
        public_id=uuid.uuid4(),
        kind="PLAIN",
        channel="sms",
        address=address,
        language="en",
        text=text,
        size=segments.measure(text),
        filed=filed,
        **changes,
    )


def send(message: Outgoing | None = None) -> Outcome:
    with SmppGateway() as gateway:
        return gateway.send(message or outgoing(), uuid.uuid4())


class FiledSmpp(SmppGateway):
    """Every text counts as filed: the registry of templates has tests of its own."""

    needs_template = False

    def send(self, message: Outgoing, client_reference: uuid.UUID) -> Outcome:
        filed = replace(message, filed=Filed(ENTITY, HEADER, TEMPLATE))
        return super().send(filed, client_reference)


class Taken:
    """Stands for receipts.take and receipts.count, and remembers what they were given.

    `trouble`: what the next calls raise, one each.
    """

    def __init__(self) -> None:
        self.reports: list[receipts.Report] = []
        self.counted: list[str] = []
        self.trouble: list[Exception] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def take(self, *, gateway: str, report: receipts.Report, now: object) -> receipts.Verdict:
        assert gateway == "smpp"
        if self.trouble:
            raise self.trouble.pop(0)
        self.meanwhile()
        self.reports.append(report)
        return receipts.Verdict.APPLIED

    def count(self, *, gateway: str, verdict: receipts.Verdict, now: object) -> None:
        assert gateway == "smpp"
        self.counted.append(verdict)

    def arrivals(self) -> dict[str, str | None]:
        return {report.gateway_reference: report.arrival for report in self.reports}


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver in a thread, until the block ends."""
    receiver = Receiver()

    def run() -> None:
        receiver.run()
        connections.close_all()  # those of this thread

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stop()
        thread.join(60)
        assert not thread.is_alive()


def until(happened: Callable[[], object], what: str = "", *, seconds: float = 120) -> None:
    give_up_at = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < give_up_at, what or "it did not happen"
        time.sleep(0.01)
