"""Where gateways over HTTP report what became of messages: one address for each.

Nobody signs in here: every report carries the reference that was signed when its message left, and
one without it changes nothing. A gateway repeats what is not answered by a 2xx, so everything that
was read is, also what is forged; a database that is away is not.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from notifications import receipts
from notifications.gateways.msg91 import reports as msg91
from notifications.gateways.over_http import Unreadable
from notifications.receipts import Report, Verdict

logger = logging.getLogger(__name__)

LARGEST_POST = 256 * 1024
# Each is a transaction or a count, and the gateway waits for the answer.
MOST_REPORTS = 1000
COME_BACK_SECONDS = 30

# Of each gateway, what reads its posts: the reports in it, or what each is instead.
READERS: dict[str, Callable[[bytes, str], list[Report | Verdict]]] = {msg91.GATEWAY: msg91.read}


class _TooMuch(Exception):
    """More than any gateway posts."""


@csrf_exempt
@require_POST
def reports(request: HttpRequest, gateway: str) -> HttpResponse:
    """Take a gateway's reports."""
    if gateway not in READERS:
        return _answer(404, "no such gateway")
    now = timezone.now()
    try:
        return _heard(request, gateway, now)
    except (OperationalError, InterfaceError) as error:
        logger.warning("the database did not answer: %s", type(error).__name__)
        response = _answer(503, "come back later")
        response.headers["Retry-After"] = str(COME_BACK_SECONDS)
        return response


def _heard(request: HttpRequest, gateway: str, now: datetime) -> HttpResponse:
    try:
        found = READERS[gateway](_body(request), request.content_type or "")
        if len(found) > MOST_REPORTS:
            raise _TooMuch
    except (_TooMuch, Unreadable, UnreadablePostError) as error:
        receipts.count(gateway=gateway, verdict=Verdict.GARBLED, now=now)
        too_much = isinstance(error, _TooMuch)
        return _answer(413, "too much") if too_much else _answer(400, "not readable")
    for each in found:
        if isinstance(each, Report):
            receipts.take(gateway=gateway, report=each, now=now)
        else:
            receipts.count(gateway=gateway, verdict=each, now=now)
    return _answer(200, "ok")


def _body(request: HttpRequest) -> bytes:
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdecimal() and int(declared[:20]) > LARGEST_POST:
        raise _TooMuch  # unread
    stream = request
    if not declared and request.META.get("wsgi.input_terminated"):
        # In chunks, of which Django reads none because nobody said how long it will be.
        stream = request.META["wsgi.input"]
    body = stream.read(LARGEST_POST + 1)
    if len(body) > LARGEST_POST:
        raise _TooMuch
    return body


def _answer(status: int, words: str) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
