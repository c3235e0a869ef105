"""SMS over SMPP 3.4, straight to an operator or to a provider in front of several.

Parts go one after the other, each when the one before was taken. See docs/smpp.md.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import phonenumbers
from django.conf import settings
from smpplib import consts

from notifications.gateways.base import GatewayDown, Outcome, Outgoing
from notifications.gateways.smpp import deliver, inbox
from notifications.gateways.smpp.parts import cut
from notifications.gateways.smpp.wire import (
    BindRefused,
    Broken,
    Command,
    NotSent,
    Pdu,
    Session,
    said,
)
from notifications.models import Attempt

logger = logging.getLogger(__name__)

ROLES = ("transmitter", "transceiver")
FORMS = ("text", "decimal", "hex")
# Longest values of a bind in octets, without the NUL that ends them (SMPP 3.4, 4.1.1).
LONGEST = {"SMPP_SYSTEM_ID": 15, "SMPP_PASSWORD": 8, "SMPP_SYSTEM_TYPE": 12}
# Longest alphanumeric sender (3GPP TS 23.040, 9.1.2.5).
LONGEST_HEADER = 11
# Between two tries of a later part that a busy SMSC refused.
PART_AGAIN_SECONDS = 0.5
# Between two tries to bind where the receiver has to give way first.
BIND_AGAIN_SECONDS = 0.5
# Longest time that the receipts of a turn are taken in; the SMSC repeats the rest.
INBOX_SECONDS = 10

# It asks for rest.
BUSY = {consts.SMPP_ESME_RTHROTTLED, consts.SMPP_ESME_RMSGQFUL}
# It cannot now; the message has no part in it.
NOT_NOW = {
    consts.SMPP_ESME_RSYSERR,
    consts.SMPP_ESME_RSUBMITFAIL,
    consts.SMPP_ESME_RX_T_APPN,
    consts.SMPP_ESME_RUNKNOWNERR,
}
# The session is not what it was.
NOT_BOUND = {consts.SMPP_ESME_RINVBNDSTS, consts.SMPP_ESME_RBINDFAIL}
# What a bind is answered while another has the only one.
TAKEN = {consts.SMPP_ESME_RALYBND, consts.SMPP_ESME_RBINDFAIL}


class _NoAnswer(Exception):
    """The time of the call was up first."""


class SmppGateway:
    """Hands SMS to the SMSC at settings.SMPP_HOST.

    As a transceiver its connection gets receipts too. They are taken in at the end of the turn,
    when no call is under way, and only then answered: what a worker that dies has not answered, the
    SMSC repeats.
    """

    name = inbox.GATEWAY
    reports = True
    needs_template = True
    has_template_ids = False
    window = 1

    def __init__(self) -> None:
        self._session: Session | None = None
        self._reports: list[Pdu] = []

    def __enter__(self) -> Self:
        self._connect(time.monotonic() + settings.MESSAGE_CALL_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        session, self._session = self._session, None
        if session:
            try:
                self._take_in_reports(session)
            finally:
                session.unbind()

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        ends_at = time.monotonic() + settings.MESSAGE_CALL_SECONDS
        try:
            parts = list(_submissions(message, client_reference))
        except ValueError as error:  # no SMSC could take it
            return Outcome(Attempt.Outcome.PERMANENT, error=str(error))
        session = self._live_session(ends_at)
        names: list[str] = []
        for fields in parts:
            outcome, name = self._part_sent(session, fields, ends_at, is_first=not names)
            if outcome:
                return _after_some(len(names), len(parts), outcome) if names else outcome
            names.append(name)
        # An SMSC may give one name to all parts, or none: each name stands once.
        named = tuple(dict.fromkeys(name for name in names if name))
        return Outcome(Attempt.Outcome.ACCEPTED, gateway_reference=" ".join(named), parts=named)

    @classmethod
    def problems(cls) -> list[str]:
        needed = ("SMPP_HOST", "SMPP_SYSTEM_ID", "SMPP_PASSWORD")
        found = [f"{name} is empty." for name in needed if not getattr(settings, name)]
        found += [
            f"{name} has more than {most} letters, or others than ASCII."
            for name, most in LONGEST.items()
            if len(getattr(settings, name)) > most or not getattr(settings, name).isascii()
        ]
        if settings.SMPP_BIND not in ROLES:
            found.append(f"SMPP_BIND must be one of {', '.join(ROLES)}.")
        if settings.SMPP_ONLY_BIND and settings.SMPP_BIND != "transceiver":
            found.append("SMPP_ONLY_BIND needs SMPP_BIND=transceiver: receipts come on it too.")
        found += [
            f"{name} must be one of {', '.join(FORMS)}."
            for name in ("SMPP_RESPONSE_IDS", "SMPP_RECEIPT_IDS")
            if getattr(settings, name) not in FORMS
        ]
        return found

    # --- The connection ---

    def _connect(self, ends_at: float) -> Session:
        while True:
            try:
                self._session = Session.bound(settings.SMPP_BIND, ends_at=ends_at)
                return self._session
            except BindRefused as refusal:
                # The receiver has the only bind, and gives way when it sees that SMS are due.
                waits = settings.SMPP_ONLY_BIND and refusal.status in TAKEN
                if not waits or time.monotonic() + BIND_AGAIN_SECONDS >= ends_at:
                    raise
                time.sleep(BIND_AGAIN_SECONDS)

    def _live_session(self, ends_at: float) -> Session:
        """The session, or a new one if it ended while nothing was sent. GatewayDown."""
        if self._session:
            try:
                self._look_after(self._session, ends_at)
                return self._session
            except (Broken, _NoAnswer):
                self._drop()
        # Binding must leave time for the message itself.
        return self._connect(_half_way(ends_at))

    def _look_after(self, session: Session, ends_at: float) -> None:
        """Serve what came meanwhile; after a long silence ask whether the other end is there."""
        silent = time.monotonic() - session.heard_at > settings.SMPP_ENQUIRE_SECONDS
        while time.monotonic() < ends_at and (pdu := session.read(ends_at=time.monotonic())):
            self._aside(session, pdu, ends_at)
        if silent:
            half = _half_way(ends_at)
            number = session.send("enquire_link", ends_at=half)
            self._answer_to(session, number, Command.ENQUIRE_LINK_RESP, half)

    def _drop(self) -> None:
        if self._session:
            self._session.drop()
            self._session = None
            self._reports = []  # never answered: the SMSC repeats them

    # --- One part ---

    def _part_sent(
        self, session: Session, fields: dict[str, Any], ends_at: float, *, is_first: bool
    ) -> tuple[Outcome | None, str]:
        """What went wrong, if anything, and the SMSC's name of the part."""
        try:
            answer = self._submitted(session, fields, ends_at)
            while not is_first and answer.status in BUSY and _time_left(ends_at):
                # The person has the parts before it, and it was certainly not taken.
                time.sleep(PART_AGAIN_SECONDS)
                answer = self._submitted(session, fields, ends_at)
        except NotSent as error:
            self._drop()
            return Outcome(Attempt.Outcome.TRANSIENT, error=str(error)), ""
        except (Broken, _NoAnswer) as error:
            self._drop()
            return Outcome(Attempt.Outcome.UNKNOWN, error=str(error)), ""
        if answer.status in NOT_BOUND:
            self._drop()
            if is_first:
                raise GatewayDown(said(answer.status))
        if answer.status != consts.SMPP_ESME_ROK or answer.command != Command.SUBMIT_SM_RESP:
            return _refusal(answer), ""
        return None, deliver.response_id(answer.body)

    def _submitted(self, session: Session, fields: dict[str, Any], ends_at: float) -> Pdu:
        number = session.send("submit_sm", ends_at=ends_at, **fields)
        return self._answer_to(session, number, Command.SUBMIT_SM_RESP, ends_at)

    def _answer_to(self, session: Session, number: int, command: Command, ends_at: float) -> Pdu:
        """The answer, or the refusal, of our request of that number. Broken, _NoAnswer."""
        for pdu in session.incoming(ends_at=ends_at):
            if pdu.sequence == number and pdu.command in (command, Command.GENERIC_NACK):
                return pdu
            # What we fail to answer now, the reading of our own answer will show.
            with suppress(NotSent):
                self._aside(session, pdu, ends_at)
        raise _NoAnswer("no answer within the time of a call")

    def _aside(self, session: Session, pdu: Pdu, ends_at: float) -> None:
        if pdu.command == Command.DELIVER_SM:
            self._reports.append(pdu)
        else:
            session.serve(pdu, ends_at=ends_at)

    def _take_in_reports(self, session: Session) -> None:
        """Receipts that came on this connection: into the database, then answered."""
        ends_at = time.monotonic() + INBOX_SECONDS
        try:
            self._look_after(session, ends_at)
            for report in self._reports:
                if time.monotonic() >= ends_at:
                    break
                inbox.take_in(session, report, ends_at=ends_at)
        except (Broken, _NoAnswer, inbox.NotKept) as error:
            logger.warning("smpp: receipts stay unanswered: %s", error)
        self._reports = []


