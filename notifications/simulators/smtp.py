"""A mail server that keeps a list of what it took, and misbehaves when it is told to.

    python -m notifications.simulators.smtp --port 0 --log mail.jsonl --fault "CONTENT=451 busy*3"

It prints the address it listens on. What it accepted, and nothing else, is a line of JSON in the
log, written out before the answer: compared with the database, the log shows what was lost and
what was said twice.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

# The steps of a conversation at which something may go wrong. CONTENT: all of it has been read
# and nothing is kept. ACCEPTED: it is kept, and the answer is another than yes.
STEPS = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT", "ACCEPTED")
GARBAGE = "\0 hello there"
OK = "250 OK"
HANG_SECONDS = 600
START_SECONDS = 10


@dataclass
class Fault:
    """What happens at a step: a reply ("451 busy"), `hang`, `drop` or `garbage`.

    `times`: so often, then never again; None is for ever. `every`: only each so-many-th time.
    """

    step: str
    what: str
    times: int | None = 1
    every: int = 1
    reached: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.step not in STEPS:
            raise ValueError(f"{self.step!r} is no step; the steps are {', '.join(STEPS)}")
        if self.what not in ("hang", "drop", "garbage") and not self.what[:3].isdigit():
            raise ValueError(f"{self.what!r} is no reply, and not hang, drop or garbage")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`STEP=WHAT`, `STEP=WHAT*TIMES` or, each so-many-th time for ever, `STEP=WHAT/EVERY`."""
        step, _, what = text.partition("=")
        if "/" in what:
            what, _, every = what.rpartition("/")
            return cls(step, what, times=None, every=int(every))
        if "*" in what:
            what, _, times = what.rpartition("*")
            return cls(step, what, times=int(times))
        return cls(step, what, times=None)

    def strikes(self) -> bool:
        """Whether it happens this time."""
        if self.times == 0:
            return False
        self.reached += 1
        if self.reached % self.every:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class SmtpSink:
    """The server, in a thread of its own while it is entered.

    `log`: where each message it accepts becomes a line. `pipelining`: it says that it takes a whole
    envelope in one go. `fast`: read no headers, count only, and
    leave the log to the file's own buffer: for timing those who send.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        log: Path | None = None,
        faults: Collection[Fault] = (),
        latency: float = 0,
        fast: bool = False,
        pipelining: bool = True,
    ) -> None:
        self.host, self.port = "127.0.0.1", port
        self.faults = list(faults)
        self.latency = latency  # seconds before the answer to a content
        self.fast = fast
        self._more = ["250-PIPELINING"] if pipelining else []
        self.connections = 0
        self.taken = 0
        self.contents: list[bytes] = []  # as they came; not kept when `fast`
        self.open: set[asyncio.Task[Any]] = set()  # a task for each client
        self._path = log
        self._log: TextIO | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._done: asyncio.Event | None = None

    # --- In a thread, for tests ---------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise RuntimeError("the mail server did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._loop and self._done and self._thread:
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(START_SECONDS)

    def fault(self, step: str, what: str, *, times: int | None = 1, every: int = 1) -> None:
        """From now on, misbehave so at a step."""
        self.faults.append(Fault(step, what, times=times, every=every))

    # --- The server ---------------------------------------------------------------------------

    async def serve(self, *, announce: TextIO | None = None) -> None:
        """Listen until the context is left.

        `announce`: this is a program of its own. The address is written there; a signal ends it.
        """
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        with contextlib.ExitStack() as stack:
            if self._path:
                self._log = stack.enter_context(self._path.open("a", encoding="utf-8"))
            server = await self._loop.create_server(
                lambda: Conversation(self), self.host, self.port
            )
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            if announce:
                for ending in (signal.SIGINT, signal.SIGTERM):
                    self._loop.add_signal_handler(ending, self._done.set)
                announce.write(f"smtp://{self.host}:{self.port}\n")
                announce.flush()
            try:
                await self._done.wait()
            finally:
                server.close()
                for task in self.open:
                    task.cancel()
                await asyncio.gather(*self.open, return_exceptions=True)

    async def handle_EHLO(  # noqa: N802
        self,
        server: "Conversation",
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """aiosmtpd's way to ask what else the server can do."""
        session.host_name = hostname
        # The first line names the server.
        return [responses[0], *self._more, *responses[1:]]

    async def handle_DATA(  # noqa: N802
        self, server: "Conversation", session: Session, envelope: Envelope
    ) -> str:
        """aiosmtpd's way to hand over a content that has been read."""
        return await server.finish(envelope)

    def next_fault(self, step: str) -> str:
        """What happens at this step this time; "": nothing out of the ordinary."""
        for fault in self.faults:
            if fault.step == step and fault.strikes():
                return fault.what
        return ""

    def keep(self, envelope: Envelope) -> None:
        """Note a message that is accepted; it is in the log when this returns."""
        self.taken += 1
        content = envelope.content
        if not isinstance(content, bytes):
            raise TypeError("contents are bytes here")
        if not self.fast:
            self.contents.append(content)
        if self._log:
            line = _noted(content, envelope.rcpt_tos[0], whole=not self.fast)
            self._log.write(json.dumps(line, ensure_ascii=False) + "\n")
            if not self.fast:
                self._log.flush()


