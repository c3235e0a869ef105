"""The SMPP gateway and its receiver against an SMSC that is not ours: the npm package `smpp`.

The package is installed once, into build/, which git ignores. Without node, npm or the registry
these tests are skipped and say why.
"""

import json
import os
import shutil
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site

from notifications import receipts, segments
from notifications.gateways.base import GatewayDown
from notifications.gateways.smpp import SmppGateway
from notifications.models import Arrival, Attempt
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

PACKAGE = "smpp@0.5.1"
SERVER = Path(__file__).parent / "npm" / "smsc.js"
INSTALL_SECONDS = 180
ACCEPTED = Attempt.Outcome.ACCEPTED


class NpmSmsc:
    """The server in JavaScript, and what it says of each PDU it read."""

    def __init__(self, modules: Path) -> None:
        self.lines: list[dict[str, Any]] = []
        self._process = subprocess.Popen(
            ["node", str(SERVER)],
            env={"PATH": os.environ["PATH"], "NODE_PATH": str(modules)},
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        until(lambda: self.lines, "node did not start", seconds=60)
        self.port = int(self.lines[0]["port"])

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as output:
            for line in output:
                self.lines.append(json.loads(line))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._reader.join(60)

    def said(self, key: str) -> list[dict[str, Any]]:
        return [line for line in list(self.lines) if key in line]


@pytest.fixture(scope="session")
def modules() -> Path:
    """The folder of the installed package, or a skip that says what is missing."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    folder = Path(site.BASE_DIR) / "build" / "npm" / PACKAGE.replace("@", "-")
    found = folder / "node_modules"
    if not (found / "smpp" / "package.json").exists():
        _install(folder)
    return found


def _install(folder: Path) -> None:
    """Into a folder of this process first: others may be about to do the same."""
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    fresh.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(fresh), "--ignore-scripts", "--no-audit"]
    command += ["--no-fund", "--fetch-retries=0", "--fetch-timeout=20000", PACKAGE]
    try:
        done = subprocess.run(
            command, cwd=fresh, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
        if done.returncode:
            pytest.skip(f"npm cannot install {PACKAGE}: {done.stderr.strip()[-200:]}")
        if not folder.exists():
            fresh.rename(folder)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {PACKAGE} within {INSTALL_SECONDS} s")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@pytest.fixture
def smsc(settings, modules) -> Iterator[NpmSmsc]:
    server = NpmSmsc(modules)
    account(settings, server.port)
    # It names messages in hex, and writes the name in decimal into the text of a receipt.
    settings.SMPP_RESPONSE_IDS, settings.SMPP_RECEIPT_IDS = "hex", "decimal"
    yield server
    server.stop()


@pytest.fixture
def taken(monkeypatch) -> Taken:
    stand_in = Taken()
    monkeypatch.setattr(receipts, "take", stand_in.take)
    monkeypatch.setattr(receipts, "count", stand_in.count)
    return stand_in


def test_hindi_in_two_parts_arrives_letter_for_letter_and_each_part_is_reported(smsc, taken):
    text = moved_answer("hi", units=134)
    assert segments.measure(text) == segments.Size("UCS-2", 134, 2)
    message = outgoing(text)
    with receiving():
        outcome = send(message)
        until(lambda: len(taken.reports) == 2)
        until(lambda: len(smsc.said("answered")) == 2)
    first, second = smsc.said("text")
    assert first["text"] + second["text"] == text
    reference = f"{message.public_id.bytes[-1]:02x}"
    assert [part["udh"] for part in (first, second)] == [
        [f"0003{reference}0201"],
        [f"0003{reference}0202"],
    ]
    for part in (first, second):
        assert part["tlvs"] == {str(0x1400): ENTITY, str(0x1401): TEMPLATE}
        assert (part["to"], part["from"], part["kinds"]) == ("919800000001", HEADER, [5, 0, 1, 1])
        assert (part["data_coding"], part["registered_delivery"]) == (8, 1)
    assert outcome.kind == ACCEPTED
    assert outcome.parts == tuple(str(int(part["id"], 16)) for part in (first, second))
    assert taken.arrivals() == dict.fromkeys(outcome.parts, Arrival.DELIVERED)
    assert {line["status"] for line in smsc.said("answered")} == {0}
    assert smsc.said("error") == []


def test_english_in_one_part_arrives_letter_for_letter(smsc, taken):
    text = moved_answer("en")
    assert segments.measure(text).encoding == "GSM-7"
    with receiving():
        outcome = send(outgoing(text))
        until(lambda: taken.reports)
    [part] = smsc.said("text")
    assert (part["text"], part["data_coding"], part["udh"]) == (text, 0, [])
    assert taken.arrivals() == {outcome.parts[0]: Arrival.DELIVERED}


def test_every_letter_of_the_gsm_alphabet_is_read_alike(smsc, taken):
    letters = "".join(sorted(segments.GSM_LETTERS | segments.GSM_ESCAPED_LETTERS))
    text = letters * 2
    assert send(outgoing(text)).kind == ACCEPTED
    parts = smsc.said("text")
    assert len(parts) == segments.measure(text).parts == 2
    assert "".join(part["text"] for part in parts) == text


def test_one_bind_as_transceiver_gets_the_receipts_of_its_own_turn(smsc, taken, settings):
    settings.SMPP_BIND = "transceiver"
    with SmppGateway() as gateway:
        outcomes = [gateway.send(outgoing(), uuid.uuid4()) for _ in range(3)]
    with receiving():  # those that were on their way when the turn ended
        until(lambda: len(taken.arrivals()) == 3)
    assert set(taken.arrivals()) == {outcome.parts[0] for outcome in outcomes}
    assert [line["bound"] for line in smsc.said("bound")] == ["bind_transceiver"] * 2
    assert smsc.said("bound")[0]["version"] == 0x34


def test_wrong_password_is_a_gateway_that_is_down(smsc, settings):
    settings.SMPP_PASSWORD = "wrong"
    with pytest.raises(GatewayDown, match="Bind Failed"), SmppGateway():
        pass
