"""An email as every gateway for emails sends it, whatever carries it there."""

import re
from email.utils import parseaddr
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from notifications.gateways.base import Outgoing

CALENDAR_METHOD = re.compile(r"^METHOD:([A-Z]+)\r?$", re.MULTILINE)


def compose(message: Outgoing, client_reference: UUID) -> EmailMultiAlternatives:
    """Text, HTML and calendar entry of a message, with its headers.

    The Message-ID comes from the message's own id, so that a repeat is recognised as the same
    message by servers and mailboxes that look.
    """
    email = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        to=[message.address],
        headers={
            "Message-ID": f"<{message.public_id}@{sender().rpartition('@')[2]}>",
            "X-Client-Reference": str(client_reference),
            "Auto-Submitted": "auto-generated",
            "Content-Language": message.language,
        },
    )
    if message.html:
        email.attach_alternative(message.html, "text/html")
    if message.ics:
        email.attach("appointment.ics", message.ics, _calendar_type(message.ics))
    return email


def sender() -> str:
    """The bare address that emails come from."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def _calendar_type(ics: str) -> str:
    """RFC 6047: the part's type names the method that stands in the entry."""
    method = CALENDAR_METHOD.search(ics)
    return f"text/calendar; method={method[1]}" if method else "text/calendar"
