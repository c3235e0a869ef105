"""Messages and gateways of these tests."""

import datetime as dt
from types import TracebackType
from typing import Any, ClassVar, Self
from uuid import UUID

from notifications import delivery, kinds, outbox
from notifications.claims import Claim, Share
from notifications.dates import INDIA
from notifications.gateways.base import GatewayDown, Outcome, Outgoing
from notifications.kinds import Kind
from notifications.models import Attempt, Message

ACCEPTED = Outcome(Attempt.Outcome.ACCEPTED, gateway_reference="ref-1")
PERMANENT = Outcome(Attempt.Outcome.PERMANENT, error="no such number")
TRANSIENT = Outcome(Attempt.Outcome.TRANSIENT, error="busy")
UNKNOWN = Outcome(Attempt.Outcome.UNKNOWN, error="read timed out")

# Said once more when nobody knows whether it arrived; an officer looks at the plain one.
URGENT = Kind(
    code="URGENT",
    sms={"hi": "तुरंत: {word} {url} {brand}", "en": "Urgent: {word} {url} {brand}"},
    repeat_unknown=True,
    secrets=frozenset({"url"}),
)
PLAIN = Kind(code="PLAIN", sms={"hi": "सूचना: {word} {brand}", "en": "Note: {word} {brand}"})
MAIL = Kind(code="MAIL", email_template="messages/email/confirmed")
OFFER = Kind(code="OFFER", sms=PLAIN.sms, lane=kinds.OFFERS)
# Says the same on both channels.
BOTH = Kind(code="BOTH", sms=PLAIN.sms, email_template="messages/email/confirmed")
KINDS = (URGENT, PLAIN, MAIL, OFFER, BOTH)

# A Monday, ten in the morning: no quiet hours.
NOW = dt.datetime(2025, 6, 23, 10, 0, tzinfo=INDIA)


def minutes(count: float) -> dt.timedelta:
    return dt.timedelta(minutes=count)


def draft(number: int = 1, **changes: Any) -> outbox.Draft:
    fields: dict[str, Any] = {
        "kind": "PLAIN",
        "channel": "sms",
        "address": f"+9198{number:08d}",
        "language": "en",
        "values": {"word": f"no. {number}", "url": f"host/{number:011d}"},
        "dedupe_key": f"test:{number}",
        "urgent_by": NOW + minutes(number),
        "expires_at": NOW + minutes(24 * 60),
    }
    return outbox.Draft(**{**fields, **changes})


def queued(number: int = 1, *, now: dt.datetime = NOW, **changes: Any) -> Message:
    """A message in the queue."""
    assert outbox.enqueue([draft(number, **changes)], now=now) == 1
    return Message.objects.get(dedupe_key=changes.get("dedupe_key", f"test:{number}"))


class ScriptedGateway:
    """Answers as the script says, then accepts; remembers what it was given."""

    name = "scripted"
    reports: ClassVar[bool] = False
    needs_template: ClassVar[bool] = False
    has_template_ids: ClassVar[bool] = False
    window: ClassVar[int] = 1
    script: ClassVar[list[Outcome | Exception]] = []
    taken: ClassVar[list[Outgoing]] = []
    references: ClassVar[list[UUID]] = []
    opened: ClassVar[int] = 0
    down: ClassVar[str] = ""
    # Called before each answer: what happens elsewhere while the call is under way.
    meanwhile: ClassVar[Any] = None

    @classmethod
    def reset(cls) -> None:
        cls.script, cls.taken, cls.references = [], [], []
        cls.opened, cls.down, cls.meanwhile = 0, "", None
        cls.reports, cls.needs_template, cls.window = False, False, 1
        cls.has_template_ids = False

    def __enter__(self) -> Self:
        if self.down:
            raise GatewayDown(self.down)
        type(self).opened += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        self.taken.append(message)
        self.references.append(client_reference)
        if self.meanwhile:
            type(self).meanwhile(message)
        answer = self.script.pop(0) if self.script else ACCEPTED
        if isinstance(answer, Exception):
            raise answer
        return answer

    @classmethod
    def problems(cls) -> list[str]:
        return []


SHARE = Share(channel="sms", gateway="scripted")


def begin(held: Claim) -> list[delivery.Ready]:
    """Note that the call of a claimed message begins; empty: it must not."""
    return delivery._step([], [delivery._ready(held, ScriptedGateway(), delivery.Turn(0.0))])


class SecondGateway(ScriptedGateway):
    """The gateway that takes over; answers by a script of its own."""

    name = "second"
    script: ClassVar[list[Outcome | Exception]] = []
    taken: ClassVar[list[Outgoing]] = []
    references: ClassVar[list[UUID]] = []


class Stopwatch:
    """Stands for the module `time`: seconds pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
