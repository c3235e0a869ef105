"""The SMPP gateway and its receiver, against an SMSC that misbehaves in every way one can."""

import datetime as dt
import ipaddress
import random
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import smsutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone
from smpplib import gsm as smpplib_gsm

from notifications import delivery, gsm, receipts, segments
from notifications.gateways import smpp
from notifications.gateways.base import Filed, GatewayDown
from notifications.gateways.smpp import SmppGateway, deliver, parts, receiver
from notifications.models import Arrival, Attempt, Message, ReceiptCount
from notifications.simulators import smsc as simulator
from notifications.simulators.smsc import Smsc, deliver_body
from tests.notifications.builders import minutes, queued
from tests.notifications.gateways.smpp_site import (
    ENTITY,
    HEADER,
    TEMPLATE,
    Taken,
    account,
    moved_answer,
    outgoing,
    receiving,
    send,
    until,
)

ACCEPTED, PERMANENT = Attempt.Outcome.ACCEPTED, Attempt.Outcome.PERMANENT
TRANSIENT, UNKNOWN = Attempt.Outcome.TRANSIENT, Attempt.Outcome.UNKNOWN
TWO_PARTS = "क" * 134


@pytest.fixture
def smsc(settings, tmp_path) -> Iterator[Smsc]:
    required = frozenset({0x1400, 0x1401})
    log = tmp_path / "smsc.jsonl"
    with Smsc(log=log, password="secret", required=required, repeat=60.0) as server:
        account(settings, server.port)
        yield server


@pytest.fixture
def taken(monkeypatch) -> Taken:
    stand_in = Taken()
    monkeypatch.setattr(receipts, "take", stand_in.take)
    monkeypatch.setattr(receipts, "count", stand_in.count)
    return stand_in


@pytest.fixture
def _at_once(monkeypatch):
    """The receiver waits for nothing that it need not wait for."""
    monkeypatch.setattr(receiver, "BACK_OFF", (0.05,))
    monkeypatch.setattr(receiver, "LOOK_UP_SECONDS", 0.05)


# --- The alphabet and the parts -------------------------------------------------------------------


class TestAlphabet:
    def test_every_letter_comes_back(self):
        letters = "".join(segments.GSM_LETTERS | segments.GSM_ESCAPED_LETTERS)
        assert gsm.decode(gsm.encode(letters)) == letters

    def test_septets_are_those_of_another_implementation(self):
        for letter in segments.GSM_LETTERS | segments.GSM_ESCAPED_LETTERS:
            assert gsm.encode(letter) == letter.encode("gsm0338"), letter

    def test_smpplib_cannot_be_used_for_it(self):
        # Its table has a backtick where the alphabet has a section sign: why gsm.py is ours.
        assert gsm.encode("§") == b"\x5f"
        with pytest.raises(UnicodeError):
            smpplib_gsm.gsm_encode("§")

    @pytest.mark.parametrize("letter", ["क", "₹", "ç", "`", "\x1b"])
    def test_letter_outside_is_refused(self, letter):
        with pytest.raises(ValueError, match="not in the GSM alphabet") as refusal:
            gsm.encode(f"a{letter}")
        assert letter not in str(refusal.value)

    def test_unknown_escape_is_read_as_a_phone_reads_it(self):
        assert gsm.decode(b"\x1ba\x1b\x65") == "a€"


HINDI = "".join(map(chr, range(0x0905, 0x094E))) + "।₹ "
GSM_LETTERS = "".join(sorted(segments.GSM_LETTERS))
ESCAPED = "".join(sorted(segments.GSM_ESCAPED_LETTERS))


class TestParts:
    @pytest.mark.parametrize(
        "alphabet",
        [GSM_LETTERS, GSM_LETTERS + ESCAPED * 5, ESCAPED, HINDI, HINDI + "😀🛂𝒜" * 9, "😀"],
    )
    def test_random_texts_are_cut_as_they_were_counted_and_come_back(self, alphabet):
        chance = random.Random(34)
        for _ in range(500):
            text = "".join(chance.choices(alphabet, k=chance.randint(0, 500)))
            pieces = parts.cut(text, reference=7)
            size = segments.measure(text)
            assert len(pieces) == size.parts
            assert {piece.data_coding for piece in pieces} == {0 if size.encoding == "GSM-7" else 8}
            # Each part alone is whole letters: no escape and no pair is cut in two.
            assert "".join(map(_read_part, pieces)) == text

    def test_parts_are_those_of_another_implementation(self):
        chance = random.Random(35)
        for _ in range(500):
            text = "".join(chance.choices(HINDI + "abc😀", k=chance.randint(71, 400)))
            ours = [_read_part(piece) for piece in parts.cut(text, reference=0)]
            assert ours == [part.content for part in smsutil.split(text).parts]

    def test_header_says_which_part_it_is(self):
        pieces = parts.cut(TWO_PARTS, reference=255)
        assert [piece.short_message[:6] for piece in pieces] == [
            b"\x05\x00\x03\xff\x02\x01",
            b"\x05\x00\x03\xff\x02\x02",
        ]
        assert [len(piece.short_message) for piece in pieces] == [140, 140]

    def test_half_a_letter_and_an_endless_text_are_refused(self):
        for text in ("क\ud83d", "क" * (67 * 255 + 1)):
            with pytest.raises(ValueError, match="the text"):
                parts.cut(text, reference=0)
        assert len(parts.cut("क" * (67 * 255), reference=0)) == 255


