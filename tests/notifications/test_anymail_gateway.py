"""Emails through providers, against servers on loopback that speak as Postmark and Mailgun do."""

import base64
import email.policy
import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from notifications import delivery, receipts
from notifications.gateways.anymail import AnymailGateway
from notifications.gateways.base import GatewayDown, Outcome, Outgoing
from notifications.gateways.over_http import BUSY_REST
from notifications.models import Attempt, Gate, Message
from tests.notifications.builders import queued
from tests.notifications.http_stub import Stub, http_stub

ACCEPTED, PERMANENT = Attempt.Outcome.ACCEPTED, Attempt.Outcome.PERMANENT
TRANSIENT, UNKNOWN = Attempt.Outcome.TRANSIENT, Attempt.Outcome.UNKNOWN
TO = "Person@Example.org"
ICS = "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR\r\n"
NAME = "b7bc2f4a-e38e-4336-af7d-e6c392c2f817"
POSTMARK_YES = {
    "To": TO,
    "SubmittedAt": "2025-06-23T10:00:00.0000000Z",
    "MessageID": NAME,
    "ErrorCode": 0,
    "Message": "OK",
}
INACTIVE = f"Found inactive addresses: {TO.lower()}. Inactive recipients are ones that bounced."
MAILGUN_YES = {"id": "<20250623.1@mg.example.org>", "message": "Queued. Thank you."}


@pytest.fixture
def postmark(settings) -> Iterator[Stub]:
    with http_stub((200, POSTMARK_YES, {})) as stub:
        settings.DEFAULT_FROM_EMAIL = "Passport office <office@example.org>"
        settings.ANYMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        settings.ANYMAIL = {
            "POSTMARK_SERVER_TOKEN": "token-1",
            "POSTMARK_API_URL": stub.url,
            "WEBHOOK_SECRET": "name:password",
        }
        yield stub


@pytest.fixture
def mailgun(settings) -> Iterator[Stub]:
    with http_stub((200, MAILGUN_YES, {})) as stub:
        settings.DEFAULT_FROM_EMAIL = "office@mg.example.org"
        settings.ANYMAIL_BACKEND = "anymail.backends.mailgun.EmailBackend"
        settings.ANYMAIL = {"MAILGUN_API_KEY": "key-1", "MAILGUN_API_URL": stub.url + "v3"}
        yield stub


def outgoing(address: str = TO, **changes: str) -> Outgoing:
    fields = {"text": "नमस्ते", "subject": "नया समय", "html": "<p>नमस्ते</p>", **changes}
    return Outgoing(uuid.uuid4(), "HOLD", "email", address, "hi", **fields)


def send(message: Outgoing | None = None) -> Outcome:
    with AnymailGateway() as gateway:
        return gateway.send(message or outgoing(), uuid.uuid4())


