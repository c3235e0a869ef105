"""A simulated SMSC that speaks SMPP 3.4 on loopback: for tests, the demo and fault drills.

It reads and writes PDUs by itself, without the library of the gateway, so that the two cannot agree
on an error. What it accepts stands in its log, one JSON line a part, before it answers: the log is
the oracle.

    python -m notifications.simulators.smsc --port 0 --log FILE [--every drop=100]

prints `listening on 127.0.0.1:PORT`. In tests: `with Smsc(log=path) as smsc: ... smsc.port`.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import ssl
import struct
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from notifications import gsm

OK, ALREADY_BOUND, BAD_PASSWORD = 0x00, 0x05, 0x0E
QUEUE_FULL, THROTTLED, MISSING_PARAMETER, BAD_COMMAND = 0x14, 0x58, 0xC3, 0x03
NACK, RESPONSE = 0x80000000, 0x80000000
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x04, 0x05, 0x06, 0x15
BINDS = {0x01: "receiver", 0x02: "transmitter", 0x09: "transceiver"}
PAYLOAD, RECEIPTED_MESSAGE_ID, MESSAGE_STATE = 0x0424, 0x001E, 0x0427
STATES = {"DELIVRD": 2, "EXPIRED": 3, "UNDELIV": 5, "REJECTD": 8, "ENROUTE": 1}
# A receipt that was not answered is sent again.
REPEAT_SECONDS = 2.0
# Faults of one submit_sm. Those in TAKES are accepted and logged first; the others are not taken.
TAKES = {"accept_hang", "accept_drop", "accept_garbage", "accept_drip", "accept_unbind"}
FAULTS = TAKES | {"ok", "throttle", "queue_full", "nack", "hang", "drop", "garbage", "refuse"}


@dataclass
class Behaviour:
    """What it does; a test may change it at any time.

    `faults`: one for each submit_sm to come ("ok", or one of FAULTS; "refuse:0x258" refuses with
    that status); when they are used up, all is well. `every`: fault -> each how many-th submit_sm
    has it. `bind`: "ok", "hang", "drip" or a status. `receipts`: a state, or "" for none; `doubled`
    sends each twice, `reordered` holds each back until another follows, `early` sends them before
    the answer to submit_sm. `receipt_ids`: text or decimal, as the text of a receipt writes them;
    `parameters`: whether a receipt has its parameters, `worded` whether it has its text.
    `enquires`: answers enquire_link.
    """

    password: str = ""
    required: frozenset[int] = frozenset()
    binds: int = 0  # how many at once; 0: any number
    bind: str = "ok"
    faults: list[str] = field(default_factory=list)
    every: dict[str, int] = field(default_factory=dict)
    receipts: str = "DELIVRD"
    delay: float = 0.0
    doubled: bool = False
    reordered: bool = False
    early: bool = False
    receipt_ids: str = "text"
    parameters: bool = True
    worded: bool = True
    enquires: bool = True
    repeat: float = REPEAT_SECONDS


@dataclass
class Receipt:
    """A deliver_sm on its way; it is repeated until it is answered with OK."""

    body: bytes
    sent_at: float = -1e9
    answered: bool = False


class Smsc:
    """Listens on loopback in a thread of its own, from `with` to its end."""

    def __init__(
        self, *, log: Path, port: int = 0, tls: ssl.SSLContext | None = None, **behaviour: Any
    ) -> None:
        self.behaviour = Behaviour(**behaviour)
        self.port = port
        self._tls = tls
        self.bound: list[str] = []  # kinds of all binds that were accepted
        self.answers: list[int] = []  # statuses with which our deliver_sm were answered
        self.enquiries = 0
        self.submitted = 0  # submit_sm that were read, accepted or not
        self._log = log
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._sessions: set[_Session] = set()
        self._names = itertools.count(random.randrange(0x10000000, 0x20000000))  # noqa: S311
        self._receipts: list[Receipt] = []
        self._held_back: list[Receipt] = []

    def __enter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._log.open("a", encoding="utf-8")
        self._thread.start()
        self._ask(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ask(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        self._file.close()

    # --- For tests ---

    def taken(self) -> list[dict[str, Any]]:
        """Every part that was accepted, in order."""
        return read_log(self._log)

    def messages(self) -> list[dict[str, Any]]:
        return assembled(self.taken())

    def deliver(self, body: bytes) -> None:
        """Send a deliver_sm of any content to whoever receives."""
        self._loop.call_soon_threadsafe(self._receipts.append, Receipt(body))

    def unanswered(self) -> int:
        return sum(not receipt.answered for receipt in [*self._receipts, *self._held_back])

    def sessions(self) -> list[str]:
        """Kinds of the binds that stand now."""
        return sorted(session.role for session in set(self._sessions) if session.role)

    def drop_all(self) -> None:
        """Every connection breaks."""
        self._ask(self._dropped())

    def unbind_all(self) -> None:
        """The SMSC ends every session properly."""
        self._ask(self._unbound())

    # --- Inside the loop ---

    def _ask(self, what: Any) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._pump = asyncio.create_task(self._pump_receipts())

    async def _stop(self) -> None:
        assert self._server
        self._server.close()
        await self._dropped()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _dropped(self) -> None:
        for session in set(self._sessions):
            session.abort()

    async def _unbound(self) -> None:
        for session in set(self._sessions):
            await session.request(UNBIND, b"")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, reader, writer)
        self._sessions.add(session)
        try:
            await session.run()
        except (OSError, EOFError, ValueError, IndexError, struct.error):
            pass  # the other end is gone, or speaks nonsense
        finally:
            self._sessions.discard(session)
            session.abort()

    def accepted(self, submit: "Submit", system_id: str) -> str:
        """Write it down and give it a name."""
        name = f"{next(self._names):x}"
        line = {"at": datetime.now(UTC).isoformat(), "id": name, "system_id": system_id}
        self._file.write(json.dumps({**line, **submit.logged()}, ensure_ascii=False) + "\n")
        self._file.flush()
        return name

    def has_room(self) -> bool:
        return not self.behaviour.binds or len(self.sessions()) < self.behaviour.binds

    def fault(self) -> str:
        """The fault of the submit_sm that has just come."""
        self.submitted += 1
        if self.behaviour.faults:
            return self.behaviour.faults.pop(0)
        due = [name for name, n in self.behaviour.every.items() if self.submitted % n == 0]
        return due[0] if due else "ok"

    async def report(self, name: str, submit: "Submit") -> None:
        """Let the receipts of an accepted part follow, as the behaviour says."""
        does = self.behaviour
        if not does.receipts or not submit.wants_receipt:
            return
        await asyncio.sleep(does.delay)
        body = receipt_body(name, does.receipts, submit, does)
        new = [Receipt(body) for _ in range(2 if does.doubled else 1)]
        if does.reordered and not self._held_back:
            self._held_back = new
            return
        self._receipts += [*new, *self._held_back]
        self._held_back = []

    async def _pump_receipts(self) -> None:
        while True:
            now = self._loop.time()
            receivers = [each for each in self._sessions if each.receives]
            for receipt in list(self._receipts):
                if receipt.answered:
                    self._receipts.remove(receipt)
                elif receivers and now - receipt.sent_at > self.behaviour.repeat:
                    receipt.sent_at = now
                    with contextlib.suppress(OSError):
                        await receivers[0].request(DELIVER_SM, receipt.body, receipt)
            await asyncio.sleep(0.01)

    async def until_sent(self) -> None:
        while any(receipt.sent_at < 0 for receipt in self._receipts):
            await asyncio.sleep(0.01)

    async def until_answered(self, *, seconds: float) -> None:
        ends_at = self._loop.time() + seconds
        while self.unanswered() and self._loop.time() < ends_at:
            await asyncio.sleep(0.01)

    def lost(self, receipts: Iterable[Receipt]) -> None:
        """A session ended without answering these: they are due at once."""
        for receipt in receipts:
            receipt.sent_at = -1e9


class _Session:
    def __init__(
        self, smsc: Smsc, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._smsc, self._reader, self._writer = smsc, reader, writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Receipt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.role = ""
        self._system_id = ""

    @property
    def receives(self) -> bool:
        return self.role in ("receiver", "transceiver")

    def abort(self) -> None:
        self._smsc.lost(self._waiting.values())
        self._waiting = {}
        self.role = ""
        self._writer.transport.abort()

    async def run(self) -> None:
        while True:
            head = await self._reader.readexactly(16)
            length, command, status, number = struct.unpack(">LLLL", head)
            body = await self._reader.readexactly(length - 16)
            if command & RESPONSE:
                self._answered(command, status, number)
            elif command in BINDS:
                await self._bind(command, number, body)
            elif command == SUBMIT_SM and self.role in ("transmitter", "transceiver"):
                await self._submit(number, body)
            elif command == ENQUIRE_LINK:
                self._smsc.enquiries += 1
                if self._smsc.behaviour.enquires:
                    await self.say(command | RESPONSE, number)
            elif command == UNBIND:
                await self.say(command | RESPONSE, number)
                self._writer.close()
                return
            else:
                await self.say(NACK, number, status=BAD_COMMAND)

    async def say(self, command: int, number: int, body: bytes = b"", *, status: int = OK) -> None:
        self._writer.write(struct.pack(">LLLL", 16 + len(body), command, status, number) + body)
        await self._writer.drain()

    async def request(self, command: int, body: bytes, receipt: Receipt | None = None) -> None:
        number = next(self._numbers)
        if receipt:
            self._waiting[number] = receipt
        await self.say(command, number, body)

    def _answered(self, command: int, status: int, number: int) -> None:
        receipt = self._waiting.pop(number, None)
        if command == DELIVER_SM | RESPONSE and receipt:
            self._smsc.answers.append(status)
            receipt.answered = status == OK

    async def _bind(self, command: int, number: int, body: bytes) -> None:
        does = self._smsc.behaviour
        system_id, password = (part.decode() for part in body.split(b"\0")[:2])
        status = OK
        if does.bind == "hang":
            return
        if does.bind not in ("ok", "drip"):
            status = int(does.bind, 0)
        elif does.password and password != does.password:
            status = BAD_PASSWORD
        elif not self._smsc.has_room():
            status = ALREADY_BOUND
        answer = b"" if status else b"smsc\0\x02\x10\x00\x01\x34"
        if does.bind == "drip":
            await self._drip(command | RESPONSE, number, answer)
        else:
            if not status:
                self.role, self._system_id = BINDS[command], system_id
                self._smsc.bound.append(self.role)
            await self.say(command | RESPONSE, number, answer, status=status)

    async def _submit(self, number: int, body: bytes) -> None:
        submit = Submit.read(body)
        fault, _, detail = self._smsc.fault().partition(":")
        answer = SUBMIT_SM | RESPONSE
        refusals = {"throttle": THROTTLED, "queue_full": QUEUE_FULL}
        if fault in refusals or fault == "refuse":
            await self.say(answer, number, status=refusals.get(fault) or int(detail, 0))
        elif not self._smsc.behaviour.required <= set(submit.parameters):
            await self.say(answer, number, status=MISSING_PARAMETER)
        elif fault == "nack":
            await self.say(NACK, number, status=BAD_COMMAND)
        elif fault == "drop":
            self.abort()
        elif fault == "garbage":
            await self._garbage()
        elif fault != "hang":
            await self._accept(number, submit, fault)

    async def _accept(self, number: int, submit: "Submit", fault: str) -> None:
        name = self._smsc.accepted(submit, self._system_id)
        report = asyncio.create_task(self._smsc.report(name, submit))
        self._tasks.add(report)
        report.add_done_callback(self._tasks.discard)
        if self._smsc.behaviour.early:
            await asyncio.wait([report])
            await self._smsc.until_sent()
            if not self.receives:  # else the other end waits for the answer first
                await self._smsc.until_answered(seconds=5)
        answer, body = SUBMIT_SM | RESPONSE, name.encode() + b"\0"
        if fault == "accept_drop":
            self.abort()
        elif fault == "accept_garbage":
            await self._garbage()
        elif fault == "accept_drip":
            await self._drip(answer, number, body)
        elif fault == "accept_unbind":
            await self.request(UNBIND, b"")
        elif fault != "accept_hang":
            await self.say(answer, number, body)

    async def _garbage(self) -> None:
        self._writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await self._writer.drain()

    async def _drip(self, command: int, number: int, body: bytes) -> None:
        """A byte every now and then: each is in time, and the whole never is."""
        for byte in struct.pack(">LLLL", 16 + len(body), command, OK, number) + body:
            self._writer.write(bytes([byte]))
            await self._writer.drain()
            await asyncio.sleep(0.5)


@dataclass(frozen=True)
class Submit:
    """What a submit_sm says."""

    source: str
    destination: str
    esm_class: int
    registered_delivery: int
    data_coding: int
    message: bytes
    parameters: dict[int, bytes]
    kinds: tuple[int, int, int, int]  # ton and npi of source and destination

    @classmethod
    def read(cls, body: bytes) -> Self:
        cursor = _Cursor(body)
        cursor.string()
        kinds_of_source = cursor.byte(), cursor.byte()
        source = cursor.string()
        kinds_of_destination = cursor.byte(), cursor.byte()
        destination = cursor.string()
        esm_class, _, _ = cursor.byte(), cursor.byte(), cursor.byte()
        cursor.string()
        cursor.string()
        registered, _, coding, _ = cursor.byte(), cursor.byte(), cursor.byte(), cursor.byte()
        message = cursor.octets(cursor.byte())
        parameters = dict(cursor.parameters())
        return cls(
            source=source,
            destination=destination,
            esm_class=esm_class,
            registered_delivery=registered,
            data_coding=coding,
            message=message or parameters.get(PAYLOAD, b""),
            parameters=parameters,
            kinds=(*kinds_of_source, *kinds_of_destination),
        )

    @property
    def wants_receipt(self) -> bool:
        return self.registered_delivery & 0b11 == 1

    def logged(self) -> dict[str, Any]:
        reference, parts, number, octets = self._joined()
        return {
            "to": self.destination,
            "from": self.source,
            "kinds": self.kinds,
            "data_coding": self.data_coding,
            "joins": reference,  # the number by which a phone joins parts; null: one alone
            "part": number,
            "parts": parts,
            "text": octets.decode("utf-16-be") if self.data_coding == 8 else gsm.decode(octets),
            "tlvs": {
                f"{tag:#06x}": value.decode("latin-1") for tag, value in self.parameters.items()
            },
            "registered_delivery": self.registered_delivery,
        }

    def _joined(self) -> tuple[int | None, int, int, bytes]:
        if not self.esm_class & 0x40:
            return None, 1, 1, self.message
        header = self.message[: self.message[0] + 1]
        element, length = header[1], header[2]
        if (element, length) != (0, 3):
            raise ValueError("a header of another kind than that of parts")
        return header[3], header[4], header[5], self.message[len(header) :]


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def byte(self) -> int:
        return self.octets(1)[0]

    def octets(self, count: int) -> bytes:
        self._at += count
        if self._at > len(self._data):
            raise ValueError("the PDU is cut short")
        return self._data[self._at - count : self._at]

    def string(self) -> str:
        end = self._data.index(b"\0", self._at)
        text = self._data[self._at : end].decode("latin-1")
        self._at = end + 1
        return text

    def parameters(self) -> Iterator[tuple[int, bytes]]:
        while self._at < len(self._data):
            tag, length = struct.unpack(">HH", self.octets(4))
            yield tag, self.octets(length)


def receipt_body(name: str, state: str, submit: Submit, does: Behaviour) -> bytes:
    """A receipt as SMSCs write it: from the destination, back to the sender."""
    written = str(int(name, 16)) if does.receipt_ids == "decimal" else name
    arrived = int(state == "DELIVRD")
    text = (
        f"id:{written} sub:001 dlvrd:00{arrived} submit date:2506231000 done date:2506231001"
        f" stat:{state} err:{0 if arrived else 27:03} text:{'.' * 20}"
    )
    parameters = _parameter(RECEIPTED_MESSAGE_ID, name.encode() + b"\0")
    parameters += _parameter(MESSAGE_STATE, bytes([STATES[state]]))
    return deliver_body(
        text if does.worded else "",
        source=submit.destination,
        destination=submit.source,
        parameters=parameters if does.parameters else b"",
    )


def deliver_body(
    text: str,
    *,
    esm_class: int = 0x04,
    source: str = "919800000001",
    destination: str = "PSKMPX",
    parameters: bytes = b"",
) -> bytes:
    """The body of a deliver_sm; with 0x00 as its class it is a person's SMS."""
    octets = text.encode("latin-1")
    return b"".join(
        (
            *(b"\0", b"\x01\x01", source.encode(), b"\0", b"\x05\x00", destination.encode(), b"\0"),
            *(bytes([esm_class]), b"\0\0", b"\0\0", b"\0\0\0\0", bytes([len(octets)]), octets),
            parameters,
        )
    )