def _read_part(part: parts.Part) -> str:
    octets = part.short_message[6:] if part.has_header else part.short_message
    return octets.decode("utf-16-be") if part.data_coding == 8 else gsm.decode(octets)


# --- What is sent ---------------------------------------------------------------------------------


class TestMessage:
    def test_hindi_of_full_length_goes_in_two_parts_with_what_dlt_asks_for(self, smsc):
        text = moved_answer("hi", units=134)
        outcome = send(outgoing(text))
        assert outcome.kind == ACCEPTED
        first, second = smsc.taken()
        assert outcome.parts == (first["id"], second["id"])
        assert outcome.gateway_reference == f"{first['id']} {second['id']}"
        assert [len(part["text"]) for part in (first, second)] == [67, 67]
        assert [part["tlvs"] for part in (first, second)] == [
            {"0x1400": ENTITY, "0x1401": TEMPLATE}
        ] * 2
        assert [smsc.messages()[0][name] for name in ("to", "from", "text")] == [
            "919800000001",
            HEADER,
            text,
        ]
        # Sender: alphanumeric; destination: international, E.164. Receipts are asked for.
        assert first["kinds"] == [5, 0, 1, 1]
        assert [part["registered_delivery"] for part in (first, second)] == [1, 1]

    def test_english_goes_in_one_part(self, smsc):
        text = moved_answer("en")
        assert send(outgoing(text)).parts == (smsc.taken()[0]["id"],)
        [part] = smsc.taken()
        assert (part["data_coding"], part["parts"], part["text"]) == (0, 1, text)

    def test_escaped_letters_arrive(self, smsc):
        text = "{[€]}~^\\|_@£" * 20
        send(outgoing(text))
        assert smsc.messages()[0]["text"] == text

    @pytest.mark.parametrize("address", ["+91 98000 00001", "098000-00001", "9800000001"])
    def test_number_is_normalised(self, smsc, address):
        send(outgoing(address=address))
        assert smsc.taken()[0]["to"] == "919800000001"

    @pytest.mark.parametrize("address", ["office@example.org", "12", "+9198000000010000", "a b"])
    def test_what_is_no_number_fails_for_good_and_is_not_named(self, smsc, address):
        outcome = send(outgoing(address=address))
        assert (outcome.kind, outcome.error) == (PERMANENT, "the address is no phone number")
        assert smsc.submitted == 0

    @pytest.mark.parametrize(
        "filed",
        [
            None,
            Filed("", HEADER, TEMPLATE),
            Filed(ENTITY, HEADER, ""),
            Filed(ENTITY, "", TEMPLATE),
            Filed(ENTITY, "हिन्दी", TEMPLATE),
            Filed(ENTITY, "A" * 12, TEMPLATE),
        ],
    )
    def test_text_that_is_not_filed_properly_does_not_leave(self, smsc, filed):
        assert send(outgoing(filed=filed)).kind == PERMANENT
        assert smsc.submitted == 0

    def test_tags_are_those_of_the_operator(self, smsc, settings):
        settings.SMPP_TAG_ENTITY, settings.SMPP_TAG_TEMPLATE = 0x1403, 0x1404
        settings.SMPP_TAG_REFERENCE = 0x1500
        smsc.behaviour.required = frozenset({0x1403, 0x1404})
        reference = uuid.uuid4()
        with SmppGateway() as gateway:
            assert gateway.send(outgoing(), reference).kind == ACCEPTED
        [part] = smsc.taken()
        assert part["tlvs"] == {"0x1403": ENTITY, "0x1404": TEMPLATE, "0x1500": reference.hex}

    def test_repeat_of_a_message_joins_with_parts_of_the_first_try(self, smsc):
        message = outgoing(TWO_PARTS)
        smsc.behaviour.faults = ["ok", "drop"]
        assert send(message).kind == UNKNOWN
        assert send(message).kind == ACCEPTED
        assert len({part["joins"] for part in smsc.taken()}) == 1

    def test_names_that_an_smsc_gives_twice_stand_once(self, smsc, monkeypatch):
        monkeypatch.setattr(smsc, "_names", iter([77, 77]))
        assert send(outgoing(TWO_PARTS)).parts == ("4d",)

    @pytest.mark.parametrize(
        ("form", "name"), [("text", "1F"), ("hex", "31"), ("decimal", "1F"), ("other", "1F")]
    )
    def test_names_are_kept_in_one_form(self, settings, form, name):
        settings.SMPP_RESPONSE_IDS = form
        assert deliver.response_id(b"1F\0") == name

    @pytest.mark.parametrize("body", [b"", b"\0", b"\xff\xfe\0", b"a\nb\0", b"9" * 65 + b"\0"])
    def test_name_that_cannot_be_used_is_none(self, body):
        assert deliver.response_id(body) == ""


# --- The connection -------------------------------------------------------------------------------