class TestPostmark:
    def test_whole_email_goes_out_with_our_id_and_signed_reference(self, postmark):
        reference = uuid.uuid4()
        signed = receipts.sign("anymail", reference)
        message = outgoing(ics=ICS, signed_reference=signed)
        with AnymailGateway() as gateway:
            outcome = gateway.send(message, reference)
        assert outcome == Outcome(ACCEPTED, gateway_reference=NAME, parts=(NAME,))
        [asked] = postmark.asked
        assert asked.path == "/email"
        assert asked.headers["X-Postmark-Server-Token"] == "token-1"
        body = asked.json()
        assert (body["From"], body["To"]) == ("Passport office <office@example.org>", TO)
        assert body["Subject"] == "नया समय"
        assert (body["TextBody"], body["HtmlBody"]) == ("नमस्ते", "<p>नमस्ते</p>")
        assert body["Metadata"] == {"reference": signed}
        headers = {header["Name"]: header["Value"] for header in body["Headers"]}
        assert headers == {
            "Message-ID": f"<{message.public_id}@example.org>",
            "X-Client-Reference": str(reference),
            "Auto-Submitted": "auto-generated",
            "Content-Language": "hi",
            "X-PM-KeepID": "true",
        }
        [entry] = body["Attachments"]
        assert entry["ContentType"] == 'text/calendar; method="PUBLISH"; charset="utf-8"'
        assert base64.b64decode(entry["Content"]).decode() == ICS

    def test_one_connection_carries_many_messages(self, postmark):
        with AnymailGateway() as gateway:
            for _ in range(5):
                assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
        assert len(postmark.asked) == 5
        assert len({asked.connection for asked in postmark.asked}) == 1

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (422, {"ErrorCode": 406, "Message": INACTIVE}),
            (422, {"ErrorCode": 300, "Message": f"Invalid 'To' address: '{TO}'."}),
            (422, {"ErrorCode": 300, "Message": "Invalid metadata content."}),
            (413, {"ErrorCode": 0, "Message": "Payload too large"}),
        ],
    )
    def test_refusal_of_the_message_is_final(self, postmark, status, body):
        postmark.script = [(status, body, {})]
        outcome = send()
        assert outcome.kind == PERMANENT
        assert outcome.error

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (403, {"Message": f"You may not send to {TO}"}),
            (422, {"ErrorCode": 412, "Message": f"Pending approval: {TO.upper()}, and no other"}),
            (429, {"Message": f"Too many mails to {TO}"}),
            # One is where the text is cut.
            *((status, {"ErrorCode": 300, "Message": f"{TO} " * 20}) for status in (422, 403)),
        ],
    )
    def test_what_is_kept_of_its_words_names_no_address(self, postmark, settings, status, body):
        settings.MESSAGE_GATEWAYS = {"email": "anymail"}
        postmark.script = [(status, body, {})]
        now = timezone.now()
        times = {"now": now, "urgent_by": now, "expires_at": now + timedelta(hours=1)}
        message = queued(kind="MAIL", channel="email", address=TO, values={}, **times)
        delivery.run("email")
        kept = [Message.objects.get(pk=message.pk).error, message.attempts.get().error]
        kept += Gate.objects.values_list("reason", flat=True)
        assert all("[recipient]" in words for words in kept)
        assert not [words for words in kept if "person@" in words.lower()]

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (401, {"ErrorCode": 10, "Message": "Bad or missing server token"}),
            (403, {"Message": "Forbidden"}),
            (404, b"<html>not here</html>"),
            (503, {"Message": "down for maintenance"}),
            (422, {"ErrorCode": 400, "Message": "The 'From' address is no sender signature"}),
            (422, {"ErrorCode": 405, "Message": "Not allowed to send"}),
            (422, {"ErrorCode": 412, "Message": "Account is pending approval"}),
            (301, b""),
        ],
    )
    def test_trouble_of_the_account_is_a_gateway_that_is_down(self, postmark, status, body):
        postmark.script = [(status, body, {"Location": f"{postmark.url}elsewhere"})]
        with pytest.raises(GatewayDown):
            send()
        assert len(postmark.asked) == 1  # nor was the content given to another address

    @pytest.mark.parametrize(
        ("status", "headers", "wait"),
        [
            (429, {"Retry-After": "120"}, timedelta(seconds=120)),
            (429, {"Retry-After": "Mon, 23 Jun 2025 10:05:00 GMT"}, timedelta(minutes=5)),
            (429, {"Retry-After": "Mon, 23 Jun 2025 09:00:00 GMT"}, BUSY_REST),
            (429, {"Retry-After": "soon"}, BUSY_REST),
            (429, {}, BUSY_REST),
            (503, {"Retry-After": "30"}, timedelta(seconds=30)),
            (408, {}, None),
        ],
    )
    def test_not_now_is_tried_later(self, postmark, status, headers, wait):
        postmark.script = [(status, {"Message": "later"}, headers)]
        with time_machine.travel(datetime(2025, 6, 23, 10, tzinfo=UTC), tick=False):
            outcome = send()
        assert (outcome.kind, outcome.retry_after) == (TRANSIENT, wait)

    @pytest.mark.parametrize(
        "answer",
        [
            (500, {"Message": "internal error"}, {}),
            (502, b"bad gateway", {}),
            (504, b"", {}),
            (200, b"hello there", {}),
            (200, {"ErrorCode": 0, "Message": "OK"}, {}),
            (200, ["?"], {}),
            "reset",
            "close",
        ],
    )
    def test_what_may_have_left_is_unknown_and_is_not_repeated(self, postmark, answer):
        postmark.script = [answer]
        assert send().kind == UNKNOWN
        assert len(postmark.asked) == 1

    def test_provider_that_does_not_answer_in_time(self, postmark, settings):
        settings.MESSAGE_CALL_SECONDS = 3.3
        postmark.script = ["hang"]
        outcome = send()
        assert (outcome.kind, outcome.error) == (UNKNOWN, "ReadTimeout without an answer")

    def test_message_after_a_fault_is_sent(self, postmark):
        postmark.script = ["reset", (422, {"ErrorCode": 300, "Message": "Invalid 'To'"}, {})]
        with AnymailGateway() as gateway:
            kinds = [gateway.send(outgoing(), uuid.uuid4()).kind for _ in range(3)]
        assert kinds == [UNKNOWN, PERMANENT, ACCEPTED]

    def test_address_that_is_none_fails_for_good(self, postmark):
        assert send(outgoing("a@b@c")).kind == PERMANENT
        assert postmark.asked == []

    def test_nobody_listens(self, postmark, settings):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings.ANYMAIL = {**settings.ANYMAIL, "POSTMARK_API_URL": f"http://127.0.0.1:{port}/"}
        with pytest.raises(GatewayDown, match="ConnectionError"):
            send()

    def test_server_without_a_certificate_gets_nothing(self, postmark, settings):
        https = postmark.url.replace("http:", "https:")
        settings.ANYMAIL = {**settings.ANYMAIL, "POSTMARK_API_URL": https}
        assert send().kind == UNKNOWN  # broke in the handshake: cannot be told from a later break
        assert postmark.asked == []


