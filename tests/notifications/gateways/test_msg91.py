"""The gateway to MSG91, through the simulator on loopback and against servers that misbehave."""

import json
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from notifications import delivery, receipts
from notifications.gateways import gateway_classes, over_http
from notifications.gateways.base import Filed, GatewayDown, Outcome
from notifications.gateways.msg91 import Msg91Gateway, gateway, references
from notifications.gateways.over_http import Answer, judge, retry_after
from notifications.models import Message
from notifications.registry import alarm, filling
from notifications.registry.models import SmsTemplate
from notifications.simulators.http import HttpSimulator
from notifications.simulators.http_protocols import Accounts
from notifications.simulators.templates import Registry, Template
from tests.notifications.builders import NOW as MORNING
from tests.notifications.builders import queued
from tests.notifications.gateways.over_http import (
    ACCEPTED,
    ENGLISH,
    ENGLISH_PANEL_ID,
    HINDI,
    HINDI_ID,
    HINDI_PANEL_ID,
    NUMBER,
    PERMANENT,
    TRANSIENT,
    UNKNOWN,
    bare_server,
    free_port,
    in_english,
    outgoing,
    simulator,
    tells_nothing,
    use,
)
from tests.notifications.registry.builders import ENTRY, PANEL_ID, VALUES, filed


@pytest.fixture
def server(settings, tmp_path) -> Iterator[HttpSimulator]:
    settings.MESSAGE_CALL_SECONDS = 5
    with simulator(tmp_path) as running:
        use(settings, running.url)
        yield running


def send(message=None, reference: uuid.UUID | None = None) -> Outcome:
    reference = reference or uuid.uuid4()
    with Msg91Gateway() as opened:
        return opened.send(message or outgoing(reference), reference)


class TestMessage:
    def test_text_is_the_template_with_the_values_in_order(self, server):
        reference = uuid.uuid4()
        outcome = send(reference=reference)
        assert outcome.kind == ACCEPTED
        [line] = server.accepted()
        assert outcome.gateway_reference == line["gateway_reference"]
        assert line["text"] == HINDI
        assert line["template_id"] == HINDI_PANEL_ID
        assert line["to"] == "919812345678"
        assert line["client_reference"] == str(reference)
        assert line["parts"] == 1

    def test_english_text_has_its_own_template(self, server):
        assert send(in_english(uuid.uuid4())).kind == ACCEPTED
        [line] = server.accepted()
        assert (line["text"], line["template_id"]) == (ENGLISH, ENGLISH_PANEL_ID)

    def test_more_than_nine_values_keep_their_order(self, settings):
        settings.MSG91_VARIABLE = "var"
        values = tuple(f"value {number}" for number in range(12))
        message = outgoing(uuid.uuid4(), filed=Filed("1101", "PSKMPX", HINDI_ID, values, "f1"))
        [recipient] = gateway._request(message)["recipients"]
        assert [recipient[f"var{number}"] for number in range(1, 13)] == list(values)

    def test_reference_fits_what_msg91_carries_and_comes_back_whole(self):
        # Its CRQID takes letters, digits and _ . - only, 80 at most.
        reference = uuid.uuid4()
        carried = references.outward(receipts.sign("msg91", reference))
        assert len(carried) <= 80
        assert set(carried) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
        )
        assert receipts.unsign("msg91", references.inward(carried)) == reference

    @pytest.mark.parametrize(
        "address", ["9812345678", "+", "+91 98123", "a@example.org", "+0123456789", "+91981234567८"]
    )
    def test_address_that_is_no_number_fails_for_good_and_leaves_nothing(self, server, address):
        outcome = send(outgoing(uuid.uuid4(), address=address))
        assert (outcome.kind, outcome.error) == (PERMANENT, "no number that can be called")
        assert server.counts["connections"] == 0

    @pytest.mark.parametrize("filed", [None, Filed("1101", "PSKMPX", HINDI_ID, ("4711", "x"))])
    def test_message_without_a_filed_template_fails_for_good(self, server, filed):
        assert send(outgoing(uuid.uuid4(), filed=filed)).kind == PERMANENT
        assert server.counts["connections"] == 0

    @pytest.mark.parametrize("other", [HINDI_ID, "6808ca80d6fc054bef421359"])
    def test_id_that_its_panel_does_not_know_is_no_fault_of_the_message(self, server, other):
        """Above all the 19 digits of the operators."""
        filed = Filed("1101", "PSKMPX", HINDI_ID, ("4711", "शुक्र 26/12"), other)
        outcome = send(outgoing(uuid.uuid4(), filed=filed))
        assert (outcome.kind, outcome.template_unknown) == (TRANSIENT, True)
        assert outcome.error == "400 template id not known to its panel"
        assert server.accepted() == []


