"""What the bench says: a new time for each of many people, as a plan would."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from notifications import outbox
from notifications.gateways import emails
from notifications.gateways.base import Outgoing
from notifications.models import Message
from notifications.render import render

VALUES = {
    "a4": "4821",
    "d": "शुक्र 26/12",
    "dt": "शुक्र 26/12 12:15",
    "psk": "नर्मदापुरम",
    "by": "गुरु 25/12 18:00",
    "url": "127.0.0.1:8000/Ab3dEf7hIjK",
    "deadline_at": "2025-12-25T12:30:00+00:00",
    "old_at": "2025-12-22T04:45:00+00:00",
    "old_centre_hi": "पासपोर्ट सेवा केंद्र भोपाल",
    "old_centre_en": "Passport Seva Kendra, Bhopal",
    "new_at": "2025-12-26T06:45:00+00:00",
    "new_centre_hi": "डाकघर पासपोर्ट सेवा केंद्र विदिशा",
    "new_centre_en": "Post Office Passport Seva Kendra, Vidisha",
    "reason_hi": "सर्वर की तकनीकी खराबी",
    "reason_en": "a technical fault of the server",
}


def fill(count: int, *, channel: str, since: int = 0) -> None:
    """Enqueue what a plan would: a new time for each of so many people."""
    now = timezone.now()
    drafts = [
        outbox.Draft(
            kind="MOVED_KEEP",
            channel=channel,
            address=f"+9198{number:08d}" if channel == "sms" else f"p{number}@example.org",
            language="hi",
            values=VALUES,
            dedupe_key=f"bench:{number}",
            batch="bench",
            urgent_by=now + timedelta(days=3, seconds=number % 86_400),
            quiet_ok_from=now,
            expires_at=now + timedelta(days=3),
        )
        for number in range(since, since + count)
    ]
    outbox.enqueue(drafts, now=now)


def unsaved(count: int) -> list[Message]:
    """The same messages as rows that are in no database."""
    return [
        Message(
            kind="MOVED_KEEP",
            channel="email",
            address=f"p{number}@example.org",
            language="hi",
            values=VALUES,
        )
        for number in range(count)
    ]


def mail(message: Message) -> bytes:
    """A message in words, as it goes over the wire."""
    said = render(message)
    outgoing = Outgoing(
        public_id=message.public_id,
        kind=message.kind,
        channel=message.channel,
        address=message.address,
        language=message.language,
        text=said.text,
        subject=said.subject,
        html=said.html,
        ics=said.ics,
    )
    return emails.compose(outgoing, uuid4()).message().as_bytes(linesep="\r\n")
