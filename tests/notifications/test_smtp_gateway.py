"""The gateway to a mail server, against a server that misbehaves in every way a server can."""

import asyncio
import contextlib
import email
import email.policy
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from notifications.gateways import smtp
from notifications.gateways.base import GatewayDown, Outgoing
from notifications.gateways.smtp import SmtpGateway
from notifications.models import Attempt

ACCEPTED, PERMANENT = Attempt.Outcome.ACCEPTED, Attempt.Outcome.PERMANENT
TRANSIENT, UNKNOWN = Attempt.Outcome.TRANSIENT, Attempt.Outcome.UNKNOWN
HI_THERE = "नमस्ते"
# Seconds for a reply of a server in the same busy process; and for one that never comes.
PATIENCE = 20
LITTLE_PATIENCE = 2


class Server:
    """Takes messages, except for what a test tells it to answer or to do at a step."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.senders: list[str] = []
        self.connections = 0
        # Step ("MAIL", "RCPT", "DATA") -> replies to give, one for each time it is reached.
        self.replies: dict[str, list[str]] = {"MAIL": [], "RCPT": [], "DATA": []}
        # What to do once the content has been read: "hang", "reset", "garbage".
        self.after_content: list[str] = []

    def _reply(self, step: str) -> str:
        return self.replies[step].pop(0) if self.replies[step] else "250 OK"

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        reply = self._reply("MAIL")
        if reply.startswith("421"):
            await server.push(reply)
            server.transport.close()
        if reply.startswith("2"):
            envelope.mail_from = address
            self.senders.append(address)
        return reply

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = self._reply("RCPT")
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server, session, envelope):
        what = self.after_content.pop(0) if self.after_content else ""
        if what == "hang":
            await asyncio.sleep(30)
        if what == "garbage":
            return "hello there"
        reply = self._reply("DATA")
        if reply.startswith("2"):
            self.received.append(envelope.content)
        if what == "reset":  # it has the message, and the answer never comes
            server.transport.abort()
        return reply

    def messages(self) -> list[Any]:
        return [
            email.message_from_bytes(content, policy=email.policy.default)
            for content in self.received
        ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(settings) -> Iterator[Server]:
    handler = Server()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_TIMEOUT = PATIENCE
    settings.DEFAULT_FROM_EMAIL = "Passport office <office@example.org>"
    controller = Controller(handler, hostname="127.0.0.1", port=settings.EMAIL_PORT)
    controller.start()
    yield handler
    for task in asyncio.all_tasks(controller.loop):
        controller.loop.call_soon_threadsafe(task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        controller.stop()


def outgoing(address: str = "person@example.org", **changes: str) -> Outgoing:
    fields = {"text": HI_THERE, "subject": "नया समय", "html": f"<p>{HI_THERE}</p>", **changes}
    return Outgoing(uuid.uuid4(), "HOLD", "email", address, "hi", **fields)


def send(message: Outgoing | None = None):
    with SmtpGateway() as gateway:
        return gateway.send(message or outgoing(), uuid.uuid4())


class TestMessage:
    def test_email_arrives_as_text_and_html_with_its_own_id(self, server):
        message = outgoing()
        outcome = send(message)
        assert (outcome.kind, outcome.gateway_reference) == (ACCEPTED, "OK")
        [mail] = server.messages()
        assert mail["Message-ID"] == f"<{message.public_id}@example.org>"
        assert mail["Subject"] == "नया समय"
        assert mail["To"] == "person@example.org"
        assert mail["From"] == "Passport office <office@example.org>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail.get_body(("plain",)).get_content().strip() == HI_THERE
        assert mail.get_body(("html",)).get_content().strip() == f"<p>{HI_THERE}</p>"
        assert server.senders == ["office@example.org"]

    def test_calendar_entry_is_attached(self, server):
        send(outgoing(ics="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"))
        [entry] = server.messages()[0].iter_attachments()
        assert entry.get_content_type() == "text/calendar"
        assert entry.get_filename() == "appointment.ics"
        assert "BEGIN:VCALENDAR" in entry.get_content()

    @pytest.mark.parametrize("method", ["PUBLISH", "CANCEL"])
    def test_type_of_a_calendar_entry_names_its_method(self, server, method):
        send(outgoing(ics=f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nEND:VCALENDAR\r\n"))
        [entry] = server.messages()[0].iter_attachments()
        assert entry.get_content_type() == "text/calendar"
        assert entry.get_param("method") == method
        assert entry.get_content_charset() == "utf-8"
        assert f"METHOD:{method}" in entry.get_content()

    def test_lines_that_begin_with_a_dot_arrive_unchanged(self, server):
        text = "one\n.\n..two\nthree"
        send(outgoing(text=text))
        body = server.messages()[0].get_body(("plain",)).get_content()
        assert body.replace("\r\n", "\n").strip() == text

    def test_subject_cannot_smuggle_a_header(self, server):
        outcome = send(outgoing(subject="x\r\nBcc: all@example.org"))
        assert outcome.kind == PERMANENT
        assert server.received == []

    @pytest.mark.parametrize("address", ["नाम@example.org", "a@b@c", "no-at-sign\r\n"])
    def test_address_that_no_server_takes_fails_for_good(self, server, address):
        assert send(outgoing(address)).kind == PERMANENT
        assert server.received == []

    def test_address_under_a_hindi_domain_is_written_for_the_server(self, server):
        assert send(outgoing("a@उदाहरण.भारत")).kind == ACCEPTED


class TestConnection:
    def test_one_connection_carries_many_messages(self, server):
        with SmtpGateway() as gateway:
            for _ in range(5):
                assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
        assert (server.connections, len(server.received)) == (1, 5)

    def test_server_that_closed_between_messages_gets_a_new_connection(self, server):
        server.replies["MAIL"] = ["250 OK", "421 too many messages", "250 OK"]
        with SmtpGateway() as gateway:
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
        assert (server.connections, len(server.received)) == (2, 2)

    def test_nobody_listens(self, settings):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
        with pytest.raises(GatewayDown, match="refused"), SmtpGateway():
            pass

    def test_server_that_takes_the_connection_and_says_nothing(self, settings):
        settings.EMAIL_TIMEOUT = 0.3
        with socket.create_server(("127.0.0.1", 0)) as mute:
            settings.EMAIL_HOST, settings.EMAIL_PORT = mute.getsockname()
            with pytest.raises(GatewayDown, match="timed out"), SmtpGateway():
                pass

    def test_server_that_refuses_the_office_is_down_for_every_message(self, server):
        # Not signed in, or no relay for us: no fault of the message, so it does not fail.
        server.replies["MAIL"] = ["530 authentication required"] * 2
        with SmtpGateway() as gateway, pytest.raises(GatewayDown, match="530"):
            gateway.send(outgoing(), uuid.uuid4())

    def test_wrong_password_is_a_gateway_that_is_down(self, server, settings):
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "office", "wrong"
        with pytest.raises(GatewayDown), SmtpGateway():
            pass

    def test_mail_server_without_the_tls_that_was_asked_for_gets_nothing(self, server, settings):
        settings.EMAIL_USE_TLS = True
        with pytest.raises(GatewayDown, match="STARTTLS"), SmtpGateway():
            pass


class TestAnswers:
    @pytest.mark.parametrize(
        ("step", "reply", "kind"),
        [
            ("RCPT", "550 no such user", PERMANENT),
            ("RCPT", "450 try again later", TRANSIENT),
            ("RCPT", "421 shutting down", TRANSIENT),
            ("RCPT", "299 fine", ACCEPTED),
            ("DATA", "554 looks like spam", PERMANENT),
            ("DATA", "451 greylisted", TRANSIENT),
            ("DATA", "250 queued as 4ABC", ACCEPTED),
            ("DATA", "354 what", UNKNOWN),
        ],
    )
    def test_reply_decides(self, server, step, reply, kind):
        server.replies[step] = [reply]
        outcome = send()
        assert outcome.kind == kind
        if kind in (PERMANENT, TRANSIENT):
            assert outcome.error == reply
        if reply.endswith("4ABC"):
            assert outcome.gateway_reference == "queued as 4ABC"

    def test_refused_recipient_does_not_harm_the_next_message(self, server):
        server.replies["RCPT"] = ["550 no such user"]
        with SmtpGateway() as gateway:
            assert gateway.send(outgoing(), uuid.uuid4()).kind == PERMANENT
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
        assert (server.connections, len(server.received)) == (1, 1)

    @pytest.mark.parametrize("fault", ["reset", "hang", "garbage"])
    def test_fault_after_the_content_leaves_the_fate_unknown(self, server, settings, fault):
        server.after_content = [fault]
        with SmtpGateway() as gateway:
            if fault == "hang":
                settings.EMAIL_TIMEOUT = LITTLE_PATIENCE
            assert gateway.send(outgoing(), uuid.uuid4()).kind == UNKNOWN
            settings.EMAIL_TIMEOUT = PATIENCE
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
        assert server.connections == 2
        assert len(server.received) == (2 if fault == "reset" else 1)

    def test_slow_server_cannot_hold_a_call_longer_than_its_limit(self, server, settings):
        settings.EMAIL_TIMEOUT = 10
        settings.MESSAGE_CALL_SECONDS = smtp.CONNECT_SECONDS + LITTLE_PATIENCE
        server.after_content = ["hang"]
        began = time.monotonic()
        assert send().kind == UNKNOWN
        # To be told from the ten seconds of one reply, not from the two of the call.
        assert time.monotonic() - began < 7


class TestBeforeTheContent:
    """A bare server that breaks off at a step of its choice."""

    @pytest.mark.parametrize("after", ["RCPT", "DATA"])
    def test_connection_that_breaks_before_the_content_is_tried_later(self, settings, after):
        settings.EMAIL_TIMEOUT = PATIENCE
        with breaking_server(after) as address:
            settings.EMAIL_HOST, settings.EMAIL_PORT = address
            outcome = send()
        assert outcome.kind == TRANSIENT


@contextlib.contextmanager
def breaking_server(last_command: str):
    """Says yes to every command, and closes at `last_command` instead of answering."""

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 here\r\n")
            for line in lines:
                if line.upper().startswith(last_command.encode()):
                    return
                connection.sendall(b"250 OK\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()
        thread.join(5)


def test_missing_mail_server_is_a_problem_of_the_settings(settings):
    settings.EMAIL_HOST = ""
    assert SmtpGateway.problems() == ["EMAIL_HOST is empty: no mail server is named."]
    settings.EMAIL_HOST = "mail.example.org"
    assert SmtpGateway.problems() == []


class TestEnvelopeInOneGo:
    """RFC 2920: a server that says PIPELINING answers several commands that came together."""

    def test_server_gets_all_of_the_envelope_before_it_answers(self, settings):
        settings.EMAIL_TIMEOUT = 5
        replies = [b"250 sender", b"250 recipient", b"354 go on"]
        with pipelining_server(settings, [(3, replies), (None, [b"250 taken"])]) as seen:
            assert send().kind == ACCEPTED
        assert [line.partition(b":")[0] for line in seen[:3]] == [b"MAIL FROM", b"RCPT TO", b"DATA"]

    def test_refused_recipient_and_a_server_that_asks_for_content_all_the_same(self, settings):
        settings.EMAIL_TIMEOUT = 5
        refused = [b"250 sender", b"550 no such user", b"354 go on"]
        fine = [b"250 sender", b"250 recipient", b"354 go on"]
        steps = [
            *[(3, refused), (None, [b"554 nobody to send it to"]), (1, [b"250 reset"])],
            *[(3, fine), (None, [b"250 taken"])],
        ]
        with pipelining_server(settings, steps) as seen, SmtpGateway() as gateway:
            refusal = gateway.send(outgoing(), uuid.uuid4())
            assert (refusal.kind, refusal.error) == (PERMANENT, "550 no such user")
            assert gateway.send(outgoing(text="kept"), uuid.uuid4()).kind == ACCEPTED
        assert seen[3:5] == [b".", b"rset"]  # of the refused one nothing has left

    def test_refused_sender_is_a_gateway_that_is_down(self, settings):
        settings.EMAIL_TIMEOUT = 5
        refused = [b"550 not you", b"503 sender first", b"503 recipient first"]
        with pipelining_server(settings, [(3, refused)]) as seen, pytest.raises(GatewayDown):
            send()
        assert len(seen) == 3

    def test_connection_that_breaks_within_the_envelope_is_tried_later(self, settings):
        settings.EMAIL_TIMEOUT = 5
        with pipelining_server(settings, [(3, [b"250 sender"])]):
            assert send().kind == TRANSIENT


@contextlib.contextmanager
def pipelining_server(settings: Any, steps: list[tuple[int | None, list[bytes]]]):
    """Takes so many lines (None: up to a lone dot), then gives the replies; and so on.

    Yields the lines that it saw after the greeting. It closes when the steps are over.
    """
    seen: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 here\r\n")
            lines.readline()
            connection.sendall(b"250-here\r\n250 PIPELINING\r\n")
            for count, replies in steps:
                came: list[bytes] = []
                while (count or 10_000) > len(came) and not (count is None and b"." in came):
                    came.append(lines.readline().rstrip(b"\r\n"))
                seen.extend(came)
                connection.sendall(b"".join(reply + b"\r\n" for reply in replies))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.EMAIL_HOST, settings.EMAIL_PORT = listener.getsockname()
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield seen
        thread.join(5)
