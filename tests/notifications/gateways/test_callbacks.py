"""Reports of gateways over HTTP: what is believed, what is counted, and that nothing breaks us."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings, strategies

from notifications import callbacks, receipts
from notifications.gateways.msg91 import reports
from notifications.gateways.msg91.references import outward
from notifications.gateways.over_http import Unreadable
from notifications.models import Arrival
from notifications.receipts import Report, Verdict

URL = "/callbacks/msg91/"
NUMBER = "919812345678"
REFERENCE = uuid.UUID("6f8a5c1e-7d0b-4a9e-9b1c-2f3e4d5c6b7a")
FORM = "application/x-www-form-urlencoded"


@dataclass
class Book:
    """Stands for the tables: what was taken and what was counted."""

    taken: list[Report] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    gateways: set[str] = field(default_factory=set)
    away: type[Exception] | None = None

    def take(self, *, gateway: str, report: Report, now: datetime) -> Verdict:
        self._note(gateway)
        self.taken.append(report)
        return Verdict.APPLIED

    def count(self, *, gateway: str, verdict: Verdict, now: datetime) -> None:
        self._note(gateway)
        self.counted.append(verdict)

    def _note(self, gateway: str) -> None:
        if self.away:
            raise self.away
        self.gateways.add(gateway)


@pytest.fixture
def book(monkeypatch) -> Book:
    book = Book()
    monkeypatch.setattr(receipts, "take", book.take)
    monkeypatch.setattr(receipts, "count", book.count)
    return book


def signed(reference: uuid.UUID = REFERENCE, gateway: str = "msg91") -> str:
    return outward(receipts.sign(gateway, reference))


def report(**changes: Any) -> dict[str, Any]:
    """A report as version 3 of the webhook posts it."""
    return {
        "date": "2025-12-26 09:58:16",
        "number": NUMBER,
        "senderId": "PSKMPX",
        "requestId": "346570416e4e343332353130",
        "CRQID": signed(),
        "status": "1",
        "desc": "DELIVERED",
        **changes,
    }


def post(body: Any, content_type: str = "application/json", **headers: str):
    if not isinstance(body, bytes | str):
        body = json.dumps(body)
    # A client of programs: it has no token of a form, and is not asked for one.
    client = Client(enforce_csrf_checks=True)
    return client.generic("POST", URL, body, content_type=content_type, **headers)


def batch(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    """Reports as version 2 posts them: those of a request together."""
    return [{"senderId": "PSKMPX", "requestId": "abc123", "userId": "1", "report": list(entries)}]


class TestReports:
    def test_report_in_json(self, book):
        response = post(report())
        assert (response.status_code, response.content) == (200, b"ok")
        [taken] = book.taken
        assert taken == Report(
            arrival=Arrival.DELIVERED,
            client_reference=REFERENCE,
            gateway_reference="346570416e4e343332353130",
            detail="1 delivered",
        )
        assert (book.gateways, book.counted) == ({"msg91"}, [])

    def test_batch_in_a_form(self, book):
        other = uuid.uuid4()
        requests = [
            *batch({"CRQID": signed(), "status": "1"}, {"CRQID": signed(other), "status": "2"}),
            {"requestId": "def456", "report": [{"CRQID": signed(other), "status": "8"}]},
        ]
        body = f"data={json.dumps(requests)}".replace("+", "%2B").replace(" ", "+")
        assert post(body, FORM).status_code == 200
        assert [(each.client_reference, each.arrival) for each in book.taken] == [
            (REFERENCE, Arrival.DELIVERED),
            (other, Arrival.UNDELIVERED),
            (other, None),
        ]
        assert [each.gateway_reference for each in book.taken] == ["abc123", "abc123", "def456"]

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda entry: [entry],
            lambda entry: {"data": json.dumps(batch(entry))},
            lambda entry: {"data": batch(entry)},
            lambda entry: batch(entry),
        ],
    )
    def test_shapes_of_a_post(self, book, wrap):
        assert post(wrap(report())).status_code == 200
        assert [each.client_reference for each in book.taken] == [REFERENCE]

    @pytest.mark.parametrize(
        ("status", "arrival", "detail"),
        [
            ("1", Arrival.DELIVERED, "1 delivered"),
            (1, Arrival.DELIVERED, "1 delivered"),
            ("Delivered", Arrival.DELIVERED, "1 delivered"),
            ("2", Arrival.UNDELIVERED, "2 failed"),
            ("9", Arrival.UNDELIVERED, "9 not wanted (NDNC)"),
            ("16", Arrival.UNDELIVERED, "16 rejected"),
            ("25", Arrival.UNDELIVERED, "25 rejected"),
            ("17", Arrival.UNDELIVERED, "17 number blocked"),
            ("8", None, "8 on its way"),
        ],
    )
    def test_status(self, book, status, arrival, detail):
        post(report(status=status))
        [taken] = book.taken
        assert (taken.arrival, taken.detail) == (arrival, detail)

    def test_operators_code_is_kept_and_their_words_are_not(self, book):
        post(report(status="2", failedReason=f"DLT 631 for {NUMBER}", desc="FAILED"))
        [taken] = book.taken
        assert taken.detail == "2 failed: 631 text is not as its template was registered"

    def test_template_that_its_panel_does_not_know_is_told_in_our_words(self, book):
        post(report(status="2", failedReason="Template ID Missing or Invalid Template"))
        [taken] = book.taken
        assert taken.detail == "2 failed: template not known to its panel, or not as it is there"

    @pytest.mark.parametrize("request_id", [None, 17.5, "a b", "x" * 101, NUMBER + "\0", ["a"]])
    def test_name_of_a_request_that_is_none_is_left_out(self, book, request_id):
        post(report(requestId=request_id))
        [taken] = book.taken
        assert taken.gateway_reference in ("", "None")
        assert taken.client_reference == REFERENCE


class TestForgery:
    @pytest.mark.parametrize(
        "carried",
        [
            None,
            "",
            "0",
            17,
            REFERENCE.hex,
            str(REFERENCE),
            signed()[:-1],
            signed() + "A",
            signed().swapcase(),
            signed(gateway="anymail"),
            uuid.UUID(int=7).hex + signed()[32:],
            "." + signed(),
            "\ud800." + signed(),
            "\0" * 76,
            "x" * 10_000,
            [signed()],
        ],
    )
    def test_report_without_our_signature_is_counted_and_changes_nothing(self, book, carried):
        assert post(report(CRQID=carried)).status_code == 200
        assert (book.taken, book.counted) == ([], [Verdict.FORGED])

    def test_what_others_send_through_the_account_hides_nothing_of_ours(self, book):
        entries = [report(CRQID="0"), "no report", report(), report(CRQID=None), report(status="?")]
        assert post(entries).status_code == 200
        assert len(book.taken) == 1
        assert book.counted == [
            Verdict.FORGED,
            Verdict.GARBLED,
            Verdict.FORGED,
            Verdict.GARBLED,
        ]

    def test_signature_made_with_another_secret_is_forged(self, book, settings):
        carried = signed()
        settings.SECRET_KEY = "another"
        post(report(CRQID=carried))
        assert (book.taken, book.counted) == ([], [Verdict.FORGED])


GARBLED: list[tuple[Any, str]] = [
    (b"", "application/json"),
    (b"\xff\xfe", "application/json"),
    (b"{", "application/json"),
    (b"[]", "application/json"),
    (b"[" * 100_000, "application/json"),
    (b"9" * 5000, "application/json"),
    (b'{"data": "{"}', "application/json"),
    (b'{"data": []}', "application/json"),
    (b"", FORM),
    (b"data", FORM),
    (b"data=%FF", FORM),
    (b"data=%5B%5D", FORM),
    (b"other=1", FORM),
    (b"a=1&" * 1000, FORM),
    (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
    (b"anything", ""),
    (b"<xml/>", "text/xml; charset=nonsense"),
]


class TestGarbage:
    @pytest.mark.parametrize(("body", "content_type"), GARBLED)
    def test_post_that_cannot_be_read_is_counted(self, book, body, content_type):
        assert post(body, content_type).status_code == 400
        assert (book.taken, book.counted) == ([], [Verdict.GARBLED])

    @pytest.mark.parametrize(
        ("status", "body"), [(s, report(status=s)) for s in (None, "", "1.0", "-1", "1234", [], {})]
    )
    def test_status_that_is_none_is_garbled(self, book, status, body):
        assert post(body).status_code == 200
        assert book.counted == [Verdict.GARBLED]

    @pytest.mark.parametrize(
        ("length", "status"),
        [("-1", 400), ("x", 400), ("", 400), ("9" * 30, 413), ("9" * 5000, 413)],
    )
    def test_length_that_is_none(self, book, length, status):
        assert post(report(), CONTENT_LENGTH=length).status_code == status
        assert book.counted == [Verdict.GARBLED]

    def test_post_that_is_too_large_is_not_read(self, book):
        body = json.dumps([report(desc="x" * 1000)] * 300)
        assert len(body) > callbacks.LARGEST_POST
        assert post(body).status_code == 413
        assert (book.taken, book.counted) == ([], [Verdict.GARBLED])

    @pytest.mark.parametrize(("letters", "status"), [(0, 200), (300_000, 413)])
    def test_post_in_chunks_has_no_length_and_the_same_limit(self, book, letters, status):
        body = json.dumps(report(desc="x" * letters)).encode()
        chunked = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True}
        assert post(body, CONTENT_LENGTH="", **chunked).status_code == status
        assert len(book.taken) == (status == 200)

    def test_post_that_breaks_off_is_garbled(self, book):
        class Broken(BytesIO):
            def read(self, *_: Any) -> bytes:
                raise OSError("connection reset")

        body = json.dumps(report())
        answer = post(body, **{"wsgi.input": Broken(), "CONTENT_LENGTH": str(len(body))})
        assert answer.status_code == 400
        assert book.counted == [Verdict.GARBLED]

    def test_post_of_more_reports_than_a_gateway_has_is_not_taken(self, book):
        assert post([{}] * (callbacks.MOST_REPORTS + 1)).status_code == 413
        assert book.counted == [Verdict.GARBLED]
        assert post([{}] * callbacks.MOST_REPORTS).status_code == 200

    def test_full_batch_is_read(self, book):
        entries = [report(CRQID=signed(uuid.uuid4())) for _ in range(500)]
        assert post(entries).status_code == 200
        assert len(book.taken) == 500

    @settings(deadline=None)
    @given(strategies.binary(max_size=300), strategies.sampled_from(["application/json", FORM]))
    def test_no_bytes_break_the_reader(self, body, content_type):
        try:
            found = reports.read(body, content_type)
        except Unreadable:
            return
        assert all(each in (Verdict.FORGED, Verdict.GARBLED) for each in found)

    @settings(deadline=None)
    @given(
        strategies.recursive(
            strategies.none() | strategies.booleans() | strategies.floats() | strategies.text(),
            lambda inner: (
                strategies.lists(inner)
                | strategies.dictionaries(
                    strategies.sampled_from(["data", "report", "CRQID", "status", "requestId"]),
                    inner,
                )
            ),
            max_leaves=20,
        )
    )
    def test_no_json_breaks_the_reader(self, payload):
        body = json.dumps(payload).encode()
        try:
            found = reports.read(body, "application/json")
        except Unreadable:
            return
        assert all(each in (Verdict.FORGED, Verdict.GARBLED) for each in found)


class TestDoor:
    def test_address(self):
        assert reverse("notifications:callback", args=["msg91"]) == URL

    @pytest.mark.parametrize("gateway", ["mobile_seva", "file", "smtp", "nobody"])
    def test_gateway_that_does_not_report_here(self, book, gateway):
        response = Client().post(f"/callbacks/{gateway}/", "{}", content_type="application/json")
        assert response.status_code == 404
        assert book.gateways == set()

    @pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
    def test_only_posts_are_taken(self, book, method):
        assert getattr(Client(), method)(URL).status_code == 405

    @pytest.mark.parametrize("error", [OperationalError, InterfaceError])
    @pytest.mark.parametrize("body", [report(), report(CRQID="0"), b"{"])
    def test_database_that_is_away_asks_the_gateway_to_come_back(self, book, error, body):
        book.away = error
        response = post(body)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "30"
        book.away = None
        assert post(body).status_code in (200, 400)
        assert len(book.taken) + len(book.counted) == 1

    def test_nobody_is_asked_to_sign_in_and_no_cookie_is_set(self, book):
        # Without access to the database, a query would break this test.
        response = post(report())
        assert response.status_code == 200
        assert response.cookies == {}

    def test_neither_numbers_nor_references_reach_the_log(self, book, caplog):
        post(report())
        post(report(CRQID="0"))
        post(b"{" + NUMBER.encode())
        book.away = OperationalError
        post(report())
        assert NUMBER not in caplog.text
        assert REFERENCE.hex not in caplog.text
