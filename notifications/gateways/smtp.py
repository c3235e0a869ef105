"""Email through a mail server, one connection for many messages.

smtplib's own `sendmail` does not say whether a connection broke before or after the message was
handed over, which decides whether it may be sent again. So the steps are taken one by one, except
that a server which allows it (PIPELINING, RFC 2920) gets the envelope in one go: two waits for the
wire instead of four. Content leaves only after all of the envelope was accepted.
"""

import re
import smtplib
import socket
import ssl
import time
from types import TracebackType
from typing import Self
from uuid import UUID

from django.conf import settings
from django.core.mail.message import sanitize_address

from notifications.gateways import emails
from notifications.gateways.base import GatewayDown, Outcome, Outgoing
from notifications.models import Attempt

CONNECT_SECONDS = 3
# What a broken or garbled conversation raises; smtplib reads garbage as reply code -1.
BROKEN = (smtplib.SMTPException, OSError, ValueError)
LONE_LINE_ENDS = re.compile(rb"\r\n|\r|\n")
LEADING_DOTS = re.compile(rb"(?m)^\.")


class _Refused(Exception):
    """The server answered a step with something else than yes."""

    def __init__(self, code: int, reply: bytes) -> None:
        self.code = code
        super().__init__(f"{code} {reply.decode(errors='replace')}")


class _Connection(smtplib.SMTP):
    """Connects within CONNECT_SECONDS; every later step has what is left of the call."""

    ends_at = 0.0
    unread = 0  # replies to commands that were sent in one go

    def begin_call(self) -> None:
        self.ends_at = time.monotonic() + settings.MESSAGE_CALL_SECONDS - CONNECT_SECONDS

    def begin_envelope(self, sender: str, recipient: str, *, eight_bit: bool) -> None:
        """Name the sender; where the server allows it, ask for all of the envelope at once."""
        told = ["BODY=8BITMIME"] if eight_bit and self.has_extn("8bitmime") else []
        if not self.has_extn("pipelining"):
            _expect(2, *self.mail(sender, told))
            return
        from_whom = " ".join([f"MAIL FROM:{smtplib.quoteaddr(sender)}", *told])
        to_whom = f"RCPT TO:{smtplib.quoteaddr(recipient)}"
        self._limit()
        self.send(f"{from_whom}\r\n{to_whom}\r\nDATA\r\n")
        self.unread = 3
        _expect(2, *self._next_reply())

    def name_recipient(self, recipient: str) -> None:
        _expect(2, *(self._next_reply() if self.unread else self.rcpt(recipient)))

    def ask_for_content(self) -> None:
        _expect(3, *(self._next_reply() if self.unread else self.docmd("DATA")))

    def withdraw(self) -> None:
        """End a message whose recipient was refused, so that the next one may follow."""
        if self.unread:
            code, _ = self._next_reply()
            if code // 100 == 3:  # it would take content for nobody: there is none
                self.send(b".\r\n")
                self.getreply()
        self.rset()

    def _next_reply(self) -> tuple[int, bytes]:
        self.unread -= 1
        return self.getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((host, port), CONNECT_SECONDS)

    def putcmd(self, cmd: str, args: str = "") -> None:
        self._limit()
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        self._limit()
        return super().getreply()

    def _limit(self) -> None:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call took too long")
        if self.sock:
            self.sock.settimeout(min(left, settings.EMAIL_TIMEOUT))


