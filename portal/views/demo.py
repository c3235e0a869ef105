"""In demo mode only: who can sign in and what to click, and the phones that get the messages."""

import functools
import time
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from appointments.demo.accounts import demo_accounts
from appointments.demo.cast import APPLICANTS
from notifications.gateways.file import read_sink
from notifications.models import Message
from portal.demo_phones import phones

CODE_SECONDS = 30
MESSAGES_READ = 500

View = Callable[[HttpRequest], HttpResponse]


def demo_only(view: View) -> View:
    """404 on every site that is not a demonstration."""

    @functools.wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not settings.DEMO_MODE:
            raise Http404
        return never_cache(view)(request)

    return guarded


@demo_only
def demo(request: HttpRequest) -> HttpResponse:
    accounts = demo_accounts()
    context = {
        "officers": [account for account in accounts if account.is_officer],
        "applicants": [account for account in accounts if not account.is_officer],
        "code_seconds_left": CODE_SECONDS - int(time.time()) % CODE_SECONDS,
    }
    return render(request, "portal/demo.html", context)


@demo_only
def demo_phone(request: HttpRequest) -> HttpResponse:
    owners = _owners()
    # Behind the thousands whom a plan tells, the people of the demo must still find theirs.
    theirs = read_sink(newest=MESSAGES_READ, addresses=list(owners))
    others = [m for m in read_sink(newest=MESSAGES_READ) if m["to"] not in owners]
    context = {
        "phones": phones([*theirs, *others], owners),
        "queued": Message.objects.filter(state__in=Message.OPEN_STATES).count(),
    }
    return render(request, "portal/demo_phone.html", context)


def _owners() -> dict[str, str]:
    """Number or mail address -> who reads it, for the people who are there to be tried."""
    owners = {part.phone: part.people[0].name for part in APPLICANTS}
    mail = {person.email: person.name for part in APPLICANTS for person in part.people}
    mail.pop("", None)
    return {**owners, **mail}
