"""Gateways of the message bench. What they took is in $BENCH_SINK, a line each."""

import http.client
import os
import time
from types import TracebackType
from typing import ClassVar, Self
from uuid import UUID

from notifications.gateways.base import GatewayDown, Outcome, Outgoing
from notifications.models import Attempt

ACCEPTED = Outcome(Attempt.Outcome.ACCEPTED)


class MemoryGateway:
    """Takes a message at no cost: a list in memory, written out once for many."""

    name = "bench"
    reports: ClassVar[bool] = False
    needs_template: ClassVar[bool] = False
    has_template_ids: ClassVar[bool] = False
    window: ClassVar[int] = 500
    lines_at_once: ClassVar[int] = 500

    def __enter__(self) -> Self:
        self._lines: list[str] = []
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.flush()

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        self._lines.append(f"{message.public_id} {client_reference} {time.time()}\n")
        if len(self._lines) >= self.lines_at_once:
            self.flush()
        return ACCEPTED

    def flush(self) -> None:
        """One append, so that lines of two processes do not mix."""
        sink = os.open(os.environ["BENCH_SINK"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(sink, "".join(self._lines).encode())
        os.close(sink)
        self._lines.clear()

    @classmethod
    def problems(cls) -> list[str]:
        return []


class PromptGateway(MemoryGateway):
    """Writes each message out at once, with the moment: for waits, not for rates."""

    window = 1
    lines_at_once = 1


class HttpGateway(PromptGateway):
    """A provider over HTTP at $BENCH_PROVIDER (bench/messages_provider.py), a connection a turn."""

    def __enter__(self) -> Self:
        self._connection = http.client.HTTPConnection(os.environ["BENCH_PROVIDER"], timeout=20)
        try:
            self._connection.connect()
        except OSError as error:
            raise GatewayDown(str(error)) from error
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()
        super().__exit__(kind, error, traceback)

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        self._connection.request("POST", "/", message.text.encode())
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            return Outcome(Attempt.Outcome.UNKNOWN, error=str(answer.status))
        return super().send(message, client_reference)
