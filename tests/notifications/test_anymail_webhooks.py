"""What providers report, as Postmark and Mailgun write it."""

import base64
import hashlib
import hmac
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications import delivery, receipts
from notifications.models import Arrival, Message, ReceiptCount
from notifications.receipts import Report
from tests.notifications.builders import queued
from tests.notifications.http_stub import http_stub

pytestmark = pytest.mark.django_db

Verdict = ReceiptCount.Verdict
REFERENCE = uuid.UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
NAME = "883953f4-6105-42a2-a16a-77a8eac79483"
SECRET = "name:password"


class Book:
    """What reached the receipts."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.counted: list[Verdict] = []

    def take(self, *, gateway: str, report: Report, now: Any) -> Verdict:
        assert gateway == "anymail"
        self.reports.append(report)
        return Verdict.APPLIED

    def count(self, *, gateway: str, verdict: Verdict, now: Any) -> None:
        assert gateway == "anymail"
        self.counted.append(verdict)


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Book:
    book = Book()
    monkeypatch.setattr(receipts, "take", book.take)
    monkeypatch.setattr(receipts, "count", book.count)
    return book


@pytest.fixture
def postmark(settings, book) -> Book:
    settings.ANYMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "t", "WEBHOOK_SECRET": SECRET}
    return book


@pytest.fixture
def mailgun(settings, book) -> Book:
    settings.ANYMAIL_BACKEND = "anymail.backends.mailgun.EmailBackend"
    settings.ANYMAIL = {"MAILGUN_API_KEY": "k", "MAILGUN_WEBHOOK_SIGNING_KEY": "signing"}
    return book


def call(body: Any, *, secret: str = SECRET) -> int:
    """Post a webhook as a provider does: from outside, without a form's token."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}
    return (
        Client(enforce_csrf_checks=True)
        .post(
            reverse("notifications:anymail_tracking"),
            content,
            content_type="application/json",
            headers=headers if secret else {},
        )
        .status_code
    )


def postmark_event(**changes: Any) -> dict[str, Any]:
    signed = receipts.sign("anymail", REFERENCE)
    return {
        "RecordType": "Delivery",
        "ServerID": 23,
        "MessageStream": "outbound",
        "MessageID": NAME,
        "Recipient": "person@example.org",
        "Tag": "",
        "DeliveredAt": "2025-06-23T04:30:00.0000000Z",
        "Details": "smtp;250 2.0.0 OK person@example.org",
        "Metadata": {"reference": signed},
        **changes,
    }


def postmark_bounce(kind: str, code: int, **changes: Any) -> dict[str, Any]:
    own = {
        "RecordType": "Bounce",
        "ID": 4323372036854775807,
        "Type": kind,
        "TypeCode": code,
        "Name": kind,
        "Description": "The server was unable to deliver your message (ex: unknown user).",
        "Details": "Test bounce details",
        "Email": "person@example.org",
        "From": "office@example.org",
        "BouncedAt": "2025-06-23T04:31:00.0000000Z",
        "DumpAvailable": True,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "Test subject",
    }
    event = postmark_event(**{**own, **changes})
    del event["DeliveredAt"], event["Recipient"]
    return event


