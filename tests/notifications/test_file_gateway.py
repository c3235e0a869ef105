"""The file gateway, and the demo's phone which reads it."""

import fcntl
import threading
import uuid

import pytest

from notifications.gateways.base import GatewayDown, Outgoing
from notifications.gateways.file import FileGateway, read_sink
from notifications.models import Attempt


@pytest.fixture
def sink(settings, tmp_path):
    settings.MESSAGE_FILE_SINK = tmp_path / "folder" / "phone.jsonl"
    return settings.MESSAGE_FILE_SINK


def outgoing(text: str = "नमस्ते", address: str = "+919800000001") -> Outgoing:
    return Outgoing(uuid.uuid4(), "OTP", "sms", address, "hi", text)


def test_message_is_a_line_that_reads_back(sink):
    message, reference = outgoing(), uuid.uuid4()
    with FileGateway() as gateway:
        assert gateway.send(message, reference).kind == Attempt.Outcome.ACCEPTED
    [entry] = read_sink()
    assert (entry["to"], entry["text"], entry["kind"]) == ("+919800000001", "नमस्ते", "OTP")
    assert entry["message"] == str(message.public_id)
    assert entry["client_reference"] == str(reference)
    assert entry["at"].tzinfo is not None


def test_newest_comes_first_and_one_address_can_be_asked_for(sink):
    with FileGateway() as gateway:
        for number in range(5):
            gateway.send(outgoing(f"text {number}", f"+91{number % 2}"), uuid.uuid4())
    assert [entry["text"] for entry in read_sink(newest=2)] == ["text 4", "text 3"]
    assert [entry["text"] for entry in read_sink(address="+911")] == ["text 3", "text 1"]


def test_no_file_is_an_empty_phone(sink):
    assert read_sink() == []


def test_line_that_a_crash_cut_short_harms_no_other(sink):
    with FileGateway() as gateway:
        gateway.send(outgoing("before"), uuid.uuid4())
    with sink.open("ab") as file:
        file.write(b'{"at": "2025-06-23T10:00:00+05:30", "te')
    with FileGateway() as gateway:
        gateway.send(outgoing("after"), uuid.uuid4())
    assert [entry["text"] for entry in read_sink()] == ["after", "before"]


def test_sink_that_cannot_be_written_is_a_gateway_that_is_down(settings, tmp_path):
    (tmp_path / "file").touch()
    settings.MESSAGE_FILE_SINK = tmp_path / "file" / "phone.jsonl"
    with pytest.raises(GatewayDown):
        FileGateway().__enter__()


def test_full_disk_leaves_no_half_line_and_is_tried_later(sink, monkeypatch):
    with FileGateway() as gateway:
        gateway.send(outgoing("before"), uuid.uuid4())
        size = sink.stat().st_size

        def no_space(file):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("notifications.gateways.file.os.fsync", no_space)
        outcome = gateway.send(outgoing("lost"), uuid.uuid4())
    assert outcome.kind == Attempt.Outcome.TRANSIENT
    assert sink.stat().st_size == size


def test_file_that_another_process_keeps_locked_is_a_gateway_that_is_down(sink, settings):
    settings.MESSAGE_CALL_SECONDS = 0.1
    with FileGateway() as frozen, FileGateway() as gateway:
        fcntl.flock(frozen._file, fcntl.LOCK_EX)
        with pytest.raises(GatewayDown, match="locked"):
            gateway.send(outgoing(), uuid.uuid4())
    assert read_sink() == []


def test_only_its_owner_reads_the_file(sink):
    with FileGateway() as gateway:
        gateway.send(outgoing(), uuid.uuid4())
    assert sink.stat().st_mode & 0o777 == 0o600


def test_many_workers_write_whole_lines(sink):
    def work(number: int) -> None:
        with FileGateway() as gateway:
            for turn in range(50):
                gateway.send(outgoing(f"{number}-{turn} " + "x" * 5000), uuid.uuid4())

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    texts = {entry["text"].split()[0] for entry in read_sink(newest=1000)}
    assert texts == {f"{number}-{turn}" for number in range(4) for turn in range(50)}
