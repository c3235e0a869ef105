"""The simulated mail server: what it keeps, and how it misbehaves."""

import json
import smtplib
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from notifications.gateways.base import GatewayDown, Outcome, Outgoing
from notifications.gateways.smtp import SmtpGateway
from notifications.models import Attempt
from notifications.simulators.smtp import Fault, SmtpSink

ROOT = Path(__file__).resolve().parents[2]
ACCEPTED, PERMANENT = Attempt.Outcome.ACCEPTED, Attempt.Outcome.PERMANENT
TRANSIENT, UNKNOWN = Attempt.Outcome.TRANSIENT, Attempt.Outcome.UNKNOWN
# Seconds for a reply of a server in the same busy process; and for one that never comes.
PATIENCE = 20
LITTLE_PATIENCE = 2


@pytest.fixture(params=[True, False], ids=["in one go", "step by step"])
def sink(settings, tmp_path, request):
    with SmtpSink(log=tmp_path / "mail.jsonl", pipelining=request.param) as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = sink.host, sink.port
        settings.EMAIL_TIMEOUT = PATIENCE
        settings.DEFAULT_FROM_EMAIL = "office@example.org"
        yield sink


@pytest.mark.parametrize("says", [True, False])
def test_server_says_whether_it_takes_an_envelope_in_one_go(says):
    with SmtpSink(pipelining=says) as sink, smtplib.SMTP(sink.host, sink.port) as client:
        client.ehlo()
        assert client.has_extn("pipelining") is says


def logged(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def outgoing() -> Outgoing:
    return Outgoing(
        uuid.uuid4(), "HOLD", "email", "person@example.org", "hi", "नमस्ते", subject="नया समय"
    )


def send() -> Outcome:
    with SmtpGateway() as gateway:
        return gateway.send(outgoing(), uuid.uuid4())


def test_what_is_accepted_is_in_the_log_before_the_answer(sink, tmp_path):
    message, reference = outgoing(), uuid.uuid4()
    with SmtpGateway() as gateway:
        assert gateway.send(message, reference).kind == ACCEPTED
        [line] = logged(tmp_path / "mail.jsonl")
    assert line["message"] == str(message.public_id)
    assert line["message_id"] == f"{message.public_id}@example.org"
    assert line["client_reference"] == str(reference)
    assert (line["to"], line["subject"]) == ("person@example.org", "नया समय")
    assert (sink.taken, sink.connections) == (1, 1)


@pytest.mark.parametrize(
    ("step", "what", "kind", "taken"),
    [
        ("RCPT", "450 later", TRANSIENT, 0),
        ("RCPT", "550 nobody", PERMANENT, 0),
        ("RCPT", "drop", TRANSIENT, 0),
        ("RCPT", "hang", TRANSIENT, 0),
        ("RCPT", "garbage", TRANSIENT, 0),
        ("DATA", "451 busy", TRANSIENT, 0),
        ("DATA", "554 no", PERMANENT, 0),
        ("DATA", "drop", TRANSIENT, 0),
        ("DATA", "hang", TRANSIENT, 0),
        ("DATA", "garbage", TRANSIENT, 0),
        ("CONTENT", "452 full", TRANSIENT, 0),
        ("CONTENT", "552 too large", PERMANENT, 0),
        ("CONTENT", "421 shutting down", TRANSIENT, 0),
        ("CONTENT", "drop", UNKNOWN, 0),
        ("CONTENT", "hang", UNKNOWN, 0),
        ("CONTENT", "garbage", UNKNOWN, 0),
        ("ACCEPTED", "drop", UNKNOWN, 1),
        ("ACCEPTED", "hang", UNKNOWN, 1),
        ("ACCEPTED", "garbage", UNKNOWN, 1),
    ],
)
def test_fault_is_seen_by_the_gateway_and_the_log_knows_the_truth(
    sink, settings, tmp_path, step, what, kind, taken
):
    sink.fault(step, what)
    with SmtpGateway() as gateway:
        if what == "hang":
            settings.EMAIL_TIMEOUT = LITTLE_PATIENCE
        assert gateway.send(outgoing(), uuid.uuid4()).kind == kind
    settings.EMAIL_TIMEOUT = PATIENCE
    assert send().kind == ACCEPTED  # it misbehaved once
    assert len(logged(tmp_path / "mail.jsonl")) == sink.taken == taken + 1


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL"])
@pytest.mark.parametrize("what", ["421 too busy", "554 no", "drop", "hang", "garbage"])
def test_fault_before_the_message_is_a_gateway_that_is_down(sink, settings, step, what):
    if what == "hang":
        settings.EMAIL_TIMEOUT = LITTLE_PATIENCE
    sink.fault(step, what, times=2)  # EHLO is followed by HELO, which has no fault
    if step == "EHLO" and what in ("554 no", "garbage"):
        assert send().kind == ACCEPTED
        return
    with pytest.raises(GatewayDown):
        send()
    assert sink.taken == 0


def test_fault_may_come_back_every_so_often(sink):
    sink.fault("RCPT", "450 later", times=None, every=3)
    assert [send().kind for _ in range(6)] == [ACCEPTED, ACCEPTED, TRANSIENT] * 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("RCPT=450 later", Fault("RCPT", "450 later", times=None)),
        ("DATA=drop*3", Fault("DATA", "drop", times=3)),
        ("ACCEPTED=hang/20", Fault("ACCEPTED", "hang", times=None, every=20)),
    ],
)
def test_fault_in_words(text, fault):
    assert Fault.parse(text) == fault


@pytest.mark.parametrize("text", ["QUIT=drop", "RCPT=later", "RCPT", "DATA=drop*x"])
def test_fault_that_is_none(text):
    with pytest.raises(ValueError):  # noqa: PT011
        Fault.parse(text)


def test_fast_sink_keeps_the_ids(sink, tmp_path):
    path = tmp_path / "fast.jsonl"
    with SmtpSink(log=path, fast=True) as fast, smtplib.SMTP(fast.host, fast.port) as client:
        for number in range(3):
            client.sendmail("a@example.org", ["b@example.org"], f"Message-ID: <{number}@x>\r\n\r\n")
    assert [line["message"] for line in logged(path)] == ["0", "1", "2"]
    assert (fast.taken, fast.contents) == (3, [])


def test_sink_runs_as_a_program(tmp_path):
    log = tmp_path / "mail.jsonl"
    command = [sys.executable, "-m", "notifications.simulators.smtp", "--port", "0"]
    command += ["--log", str(log), "--fault", "RCPT=450 later*1"]
    program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout is not None
        address = program.stdout.readline().strip()
        host, _, port = address.removeprefix("smtp://").partition(":")
        with smtplib.SMTP(host, int(port), timeout=60) as client:
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("a@example.org", ["b@example.org"], "Subject: one\r\n\r\n")
            client.sendmail("a@example.org", ["b@example.org"], "Subject: two\r\n\r\n")
        assert [line["subject"] for line in logged(log)] == ["two"]
    finally:
        program.terminate()
        program.wait(60)
        program.stdout.close()
