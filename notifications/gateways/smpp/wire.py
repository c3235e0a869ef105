"""One connection to an SMSC: PDUs out and in, each step bounded by the end of the call.

smpplib builds what goes out. Its client is not used, and what comes in is read here: the client's
timeout starts anew with every byte that drips in, it logs passwords and texts while debugging, and
its parser raises KeyError on a parameter that is known but not expected in that PDU, drops the last
letter of a string without its NUL, and loses its place in a PDU that is cut short.
"""

import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Self

from django.conf import settings
from smpplib import consts
from smpplib import smpp as smpplib_pdus
from smpplib.client import SimpleSequenceGenerator
from smpplib.command import Param, SubmitSM
from smpplib.ptypes import ostr

from notifications.gateways.base import GatewayDown

CONNECT_SECONDS = 3
BIND_SECONDS = 5
UNBIND_SECONDS = 1
HEADER = struct.Struct(">LLLL")
# A payload of 64 KB and its parameters. Whoever announces more does not speak SMPP.
LARGEST_PDU = 70_000
RESPONSE = 0x80000000
# Our names for the parameters that smpplib does not know -> the setting with their tag.
EXTRA_TAGS = {
    "dlt_entity_id": "SMPP_TAG_ENTITY",
    "dlt_template_id": "SMPP_TAG_TEMPLATE",
    "our_reference": "SMPP_TAG_REFERENCE",
}


class Command(IntEnum):
    """The command ids that we have to tell apart."""

    GENERIC_NACK = 0x80000000
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015
    ALERT_NOTIFICATION = 0x00000102


class Broken(Exception):
    """The connection has ended, or its other end does not speak SMPP."""


class BindRefused(GatewayDown):
    """The SMSC answered the bind with something else than yes."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"bind: {said(status)}")


class NotSent(Broken):
    """The PDU did not leave whole, so the other end cannot have taken it."""


@dataclass(frozen=True)
class Pdu:
    """What came in, as far as every PDU is alike. `body` may hold a person's words."""

    command: int
    status: int
    sequence: int
    body: bytes = field(repr=False)

    @property
    def is_response(self) -> bool:
        return bool(self.command & RESPONSE)


def said(status: int) -> str:
    """A status in words, for officers."""
    return f"{status:#010x} {consts.DESCRIPTIONS.get(status, 'not in the standard')}"


