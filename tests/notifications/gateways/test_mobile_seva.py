"""The gateway to Mobile Seva, through the simulator on loopback."""

import hashlib
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest

from notifications.gateways import gateway_classes
from notifications.gateways.base import Filed, GatewayDown, Outcome
from notifications.gateways.mobile_seva import MobileSevaGateway, gateway
from notifications.gateways.over_http import Answer, judge
from notifications.simulators.http import HttpSimulator
from tests.notifications.gateways.over_http import (
    ACCEPTED,
    ENGLISH,
    HEADER,
    HINDI,
    HINDI_ID,
    NUMBER,
    PERMANENT,
    TRANSIENT,
    UNKNOWN,
    free_port,
    in_english,
    outgoing,
    simulator,
    tells_nothing,
    use,
)


@pytest.fixture
def server(settings, tmp_path) -> Iterator[HttpSimulator]:
    settings.MESSAGE_CALL_SECONDS = 5
    with simulator(tmp_path) as running:
        use(settings, running.url)
        yield running


def send(message=None) -> Outcome:
    with MobileSevaGateway() as opened:
        return opened.send(message or outgoing(uuid.uuid4()), uuid.uuid4())


def form(message) -> dict[str, str]:
    return gateway._form(message, message.filed, "9812345678")


class TestMessage:
    @pytest.mark.parametrize(("message", "text"), [(outgoing, HINDI), (in_english, ENGLISH)])
    def test_text_arrives_letter_for_letter(self, server, message, text):
        outcome = send(message(uuid.uuid4()))
        assert outcome.kind == ACCEPTED
        [line] = server.accepted()
        assert outcome.gateway_reference == line["gateway_reference"]
        assert line["text"] == text
        assert (line["to"], line["header"]) == ("9812345678", HEADER)
        assert line["client_reference"] == ""  # it knows none

    def test_hindi_letters_are_written_as_their_numbers(self):
        assert gateway.entities("नया 12:15 ₹") == "&#2344;&#2351;&#2366; 12:15 &#8377;"
        assert form(outgoing(uuid.uuid4()))["content"].isascii()

    def test_password_and_key_are_as_documented(self, settings):
        use(settings, "http://127.0.0.1")
        fields = form(in_english(uuid.uuid4()))
        assert fields["password"] == hashlib.sha1(b"the-password").hexdigest()
        signed = f"office{HEADER}{ENGLISH}the-secure-key"
        assert fields["key"] == hashlib.sha512(signed.encode()).hexdigest()

    @pytest.mark.parametrize(
        ("message", "kind", "service"),
        [
            (outgoing, "STANDS", "unicodemsg"),
            (in_english, "STANDS", "singlemsg"),
            (outgoing, "OTP", "unicodeotpmsg"),
            (in_english, "OTP", "otpmsg"),
        ],
    )
    def test_service_fits_letters_and_purpose(self, server, message, kind, service):
        one = message(uuid.uuid4(), kind=kind)
        assert form(one)["smsservicetype"] == service
        assert send(one).kind == ACCEPTED

    def test_signs_of_a_form_in_a_text_stay_in_the_text(self, server):
        text = "ARN ..4711: your appointment a&b=c+d %41 stands. -PSKMP"
        assert send(in_english(uuid.uuid4(), text=text)).kind == ACCEPTED
        [line] = server.accepted()
        assert line["text"] == text

    def test_blanks_around_a_text_do_not_break_its_key(self, server):
        assert send(in_english(uuid.uuid4(), text=f" {ENGLISH}\n")).kind == ACCEPTED
        assert server.accepted()[0]["text"] == ENGLISH

    @pytest.mark.parametrize("address", ["+447700900123", "9812345678", "+91981234567", "x"])
    def test_address_that_is_no_indian_number_fails_for_good(self, server, address):
        outcome = send(outgoing(uuid.uuid4(), address=address))
        assert (outcome.kind, outcome.error) == (PERMANENT, "no Indian number")
        assert server.counts["connections"] == 0

    def test_message_without_a_filed_template_fails_for_good(self, server):
        assert send(outgoing(uuid.uuid4(), filed=None)).kind == PERMANENT
        assert server.counts["connections"] == 0

    def test_text_or_header_that_is_not_as_filed_fails_for_good_with_the_code(self, server):
        text = HINDI.replace("यथावत", "रद्द")
        outcome = send(outgoing(uuid.uuid4(), text=text))
        assert (outcome.kind, outcome.error[:4]) == (PERMANENT, "631 ")
        header = Filed("1101", "OTHERS", HINDI_ID)
        assert send(outgoing(uuid.uuid4(), filed=header)).error[:4] == "620 "
        template = Filed("1101", HEADER, "1107160000000000009")
        assert send(outgoing(uuid.uuid4(), filed=template)).error[:4] == "630 "
        assert server.accepted() == []

    def test_one_connection_carries_many_messages(self, server):
        with MobileSevaGateway() as opened:
            for _ in range(5):
                assert opened.send(outgoing(uuid.uuid4()), uuid.uuid4()).kind == ACCEPTED
        assert server.counts["connections"] == 1


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "kind", "taken"),
        [
            ("500", UNKNOWN, False),
            ("502", UNKNOWN, False),
            ("garbage", UNKNOWN, False),
            ("reset", UNKNOWN, False),
            ("hang", UNKNOWN, False),
            ("error:406", PERMANENT, False),
            ("error:413", PERMANENT, False),
            ("error:404", UNKNOWN, False),
            ("error:409", UNKNOWN, False),
            ("error:600", PERMANENT, False),
            ("error:631", PERMANENT, False),
            ("http:400", PERMANENT, False),
            ("http:408", TRANSIENT, False),
            ("429:7", TRANSIENT, False),
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
        began = time.monotonic()
        with MobileSevaGateway() as opened:
            outcome = opened.send(message, uuid.uuid4())
            assert time.monotonic() - began < 20
            assert (outcome.kind, len(server.accepted())) == (kind, taken)
            assert tells_nothing(outcome.error, message)
            settings.MESSAGE_CALL_SECONDS = 5
            assert opened.send(outgoing(uuid.uuid4()), uuid.uuid4()).kind == ACCEPTED
        assert len(server.accepted()) == taken + 1

    @pytest.mark.parametrize(
        "fault", ["503", "http:403", "http:404", "error:401", "error:403", "error:416", "error:418"]
    )
    def test_gateway_that_does_not_want_us_is_down_for_every_message(self, server, fault):
        server.conduct.answers.change(script=[fault])
        with MobileSevaGateway() as opened:
            with pytest.raises(GatewayDown):
                opened.send(outgoing(uuid.uuid4()), uuid.uuid4())
            assert opened.send(outgoing(uuid.uuid4()), uuid.uuid4()).kind == ACCEPTED

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("MOBILE_SEVA_USERNAME", "401"),
            ("MOBILE_SEVA_PASSWORD", "401"),
            ("MOBILE_SEVA_SECURE_KEY", "416"),
        ],
    )
    def test_wrong_account_is_a_gateway_that_is_down(self, server, settings, name, code):
        setattr(settings, name, "another")
        with pytest.raises(GatewayDown, match=code):
            send()
        assert server.accepted() == []

    def test_wait_that_was_asked_for_is_passed_on(self, server):
        server.conduct.answers.change(script=["429:7"])
        assert send().retry_after == timedelta(seconds=7)

    def test_nobody_listens(self, settings):
        use(settings, f"http://127.0.0.1:{free_port()}")
        with pytest.raises(GatewayDown, match="ConnectError"):
            send()