def _submissions(message: Outgoing, client_reference: UUID) -> Iterator[dict[str, Any]]:
    """The fields of each part. ValueError: it cannot be sent by SMPP; says why, in no one's words.

    The phone joins parts by a number that comes from the message's own id: a part of a repeat then
    fits to parts of the first try.
    """
    number = _number(message.address)
    filed = message.filed
    if not (filed and filed.entity_id and filed.template_id and filed.header):
        raise ValueError("no filed template: operators refuse an SMS without entity and template")
    if not filed.header.isascii() or len(filed.header) > LONGEST_HEADER:
        raise ValueError("the header is no sender's name")
    for part in cut(message.text, reference=message.public_id.bytes[-1]):
        yield {
            "source_addr_ton": consts.SMPP_TON_ALNUM,
            "source_addr_npi": consts.SMPP_NPI_UNK,
            "source_addr": filed.header,
            "dest_addr_ton": consts.SMPP_TON_INTL,
            "dest_addr_npi": consts.SMPP_NPI_ISDN,
            "destination_addr": number,
            "esm_class": consts.SMPP_GSMFEAT_UDHI if part.has_header else 0,
            "registered_delivery": consts.SMPP_SMSC_DELIVERY_RECEIPT_BOTH,
            "data_coding": part.data_coding,
            "short_message": part.short_message,
            "dlt_entity_id": filed.entity_id.encode(),
            "dlt_template_id": filed.template_id.encode(),
            "our_reference": client_reference.hex.encode() if settings.SMPP_TAG_REFERENCE else None,
        }