class SmtpGateway:
    """Hands messages to settings.EMAIL_HOST."""

    name = "smtp"
    reports = False
    needs_template = False
    has_template_ids = False
    # A server near by takes a mail in less time than a commit. A repeat has the same Message-ID.
    window = 10

    def __init__(self) -> None:
        self._smtp: _Connection | None = None

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._disconnect()

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        try:
            recipient = _envelope_address(message.address)
            content = _mime(message, client_reference)
        except ValueError as error:  # a header or an address that no server takes
            return Outcome(Attempt.Outcome.PERMANENT, error=str(error))
        smtp = self._envelope_begun(recipient, eight_bit=not content.isascii())
        try:
            smtp.name_recipient(recipient)
            smtp.ask_for_content()
        except _Refused as refusal:
            return self._refused(refusal)
        except BROKEN as error:  # before the content: nothing was handed over
            self._disconnect()
            return Outcome(Attempt.Outcome.TRANSIENT, error=f"{type(error).__name__}: {error}")
        return self._content_sent(smtp, content)

    @classmethod
    def problems(cls) -> list[str]:
        return [] if settings.EMAIL_HOST else ["EMAIL_HOST is empty: no mail server is named."]

    def _envelope_begun(self, recipient: str, *, eight_bit: bool) -> _Connection:
        """A connection on which the server has accepted our sender.

        A server may end a connection between two messages: then one new connection is tried.
        What it has against the sender (not signed in, no relay) is no fault of the message.
        """
        sender = _envelope_address(emails.sender())
        if self._smtp:
            try:
                self._smtp.begin_call()
                self._smtp.begin_envelope(sender, recipient, eight_bit=eight_bit)
                return self._smtp
            except (_Refused, *BROKEN):
                self._disconnect()
        smtp = self._connect()
        try:
            smtp.begin_envelope(sender, recipient, eight_bit=eight_bit)
        except (_Refused, *BROKEN) as error:
            self._disconnect()
            raise GatewayDown(f"sender: {error}") from error
        return smtp

    def _content_sent(self, smtp: _Connection, content: bytes) -> Outcome:
        """From here on, what is not answered may have been delivered."""
        try:
            smtp.send(content)
            code, reply = smtp.getreply()
            _expect(2, code, reply)
        except _Refused as refusal:
            if refusal.code // 100 not in (4, 5):
                self._disconnect()
                return Outcome(Attempt.Outcome.UNKNOWN, error=str(refusal))
            return self._refused(refusal)
        except BROKEN as error:
            self._disconnect()
            return Outcome(Attempt.Outcome.UNKNOWN, error=f"{type(error).__name__}: {error}")
        return Outcome(Attempt.Outcome.ACCEPTED, gateway_reference=reply.decode(errors="replace"))

    def _refused(self, refusal: _Refused) -> Outcome:
        """4xx: try later. 5xx: never. Anything else is no SMTP, and nothing was taken."""
        if refusal.code == 421 or refusal.code // 100 not in (4, 5):
            self._disconnect()  # it is closing the connection, or speaks nonsense
        elif self._smtp:
            try:
                self._smtp.withdraw()
            except BROKEN:
                self._disconnect()
        if refusal.code // 100 == 5:
            return Outcome(Attempt.Outcome.PERMANENT, error=str(refusal))
        return Outcome(Attempt.Outcome.TRANSIENT, error=str(refusal))

    def _connect(self) -> _Connection:
        smtp = _Connection(timeout=settings.EMAIL_TIMEOUT)
        try:
            smtp.begin_call()
            _expect(2, *smtp.connect(settings.EMAIL_HOST, settings.EMAIL_PORT))
            smtp.ehlo_or_helo_if_needed()
            if settings.EMAIL_USE_TLS:
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo_or_helo_if_needed()
            if settings.EMAIL_HOST_USER:
                smtp.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
        except (_Refused, *BROKEN) as error:
            smtp.close()
            raise GatewayDown(f"{type(error).__name__}: {error}") from error
        self._smtp = smtp
        return smtp

    def _disconnect(self) -> None:
        if self._smtp:
            try:
                if self._smtp.unread:  # a QUIT might be taken for content
                    self._smtp.close()
                else:
                    self._smtp.quit()
            except BROKEN:
                self._smtp.close()
            self._smtp = None


def _envelope_address(address: str) -> str:
    """The address as the server takes it, its domain in ASCII. ValueError: it has none."""
    if not address.rpartition("@")[0].isascii():
        raise ValueError("the part before the @ has letters that mail servers do not take")
    return sanitize_address(address, "utf-8")


def _expect(hundreds: int, code: int, reply: bytes) -> None:
    if code // 100 != hundreds:
        raise _Refused(code, reply)


def _mime(message: Outgoing, client_reference: UUID) -> bytes:
    """The message as it goes over the wire, with the dot that ends it."""
    email = emails.compose(message, client_reference).message()
    content = LONE_LINE_ENDS.sub(b"\r\n", email.as_bytes())
    return LEADING_DOTS.sub(b"..", content).rstrip(b"\r\n") + b"\r\n.\r\n"