class TestMailgun:
    def test_email_goes_out_as_a_form(self, mailgun):
        message = outgoing(ics=ICS, signed_reference="signed-1")
        outcome = send(message)
        assert (outcome.kind, outcome.gateway_reference) == (ACCEPTED, MAILGUN_YES["id"])
        [asked] = mailgun.asked
        assert asked.path == "/v3/mg.example.org/messages"
        assert asked.headers["Authorization"] == "Basic " + base64.b64encode(b"api:key-1").decode()
        head = f"Content-Type: {asked.headers['Content-Type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + asked.body, policy=email.policy.HTTP)
        fields = {
            part.get_param("name", header="content-disposition"): part for part in form.iter_parts()
        }
        assert fields["v:reference"].get_content().strip() == "signed-1"
        assert (
            fields["h:Message-Id"].get_content().strip() == f"<{message.public_id}@mg.example.org>"
        )
        assert fields["attachment"].get_filename() == "appointment.ics"

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            ((400, {"message": "'to' parameter is not a valid address"}, {}), PERMANENT),
            ((429, {"message": "too many"}, {}), TRANSIENT),
            ((200, b"Mailgun Magnificent API", {}), UNKNOWN),
            ((200, {"id": "<1@x>", "message": "what?"}, {}), UNKNOWN),
        ],
    )
    def test_answer_decides(self, mailgun, answer, kind):
        mailgun.script = [answer]
        assert send().kind == kind

    def test_domain_that_mailgun_does_not_know_is_no_fault_of_the_message(self, mailgun):
        mailgun.script = [(404, b"Domain not found: mg.example.org", {})]
        with pytest.raises(GatewayDown, match="Unknown sender domain"):
            send()


class TestProblems:
    def test_complete_settings_have_none(self, postmark):
        assert AnymailGateway.problems() == []

    def test_provider_that_signs_its_webhooks_needs_no_password(self, mailgun):
        assert AnymailGateway.problems() == []

    def test_no_provider(self, settings):
        settings.ANYMAIL_BACKEND = ""
        assert AnymailGateway.problems() == ["ANYMAIL_BACKEND is empty: no provider is named."]

    def test_provider_that_does_not_exist(self, settings):
        settings.ANYMAIL_BACKEND = "anymail.backends.nobody.EmailBackend"
        assert "No module named" in AnymailGateway.problems()[0]

    def test_missing_key(self, postmark, settings):
        settings.ANYMAIL = {"WEBHOOK_SECRET": "name:password"}
        assert "POSTMARK_SERVER_TOKEN" in AnymailGateway.problems()[0]
        with pytest.raises(GatewayDown, match="POSTMARK_SERVER_TOKEN"):
            send()

    def test_webhook_that_anybody_could_call(self, postmark, settings):
        del settings.ANYMAIL["WEBHOOK_SECRET"]
        [problem] = AnymailGateway.problems()
        assert problem.startswith("ANYMAIL_WEBHOOK_SECRET")

    def test_provider_without_metadata_cannot_bring_receipts(self, settings):
        settings.ANYMAIL_BACKEND = "anymail.backends.scaleway.EmailBackend"
        settings.ANYMAIL = {"SCALEWAY_SECRET_KEY": "k", "SCALEWAY_PROJECT_ID": "p"}
        [problem] = AnymailGateway.problems()
        assert problem.startswith("Scaleway")
