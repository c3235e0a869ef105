"""What the provider reports later: arrived, bounced, refused, complained about.

Two locks: the provider's own (a name and password in the address, or its signature), which
django-anymail checks; and our signature under the reference, which comes back as metadata.
"""

import logging
import warnings
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from anymail.exceptions import (
    AnymailConfigurationError,
    AnymailInsecureWebhookWarning,
    AnymailWebhookValidationFailure,
)
from anymail.signals import AnymailTrackingEvent, EventType
from anymail.webhooks.base import AnymailBaseWebhookView
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, resolve, reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications import receipts
from notifications.models import Arrival, ReceiptCount

logger = logging.getLogger(__name__)

GATEWAY = "anymail"
# The metadata's key under which our signed reference goes out and comes back.
REFERENCE = "reference"
Verdict = ReceiptCount.Verdict
# What an event means for the message; those not named (opened, clicked, ...) say nothing of it.
ARRIVALS: dict[str, Arrival | None] = {
    EventType.DELIVERED: Arrival.DELIVERED,
    # Who calls it spam has it; the detail says so.
    EventType.COMPLAINED: Arrival.DELIVERED,
    EventType.BOUNCED: Arrival.UNDELIVERED,
    EventType.REJECTED: Arrival.UNDELIVERED,
    EventType.FAILED: Arrival.UNDELIVERED,
    EventType.QUEUED: None,
    EventType.SENT: None,
    EventType.DEFERRED: None,
}
BODY_LIMIT = 1_000_000


class _NoWebhooks(Exception):
    """The provider has none, or nothing guards them."""


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def tracking(request: HttpRequest) -> HttpResponse:
    """The provider's webhook. Some ask by HEAD whether it is there."""
    if request.method == "HEAD":
        return HttpResponse()
    now = timezone.now()
    try:
        view = _view(_provider())
    except _NoWebhooks:
        return HttpResponse(status=404)
    view.setup(request)
    try:
        view.run_validators(request)
    except AnymailWebhookValidationFailure as failure:
        logger.warning("a webhook was refused: %s", type(failure).__name__)
        receipts.count(gateway=GATEWAY, verdict=Verdict.FORGED, now=now)
        return HttpResponse(status=403)
    events = _events(view, request)
    if events is None:
        receipts.count(gateway=GATEWAY, verdict=Verdict.GARBLED, now=now)
        return HttpResponse(status=400)
    for event in events:
        _take(event, now)
    return HttpResponse()


def problems(provider: str) -> list[str]:
    """What keeps receipts from coming, or lets anybody send them."""
    try:
        _view(provider)
    except _NoWebhooks as problem:
        return [str(problem)]
    return []


def _provider() -> str:
    """The name of the provider in use; _NoWebhooks: none is."""
    if not settings.ANYMAIL_BACKEND:
        raise _NoWebhooks("no provider is named")
    return str(import_string(settings.ANYMAIL_BACKEND).esp_name)


def _view(provider: str) -> AnymailBaseWebhookView:
    """Anymail's view of the provider, for what it knows of checking and reading."""
    slug = provider.lower().replace(" ", "_")
    names = (f"{slug}_tracking_webhook", f"{slug}_webhook")
    for name in names:
        try:
            found = resolve(reverse(name, urlconf="anymail.urls"), urlconf="anymail.urls")
        except NoReverseMatch:
            continue
        return _guarded(provider, found.func)
    raise _NoWebhooks(f"{provider} reports nothing: emails would never be known to have arrived.")


def _guarded(provider: str, function: Any) -> AnymailBaseWebhookView:
    with warnings.catch_warnings():
        warnings.simplefilter("error", AnymailInsecureWebhookWarning)
        try:
            view: AnymailBaseWebhookView = function.view_class(**function.view_initkwargs)
        except AnymailInsecureWebhookWarning:
            raise _NoWebhooks(
                "ANYMAIL_WEBHOOK_SECRET (name:password) is empty: anybody could send receipts."
            ) from None
        except AnymailConfigurationError as error:
            raise _NoWebhooks(f"webhooks of {provider}: {error}") from error
    return view


def _events(
    view: AnymailBaseWebhookView, request: HttpRequest
) -> Collection[AnymailTrackingEvent] | None:
    """None: it cannot be read."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > BODY_LIMIT:
        return None
    try:
        events = view.parse_events(request)
    except (ValueError, LookupError, TypeError, AttributeError, AnymailConfigurationError) as error:
        # Also a webhook for received emails that was set to this address.
        logger.warning("a webhook cannot be read: %s", type(error).__name__)
        return None
    return [event for event in events if isinstance(event, AnymailTrackingEvent)]


def _take(event: AnymailTrackingEvent, now: datetime) -> None:
    if event.event_type not in ARRIVALS:
        return
    try:
        reference = _signed_reference(event)
        known = receipts.unsign(GATEWAY, reference) if reference else None
    except receipts.Forged:
        receipts.count(gateway=GATEWAY, verdict=Verdict.FORGED, now=now)
        return
    name = event.message_id if isinstance(event.message_id, str) else ""
    if not known and not name:
        receipts.count(gateway=GATEWAY, verdict=Verdict.FOREIGN, now=now)
        return
    report = receipts.Report(
        arrival=ARRIVALS[event.event_type],
        client_reference=known,
        gateway_reference=name[:100],
        detail=_detail(event),
    )
    receipts.take(gateway=GATEWAY, report=report, now=now)


def _signed_reference(event: AnymailTrackingEvent) -> str:
    metadata = event.metadata if isinstance(event.metadata, Mapping) else {}
    return str(metadata.get(REFERENCE) or "")


def _detail(event: AnymailTrackingEvent) -> str:
    """The normalised words only: what the receiving server said may quote the address."""
    words = f"{event.event_type} {event.reject_reason or ''}"
    return words.strip()
