"""Email through a provider's HTTP interface: any that django-anymail speaks.

settings.ANYMAIL_BACKEND names the provider's class; its keys are in settings.ANYMAIL. Our signed
reference travels as metadata and comes back in the provider's webhook (webhooks.py).
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, cast
from uuid import UUID, uuid4

from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import (
    AnymailConfigurationError,
    AnymailError,
    AnymailRecipientsRefused,
    AnymailUnsupportedFeature,
    AnymailWarning,
)
from anymail.message import AnymailStatus
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string

from notifications.gateways import emails
from notifications.gateways.anymail import answers, webhooks
from notifications.gateways.base import GatewayDown, Outcome, Outgoing
from notifications.models import Attempt

CONNECT_SECONDS = 3
# Headers that a provider wants before it leaves ours alone.
OWN_HEADERS = {"Postmark": {"X-PM-KeepID": "true"}}


class AnymailGateway:
    """Hands messages to the provider; one HTTP session for the whole turn."""

    name = webhooks.GATEWAY
    reports = True
    needs_template = False
    has_template_ids = False
    window = 1

    def __init__(self) -> None:
        self._backend: AnymailBaseBackend | None = None

    def __enter__(self) -> Self:
        try:
            self._backend = _backend()
            self._backend.open()
        except (ImportError, AnymailConfigurationError) as error:
            raise GatewayDown(str(error)) from error
        session = getattr(self._backend, "session", None)
        if session is not None:
            session.max_redirects = 0  # content goes to the address that settings name, no other
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._backend:
            self._backend.close()
            self._backend = None

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        backend = cast(AnymailBaseBackend, self._backend)
        email = _email(backend, message, client_reference)
        try:
            backend.send_messages([email])
        except AnymailRecipientsRefused:
            pass  # the status says so too
        except AnymailError as error:
            return answers.of_error(error, backend.esp_name)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # The provider answered, and not in a form that its class can read.
            return Outcome(Attempt.Outcome.UNKNOWN, error=f"unreadable: {type(error).__name__}")
        return answers.of_status(_status(email))

    @classmethod
    def problems(cls) -> list[str]:
        if not settings.ANYMAIL_BACKEND:
            return ["ANYMAIL_BACKEND is empty: no provider is named."]
        try:
            backend = _backend()
            _build_sample(backend)
        except (ImportError, AnymailConfigurationError) as error:
            return [f"ANYMAIL_BACKEND: {error}"]
        except AnymailUnsupportedFeature as error:
            return [f"{backend.esp_name} cannot carry what an email here needs: {error}"]
        return webhooks.problems(backend.esp_name)


def _backend() -> AnymailBaseBackend:
    """The provider's class, ready; ImportError or AnymailConfigurationError if it cannot be.

    The two limits are of a connection, and of each wait for the answer; neither repeats a call.
    """
    limits = (CONNECT_SECONDS, settings.MESSAGE_CALL_SECONDS - CONNECT_SECONDS)
    with _said_in_docs():
        return cast(AnymailBaseBackend, import_string(settings.ANYMAIL_BACKEND)(timeout=limits))


@contextmanager
def _said_in_docs() -> Iterator[None]:
    """Anymail warns at every start of providers it no longer tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnymailWarning)
        yield


def _email(
    backend: AnymailBaseBackend, message: Outgoing, client_reference: UUID
) -> EmailMultiAlternatives:
    email = emails.compose(message, client_reference)
    email.extra_headers |= OWN_HEADERS.get(backend.esp_name, {})
    if message.signed_reference:
        cast(Any, email).metadata = {webhooks.REFERENCE: message.signed_reference}
    return email


def _status(email: EmailMultiAlternatives) -> AnymailStatus:
    """What the provider said of the message; anymail leaves it on the email."""
    return cast(AnymailStatus, cast(Any, email).anymail_status)


def _build_sample(backend: AnymailBaseBackend) -> None:
    """Put an email with everything that ours may have into the provider's form; sends nothing."""
    sample = Outgoing(
        public_id=uuid4(),
        kind="",
        channel="email",
        address="person@example.org",
        language="hi",
        text="text",
        subject="subject",
        html="<p>text</p>",
        ics="BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR\r\n",
        signed_reference="sample",
    )
    backend.build_message_payload(_email(backend, sample, uuid4()), backend.send_defaults)
