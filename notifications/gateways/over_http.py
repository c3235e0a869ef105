"""What gateways over HTTP have in common: one connection for a turn, and what an answer means.

Whether a message may be sent again hangs on one question: had its content begun to leave? The
request is in two steps, headers and content, and the second is noted as it begins. What breaks
before it never left (GatewayDown); what breaks after it may have (unknown).

The client is httpx's asynchronous one, on a loop that runs only within a call: its time limits
alone hold for each read, so that a server which sends a letter every few seconds could hold a
worker for ever. A limit around the whole call cannot be outwitted.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.utils import timezone

from notifications.gateways.base import GatewayDown, Outcome
from notifications.models import Attempt

CONNECT_SECONDS = 3
# A server that says nothing for so long will not say anything.
READ_SECONDS = 10
# The answers of these gateways have some hundred letters.
LARGEST_ANSWER = 64 * 1024
# A server closes connections that lie idle, and a request which meets that moment is lost.
KEPT_SECONDS = 5
BUSY_REST = timedelta(seconds=5)
# The call did not go through. ValueError: an address or a header that HTTP does not allow.
BROKEN = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)

# It does not want us, or has no such address: no fault of the message.
UNWANTED = frozenset({401, 402, 403, 404, 405, 407})
# It gave the request up before it was read.
NOT_READ = frozenset({408, 425})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Answer:
    """What came back: the body is not shown, because it may quote the message."""

    status: int
    body: bytes = field(repr=False)
    retry_after: timedelta | None = None


class NoAnswer(Exception):
    """The content may have left, and what came back, if anything, is no answer."""


class Unreadable(Exception):
    """What was posted to us as reports holds none."""


# Reads a gateway's own words. None: it does not know them. May raise GatewayDown.
Reader = Callable[[bytes], Outcome | None]


class HttpGateway:
    """A client that is reused for many messages; gateways build on it."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        try:
            self._client = _client()
        except BROKEN as error:  # the proxy's address
            self._loop.close()
            raise GatewayDown(f"{type(error).__name__}: {error}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._loop.run_until_complete(self._client.aclose())
        finally:
            # Does not wait for the look-up of a name that hangs in a thread.
            self._loop.close()

    def _hand_over(
        self, url: str, content: bytes, headers: Mapping[str, str], *, read: Reader
    ) -> Outcome:
        call = self._loop.create_task(_post(self._client, url, content, headers))
        try:
            answer = self._loop.run_until_complete(call)
        except NoAnswer as error:
            return Outcome(Attempt.Outcome.UNKNOWN, error=str(error))
        finally:
            self._end(call)
        return judge(answer, read)

    def _end(self, call: asyncio.Task[Answer]) -> None:
        """Nothing of a call goes on after it, also if Celery's time limit broke into it."""
        if not call.done():
            call.cancel()
            self._loop.run_until_complete(asyncio.wait([call]))


def judge(answer: Answer, read: Reader) -> Outcome:
    """What an answer means for the message. GatewayDown: nothing was taken, and nothing will be."""
    status = answer.status
    if status == 429:
        wait = answer.retry_after or BUSY_REST
        return Outcome(Attempt.Outcome.TRANSIENT, error="HTTP 429", retry_after=wait)
    if status == 503:
        if answer.retry_after is None:
            raise GatewayDown("HTTP 503")
        return Outcome(Attempt.Outcome.TRANSIENT, error="HTTP 503", retry_after=answer.retry_after)
    if status >= 500:
        # It had the whole message before something broke, perhaps after it had been passed on:
        # a server's failure to answer says nothing of what it did. Only 503 says that it did not.
        return Outcome(Attempt.Outcome.UNKNOWN, error=f"HTTP {status}")
    if 300 <= status < 400:
        raise GatewayDown(f"HTTP {status}: it sends us elsewhere")
    if status in UNWANTED:
        raise GatewayDown(f"HTTP {status}")
    if status in NOT_READ:
        return Outcome(Attempt.Outcome.TRANSIENT, error=f"HTTP {status}")
    said = read(answer.body)
    if status < 300:
        return said or _unreadable(status)
    return _refused(status, said)


def operators_refusal(code: int) -> str:
    """Our words for an error of the operators' registry (DLT); "" if the code is none of these."""
    if 600 <= code <= 609:
        return f"{code} entity not as registered"
    if 610 <= code <= 619:
        return f"{code} telemarketer not as registered"
    if 620 <= code <= 625:
        return f"{code} header not as registered"
    if 630 <= code <= 631:
        return f"{code} text is not as its template was registered"
    if 626 <= code <= 629:
        return f"{code} not as registered"
    return ""


def address_problems(name: str, url: str) -> list[str]:
    """What is wrong with a gateway's address as the settings give it."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        return [f"{name} is no address."]
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return [f"{name} must begin with https: it carries passwords and messages."]
    return []


def retry_after(text: str, now: datetime) -> timedelta | None:
    """The wait that a header Retry-After asks for, in seconds or as a date (RFC 9110, 10.2.3).

    None: it cannot be read, or is over.
    """
    text = text.strip()
    if text.isascii() and text.isdecimal():
        wait = timedelta(seconds=int(text[:9]))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return wait if wait > timedelta(0) else None


async def _post(
    client: httpx.AsyncClient, url: str, content: bytes, headers: Mapping[str, str]
) -> Answer:
    """One request, within the time of a call. Raises GatewayDown or NoAnswer."""
    leaving = False

    async def note(step: str, about: Mapping[str, Any]) -> None:
        nonlocal leaving
        # Not a proxy's CONNECT, which is a request of its own.
        if step == "http11.send_request_body.started" and about["request"].method == b"POST":
            leaving = True

    try:
        async with (
            asyncio.timeout(settings.MESSAGE_CALL_SECONDS),
            client.stream(
                "POST", url, content=content, headers=headers, extensions={"trace": note}
            ) as response,
        ):
            body = await _body(response)
    except BROKEN as error:
        # Once content has left, the words of an error may quote what the server quoted of it.
        if leaving:
            raise NoAnswer(type(error).__name__) from None
        raise GatewayDown(f"{type(error).__name__}: {error}") from error
    asked = response.headers.get("Retry-After", "")
    return Answer(response.status_code, body, retry_after(asked, timezone.now()))


async def _body(response: httpx.Response) -> bytes:
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise ValueError("too long an answer")
    return body


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(
        # What the environment says of proxies and passwords is not meant for these.
        trust_env=False,
        proxy=settings.MESSAGE_HTTP_PROXY or None,
        verify=_certificates(),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx.Limits(max_connections=1, keepalive_expiry=KEPT_SECONDS),
        headers={"Accept-Encoding": "identity", "User-Agent": "portal"},
    )


@cache
def _certificates() -> ssl.SSLContext:
    """Read once for a process: it takes longer than a call."""
    return ssl.create_default_context()


def _unreadable(status: int) -> Outcome:
    return Outcome(Attempt.Outcome.UNKNOWN, error=f"HTTP {status}, and nothing that we can read")


def _refused(status: int, said: Outcome | None) -> Outcome:
    """A request that was not taken; the gateway's own words, where it has some, say why."""
    if said and said.kind == Attempt.Outcome.ACCEPTED:
        return Outcome(Attempt.Outcome.UNKNOWN, error=f"HTTP {status}, and words of success")
    return said or Outcome(Attempt.Outcome.PERMANENT, error=f"HTTP {status}")