class TestConnection:
    def test_one_connection_carries_many_messages(self, server):
        with Msg91Gateway() as opened:
            for _ in range(5):
                assert opened.send(outgoing(uuid.uuid4()), uuid.uuid4()).kind == ACCEPTED
        assert server.counts["connections"] == 1
        assert len(server.accepted()) == 5

    def test_server_that_closed_between_messages_gets_a_new_connection(self, server):
        with Msg91Gateway() as opened:
            assert opened.send(outgoing(uuid.uuid4()), uuid.uuid4()).kind == ACCEPTED
            server._server.close_connections()
            time.sleep(0.1)  # until the client's kernel has heard of it
            assert opened.send(outgoing(uuid.uuid4()), uuid.uuid4()).kind == ACCEPTED
        assert server.counts["connections"] == 2

    def test_nobody_listens(self, settings):
        use(settings, f"http://127.0.0.1:{free_port()}")
        with pytest.raises(GatewayDown, match="ConnectError"):
            send()

    def test_server_without_tls_where_it_was_asked_for_gets_nothing(self, server, settings):
        settings.MSG91_URL = server.url.replace("http:", "https:")
        with pytest.raises(GatewayDown):
            send()
        assert server.accepted() == []

    def test_server_that_takes_the_connection_and_says_nothing(self, settings, monkeypatch):
        monkeypatch.setattr(over_http, "CONNECT_SECONDS", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as mute:
            use(settings, f"https://127.0.0.1:{mute.getsockname()[1]}")
            with pytest.raises(GatewayDown, match="ConnectTimeout"):
                send()

    def test_proxy_that_does_not_let_us_through_got_no_message(self, settings):
        heard = []

        def refuse(connection: socket.socket) -> None:
            heard.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

        with bare_server(refuse) as address:
            use(settings, "https://gateway.invalid")
            settings.MESSAGE_HTTP_PROXY = f"http://{address}"
            with pytest.raises(GatewayDown, match="ProxyError"):
                send()
        assert heard[0].startswith(b"CONNECT gateway.invalid:443")
        assert NUMBER[1:].encode() not in heard[0]

    def test_proxy_is_what_the_settings_say_and_not_the_environment(self, server, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
        assert send().kind == ACCEPTED

    def test_proxy_that_has_no_address_is_a_gateway_that_is_down(self, server, settings):
        settings.MESSAGE_HTTP_PROXY = "nonsense"
        with pytest.raises(GatewayDown), Msg91Gateway():
            pass

    @pytest.mark.parametrize("key", ["line\r\nbreak", "हिन्दी"])
    def test_authkey_that_no_header_can_carry_is_a_gateway_that_is_down(
        self, server, settings, key
    ):
        settings.MSG91_AUTHKEY = key
        with pytest.raises(GatewayDown):
            send()
        assert server.accepted() == []


class TestFaults:
    """Every fault of the simulator: what the gateway says, and whether the message was taken."""

    @pytest.mark.parametrize(
        ("fault", "kind", "taken"),
        [
            ("500", UNKNOWN, False),
            ("502", UNKNOWN, False),
            ("garbage", UNKNOWN, False),
            ("reset", UNKNOWN, False),
            ("hang", UNKNOWN, False),
            ("error:211", TRANSIENT, False),
            ("error:400", TRANSIENT, False),
            ("error:202", PERMANENT, False),
            ("error:311", TRANSIENT, False),
            ("error:506", UNKNOWN, False),
            ("error:600", PERMANENT, False),
            ("error:631", PERMANENT, False),
            ("http:400", PERMANENT, False),
            ("http:408", TRANSIENT, False),
            ("429", TRANSIENT, False),
            ("429:7", TRANSIENT, False),
            ("429:date:100", TRANSIENT, False),
            ("503:7", TRANSIENT, False),
            ("503:date:100", TRANSIENT, False),
            ("taken_500", UNKNOWN, True),
            ("taken_garbage", UNKNOWN, True),
            ("taken_reset", UNKNOWN, True),
            ("taken_hang", UNKNOWN, True),
            ("taken_drip:1", UNKNOWN, True),
            ("taken_drip:0", ACCEPTED, True),
            ("taken_cut", UNKNOWN, True),
            ("taken_flood", UNKNOWN, True),
        ],
    )
    def test_fault_and_the_next_message(self, server, settings, fault, kind, taken):
        slow = fault in ("hang", "taken_hang", "taken_drip:1")
        settings.MESSAGE_CALL_SECONDS = 1 if slow else 5
        server.conduct.answers.change(script=[fault])
        message = outgoing(uuid.uuid4())
        with Msg91Gateway() as opened:
            outcome = opened.send(message, uuid.uuid4())
            assert (outcome.kind, len(server.accepted())) == (kind, taken)
            assert tells_nothing(outcome.error, message)
            assert bool(outcome.error) == (kind != ACCEPTED)
            settings.MESSAGE_CALL_SECONDS = 5
            assert opened.send(outgoing(uuid.uuid4()), uuid.uuid4()).kind == ACCEPTED
        assert len(server.accepted()) == taken + 1

    @pytest.mark.parametrize(
        "fault", ["503", "http:401", "http:403", "http:404", "http:302", "error:201", "error:418"]
    )
    def test_gateway_that_does_not_want_us_is_down_for_every_message(self, server, fault):
        server.conduct.answers.change(script=[fault])
        with Msg91Gateway() as opened:
            with pytest.raises(GatewayDown):
                opened.send(outgoing(uuid.uuid4()), uuid.uuid4())
            assert opened.send(outgoing(uuid.uuid4()), uuid.uuid4()).kind == ACCEPTED
        assert len(server.accepted()) == 1

    def test_wrong_authkey_is_a_gateway_that_is_down(self, server, settings):
        settings.MSG91_AUTHKEY = "another"
        with pytest.raises(GatewayDown, match="HTTP 401"):
            send()

    @pytest.mark.parametrize(
        ("fault", "least", "most"),
        [("429", 5, 5), ("429:7", 7, 7), ("503:7", 7, 7), ("429:date:100", 60, 101)],
    )
    def test_wait_that_was_asked_for_is_passed_on(self, server, fault, least, most):
        server.conduct.answers.change(script=[fault])
        wait = send().retry_after
        assert timedelta(seconds=least) <= wait <= timedelta(seconds=most)

    def test_server_that_drips_cannot_hold_a_call_longer_than_its_limit(self, server, settings):
        # An answer of some hundred letters, one a second, none of which comes too late.
        settings.MESSAGE_CALL_SECONDS = 1
        server.conduct.answers.change(script=["taken_drip:1"])
        began = time.monotonic()
        assert send() == Outcome(UNKNOWN, error="TimeoutError")
        assert time.monotonic() - began < 20

    def test_text_that_is_not_as_filed_fails_for_good_with_the_operators_code(self, server):
        other = Filed("1101", "PSKMPX", HINDI_ID, ("abc", "शुक्र 26/12"), HINDI_PANEL_ID)
        outcome = send(outgoing(uuid.uuid4(), filed=other))
        assert outcome.kind == PERMANENT
        assert outcome.error.startswith("631 ")
        assert server.accepted() == []

    def test_limit_of_a_second_is_a_wait(self, server):
        server.conduct.change({"rate": 0.001})
        with Msg91Gateway() as opened:
            first = opened.send(outgoing(uuid.uuid4()), uuid.uuid4())
            second = opened.send(outgoing(uuid.uuid4()), uuid.uuid4())
        assert (first.kind, second.kind) == (ACCEPTED, TRANSIENT)
        assert second.retry_after == timedelta(seconds=1)
        assert len(server.accepted()) == 1

    def test_celerys_time_limit_breaks_a_call_off_and_leaves_nothing_behind(self, server):
        class TimeIsUp(Exception):
            pass

        def ring(*_: object) -> None:
            raise TimeIsUp

        def ring_once_it_is_taken() -> None:
            while not server.accepted():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGUSR1)

        server.conduct.answers.change(script=["taken_hang"])
        bell = threading.Thread(target=ring_once_it_is_taken, daemon=True)
        before = signal.signal(signal.SIGUSR1, ring)
        try:
            with Msg91Gateway() as opened:
                bell.start()
                with pytest.raises(TimeIsUp):
                    opened.send(outgoing(uuid.uuid4()), uuid.uuid4())
                assert opened.send(outgoing(uuid.uuid4()), uuid.uuid4()).kind == ACCEPTED
        finally:
            bell.join(5)
            signal.signal(signal.SIGUSR1, before)
        assert len(server.accepted()) == 2


class TestWords:
    """What MSG91 writes, and what it means."""

    @pytest.mark.parametrize(
        ("said", "kind"),
        [
            ({"type": "success", "message": "3763646c3058373530393938"}, ACCEPTED),
            ({"type": "error", "message": "x", "code": "203"}, PERMANENT),
            ({"type": "error", "message": "x", "code": 631}, PERMANENT),
            ({"type": "error", "message": "202"}, PERMANENT),
            ({"type": "error", "message": "x", "apiError": "311"}, TRANSIENT),
            ({"type": "error", "message": "Internal error, please try again"}, UNKNOWN),
            ({"type": "error"}, PERMANENT),
        ],
    )
    def test_answer(self, said, kind):
        outcome = gateway.read(json.dumps(said).encode())
        assert outcome is not None
        assert outcome.kind == kind
        assert not outcome.template_unknown

    @pytest.mark.parametrize(
        "said",
        [
            {"message": "template id missing"},
            {"message": "Template ID Missing or Invalid Template"},
            {"message": "flow id missing"},
            {"message": "x", "code": "400"},
            {"message": "x", "code": 211},
            {"message": "400"},
        ],
    )
    def test_template_that_its_panel_does_not_know(self, said):
        outcome = gateway.read(json.dumps({"type": "error", **said}).encode())
        assert outcome is not None
        assert (outcome.kind, outcome.template_unknown) == (TRANSIENT, True)

    @pytest.mark.parametrize(
        "said",
        [
            {"type": "error", "message": "Authentication failure"},
            {"type": "error", "message": "IPBlocked"},
            {"type": "error", "message": "You have no balance"},
            {"type": "error", "message": "x", "code": "301"},
        ],
    )
    def test_trouble_with_the_account(self, said):
        with pytest.raises(GatewayDown):
            gateway.read(json.dumps(said).encode())

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"ok",
            b"[]",
            b"null",
            b'{"type": "success"}',
            b'{"type": "success", "message": ""}',
            b'{"type": "success", "message": "two words"}',
            b'{"type": "success", "message": 17}',
            b'{"type": "maybe", "message": "3763646c"}',
            b"\xff\xfe\x00",
            b"[" * 100_000,
            b'{"type": "success", "message": ' + b"9" * 5000 + b"}",
        ],
    )
    def test_what_is_no_answer_leaves_the_fate_unknown(self, body):
        assert judge(Answer(200, body), gateway.read).kind == UNKNOWN

    def test_error_that_quotes_number_and_text_is_told_in_our_words(self):
        message = outgoing(uuid.uuid4())
        for code in ("", "202", "203", "631", "999"):
            said = {"type": "error", "message": f"{NUMBER} {HINDI} 4711", "code": code}
            outcome = judge(Answer(400, json.dumps(said).encode()), gateway.read)
            assert outcome.kind == PERMANENT
            assert tells_nothing(outcome.error, message)
            assert outcome.error.startswith(code or "refused")

    def test_words_of_success_under_a_status_of_refusal_are_not_believed(self):
        body = b'{"type": "success", "message": "3763646c3058373530393938"}'
        assert judge(Answer(400, body), gateway.read).kind == UNKNOWN
        assert judge(Answer(500, body), gateway.read).kind == UNKNOWN
        assert judge(Answer(202, body), gateway.read).kind == ACCEPTED

    @pytest.mark.parametrize("code", range(600, 632))
    def test_every_error_of_the_operators_registry_is_final_and_named(self, code):
        said = {"type": "error", "message": "rejected", "code": str(code)}
        outcome = gateway.read(json.dumps(said).encode())
        assert outcome is not None
        assert outcome.kind == PERMANENT
        assert outcome.error.startswith(f"{code} ")
        assert "as" in outcome.error