class TestWords:
    @pytest.mark.parametrize(
        ("said", "reference"),
        [
            ("402,MsgID = 150620161466003974245msdgsms\r\n", "150620161466003974245msdgsms"),
            ("402,MsgID=070820191565174573847hpgovt-hpssa", "070820191565174573847hpgovt-hpssa"),
            ("402 , MsgID= x", "x"),
        ],
    )
    def test_success(self, said, reference):
        assert gateway.read(said.encode()) == Outcome(ACCEPTED, gateway_reference=reference)

    @pytest.mark.parametrize(
        ("said", "kind", "error"),
        [
            ("406", PERMANENT, "406 no such number"),
            ("ERROR : 406 Invalid mobile number\r\n", PERMANENT, "406 no such number"),
            ("Error: 414 rejected", PERMANENT, "414 rejected by the operator"),
            ("631,Template mismatch", PERMANENT, "631 text is not as its template was registered"),
            ("405,Internal Networking Error", UNKNOWN, "405 internal network error"),
        ],
    )
    def test_refusal(self, said, kind, error):
        assert gateway.read(said.encode()) == Outcome(kind, error=error)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"402",
            b"402,",
            b"402,MsgID=",
            b"402,MsgID=a b",
            b"ok",
            b"999",
            b"\xff\xfe",
            b"4020",
        ],
    )
    def test_what_is_no_answer_leaves_the_fate_unknown(self, body):
        assert judge(Answer(200, body), gateway.read).kind == UNKNOWN

    def test_error_that_quotes_number_and_text_is_told_in_our_words(self):
        said = f"ERROR : 406 {NUMBER} {HINDI}".encode()
        outcome = judge(Answer(200, said), gateway.read)
        assert tells_nothing(outcome.error, outgoing(uuid.uuid4()))


def test_settings_name_the_gateway_by_its_short_name(settings):
    settings.MESSAGE_GATEWAYS = {"sms": ["mobile_seva"], "email": ["file"]}
    assert gateway_classes("sms") == [MobileSevaGateway]
    assert (MobileSevaGateway.name, MobileSevaGateway.reports) == ("mobile_seva", False)
    assert MobileSevaGateway.needs_template


def test_problems_of_the_settings(settings):
    use(settings, "https://msdgweb.mgov.gov.in")
    assert MobileSevaGateway.problems() == []
    settings.MOBILE_SEVA_PASSWORD = settings.MOBILE_SEVA_SECURE_KEY = ""
    settings.MOBILE_SEVA_URL = "http://msdgweb.mgov.gov.in"
    assert [text.split()[0] for text in MobileSevaGateway.problems()] == [
        "MOBILE_SEVA_URL",
        "MOBILE_SEVA_PASSWORD",
        "MOBILE_SEVA_SECURE_KEY",
    ]