def _number(address: str) -> str:
    """E.164 without its plus sign. ValueError."""
    try:
        number = phonenumbers.parse(address, "IN")
    except phonenumbers.NumberParseException:
        raise ValueError("the address is no phone number") from None
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise ValueError("the address is no phone number")
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return str(written).removeprefix("+")


def _refusal(answer: Pdu) -> Outcome:
    """A status other than yes: nothing of this part was taken.

    Codes above 0x3FF are the operator's own; those of DLT (600 to 631, and their like) are among
    them. A refusal that nobody knows ends the message, so that it goes another way at once and an
    officer sees it; SMPP_TRANSIENT_STATUSES names those of an operator that mean "later".
    """
    status, error = answer.status, said(answer.status)
    if status in BUSY:
        rest = timedelta(seconds=settings.SMPP_THROTTLE_SECONDS)
        return Outcome(Attempt.Outcome.TRANSIENT, error=error, retry_after=rest)
    later = NOT_NOW | NOT_BOUND | settings.SMPP_TRANSIENT_STATUSES
    if status in later or answer.command == Command.GENERIC_NACK:
        return Outcome(Attempt.Outcome.TRANSIENT, error=error)
    return Outcome(Attempt.Outcome.PERMANENT, error=error)


def _after_some(taken: int, of: int, outcome: Outcome) -> Outcome:
    """The person has some parts, or will. Whatever befell the next one, this is not undone by it.

    Not "try again": the first parts would come twice. Not "refused": they were not. Without names
    of parts, because receipts of the first ones must not say that the whole text arrived.
    """
    return Outcome(
        Attempt.Outcome.UNKNOWN,
        error=f"{taken} of {of} parts taken, then: {outcome.error}",
        retry_after=outcome.retry_after,
    )


def _half_way(ends_at: float) -> float:
    now = time.monotonic()
    return now + (ends_at - now) / 2


def _time_left(ends_at: float) -> bool:
    return time.monotonic() + PART_AGAIN_SECONDS < ends_at