class Conversation(SMTP):
    """One client. Each step asks first whether it is to go wrong."""

    def __init__(self, sink: SmtpSink) -> None:
        super().__init__(sink, hostname="sink.invalid", ident="simulator")
        self._sink = sink

    async def _handle_client(self) -> None:
        self._sink.connections += 1
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._sink.open.add(task)
        try:
            if not await self.goes_wrong("CONNECT"):
                await super()._handle_client()
        finally:
            self._sink.open.discard(task)
            self.break_off()

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        if not await self.goes_wrong("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802
        if not await self.goes_wrong("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802
        if not await self.goes_wrong("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if not await self.goes_wrong("DATA"):
            await super().smtp_DATA(arg)

    async def finish(self, envelope: Envelope) -> str:
        """The answer to a content that has been read."""
        if self._sink.latency:
            await asyncio.sleep(self._sink.latency)
        if await self.goes_wrong("CONTENT", answers=False):
            return self._answer
        self._sink.keep(envelope)
        if await self.goes_wrong("ACCEPTED", answers=False):
            return self._answer
        return OK

    async def goes_wrong(self, step: str, *, answers: bool = True) -> bool:
        """Misbehave if it is time to; True: the step has been dealt with.

        `answers` False: the reply is left in `_answer` for the caller to give.
        """
        what = self._sink.next_fault(step)
        if not what:
            return False
        self._answer = what
        if what == "hang":
            await asyncio.sleep(HANG_SECONDS)
        if what in ("hang", "drop"):
            self._answer = "421 gone"
            self.break_off()
        elif what == "garbage":
            self._answer = GARBAGE
        if answers and what not in ("hang", "drop"):
            await self.push(self._answer)
        if answers and what.startswith("421"):
            self.break_off()
        return True

    def break_off(self) -> None:
        """End the connection at once; what was written before goes out."""
        if self._writer:
            self._writer.close()


def _noted(content: bytes, recipient: str, *, whole: bool) -> dict[str, Any]:
    """A message as the log names it; the ids alone unless `whole`."""
    headers = BytesHeaderParser().parsebytes(content.partition(b"\r\n\r\n")[0])
    message_id = str(headers.get("Message-ID", "")).strip("<> ")
    entry: dict[str, Any] = {
        "message": message_id.partition("@")[0],
        "client_reference": str(headers.get("X-Client-Reference", "")),
        "to": recipient,
    }
    if whole:
        subject = str(make_header(decode_header(str(headers.get("Subject", "")))))
        entry |= {
            "at": datetime.now(UTC).isoformat(),
            "message_id": message_id,
            "subject": subject,
            "bytes": len(content),
        }
    return entry


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=1025, help="0: any that is free")
    parser.add_argument("--log", type=Path, help="a line of JSON for each message it accepted")
    parser.add_argument(
        *("--fault", "-f"),
        action="append",
        default=[],
        type=Fault.parse,
        help=f"STEP=WHAT[*TIMES or /EVERY]; steps: {', '.join(STEPS)}; "
        "what: a reply like '451 busy', hang, drop, garbage",
    )
    parser.add_argument("--latency", type=float, default=0, help="seconds before each answer")
    parser.add_argument("--fast", action="store_true", help="count and note ids only: for timing")
    options = parser.parse_args(arguments)
    sink = SmtpSink(
        port=options.port,
        log=options.log,
        faults=options.fault,
        latency=options.latency,
        fast=options.fast,
    )
    asyncio.run(sink.serve(announce=sys.stdout))
    return 0


if __name__ == "__main__":
    sys.exit(main())