def _parameter(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def read_log(path: Path) -> list[dict[str, Any]]:
    """Parts that were accepted. The last line may be cut short by a kill: it was not answered."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def assembled(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages as phones show them: `to`, `text`, `ids`, `tlvs`; whole ones only, in order.

    Of parts under one number the newest counts, as on a phone.
    """
    messages: list[dict[str, Any]] = []
    open_: dict[tuple[str, str, int], dict[int, dict[str, Any]]] = {}
    for part in parts:
        key = part["to"], part["from"], part["joins"]
        have = {part["part"]: part}
        if part["joins"] is not None:
            have = open_.setdefault(key, {})
            have[part["part"]] = part
        if len(have) < part["parts"]:
            continue
        open_.pop(key, None)
        whole = [have[number] for number in sorted(have)]
        messages.append(
            {
                "to": part["to"],
                "from": part["from"],
                "text": "".join(each["text"] for each in whole),
                "ids": [each["id"] for each in whole],
                "tlvs": part["tlvs"],
            }
        )
    return messages


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--password", default="")
    parser.add_argument("--require", default="", help="tags that must be there: 0x1400,0x1401")
    parser.add_argument("--receipts", default="DELIVRD", help="state of all receipts, or nothing")
    parser.add_argument("--delay", type=float, default=0.5, help="seconds before a receipt")
    parser.add_argument("--doubled", action="store_true")
    parser.add_argument("--reordered", action="store_true")
    parser.add_argument("--early", action="store_true")
    parser.add_argument("--every", default="", help="faults: throttle=50,accept_drop=100")
    given = parser.parse_args(arguments)
    every = dict(pair.split("=") for pair in given.every.split(",") if pair)
    if unknown := [name for name in every if name.partition(":")[0] not in FAULTS]:
        parser.error(f"no such fault: {', '.join(unknown)}")
    with Smsc(
        log=given.log,
        port=given.port,
        password=given.password,
        required=frozenset(int(tag, 0) for tag in given.require.split(",") if tag),
        receipts=given.receipts,
        delay=given.delay,
        doubled=given.doubled,
        reordered=given.reordered,
        early=given.early,
        every={name: int(n) for name, n in every.items()},
    ) as smsc:
        sys.stdout.write(f"listening on 127.0.0.1:{smsc.port}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