class TestPostmark:
    def test_delivery_is_taken_under_our_reference(self, postmark):
        assert call(postmark_event()) == 200
        assert postmark.reports == [
            Report(
                arrival=Arrival.DELIVERED,
                client_reference=REFERENCE,
                gateway_reference=NAME,
                detail="delivered",
            )
        ]
        assert postmark.counted == []

    @pytest.mark.parametrize(
        ("kind", "code", "arrival", "detail"),
        [
            ("HardBounce", 1, Arrival.UNDELIVERED, "bounced bounced"),
            ("SoftBounce", 4096, Arrival.UNDELIVERED, "bounced bounced"),
            ("BadEmailAddress", 100000, Arrival.UNDELIVERED, "rejected invalid"),
            ("Blocked", 100006, Arrival.UNDELIVERED, "rejected blocked"),
            ("SMTPApiError", 100009, Arrival.UNDELIVERED, "failed"),
            ("Transient", 2, None, "deferred"),
            ("SpamNotification", 512, Arrival.DELIVERED, "complained spam"),
        ],
    )
    def test_bounce_is_taken_for_what_it_is(self, postmark, kind, code, arrival, detail):
        assert call(postmark_bounce(kind, code)) == 200
        [report] = postmark.reports
        assert (report.arrival, report.detail) == (arrival, detail)
        assert report.client_reference == REFERENCE
        assert "person" not in report.detail

    def test_complaint_says_that_it_arrived(self, postmark):
        assert call(postmark_bounce("SpamComplaint", 512, RecordType="SpamComplaint")) == 200
        assert postmark.reports[0].arrival == Arrival.DELIVERED

    @pytest.mark.parametrize("record", ["Open", "Click", "SubscriptionChange", "Nonsense"])
    def test_what_says_nothing_of_arrival_is_left(self, postmark, record):
        assert call(postmark_event(RecordType=record)) == 200
        assert (postmark.reports, postmark.counted) == ([], [])

    def test_message_of_another_system_is_looked_up_by_its_name_alone(self, postmark):
        assert call(postmark_event(Metadata={})) == 200
        [report] = postmark.reports
        assert (report.client_reference, report.gateway_reference) == (None, NAME)

    def test_event_without_any_name_is_foreign(self, postmark):
        event = postmark_event(Metadata={})
        del event["MessageID"]
        assert call(event) == 200
        assert (postmark.reports, postmark.counted) == ([], [Verdict.FOREIGN])

    @pytest.mark.parametrize("secret", ["", "name:wrong", "other:password"])
    def test_caller_without_the_password_is_counted_and_changes_nothing(self, postmark, secret):
        assert call(postmark_event(), secret=secret) == 403
        assert (postmark.reports, postmark.counted) == ([], [Verdict.FORGED])

    @pytest.mark.parametrize(
        "reference",
        [
            REFERENCE.hex,
            str(REFERENCE),
            REFERENCE.hex + ":AAAA",
            receipts.sign("msg91", REFERENCE),
            receipts.sign("anymail", REFERENCE)[:-1],
            7,
        ],
    )
    def test_reference_without_our_signature_is_counted_and_changes_nothing(
        self, postmark, reference
    ):
        assert call(postmark_event(Metadata={"reference": reference})) == 200
        assert (postmark.reports, postmark.counted) == ([], [Verdict.FORGED])

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"7", b'{"FromFull": {}}'])
    def test_what_cannot_be_read_is_counted(self, postmark, body):
        assert call(body) == 400
        assert (postmark.reports, postmark.counted) == ([], [Verdict.GARBLED])

    def test_more_than_a_webhook_ever_is_is_not_read(self, postmark):
        assert call(postmark_event(Details="x" * 1_000_001)) == 400
        assert postmark.counted == [Verdict.GARBLED]

    def test_failure_to_record_is_an_error_so_that_the_provider_comes_again(
        self, postmark, monkeypatch
    ):
        def broken(**_: Any) -> None:
            raise RuntimeError("the database is away")

        monkeypatch.setattr(receipts, "take", broken)
        client = Client(raise_request_exception=False)
        answer = client.post(
            reverse("notifications:anymail_tracking"),
            json.dumps(postmark_event()),
            content_type="application/json",
            headers={"authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()},
        )
        assert answer.status_code == 500

    def test_provider_asks_whether_the_address_is_there(self, postmark):
        assert Client().head(reverse("notifications:anymail_tracking")).status_code == 200
        assert Client().get(reverse("notifications:anymail_tracking")).status_code == 405


def mailgun_event(name: str = "delivered", *, key: str = "signing", **data: Any) -> dict[str, Any]:
    """As in Mailgun's documentation of its webhooks; signed with the key."""
    timestamp, token = "1750653000", "c0ffee" * 8
    signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {
        "signature": {"timestamp": timestamp, "token": token, "signature": signature},
        "event-data": {
            "id": "CPgfbmQMTCKtHW6uIWtuVe",
            "timestamp": 1750653000.3,
            "log-level": "info",
            "event": name,
            "recipient": "person@example.org",
            "recipient-domain": "example.org",
            "tags": [],
            "message": {"headers": {"message-id": "20250623.1@mg.example.org", "attachments": []}},
            "user-variables": {"reference": receipts.sign("anymail", REFERENCE)},
            "delivery-status": {
                "code": 250,
                "message": "OK",
                "attempt-no": 1,
                "description": "",
            },
            **data,
        },
    }


class TestMailgun:
    @pytest.mark.parametrize(
        ("event", "arrival", "detail"),
        [
            ({"name": "delivered"}, Arrival.DELIVERED, "delivered"),
            (
                {"name": "failed", "severity": "permanent", "reason": "suppress-bounce"},
                Arrival.UNDELIVERED,
                "bounced bounced",
            ),
            ({"name": "failed", "severity": "temporary"}, None, "deferred"),
            (
                {"name": "rejected", "reject": {"reason": "Sandbox domain"}},
                Arrival.UNDELIVERED,
                "rejected other",
            ),
            ({"name": "complained"}, Arrival.DELIVERED, "complained"),
        ],
    )
    def test_event_is_taken_under_our_reference(self, mailgun, event, arrival, detail):
        assert call(mailgun_event(**event), secret="") == 200
        assert mailgun.reports == [
            Report(
                arrival=arrival,
                client_reference=REFERENCE,
                gateway_reference="<20250623.1@mg.example.org>",
                detail=detail,
            )
        ]

    def test_wrong_signature_of_mailgun_is_counted_and_changes_nothing(self, mailgun):
        assert call(mailgun_event(key="guessed"), secret="") == 403
        assert (mailgun.reports, mailgun.counted) == ([], [Verdict.FORGED])

    def test_event_without_a_signature_is_counted_and_changes_nothing(self, mailgun):
        event = mailgun_event()
        del event["signature"]
        assert call(event, secret="") == 403
        assert mailgun.counted == [Verdict.FORGED]


class TestWholeWay:
    """From the message that left to its row, without a stand-in."""

    @pytest.fixture
    def message(self, settings) -> Message:
        settings.ANYMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        settings.MESSAGE_GATEWAYS = {"sms": "file", "email": "anymail"}
        yes = {"To": "p@example.org", "MessageID": NAME, "ErrorCode": 0, "Message": "OK"}
        now = timezone.now()
        address = {"kind": "MAIL", "channel": "email", "address": "p@example.org"}
        message = queued(now=now, **address, expires_at=now + timedelta(days=1))
        with http_stub((200, yes, {})) as stub:
            settings.ANYMAIL = {
                "POSTMARK_SERVER_TOKEN": "t",
                "POSTMARK_API_URL": stub.url,
                "WEBHOOK_SECRET": SECRET,
            }
            assert not delivery.run("email")
            [asked] = stub.asked
        self.metadata = asked.json()["Metadata"]
        message.refresh_from_db()
        assert message.state == Message.State.ACCEPTED
        return message

    def test_delivery_reaches_the_row_once(self, message):
        for _ in range(2):
            assert call(postmark_event(Metadata=self.metadata)) == 200
        message.refresh_from_db()
        assert message.state == Message.State.DELIVERED
        assert counted() == {"applied": 1, "repeated": 1}

    def test_bounce_reaches_the_row(self, message):
        assert call(postmark_bounce("HardBounce", 1, Metadata=self.metadata)) == 200
        message.refresh_from_db()
        assert message.state == Message.State.UNDELIVERED
        assert (message.error, counted()) == ("bounced bounced", {"applied": 1})

    def test_bounce_known_by_the_name_of_the_provider_reaches_the_row(self, message):
        assert call(postmark_bounce("HardBounce", 1, Metadata={})) == 200
        message.refresh_from_db()
        assert message.state == Message.State.UNDELIVERED

    def test_forged_ones_change_nothing_and_are_counted(self, message):
        reference = message.attempts.get().client_reference
        forged = {"reference": f"{reference.hex}:{'A' * 43}"}
        assert call(postmark_bounce("HardBounce", 1, Metadata=forged)) == 200
        assert call(postmark_event(Metadata=self.metadata), secret="name:guess") == 403
        message.refresh_from_db()
        assert message.state == Message.State.ACCEPTED
        assert counted() == {"forged": 2}


def counted() -> dict[str, int]:
    return dict(ReceiptCount.objects.values_list("verdict", "count"))


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("", {}),
        # Nothing guards it: refused rather than believed.
        ("anymail.backends.postmark.EmailBackend", {"POSTMARK_SERVER_TOKEN": "t"}),
        ("anymail.backends.scaleway.EmailBackend", {}),
    ],
)
def test_webhook_that_is_not_in_use_is_not_there(settings, book, backend, options):
    settings.ANYMAIL_BACKEND, settings.ANYMAIL = backend, options
    assert call(postmark_event()) == 404
    assert (book.reports, book.counted) == ([], [])


def test_signed_reference_fits_into_the_metadata_of_every_provider():
    # Postmark takes 80 letters, the least of all.
    assert len(receipts.sign("anymail", uuid.uuid4())) <= 80
