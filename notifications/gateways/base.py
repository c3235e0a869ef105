"""What every gateway is: something that takes a message, and says what became of it."""

from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self
from uuid import UUID

from notifications.models import Attempt
from notifications.segments import Size

Kind = Attempt.Outcome


@dataclass(frozen=True)
class Filed:
    """A text as it is filed with the operators (DLT), and this message's values for its variables.

    `variables`: the values in the order of the template's variables, as they stand in the text.
    `gateway_template_id`: of a gateway that `has_template_ids`, what its own panel calls the text.
    """

    entity_id: str
    header: str
    template_id: str
    variables: tuple[str, ...] = field(repr=False, default=())
    gateway_template_id: str = ""


@dataclass(frozen=True)
class Outgoing:
    """A message in words, ready to leave. Its texts hold what the stored copy masks.

    `size`: of an SMS. `filed`: of an SMS through a gateway that `needs_template`.
    `signed_reference`: the client reference with our signature, for a gateway that reports: it
    comes back in the receipt (receipts.py reads it).
    """

    public_id: UUID
    kind: str
    channel: str
    address: str = field(repr=False)
    language: str
    text: str = field(repr=False)
    subject: str = field(repr=False, default="")
    html: str = field(repr=False, default="")
    ics: str = field(repr=False, default="")
    size: Size | None = None
    filed: Filed | None = None
    signed_reference: str = field(repr=False, default="")


@dataclass(frozen=True)
class Outcome:
    """What became of one message.

    `kind`: accepted · permanent (refused for good) · transient (certainly not taken; try again)
    · unknown (it may have been taken). `retry_after`: the gateway asked to be left alone so long;
    it holds for the whole gateway. `parts`: the gateway's names of the parts, where its receipts
    use them. `elsewhere`: not the message but the gateway is in trouble, and the next one may have
    it at once (set by delivery.py). `template_unknown`: the gateway has no template by the id that
    it was given, which is no fault of the message: it waits until the registry is mended, or goes
    to the next gateway (with `transient`).
    """

    kind: Kind
    gateway_reference: str = ""
    parts: tuple[str, ...] = ()
    error: str = ""
    retry_after: timedelta | None = None
    elsewhere: bool = False
    template_unknown: bool = False


class GatewayDown(Exception):
    """The gateway cannot be reached; no message was handed over by the call that raises this."""


class Gateway(Protocol):
    """A connection to a gateway, reused for many messages.

    Opening it raises GatewayDown. `send` raises GatewayDown or returns an Outcome, within
    settings.MESSAGE_CALL_SECONDS; it never repeats by itself a call that may have succeeded.

    `name`: short, lower case, unique among the gateways in use; rows and settings know it by that.
    `reports`: receipts come back, so that a message may end as delivered or undelivered.
    `needs_template`: it takes only SMS whose text is filed with the operators (`Outgoing.filed`).
    `has_template_ids`: it knows each filed text by an id of its own panel besides, and takes that
    one (`Filed.gateway_template_id`); only what is filed for this very gateway has it.
    `window`: how many messages may be begun in one commit. 1 leaves at most one message in doubt
    when a worker dies; more are for gateways which take a message in less time than a commit.
    """

    name: str
    reports: bool
    needs_template: bool
    has_template_ids: bool
    window: int

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