class TestConnection:
    def test_one_bind_carries_many_messages(self, smsc):
        with SmppGateway() as gateway:
            for _ in range(20):
                assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
        assert (smsc.bound, len(smsc.taken())) == (["transmitter"], 20)
        until(lambda: not smsc.sessions())

    @pytest.mark.parametrize(("status", "words"), [("0x0d", "Bind Failed"), ("0x0f", "System ID")])
    def test_refused_bind_is_a_gateway_that_is_down(self, smsc, status, words):
        smsc.behaviour.bind = status
        with pytest.raises(GatewayDown, match=words), SmppGateway():
            pass

    def test_wrong_password_is_a_gateway_that_is_down(self, smsc, settings):
        settings.SMPP_PASSWORD = "wrong"
        with pytest.raises(GatewayDown, match="Password") as refusal, SmppGateway():
            pass
        assert "wrong" not in str(refusal.value)

    def test_nobody_there_is_a_gateway_that_is_down(self, smsc, settings):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            settings.SMPP_PORT = closed.getsockname()[1]
        with pytest.raises(GatewayDown, match="ConnectionRefused"), SmppGateway():
            pass

    @pytest.mark.parametrize("bind", ["hang", "drip"])
    def test_bind_that_is_not_answered_ends_within_the_call(self, smsc, settings, bind):
        smsc.behaviour.bind = bind
        settings.MESSAGE_CALL_SECONDS = 1
        began = time.monotonic()
        with pytest.raises(GatewayDown, match="no answer"), SmppGateway():
            pass
        assert time.monotonic() - began < 7

    @pytest.mark.parametrize("ended", ["drop_all", "unbind_all"])
    def test_connection_that_ended_between_two_messages_is_made_anew(self, smsc, ended):
        with SmppGateway() as gateway:
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
            getattr(smsc, ended)()
            until(lambda: not smsc.sessions() or ended == "unbind_all")
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
        assert len(smsc.bound) == 2

    def test_after_a_silence_the_other_end_is_asked_whether_it_is_there(self, smsc, settings):
        settings.SMPP_ENQUIRE_SECONDS = 0
        with SmppGateway() as gateway:
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
            assert (smsc.enquiries, len(smsc.bound)) == (1, 1)
            # Half of it for the answer that does not come, a quarter for the new connection.
            settings.MESSAGE_CALL_SECONDS = 8
            smsc.behaviour.enquires = False  # dead, without having said so
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
            assert len(smsc.bound) == 2
            settings.SMPP_ENQUIRE_SECONDS = 30
        assert len(smsc.taken()) == 2

    def test_gateway_that_dies_in_the_turn_is_down(self, smsc):
        with SmppGateway() as gateway:
            smsc.drop_all()
            until(lambda: not smsc.sessions())
            smsc.behaviour.bind = "0x0d"
            with pytest.raises(GatewayDown):
                gateway.send(outgoing(), uuid.uuid4())
        assert smsc.submitted == 0

    def test_session_that_the_smsc_forgot_is_a_gateway_that_is_down(self, smsc):
        smsc.behaviour.faults = ["refuse:0x04"]
        with SmppGateway() as gateway:
            with pytest.raises(GatewayDown, match="BIND"):
                gateway.send(outgoing(), uuid.uuid4())
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
        assert len(smsc.bound) == 2

    def test_smsc_that_chatters_cannot_hold_a_call(self, settings):
        """Whole PDUs without end, each in time, none the answer."""
        settings.MESSAGE_CALL_SECONDS = 1
        with chattering() as port:
            account(settings, port)
            settings.MESSAGE_CALL_SECONDS = 1
            began = time.monotonic()
            assert send().kind == UNKNOWN
            assert time.monotonic() - began < 7


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path) -> Path:
        """Of 127.0.0.1, signed by itself, with its key; good for a day."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "smsc")])
        now = dt.datetime.now(dt.UTC)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        signed = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        private = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = tmp_path / "smsc.pem"
        path.write_bytes(private + signed.public_bytes(pem))
        return path

    @pytest.fixture
    def secure(self, settings, tmp_path, certificate) -> Iterator[Smsc]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with Smsc(log=tmp_path / "smsc.jsonl", tls=context) as server:
            account(settings, server.port)
            settings.SMPP_TLS = True
            yield server

    def test_messages_go_over_tls(self, secure, certificate, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with SmppGateway() as gateway:
            for _ in range(3):
                assert gateway.send(outgoing(TWO_PARTS), uuid.uuid4()).kind == ACCEPTED
        assert len(secure.messages()) == 3

    def test_silence_over_tls_ends_with_the_call(self, secure, certificate, monkeypatch, settings):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        settings.MESSAGE_CALL_SECONDS = 1
        secure.behaviour.faults = ["accept_drip"]
        began = time.monotonic()
        assert send().kind == UNKNOWN
        assert time.monotonic() - began < 7

    def test_certificate_that_nobody_vouches_for_is_a_gateway_that_is_down(self, secure):
        with pytest.raises(GatewayDown, match="SSLCertVerificationError"), SmppGateway():
            pass
        assert secure.bound == []


class chattering:  # noqa: N801
    """An SMSC that binds everybody, and answers a message with enquire_link_resp for ever."""

    def __enter__(self) -> int:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            number = connection.recv(4096)[12:16]
            connection.sendall(b"\0\0\0\x10\x80\0\0\x02\0\0\0\0" + number)
            connection.recv(4096)
            try:
                while True:
                    connection.sendall(b"\0\0\0\x10\x80\0\0\x15\0\0\0\0\0\0\0\x63" * 100)
            except OSError:
                return


# --- What comes back ------------------------------------------------------------------------------


class TestAnswers:
    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ("throttle", TRANSIENT),
            ("queue_full", TRANSIENT),
            ("refuse:0x08", TRANSIENT),  # system error
            ("refuse:0x45", TRANSIENT),  # submit failed
            ("refuse:0x64", TRANSIENT),  # temporary error
            ("nack", TRANSIENT),
            ("refuse:0x0b", PERMANENT),  # invalid destination
            ("refuse:0x0a", PERMANENT),  # invalid source: the header
            ("refuse:0xc3", PERMANENT),  # a DLT parameter is missing
            ("refuse:0x258", PERMANENT),  # DLT 600: entity
            ("refuse:0x26c", PERMANENT),  # DLT 620: header
            ("refuse:0x276", PERMANENT),  # DLT 630: template
            ("refuse:0x433", PERMANENT),  # a code of the operator's own
        ],
    )
    def test_status_decides(self, smsc, fault, kind):
        smsc.behaviour.faults = [fault]
        with SmppGateway() as gateway:
            assert gateway.send(outgoing(), uuid.uuid4()).kind == kind
            assert smsc.taken() == []
            # None of these says anything of the next message.
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
        assert len(smsc.bound) == 1

    def test_operator_may_call_its_own_codes_transient(self, smsc, settings):
        settings.SMPP_TRANSIENT_STATUSES = frozenset({0x433})
        smsc.behaviour.faults = ["refuse:0x433"]
        assert send().kind == TRANSIENT

    @pytest.mark.parametrize("fault", ["throttle", "queue_full"])
    def test_busy_smsc_is_left_alone(self, smsc, settings, fault):
        settings.SMPP_THROTTLE_SECONDS = 7
        smsc.behaviour.faults = [fault]
        outcome = send()
        assert outcome.retry_after is not None
        assert outcome.retry_after.total_seconds() == 7

    @pytest.mark.parametrize(
        "fault",
        [
            *("hang", "drop", "garbage"),
            *("accept_hang", "accept_drop", "accept_garbage", "accept_drip", "accept_unbind"),
        ],
    )
    def test_fault_after_the_content_leaves_the_fate_unknown(self, smsc, settings, fault):
        smsc.behaviour.faults = [fault]
        with SmppGateway() as gateway:
            settings.MESSAGE_CALL_SECONDS = 2
            began = time.monotonic()
            assert gateway.send(outgoing(), uuid.uuid4()).kind == UNKNOWN
            assert time.monotonic() - began < 7
            settings.MESSAGE_CALL_SECONDS = 20  # for a new connection, from a busy process
            assert gateway.send(outgoing(), uuid.uuid4()).kind == ACCEPTED
        assert len(smsc.taken()) == (2 if fault.startswith("accept") else 1)
        assert len(smsc.bound) == 2

    @pytest.mark.parametrize("fault", ["nack", "refuse:0x0b", "hang", "drop", "accept_drop"])
    def test_part_after_a_taken_one_leaves_the_fate_unknown_whatever_befalls_it(
        self, smsc, settings, fault
    ):
        smsc.behaviour.faults = ["ok", fault]
        settings.MESSAGE_CALL_SECONDS = 2
        outcome = send(outgoing(TWO_PARTS))
        assert outcome.kind == UNKNOWN
        assert outcome.error.startswith("1 of 2 parts taken, then: ")
        # Else a receipt for the first would say that the whole text arrived.
        assert outcome.parts == ()

    def test_refused_first_part_is_a_refused_message(self, smsc):
        smsc.behaviour.faults = ["refuse:0x0b"]
        assert send(outgoing(TWO_PARTS)).kind == PERMANENT
        assert smsc.taken() == []

    def test_later_part_that_a_busy_smsc_refused_is_tried_again_in_the_call(self, smsc):
        smsc.behaviour.faults = ["ok", "throttle", "queue_full"]
        outcome = send(outgoing(TWO_PARTS))
        assert (outcome.kind, len(outcome.parts), smsc.submitted) == (ACCEPTED, 2, 4)
        assert [message["text"] for message in smsc.messages()] == [TWO_PARTS]

    def test_later_part_that_stays_refused_ends_within_the_call(self, smsc, settings):
        settings.MESSAGE_CALL_SECONDS = 2
        smsc.behaviour.faults = ["ok", *["throttle"] * 50]
        began = time.monotonic()
        outcome = send(outgoing(TWO_PARTS))
        assert time.monotonic() - began < 7
        assert outcome.kind == UNKNOWN
        assert outcome.retry_after is not None

    def test_connection_that_breaks_before_the_message_left_is_tried_later(self, smsc, monkeypatch):
        monkeypatch.setattr(SmppGateway, "_look_after", lambda *_: None)  # it breaks just after
        with SmppGateway() as gateway:
            assert gateway._session
            gateway._session._socket.shutdown(socket.SHUT_WR)
            assert gateway.send(outgoing(), uuid.uuid4()).kind == TRANSIENT
        assert smsc.taken() == []


class TestSettings:
    def test_account_that_is_complete_has_no_problems(self, smsc):
        assert SmppGateway.problems() == []

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("SMPP_HOST", "", "SMPP_HOST is empty"),
            ("SMPP_SYSTEM_ID", "", "SMPP_SYSTEM_ID is empty"),
            ("SMPP_PASSWORD", "123456789", "more than 8"),  # smpplib would cut it short
            ("SMPP_SYSTEM_ID", "कार्यालय", "others than ASCII"),
            ("SMPP_BIND", "receiver", "SMPP_BIND"),
            ("SMPP_ONLY_BIND", True, "needs SMPP_BIND=transceiver"),
            ("SMPP_RECEIPT_IDS", "octal", "SMPP_RECEIPT_IDS"),
        ],
    )
    def test_problem_is_named(self, smsc, settings, name, value, words):
        setattr(settings, name, value)
        [problem] = SmppGateway.problems()
        assert words in problem


# --- Receipts -------------------------------------------------------------------------------------


class TestReadingReceipts:
    @pytest.mark.parametrize(
        ("word", "arrival"),
        [
            ("DELIVRD", Arrival.DELIVERED),
            ("delivrd", Arrival.DELIVERED),
            *((word, Arrival.UNDELIVERED) for word in ("EXPIRED", "DELETED", "UNDELIV", "REJECTD")),
            *((word, None) for word in ("ENROUTE", "ACCEPTD", "UNKNOWN", "BUFFRED")),
        ],
    )
    def test_word_decides(self, word, arrival):
        report = deliver.report(deliver_body(f"id:0a1b sub:001 dlvrd:001 stat:{word} err:000"))
        assert report == receipts.Report(
            arrival=arrival, gateway_reference="0a1b", detail=f"{word.upper()} err:000"
        )

    def test_parameters_alone_are_a_receipt(self):
        rest = b"\x00\x1e\x00\x05ab12\0" + b"\x04\x27\x00\x01\x05" + b"\x04\x23\x00\x03\x03\x00\x1b"
        report = deliver.report(deliver_body("", parameters=rest))
        assert report == receipts.Report(
            arrival=Arrival.UNDELIVERED, gateway_reference="ab12", detail="UNDELIV err:27"
        )

    def test_parameter_without_its_nul_keeps_its_last_letter(self):
        rest = b"\x00\x1e\x00\x04ab12\x04\x27\x00\x01\x02"
        report = deliver.report(deliver_body("", parameters=rest))
        assert report
        assert report.gateway_reference == "ab12"

    def test_text_may_stand_in_the_payload(self):
        text = b"id:5 stat:DELIVRD err:000"
        rest = b"\x04\x24" + len(text).to_bytes(2) + text
        report = deliver.report(deliver_body("", parameters=rest))
        assert report
        assert (report.gateway_reference, report.arrival) == ("5", Arrival.DELIVERED)

    def test_words_of_the_message_are_no_receipt(self):
        text = "id:7 stat:UNDELIV err:001 text:id:8 stat:DELIVRD"
        report = deliver.report(deliver_body(text))
        assert report
        assert (report.gateway_reference, report.arrival) == ("7", Arrival.UNDELIVERED)

    def test_intermediate_notice_is_not_final(self):
        report = deliver.report(deliver_body("id:7 stat:DELIVRD", esm_class=0x20))
        assert report
        assert report.arrival is None

    def test_sms_of_a_person_is_never_a_receipt(self):
        assert deliver.report(deliver_body("id:7 stat:DELIVRD err:000", esm_class=0)) is None

    @pytest.mark.parametrize(
        ("response", "receipt", "given", "kept"),
        [
            ("hex", "decimal", "6699", "6699"),  # 1a2b in the answer
            ("decimal", "hex", "1A2B", "6699"),
            ("hex", "hex", "00001a2B", "6699"),
            ("decimal", "decimal", "0000006699", "6699"),
            ("text", "text", "00-aB", "00-aB"),
            ("hex", "decimal", "no-number", "no-number"),
        ],
    )
    def test_ids_of_one_message_match_however_they_are_written(
        self, settings, response, receipt, given, kept
    ):
        settings.SMPP_RESPONSE_IDS, settings.SMPP_RECEIPT_IDS = response, receipt
        report = deliver.report(deliver_body(f"id:{given} stat:DELIVRD"))
        assert report
        assert report.gateway_reference == kept
        if kept.isdigit():
            answered = "1a2b" if response == "hex" else "6699"
            assert deliver.response_id(answered.encode() + b"\0") == kept

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"\0",
            deliver_body("stat:DELIVRD"),
            deliver_body("id:7"),
            deliver_body("id: sub:001 stat:DELIVRD"),
            deliver_body("id:7 stat:WHAT"),
            deliver_body("id:" + "9" * 65 + " stat:DELIVRD"),
            deliver_body("id:7 stat:DELIVRD")[:-3],
            deliver_body("id:7 stat:DELIVRD", parameters=b"\x04\x27\x00\x09\x02"),
            deliver_body("id:7 stat:DELIVRD", parameters=b"\x04\x27\x00\x01"),
        ],
    )
    def test_what_cannot_be_read_is_garbled(self, body):
        with pytest.raises(deliver.Garbled):
            deliver.report(body)

    def test_no_bytes_whatever_break_the_reader(self):
        chance = random.Random(36)
        good = deliver_body(
            "id:0a1b sub:001 dlvrd:001 submit date:2506231000 stat:DELIVRD err:000 text:x",
            parameters=b"\x00\x1e\x00\x05ab12\0\x04\x27\x00\x01\x02",
        )
        read = 0
        for number in range(20_000):
            body = _damaged(good, chance) if number % 2 else chance.randbytes(chance.randint(0, 90))
            try:
                report = deliver.report(body)
            except deliver.Garbled:
                continue
            read += report is not None
            if report:
                assert report.gateway_reference.isprintable()
                assert 0 < len(report.gateway_reference) <= 100
                assert "\0" not in report.detail
        assert read > 1000


def _damaged(good: bytes, chance: random.Random) -> bytes:
    """A letter changed, a piece cut out, or two bodies run together."""
    at, to = sorted(chance.randint(0, len(good)) for _ in range(2))
    return chance.choice(
        [
            good[:at] + chance.randbytes(1) + good[at + 1 :],
            good[:at] + good[to:],
            good[:at] + chance.randbytes(to - at) + good[to:],
            good[:to] + good[at:],
        ]
    )


@pytest.mark.usefixtures("_at_once")
class TestReceiver:
    def test_receipts_of_all_parts_are_taken(self, smsc, taken):
        with receiving():
            outcome = send(outgoing(TWO_PARTS))
            until(lambda: len(taken.reports) == len(smsc.answers) == 2)
        assert taken.arrivals() == dict.fromkeys(outcome.parts, Arrival.DELIVERED)
        assert smsc.answers == [0, 0]
        assert sorted(smsc.bound) == ["receiver", "transmitter"]  # whoever is quicker

    @pytest.mark.parametrize("state", ["UNDELIV", "EXPIRED", "REJECTD"])
    def test_message_that_did_not_arrive_is_reported(self, smsc, taken, state):
        smsc.behaviour.receipts = state
        with receiving():
            send()
            until(lambda: taken.reports)
        assert taken.reports[0].arrival == Arrival.UNDELIVERED
        assert taken.reports[0].detail == f"{state} err:027"

    def test_doubled_and_reordered_receipts_all_come_through(self, smsc, taken):
        smsc.behaviour.doubled = smsc.behaviour.reordered = True
        with receiving():
            outcome = send(outgoing(TWO_PARTS))
            until(lambda: len(taken.reports) == 4)
        first, second = outcome.parts
        assert [report.gateway_reference for report in taken.reports] == [
            *(second, second, first, first)
        ]

    def test_receipt_may_come_before_the_answer_to_the_message(self, smsc, taken):
        smsc.behaviour.early = True
        with receiving():
            until(smsc.sessions)
            outcome = send()
            assert taken.arrivals() == {outcome.parts[0]: Arrival.DELIVERED}

    def test_ids_are_matched_without_parameters(self, smsc, taken, settings):
        settings.SMPP_RESPONSE_IDS, settings.SMPP_RECEIPT_IDS = "hex", "decimal"
        smsc.behaviour.receipt_ids, smsc.behaviour.parameters = "decimal", False
        with receiving():
            outcome = send()
            until(lambda: taken.reports)
        assert taken.arrivals() == {outcome.parts[0]: Arrival.DELIVERED}

    def test_receipt_is_answered_after_it_was_taken(self, smsc, taken):
        answered_before = []
        taken.meanwhile = lambda: answered_before.append(list(smsc.answers))
        with receiving():
            send()
            until(lambda: smsc.answers)
        assert answered_before == [[]]

    def test_receipt_that_the_database_did_not_take_comes_again(self, smsc, taken):
        taken.trouble = [OperationalError("gone"), OperationalError("still gone")]
        with receiving() as ours:
            outcome = send()
            until(lambda: taken.reports)
            assert ours.binds == 3
        assert taken.arrivals() == {outcome.parts[0]: Arrival.DELIVERED}
        assert smsc.answers == [0]  # the two others were never answered

    def test_receipt_that_was_taken_and_not_answered_comes_again(self, smsc, taken):
        # As after a crash between the two; that the second changes nothing is receipts.take's.
        breaks = [smsc.drop_all]
        taken.meanwhile = lambda: breaks.pop()() if breaks else None
        with receiving() as ours:
            send()
            until(lambda: smsc.answers)
            assert ours.binds == 2
        assert len(taken.reports) == 2
        assert len(taken.arrivals()) == 1

    def test_receipt_that_cannot_be_kept_does_not_stop_those_behind_it(self, smsc, taken):
        taken.trouble = [RuntimeError("a bug")]
        smsc.behaviour.repeat = 0.1
        with receiving() as ours:
            send()
            until(lambda: taken.reports)
            assert ours.binds == 1
        assert smsc.answers == [0x64, 0]  # "temporary error": the SMSC repeats it

    def test_garbled_ones_are_counted_and_sms_of_people_are_passed_over(self, smsc, taken):
        with receiving():
            until(smsc.sessions)
            smsc.deliver(deliver_body("hello id:7 stat:DELIVRD", esm_class=0))
            smsc.deliver(deliver_body("hello"))
            smsc.deliver(b"\xff" * 40)
            until(lambda: len(smsc.answers) == 3)
        assert taken.reports == []
        assert taken.counted == [receipts.Verdict.GARBLED] * 2
        assert smsc.answers == [0, 0, 0]

    def test_fuzzed_deliver_sm_never_ends_the_receiver(self, smsc, taken):
        chance = random.Random(37)
        good = deliver_body("id:0a1b stat:DELIVRD err:000 text:x")
        with receiving() as ours:
            until(smsc.sessions)
            for _ in range(300):
                smsc.deliver(_damaged(good, chance))
            send()
            until(lambda: not smsc.unanswered() and len(smsc.answers) >= 301)
            assert ours.binds == 1
        assert set(smsc.answers) == {0}
        assert len(taken.counted) > 50

    @pytest.mark.parametrize("ended", ["drop_all", "unbind_all"])
    def test_receiver_comes_back_after_its_connection_ended(self, smsc, taken, ended):
        with receiving() as ours:
            until(smsc.sessions)
            getattr(smsc, ended)()
            until(lambda: ours.binds == 2)
            send()
            until(lambda: taken.reports)

    def test_receiver_waits_for_an_smsc_that_is_not_there_yet(self, smsc, taken, caplog):
        smsc.behaviour.bind = "0x0d"
        with receiving() as ours:
            until(lambda: caplog.text.count("Bind Failed") >= 2)  # it tried, and tried again
            assert ours.binds == 0
            smsc.behaviour.bind = "ok"
            until(lambda: ours.binds == 1)

    def test_dead_peer_is_noticed(self, smsc, taken, settings, monkeypatch):
        settings.SMPP_ENQUIRE_SECONDS = 0
        monkeypatch.setattr(receiver, "PATIENCE_SECONDS", 2)
        with receiving() as ours:
            until(lambda: smsc.enquiries > 3)
            assert ours.binds == 1
            smsc.behaviour.enquires = False
            until(lambda: ours.binds > 1)

    def test_waits_grow(self, monkeypatch):
        monkeypatch.setattr(receiver, "BACK_OFF", (1.0, 2.0, 5.0))
        waits = receiver._waits()
        assert [next(waits) for _ in range(5)] == [1.0, 2.0, 5.0, 5.0, 5.0]


@pytest.mark.usefixtures("_at_once")
class TestTransceiver:
    """Receipts come on the connections that send, too."""

    @pytest.fixture(autouse=True)
    def _transceiver(self, smsc, settings):
        settings.SMPP_BIND = "transceiver"

    def test_receipts_that_come_while_sending_are_taken_when_the_turn_ends(self, smsc, taken):
        smsc.behaviour.early = True
        with SmppGateway() as gateway:
            first = gateway.send(outgoing(), uuid.uuid4())
            second = gateway.send(outgoing(), uuid.uuid4())
            assert (first.kind, second.kind) == (ACCEPTED, ACCEPTED)
            assert (taken.reports, smsc.answers) == ([], [])
        assert set(taken.arrivals()) == {*first.parts, *second.parts}
        until(lambda: smsc.answers == [0, 0])

    def test_receipts_that_a_lost_connection_left_unanswered_come_again(self, smsc, taken):
        smsc.behaviour.early = True
        smsc.behaviour.faults = ["ok", "drop"]
        with SmppGateway() as gateway:
            outcome = gateway.send(outgoing(), uuid.uuid4())
            assert gateway.send(outgoing(), uuid.uuid4()).kind == UNKNOWN
        assert taken.reports == []
        with receiving():
            until(lambda: taken.reports)
        assert set(taken.arrivals()) == set(outcome.parts)

    @pytest.mark.django_db
    def test_receipt_that_the_database_did_not_take_stays_unanswered(self, smsc, taken):
        smsc.behaviour.early = True
        taken.trouble = [OperationalError("gone")]
        outcome = send()
        assert (outcome.kind, taken.reports, smsc.answers) == (ACCEPTED, [], [])
        with receiving():
            until(lambda: taken.reports)

    def test_workers_and_receiver_share_the_kind_of_bind(self, smsc, taken):
        with receiving():
            until(smsc.sessions)
            send()
            until(lambda: taken.reports)
        assert set(smsc.bound) == {"transceiver"}

    def test_receiver_gives_way_where_there_is_only_one_bind(
        self, smsc, taken, settings, monkeypatch
    ):
        settings.SMPP_ONLY_BIND = True
        smsc.behaviour.binds, smsc.behaviour.delay = 1, 0.3
        due = threading.Event()
        monkeypatch.setattr(receiver.Receiver, "_must_give_way", lambda self: due.is_set())
        with receiving() as ours:
            until(smsc.sessions)
            due.set()
            outcome = send()
            assert outcome.kind == ACCEPTED
            assert ours.binds == 1
            due.clear()
            until(lambda: taken.reports)  # it came when nobody was bound, and waited
        assert taken.arrivals() == {outcome.parts[0]: Arrival.DELIVERED}

    def test_only_bind_that_is_never_free_is_a_gateway_that_is_down(self, smsc, settings):
        settings.SMPP_ONLY_BIND = True
        settings.MESSAGE_CALL_SECONDS = 1
        smsc.behaviour.binds = 1
        with SmppGateway():
            began = time.monotonic()
            with pytest.raises(GatewayDown, match="Already"), SmppGateway():
                pass
            assert time.monotonic() - began < 7


@pytest.mark.django_db
@pytest.mark.usefixtures("_at_once")
def test_receiver_gives_way_exactly_while_an_sms_is_due(settings):
    ours = receiver.Receiver()
    settings.SMPP_ONLY_BIND = True
    assert not ours._must_give_way()
    now = timezone.now()
    queued(now=now, urgent_by=now + minutes(5), quiet_ok_from=now, expires_at=now + minutes(60))
    assert ours._must_give_way()
    settings.SMPP_ONLY_BIND = False
    assert not ours._must_give_way()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_at_once")
class TestWhole:
    """Queue, worker, SMSC, receiver, database."""

    @pytest.fixture(autouse=True)
    def _filed(self, smsc, settings):
        path = "tests.notifications.gateways.smpp_site.FiledSmpp"
        settings.MESSAGE_GATEWAYS = {"sms": [path], "email": ["file"]}

    def _sent(self) -> Message:
        now = timezone.now()
        hours = {"urgent_by": now + minutes(90), "expires_at": now + minutes(60)}
        message = queued(
            now=now, language="hi", values={"word": "क" * 100}, quiet_ok_from=now, **hours
        )
        assert delivery.run("sms") is False
        return message

    def _wait_for(self, message: Message, state: str) -> None:
        """A receipt and the record of its message may pass each other: then the sweeper helps."""

        def came() -> bool:
            receipts.match_parked(limit=10)
            return Message.objects.get(pk=message.pk).state == state

        until(came, state)

    @pytest.mark.parametrize("trouble", ["none", "doubled", "reordered", "early"])
    def test_message_is_delivered_when_all_its_parts_are(self, smsc, trouble):
        if trouble != "none":
            setattr(smsc.behaviour, trouble, True)
        with receiving():
            until(smsc.sessions)
            message = self._sent()
            self._wait_for(message, "delivered")
            until(lambda: not smsc.unanswered())
        [attempt] = Attempt.objects.all()
        assert (attempt.outcome, attempt.receipt) == (ACCEPTED, Arrival.DELIVERED)
        assert [part.arrival for part in attempt.parts.all()] == [Arrival.DELIVERED] * 2
        counted = dict(ReceiptCount.objects.values_list("verdict", "count"))
        assert sum(counted.values()) == (4 if trouble == "doubled" else 2)
        assert counted.get("repeated", 0) == (2 if trouble == "doubled" else 0)
        if trouble == "early":
            assert counted["parked"] > 0

    def test_message_that_did_not_arrive_says_so(self, smsc):
        smsc.behaviour.receipts = "UNDELIV"
        with receiving():
            message = self._sent()
            self._wait_for(message, "undelivered")
        assert Message.objects.get(pk=message.pk).error == "UNDELIV err:027"

    def test_part_alone_does_not_make_a_message_delivered(self, smsc):
        smsc.behaviour.faults = ["ok", "accept_drop"]
        with receiving():
            message = self._sent()
            until(lambda: len(smsc.answers) == 2)
        kept = Message.objects.get(pk=message.pk)
        assert (kept.state, kept.error[:22]) == ("unknown", "1 of 2 parts taken, th")
        assert dict(ReceiptCount.objects.values_list("verdict", "count")) == {"parked": 2}


class TestCommand:
    @pytest.mark.slow
    def test_process_ends_on_sigterm_and_takes_leave(self, smsc, site_env, settings):
        account_of_the_site = {
            "SMS_GATEWAY": "smpp",
            "SMPP_HOST": "127.0.0.1",
            "SMPP_PORT": str(smsc.port),
            "SMPP_SYSTEM_ID": "office",
            "SMPP_PASSWORD": "secret",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "django", "receive_receipts"],  # as its unit does
            cwd=settings.BASE_DIR,
            env=site_env(**account_of_the_site),
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            until(smsc.sessions, "it did not bind", seconds=90)
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0
        assert said.startswith("ended: unbound")
        until(lambda: not smsc.sessions())
        assert smsc.bound == ["receiver"]

    def test_command_refuses_a_site_without_smpp(self, settings):
        settings.MESSAGE_GATEWAYS = {"sms": ["file"], "email": ["file"]}
        with pytest.raises(CommandError, match="No channel"):
            call_command("receive_receipts")

    def test_command_refuses_an_account_that_is_not_complete(self, smsc, settings):
        settings.SMPP_HOST = ""
        with pytest.raises(CommandError, match="SMPP_HOST is empty"):
            call_command("receive_receipts")


def test_constants_leave_time_for_the_message_after_a_new_bind(settings):
    assert smpp.wire.CONNECT_SECONDS + smpp.wire.BIND_SECONDS < settings.MESSAGE_CALL_SECONDS / 2


def test_parts_of_the_log_are_put_together_as_a_phone_does():
    def part(number: int, text: str, *, to: str = "91", joins: int | None = 1, parts: int = 2):
        return {
            "to": to,
            "from": "P",
            "joins": joins,
            "part": number,
            "parts": parts,
            "text": text,
            "id": text,
            "tlvs": {},
        }

    log = [
        *(part(1, "a"), part(2, "x", to="92"), part(1, "c", joins=None, parts=1), part(2, "b")),
        *(part(1, "d"), part(1, "e"), part(2, "f")),
    ]
    assert [(each["to"], each["text"]) for each in simulator.assembled(log)] == [
        *(("91", "c"), ("91", "ab"), ("91", "ef")),
    ]
