"""The delivery reports that the HTTP simulator sends back, with faults of their own."""

import heapq
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from notifications.simulators.faults import Fault
from notifications.simulators.http_protocols import Taken

DELIVERED, FAILED, SUBMITTED = "1", "2", "8"
WORDS = {
    DELIVERED: "DELIVERED",
    FAILED: "FAILED",
    SUBMITTED: "SUBMITTED",
    "9": "NDNC",
    "16": "REJECTED",
    "17": "BLOCKED",
    "25": "REJECTED",
}
# What may become of a report; `early` is the simulator's, which sends it before its answer.
FAULTS = frozenset(
    {
        "ok",  # one report, delivered
        "status",  # one report with the status named: "status:9"
        "delayed",  # delivered, so many seconds later: "delayed:3"
        "duplicate",  # the same report twice
        "reordered",  # delivered first, then that it is on its way
        "contradicted",  # delivered, then that it failed
        "early",  # delivered, before the sender has its answer
        "forged",  # that it failed, under a signature that is not ours
        "foreign",  # on a message of somebody else
        "garbled",  # nothing that can be read
        "none",  # no report
    }
)
REPEATS = 8
FIRST_WAIT_SECONDS = 0.25
SEND_SECONDS = 5


@dataclass(order=True)
class _Post:
    """Reports due at a moment of the monotonic clock."""

    due: float
    number: int
    reports: list[dict[str, str]] = field(compare=False)
    tries: int = field(compare=False, default=0)


class Reporter:
    """A thread that posts reports when they are due, and again until they are taken.

    `batch`: how many reports go in one post where so many are due. `version` of MSG91's webhook:
    v2 is a form, v3 JSON with one report.
    """

    def __init__(self, callback: str, *, version: str, delay: float, batch: int) -> None:
        self.callback, self.version, self.delay, self.batch = callback, version, delay, batch
        self.counts: Counter[str] = Counter()
        self._due: list[_Post] = []
        self._number = 0
        self._open = 0
        self._change = threading.Condition()
        self._ends = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._client = httpx.Client(trust_env=False, timeout=SEND_SECONDS)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._change:
            self._ends = True
            self._change.notify_all()
        self._thread.join()
        self._client.close()

    def schedule(self, taken: Taken, fault: Fault) -> None:
        """Put what this fault makes of a message's reports into the queue."""
        if not self.callback or fault.name == "none":
            return
        for status, after in _course(fault):
            self._put([_report(taken, status, fault)], self.delay + after)

    def report_now(self, taken: Taken) -> None:
        """Post a message's report and wait for the answer."""
        if self.callback:
            self._post([_report(taken, DELIVERED, Fault("early"))])

    def hurry(self) -> None:
        """Send everything that waits for its moment now, in the order in which it was put."""
        with self._change:
            now = time.monotonic()
            self._due = [_Post(now, each.number, each.reports, each.tries) for each in self._due]
            heapq.heapify(self._due)
            self._change.notify_all()

    def wait_idle(self, seconds: float = 10) -> bool:
        """Wait until nothing is due or under way. False: there still is."""
        with self._change:
            return self._change.wait_for(lambda: not self._open, seconds)

    def _put(self, reports: list[dict[str, str]], after: float, tries: int = 0) -> None:
        with self._change:
            self._number += 1
            self._open += 1
            due = time.monotonic() + after
            heapq.heappush(self._due, _Post(due, self._number, reports, tries))
            self._change.notify_all()

    def _run(self) -> None:
        while True:
            with self._change:
                posts = self._next()
            if not posts:
                return
            self._send(posts)
            with self._change:
                self._open -= len(posts)
                self._change.notify_all()

    def _next(self) -> list[_Post]:
        """What is due, up to a batch; waits for it. Nothing: the simulator ends."""
        while not self._ends:
            now = time.monotonic()
            if self._due and self._due[0].due <= now:
                posts = [heapq.heappop(self._due)]
                while self._due and len(posts) < self.batch and self._due[0].due <= now:
                    posts.append(heapq.heappop(self._due))
                return posts
            self._change.wait(self._due[0].due - now if self._due else None)
        return []

    def _send(self, posts: Sequence[_Post]) -> None:
        reports = [report for post in posts for report in post.reports]
        tries = posts[0].tries + 1
        if not self._post(reports) and tries < REPEATS:
            self.counts["repeated"] += 1
            self._put(reports, FIRST_WAIT_SECONDS * 2 ** (tries - 1), tries)

    def _post(self, reports: list[dict[str, str]]) -> bool:
        """False: it should be sent again."""
        try:
            response = self._client.post(self.callback, **_content(reports, self.version))
        except httpx.HTTPError:
            return False
        self.counts[f"HTTP {response.status_code}"] += 1
        self.counts["reports"] += len(reports) if response.is_success else 0
        return response.is_success or 400 <= response.status_code < 500


def _course(fault: Fault) -> list[tuple[str, float]]:
    """Statuses to report, each so many seconds after the usual moment."""
    if fault.name == "status":
        return [(fault.value or FAILED, 0)]
    if fault.name == "delayed":
        return [(DELIVERED, fault.number(1))]
    if fault.name == "forged":
        return [(FAILED, 0)]
    if fault.name == "duplicate":
        return [(DELIVERED, 0), (DELIVERED, 0.01)]
    if fault.name == "reordered":
        return [(DELIVERED, 0), (SUBMITTED, 0.01)]
    if fault.name == "contradicted":
        return [(DELIVERED, 0), (FAILED, 0.01)]
    return [(DELIVERED, 0)]


def _report(taken: Taken, status: str, fault: Fault) -> dict[str, str]:
    if fault.name == "garbled":
        return {}
    references = {"forged": _forged(taken.reference), "foreign": f"{uuid4().hex}.{'x' * 43}"}
    return {
        "requestId": taken.gateway_reference,
        "CRQID": references.get(fault.name, taken.reference),
        "number": taken.to,
        "status": status,
        "desc": WORDS.get(status, "SUBMITTED"),
        "failedReason": "",
        "date": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def _forged(reference: str) -> str:
    """The same reference under a signature that has one letter changed."""
    middle = len(reference) - 10
    other = "A" if reference[middle] != "A" else "B"
    return reference[:middle] + other + reference[middle + 1 :]


def _content(reports: list[dict[str, str]], version: str) -> dict[str, Any]:
    """A post as httpx takes it."""
    reports = [report for report in reports if report]
    if not reports:
        return {"content": b"\xff\x00<html>", "headers": {"Content-Type": "text/html"}}
    if version == "v3" and len(reports) == 1:
        return {"json": reports[0]}
    requests = [
        {
            "requestId": report["requestId"],
            "senderId": "SIMULA",
            "report": [{name: value for name, value in report.items() if name != "requestId"}],
        }
        for report in reports
    ]
    return {"data": {"data": json.dumps(requests)}}
