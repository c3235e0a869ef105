"""What every gateway is: something that takes a message, and says what became of it."""

from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self
from uuid import UUID

from notifications.models import Attempt

Kind = Attempt.Outcome


@dataclass(frozen=True)
class Outgoing:
    """A message in words, ready to leave. Its texts hold what the stored copy masks."""

    public_id: UUID
    kind: str
    channel: str
    address: str = field(repr=False)
    language: str
    text: str = field(repr=False)
    subject: str = field(repr=False, default="")
    html: str = field(repr=False, default="")
    ics: str = field(repr=False, default="")


@dataclass(frozen=True)
class Outcome:
    """What became of one message.

    `kind`: accepted · permanent (refused for good) · transient (certainly not taken; try again)
    · unknown (it may have been taken). `retry_after`: the gateway asked to be left alone so long;
    it holds for the whole channel.
    """

    kind: Kind
    gateway_reference: str = ""
    error: str = ""
    retry_after: timedelta | None = None


class GatewayDown(Exception):
    """The gateway cannot be reached; no message was handed over by the call that raises this."""


class Gateway(Protocol):
    """A connection to a gateway, reused for many messages.

    Opening it raises GatewayDown. `send` raises GatewayDown or returns an Outcome, within
    settings.MESSAGE_CALL_SECONDS; it never repeats by itself a call that may have succeeded.
    """

    name: str

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome: ...

    @classmethod
    def problems(cls) -> list[str]:
        """What the settings lack for this gateway to work; read at start-up."""
        ...