class Session:
    """A bound connection. Every moment named `ends_at` is one of time.monotonic()."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._received = bytearray()
        self._sequences = SimpleSequenceGenerator()
        self.heard_at = time.monotonic()

    @classmethod
    def bound(cls, role: str, *, ends_at: float) -> Self:
        """Connect and bind as `role`: transmitter, receiver, transceiver. GatewayDown."""
        _register_tags()
        ends_at = min(ends_at, time.monotonic() + CONNECT_SECONDS + BIND_SECONDS)
        try:
            session = cls(_connected(ends_at))
        except OSError as error:
            raise GatewayDown(f"{type(error).__name__}: {error}") from error
        try:
            session._bind(role, ends_at)
        except Broken as error:
            session.drop()
            raise GatewayDown(f"bind: {error}") from error
        except GatewayDown:
            session.drop()
            raise
        return session

    def send(self, command: str, *, ends_at: float, **fields: Any) -> int:
        """Send a request; its sequence number. NotSent."""
        pdu = smpplib_pdus.make_pdu(command, client=self, **fields)
        self._write(pdu.generate(), ends_at)
        return int(pdu.sequence)

    def answer(self, request: Pdu, command: str, *, ends_at: float, status: int = 0) -> None:
        pdu = smpplib_pdus.make_pdu(command, client=self, status=status)
        pdu.sequence = request.sequence
        self._write(pdu.generate(), ends_at)

    def read(self, *, ends_at: float) -> Pdu | None:
        """The next PDU; None: it has not come whole by then (now: what is there). Broken."""
        while (pdu := self._next()) is None:
            self._socket.settimeout(max(ends_at - time.monotonic(), 0))
            try:
                arrived = self._socket.recv(65536)
            except (BlockingIOError, TimeoutError, ssl.SSLWantReadError):
                return None
            except OSError as error:
                raise Broken(f"{type(error).__name__}: {error}") from error
            if not arrived:
                raise Broken("the SMSC closed the connection")
            self._received += arrived
        self.heard_at = time.monotonic()
        return pdu

    def incoming(self, *, ends_at: float) -> Iterator[Pdu]:
        """PDUs until that moment, however many the other end has to say. Broken."""
        while time.monotonic() < ends_at and (pdu := self.read(ends_at=ends_at)):
            yield pdu

    def serve(self, pdu: Pdu, *, ends_at: float) -> None:
        """Answer what any end of a session has to answer; Broken: the SMSC ends the session.

        Not for deliver_sm. Late answers to requests of ours say nothing any more.
        """
        if pdu.command == Command.ENQUIRE_LINK:
            self.answer(pdu, "enquire_link_resp", ends_at=ends_at)
        elif pdu.command == Command.UNBIND:
            self.answer(pdu, "unbind_resp", ends_at=ends_at)
            raise Broken("the SMSC ended the session")
        elif pdu.command == Command.GENERIC_NACK:
            raise Broken(f"the SMSC could not read what we sent: {said(pdu.status)}")
        elif not pdu.is_response and pdu.command != Command.ALERT_NOTIFICATION:
            self.answer(pdu, "generic_nack", ends_at=ends_at, status=consts.SMPP_ESME_RINVCMDID)

    def unbind(self) -> None:
        """Take leave, within UNBIND_SECONDS, and close."""
        ends_at = time.monotonic() + UNBIND_SECONDS
        try:
            self.send("unbind", ends_at=ends_at)
            for pdu in self.incoming(ends_at=ends_at):
                if pdu.command == Command.UNBIND_RESP:
                    break
        except Broken:
            pass
        self.drop()

    def drop(self) -> None:
        self._socket.close()

    # What smpplib asks of a client.

    @property
    def sequence(self) -> int:
        return int(self._sequences.sequence)

    def next_sequence(self) -> int:
        return int(self._sequences.next_sequence())

    def _bind(self, role: str, ends_at: float) -> None:
        number = self.send(
            f"bind_{role}",
            ends_at=ends_at,
            system_id=settings.SMPP_SYSTEM_ID,
            password=settings.SMPP_PASSWORD,
            system_type=settings.SMPP_SYSTEM_TYPE,
        )
        for pdu in self.incoming(ends_at=ends_at):
            if not pdu.is_response or pdu.sequence != number:
                continue  # nothing else has a meaning before the bind
            if pdu.status != consts.SMPP_ESME_ROK:
                raise BindRefused(pdu.status)
            return
        raise GatewayDown("bind: no answer")

    def _next(self) -> Pdu | None:
        """Cut the next PDU off what has arrived."""
        if len(self._received) < 4:
            return None
        length = int.from_bytes(self._received[:4])
        if not HEADER.size <= length <= LARGEST_PDU:
            raise Broken("what the SMSC sent is not SMPP")
        if len(self._received) < length:
            return None
        whole = bytes(self._received[:length])
        del self._received[:length]
        _, command, status, sequence = HEADER.unpack_from(whole)
        return Pdu(command, status, sequence, whole[HEADER.size :])

    def _write(self, data: bytes, ends_at: float) -> None:
        """All of it, or NotSent: a PDU that was cut short is none for the other end."""
        rest = memoryview(data)
        try:
            while rest:
                left = ends_at - time.monotonic()
                if left <= 0:
                    raise TimeoutError("the call took too long")
                self._socket.settimeout(left)
                rest = rest[self._socket.send(rest) :]
        except OSError as error:
            self.drop()  # what follows half a PDU would be read as its rest
            raise NotSent(f"{type(error).__name__}: {error}") from error


def _connected(ends_at: float) -> socket.socket:
    left = max(ends_at - time.monotonic(), 0.001)
    sock = socket.create_connection(
        (settings.SMPP_HOST, settings.SMPP_PORT), min(CONNECT_SECONDS, left)
    )
    try:
        # Each PDU is one small packet that somebody waits for.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if settings.SMPP_TLS:
            tls = ssl.create_default_context()
            return tls.wrap_socket(sock, server_hostname=settings.SMPP_HOST)
    except OSError:
        sock.close()
        raise
    return sock


def _register_tags() -> None:
    """Enter our parameters into smpplib's tables, under the tags of this operator."""
    for name, setting in EXTRA_TAGS.items():
        consts.OPTIONAL_PARAMS[name] = getattr(settings, setting)
        SubmitSM.params.setdefault(name, Param(type=ostr, max=255))
    new = tuple(name for name in EXTRA_TAGS if name not in SubmitSM.params_order)
    SubmitSM.params_order += new