NOW = datetime(2025, 12, 26, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", None),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("1e9", None),
        ("٣", None),
        ("9" * 40, 999_999_999),
        ("Fri, 26 Dec 2025 12:00:30 GMT", 30),
        ("Fri, 26 Dec 2025 17:30:30 +0530", 30),
        ("Fri, 26 Dec 2025 12:00:30 -0000", 30),
        ("Fri, 26 Dec 2025 11:59:30 GMT", None),
        ("Fri, 99 Dec 2025 11:59:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert retry_after(text, NOW) == expected


def test_settings_name_the_gateway_by_its_short_name(settings):
    settings.MESSAGE_GATEWAYS = {"sms": ["msg91"], "email": ["file"]}
    assert gateway_classes("sms") == [Msg91Gateway]
    assert (Msg91Gateway.name, Msg91Gateway.reports) == ("msg91", True)
    assert Msg91Gateway.needs_template
    assert Msg91Gateway.has_template_ids


@pytest.mark.parametrize(
    ("url", "key", "problems"),
    [
        ("https://control.msg91.com", "k", []),
        ("http://127.0.0.1:8093", "k", []),
        ("http://control.msg91.com", "k", ["MSG91_URL must begin with https"]),
        ("control.msg91.com", "", ["MSG91_URL is no address", "MSG91_AUTHKEY is empty"]),
    ],
)
def test_problems_of_the_settings(settings, url, key, problems):
    settings.MSG91_URL, settings.MSG91_AUTHKEY = url, key
    found = Msg91Gateway.problems()
    assert len(found) == len(problems)
    assert all(text.startswith(start) for text, start in zip(found, problems, strict=True))


def test_simulator_that_knows_no_accounts_takes_any_key(settings, tmp_path):
    with simulator(tmp_path, accounts=Accounts()) as running:
        use(settings, running.url)
        settings.MSG91_AUTHKEY = "whatever"
        assert send().kind == ACCEPTED


@pytest.mark.django_db
class TestRegistry:
    """From the office's registry through a worker to the simulated panel, which knows its ids."""

    @pytest.fixture(autouse=True)
    def _known_to_the_panel(self, settings, tmp_path, clock):
        filling.forget()
        settings.MESSAGE_GATEWAYS = {"sms": ["msg91"], "email": ["file"]}
        known = Template(ENTRY.text, ENTRY.header, PANEL_ID)
        with simulator(tmp_path, registry=Registry({ENTRY.template_id: known})) as self.running:
            use(settings, self.running.url)
            yield
        filling.forget()

    def hand_over(self, number: int = 1) -> Message:
        message = queued(number, kind="CANCELLED", values=VALUES)
        delivery.run("sms")
        message.refresh_from_db()
        return message

    def test_message_leaves_by_the_panels_id(self):
        filed(gateway="msg91")
        assert self.hand_over().state == Message.State.ACCEPTED
        [line] = self.running.accepted()
        assert line["template_id"] == PANEL_ID
        assert line["text"] == "ARN ..4821: cancelled. Left: 2. -OFFICE"
        assert SmsTemplate.objects.get().unknown_at is None

    def test_without_the_panels_id_nothing_is_asked_of_it_and_the_row_says_why(self):
        filed()
        message = self.hand_over()
        assert message.state == Message.State.FAILED
        assert message.error == "CANCELLED en msg91: no_gateway_id"
        assert self.running.counts["connections"] == 0
        assert any(
            "CANCELLED · en · msg91: What is" in line for line in alarm.text_problems(MORNING)
        )

    def test_wrong_id_waits_officers_hear_of_it_and_it_leaves_once_the_id_is_right(self, clock):
        filed(gateway="msg91", gateway_template_id="6808ca80d6fc054bef421359")
        message = self.hand_over()
        assert message.state == Message.State.QUEUED
        assert message.error == "400 template id not known to its panel"
        assert self.running.accepted() == []
        assert SmsTemplate.objects.get().unknown_at == MORNING
        told = [line for line in alarm.text_problems(MORNING) if "6808ca80d6fc054bef421359" in line]
        assert len(told) == 1
        filed(gateway="msg91")
        clock.shift(timedelta(minutes=1))
        delivery.run("sms")
        message.refresh_from_db()
        assert message.state == Message.State.ACCEPTED
        assert not any(PANEL_ID in line for line in alarm.text_problems(MORNING))
