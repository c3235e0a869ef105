"""The simulated gateway over HTTP: its plan, its log, and its reports up to our door."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from django.utils import timezone

from notifications import delivery, receipts
from notifications.gateways.base import Filed, Outcome, Outgoing
from notifications.gateways.file import FileGateway, read_sink
from notifications.gateways.mobile_seva import MobileSevaGateway
from notifications.gateways.msg91 import Msg91Gateway
from notifications.gateways.msg91.references import outward
from notifications.models import Arrival, Message, ReceiptCount
from notifications.receipts import Verdict
from notifications.simulators import http, http_receipts, oracle, templates
from notifications.simulators.__main__ import main
from notifications.simulators.faults import Fault, Plan, UnknownFault, parse_weights
from notifications.simulators.http import HttpSimulator
from notifications.simulators.http_protocols import Taken
from notifications.simulators.templates import Registry, Rejected, Template
from tests.notifications.builders import queued
from tests.notifications.gateways.over_http import (
    ACCEPTED,
    ENGLISH,
    HINDI,
    HINDI_ID,
    HINDI_PANEL_ID,
    NUMBER,
    TEMPLATES,
    UNKNOWN,
    free_port,
    in_english,
    outgoing,
    simulator,
    site,
    use,
)

DELIVERED, UNDELIVERED = Arrival.DELIVERED, Arrival.UNDELIVERED


class TestPlan:
    def test_script_comes_first_and_then_the_usual(self):
        plan = Plan({"ok", "500", "hang"}, usual="ok")
        plan.change(script=["500", "hang:3"])
        assert [str(plan.next()) for _ in range(4)] == ["500", "hang:3", "ok", "ok"]

    def test_weights_are_shares_of_requests(self):
        plan = Plan({"ok", "500", "429"}, usual="ok", seed=1)
        plan.change(weights={"500": 0.2, "429:30": 0.1})
        drawn = [str(plan.next()) for _ in range(2000)]
        assert 300 < drawn.count("500") < 500
        assert 130 < drawn.count("429:30") < 270
        assert drawn.count("ok") == 2000 - drawn.count("500") - drawn.count("429:30")

    def test_all_of_it_is_all_of_it(self):
        plan = Plan({"ok", "500"}, usual="ok")
        plan.change(weights={"500": 1})
        assert {str(plan.next()) for _ in range(200)} == {"500"}

    def test_fault_that_is_none_changes_nothing(self):
        plan = Plan({"ok", "500"}, usual="ok")
        plan.change(script=["500"])
        with pytest.raises(UnknownFault, match="'501' is none of 500, ok"):
            plan.change(script=["ok"], weights={"501": 1})
        assert plan.state() == {"script": ["500"], "weights": {}}

    def test_value_is_a_number_or_the_usual(self):
        assert Fault("hang", "2.5").number(60) == 2.5
        assert Fault("hang").number(60) == 60

    def test_weights_of_a_command_line(self):
        assert parse_weights("500=0.02, 429:30=0.01,") == {"500": 0.02, "429:30": 0.01}
        assert parse_weights("") == {}


class TestTemplates:
    def test_text_is_as_filed_or_rejected(self):
        registry = Registry(TEMPLATES)
        registry.check(HINDI_ID, HINDI)
        for other in (HINDI + " ", HINDI.replace("4711", "47a1"), HINDI.replace("है", "हैं")):
            with pytest.raises(Rejected, match="631"):
                registry.check(HINDI_ID, other)
        with pytest.raises(Rejected, match="630"):
            registry.check("1", HINDI)
        with pytest.raises(Rejected, match="620"):
            registry.check(HINDI_ID, HINDI, "OTHERS")

    def test_values_are_as_many_as_the_variables(self):
        registry = Registry({"1": Template("a {#numeric#} b #url# c {#var#}", panel_id="f1")})
        assert registry.compose("f1", ["7", "h/x", "y"]) == "a 7 b h/x c y"
        for values in (["7", "h/x"], ["7", "h/x", "y", "z"], ["x", "h/x", "y"], ["7", "h x", "y"]):
            with pytest.raises(Rejected, match="631"):
                registry.compose("f1", values)

    def test_panel_knows_its_own_ids_and_not_those_of_the_operators(self):
        registry = Registry({"1": Template("a {#var#}", panel_id="f1"), "2": Template("b {#var#}")})
        assert registry.compose("f1", ["x"]) == "a x"
        for other in ("1", "2", "", "f2"):
            with pytest.raises(templates.UnknownPanelId):
                registry.compose(other, ["x"])

    def test_file(self, tmp_path):
        path = tmp_path / "templates.json"
        path.write_text(json.dumps({"1": {"text": "a {#var#}", "header": "PSKMPX"}}))
        registry = templates.load(path)
        filed = tmp_path / "filed.csv"
        filed.write_text(
            "gateway,template_id,gateway_template_id,header,text\n"
            "msg91,42,f42,PSKMPX,Code {#numeric#} of today\n"
            ",42,,PSKMPX,Code {#numeric#} of today\n"
        )
        of_csv = templates.load(filed)
        assert of_csv.compose("f42", ["4711"]) == "Code 4711 of today"
        with pytest.raises(templates.Rejected):
            of_csv.check("42", "Code 4711 of yesterday", "PSKMPX")
        registry.check("1", "a b", "PSKMPX")
        with pytest.raises(Rejected):
            registry.check("1", "b a", "PSKMPX")


class TestAdmin:
    def test_plan_changes_while_it_runs(self, tmp_path):
        with simulator(tmp_path) as running:
            wish = {
                "script": ["500"],
                "weights": {"429:3": 0.5},
                "receipts": {"script": ["none"], "weights": {"duplicate": 1}},
                "latency": 0.01,
                "rate": 50,
            }
            changed = httpx.post(f"{running.url}/_simulator/", json=wish, trust_env=False)
            assert changed.status_code == 200
            state = httpx.get(f"{running.url}/_simulator", trust_env=False).json()
        assert {key: state[key] for key in wish} == wish
        assert state["counts"]["connections"] == 2

    @pytest.mark.parametrize(
        "wish", [{"script": ["nonsense"]}, {"receipts": 1}, {"other": 1}, [], {"latency": "x"}]
    )
    def test_wish_that_is_none(self, tmp_path, wish):
        with simulator(tmp_path) as running:
            answer = httpx.post(f"{running.url}/_simulator", json=wish, trust_env=False)
            assert answer.status_code == 400
            assert answer.json()["error"]

    def test_other_addresses(self, tmp_path):
        with simulator(tmp_path) as running:
            assert httpx.get(running.url, trust_env=False).status_code == 404
            assert httpx.post(f"{running.url}/x", trust_env=False).status_code == 404

    def test_latency_holds_each_answer_up(self, settings, tmp_path):
        with simulator(tmp_path) as running:
            use(settings, running.url)
            running.conduct.change({"latency": 0.2})
            began = time.monotonic()
            assert send()[0].kind == ACCEPTED
            assert time.monotonic() - began >= 0.2

    def test_every_fault_of_the_list_can_be_asked_for(self, settings, tmp_path):
        settings.MESSAGE_CALL_SECONDS = 5
        short = {"hang": "hang:0.05", "taken_hang": "taken_hang:0.05", "taken_drip": "taken_drip:0"}
        with simulator(tmp_path) as running:
            for name in http.FAULTS:
                running.conduct.answers.change(script=[short.get(name, name)])
                httpx_answer(running.url)
            counts = running.state()["counts"]
            assert [
                name for name in http.FAULTS if name != "ok" and not counts[f"fault {name}"]
            ] == []
            assert counts["accepted"] == len(http.AFTER) + 1
            assert len(running.accepted()) == counts["accepted"]


def httpx_answer(url: str) -> None:
    """One message as a foreign client sends it, whatever comes of it."""
    recipient = {"mobiles": "919812345678", "VAR1": "1", "VAR2": "x"}
    message = {"template_id": HINDI_PANEL_ID, "recipients": [recipient]}
    headers = {"authkey": "the-authkey"}
    try:
        with httpx.stream(
            "POST", f"{url}/api/v5/flow", json=message, headers=headers, trust_env=False
        ) as answer:
            next(answer.iter_raw(), b"")
    except httpx.HTTPError:
        return


class TestLog:
    def test_line_for_each_that_was_accepted_also_of_many_at_once(self, settings, tmp_path):
        references = [uuid.uuid4() for _ in range(40)]

        def hand_over(part: list[uuid.UUID]) -> list[str]:
            with Msg91Gateway() as opened:
                return [opened.send(outgoing(each), each).kind for each in part]

        with simulator(tmp_path) as running:
            use(settings, running.url)
            with ThreadPoolExecutor(4) as threads:
                parts = [references[start::4] for start in range(4)]
                kinds = [kind for part in threads.map(hand_over, parts) for kind in part]
            lines = running.accepted()
        assert kinds == [ACCEPTED] * 40
        assert sorted(line["client_reference"] for line in lines) == sorted(map(str, references))
        assert len({line["gateway_reference"] for line in lines}) == 40
        assert all(datetime.fromisoformat(line["at"]).tzinfo for line in lines)

    def test_log_goes_on_where_it_ended_and_is_its_owners_alone(self, settings, tmp_path):
        for _ in range(2):
            with simulator(tmp_path) as running:
                use(settings, running.url)
                assert send()[0].kind == ACCEPTED
        path = tmp_path / "http.jsonl"
        assert len(oracle.read(path)) == 2
        assert path.stat().st_mode & 0o077 == 0

    def test_phones_of_the_demo_show_what_was_accepted(self, settings, tmp_path):
        settings.MESSAGE_FILE_SINK = tmp_path / "phone.jsonl"
        with simulator(tmp_path, phone=settings.MESSAGE_FILE_SINK) as running:
            use(settings, running.url)
            _, first = send()
            with FileGateway() as opened:
                opened.send(outgoing(uuid.uuid4(), text="between"), uuid.uuid4())
            with MobileSevaGateway() as seva:
                assert seva.send(in_english(uuid.uuid4()), uuid.uuid4()).kind == ACCEPTED
        shown = read_sink(address=NUMBER)
        assert [(each["text"], each["language"]) for each in shown] == [
            (ENGLISH, "en"),
            ("between", "hi"),
            (HINDI, "hi"),
        ]
        assert shown[-1]["client_reference"] == str(first)

    def test_no_log_yet(self, tmp_path):
        assert oracle.read(tmp_path / "none") == []


class Book:
    """What our door took, in its order; a report may be held up at it."""

    def __init__(self) -> None:
        self.taken: list[tuple[uuid.UUID, Arrival | None]] = []
        self.counted: list[str] = []
        self.at_answer: list[int] = []

    def take(self, *, gateway, report, now) -> Verdict:
        self.taken.append((report.client_reference, report.arrival))
        return Verdict.APPLIED

    def count(self, *, gateway, verdict, now) -> None:
        self.counted.append(verdict)


@pytest.fixture
def book(monkeypatch) -> Book:
    book = Book()
    monkeypatch.setattr(receipts, "take", book.take)
    monkeypatch.setattr(receipts, "count", book.count)
    return book


@pytest.fixture
def address(book) -> Iterator[str]:
    with site() as url:
        yield f"{url}/callbacks/msg91/"


def send(message=None, reference: uuid.UUID | None = None):
    """Hand a message over; its outcome and our reference."""
    reference = reference or uuid.uuid4()
    with Msg91Gateway() as opened:
        return opened.send(message or outgoing(reference), reference), reference


class TestReports:
    """From the gateway through the simulator to our door, over loopback."""

    @pytest.mark.parametrize("version", ["v2", "v3"])
    @pytest.mark.parametrize(
        ("fault", "arrivals", "counted"),
        [
            ("ok", [DELIVERED], []),
            ("status:2", [UNDELIVERED], []),
            ("status:9", [UNDELIVERED], []),
            ("delayed:0.2", [DELIVERED], []),
            ("duplicate", [DELIVERED, DELIVERED], []),
            ("reordered", [DELIVERED, None], []),
            ("contradicted", [DELIVERED, UNDELIVERED], []),
            ("early", [DELIVERED], []),
            ("forged", [], [Verdict.FORGED]),
            ("foreign", [], [Verdict.FORGED]),
            ("garbled", [], [Verdict.GARBLED]),
            ("none", [], []),
        ],
    )
    def test_fault_of_a_report(
        self, settings, tmp_path, book, address, version, fault, arrivals, counted
    ):
        with simulator(tmp_path, callback=address, receipt_version=version) as running:
            use(settings, running.url)
            running.conduct.receipts.change(script=[fault])
            began = time.monotonic()
            outcome, reference = send()
            seen_before_the_answer = list(book.taken)
            assert running.reporter.wait_idle()
        assert outcome.kind == ACCEPTED
        assert book.taken == [(reference, arrival) for arrival in arrivals]
        assert book.counted == counted
        if fault == "early":
            assert seen_before_the_answer == [(reference, DELIVERED)]
        if fault.startswith("delayed"):
            assert time.monotonic() - began >= 0.2

    def test_every_fault_of_a_report_is_tried_above(self):
        marks = self.test_fault_of_a_report.pytestmark
        [cases] = [mark.args[1] for mark in marks if len(mark.args[1]) > 2]
        assert {case[0].partition(":")[0] for case in cases} == set(http_receipts.FAULTS)

    @pytest.mark.parametrize(("batch", "posts"), [(1, 10), (4, 3), (50, 1)])
    def test_reports_of_many_come_in_one_post(self, book, address, batch, posts):
        reporter = http_receipts.Reporter(address, version="v2", delay=0, batch=batch)
        references = [uuid.uuid4() for _ in range(10)]
        for each in references:
            carried = outward(receipts.sign("msg91", each))
            taken = Taken("msg91", "abc", carried, "919812345678", HINDI_ID, "", HINDI)
            reporter.schedule(taken, Fault("ok"))
        reporter.start()
        assert reporter.wait_idle()
        reporter.stop()
        assert book.taken == [(each, DELIVERED) for each in references]
        assert reporter.counts["HTTP 200"] == posts

    def test_message_whose_answer_never_came_is_reported_all_the_same(
        self, settings, tmp_path, book, address
    ):
        with simulator(tmp_path, callback=address) as running:
            use(settings, running.url)
            running.conduct.answers.change(script=["taken_reset"])
            outcome, reference = send()
            assert running.reporter.wait_idle()
        assert outcome.kind == UNKNOWN
        assert book.taken == [(reference, DELIVERED)]

    def test_report_is_repeated_until_somebody_answers(self, settings, tmp_path, book, monkeypatch):
        monkeypatch.setattr(http_receipts, "FIRST_WAIT_SECONDS", 0.05)
        port = free_port()
        with simulator(tmp_path, callback=f"http://127.0.0.1:{port}/") as running:
            use(settings, running.url)
            _, reference = send()
            deadline = time.monotonic() + 20
            while not running.reporter.counts["repeated"] and time.monotonic() < deadline:
                time.sleep(0.01)
            with site() as url:
                running.reporter.callback = f"{url}/callbacks/msg91/"
                assert running.reporter.wait_idle()
        assert book.taken == [(reference, DELIVERED)]

    def test_no_report_without_an_address_or_of_a_gateway_that_has_none(self, settings, tmp_path):
        with simulator(tmp_path) as running:
            use(settings, running.url)
            assert send(in_english(uuid.uuid4()))[0].kind == ACCEPTED
            assert running.reporter.wait_idle()
            assert running.reporter.counts == {}


class FiledMsg91Gateway(Msg91Gateway):
    """Every text counts as filed: the registry of templates has tests of its own."""

    needs_template = False

    def send(self, message: Outgoing, client_reference: uuid.UUID) -> Outcome:
        filed = Filed("1101", "PSKMPX", HINDI_ID, (message.text,), HINDI_PANEL_ID)
        return super().send(replace(message, filed=filed), client_reference)


@pytest.mark.django_db(transaction=True)
class TestWhole:
    """A message in the database, over the gateway and the simulator, and its report back."""

    @pytest.fixture
    def running(self, settings, tmp_path) -> Iterator[HttpSimulator]:
        path = f"{__name__}.{FiledMsg91Gateway.__name__}"
        settings.MESSAGE_GATEWAYS = {"sms": [path], "email": ["file"]}
        settings.MESSAGE_CALL_SECONDS = 5
        with (
            site() as url,
            simulator(
                tmp_path, callback=f"{url}/callbacks/msg91/", registry=Registry()
            ) as simulated,
        ):
            use(settings, simulated.url)
            yield simulated

    def hand_over(self, running: HttpSimulator) -> Message:
        """One message, handed over, recorded, and then reported; at any hour of the day."""
        running.reporter.delay = 3600
        now = timezone.now()
        later = now + timedelta(days=3)
        message = queued(now=now, quiet_ok_from=now, urgent_by=later, expires_at=later)
        delivery.run("sms")
        running.reporter.hurry()
        assert running.reporter.wait_idle()
        message.refresh_from_db()
        return message

    @pytest.mark.parametrize(
        ("fault", "state", "verdicts"),
        [
            ("ok", "delivered", {"applied": 1}),
            ("early", "delivered", {"parked": 1}),
            ("status:2", "undelivered", {"applied": 1}),
            ("duplicate", "delivered", {"applied": 1, "repeated": 1}),
            ("reordered", "delivered", {"applied": 1, "on_its_way": 1}),
            ("contradicted", "delivered", {"applied": 1, "overtaken": 1}),
            ("forged", "accepted", {"forged": 1}),
            ("foreign", "accepted", {"forged": 1}),
            ("garbled", "accepted", {"garbled": 1}),
            ("none", "accepted", {}),
        ],
    )
    def test_report(self, running, fault, state, verdicts):
        running.conduct.receipts.change(script=[fault])
        message = self.hand_over(running)
        assert message.state == state
        assert dict(ReceiptCount.objects.values_list("verdict", "count")) == verdicts
        [attempt] = message.attempts.all()
        [line] = running.accepted()
        assert line["client_reference"] == str(attempt.client_reference)
        assert line["gateway_reference"] == attempt.gateway_reference
        assert line["to"] == message.address.removeprefix("+")

    @pytest.mark.parametrize("fault", ["taken_reset", "taken_cut", "taken_garbage", "taken_500"])
    def test_message_of_unknown_fate_is_known_by_its_report(self, running, fault):
        running.conduct.answers.change(script=[fault])
        message = self.hand_over(running)
        assert message.state == "delivered"
        assert message.attempts.get().outcome == ACCEPTED

    def test_gateway_that_asks_for_rest_has_it(self, running):
        running.conduct.answers.change(script=["429:600"])
        message = self.hand_over(running)
        assert (message.state, running.accepted()) == ("queued", [])
        assert message.next_attempt_at >= message.created_at + timedelta(seconds=600)

    def test_gateway_that_does_not_want_us_costs_no_message(self, running):
        running.conduct.answers.change(script=["http:401"])
        message = self.hand_over(running)
        assert (message.state, running.accepted()) == ("queued", [])

    def test_refusal_says_why_without_saying_to_whom(self, running):
        running.conduct.answers.change(script=["error:631"])
        message = self.hand_over(running)
        assert message.state == "failed"
        assert message.error == "631 text is not as its template was registered"


class TestCommand:
    def test_process_of_its_own(self, settings, tmp_path):
        log, filed = tmp_path / "sms.jsonl", tmp_path / "templates.json"
        entries = {
            key: {"text": each.text, "header": each.header, "panel_id": each.panel_id}
            for key, each in TEMPLATES.items()
        }
        filed.write_text(json.dumps(entries))
        command = [sys.executable, "-m", "notifications.simulators", "http", "--log", str(log)]
        command += ["--templates", str(filed), "--receipts", "none=1", "--latency", "0.01"]
        environment = {"PATH": os.environ["PATH"], "MSG91_AUTHKEY": "the-authkey"}
        with subprocess.Popen(
            command,
            env=environment,
            cwd=Path(settings.BASE_DIR),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            use(settings, url)
            outcome, reference = send()
            # Killed in the next moment, it has written down what it answered.
            process.send_signal(signal.SIGKILL)
        assert outcome.kind == ACCEPTED
        [line] = oracle.read(log)
        assert (line["client_reference"], line["text"]) == (str(reference), HINDI)

    def test_it_ends_when_asked(self, settings, tmp_path):
        command = [sys.executable, "-m", "notifications.simulators", "http"]
        command += ["--log", str(tmp_path / "sms.jsonl")]
        with subprocess.Popen(
            command, cwd=Path(settings.BASE_DIR), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("listening on http://127.0.0.1:")
            process.terminate()
            assert process.wait(30) == 0

    def test_name_of_no_simulator(self, capsys):
        assert main([]) == 2
        assert main(["fax"]) == 2
        assert "usage" in capsys.readouterr().err

    def test_fault_that_is_none_ends_it_at_once(self, tmp_path):
        with pytest.raises(UnknownFault):
            main(["http", "--log", str(tmp_path / "x"), "--faults", "nonsense=1"])
