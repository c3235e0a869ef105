"""Applicants who book over HTTP, and do what a person does when a page does not come.

A person chooses a time, reads the check page, confirms. No answer, or a page that says the portal
is away: they try the same page again. They remember what the last page told them, and nothing
else. They have signed in before: how is not what a fault is about.
"""

import http.client
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlencode

TRIES = 400
WAIT_SECONDS = 0.25
CALL_SECONDS = 30
HOLD = re.compile(r'name="hold" value="(\d+)"')
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


@dataclass(frozen=True)
class Person:
    """Who has a session; the application that they book for."""

    application: int
    session: str


@dataclass
class Heard:
    """What came back to all clients of a run."""

    confirmed: set[int] = field(default_factory=set)  # applications told "confirmed"
    gave_up: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    no_answer: int = 0
    odd: list[str] = field(default_factory=list)  # 500 pages, and what else has no reason


class Client:
    """One browser: its connection is kept while it lasts."""

    def __init__(self, port: int, person: Person, heard: Heard, rng: random.Random) -> None:
        self.person, self.heard, self.rng = person, heard, rng
        self.port = port
        self._connection: http.client.HTTPConnection | None = None
        self._csrf = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=32))

    def book(self, slots: list[int]) -> bool:
        """Whether the person was told that the appointment is confirmed."""
        for _ in range(TRIES):
            if self._try_once(self.rng.choice(slots)):
                self.heard.confirmed.add(self.person.application)
                return True
        self.heard.gave_up += 1
        return False

    def _try_once(self, slot: int) -> bool:
        base = f"/my/{self.person.application}/"
        form = {"choice": str(slot), "csrfmiddlewaretoken": self._csrf}
        where, _ = self._ask("POST", f"{base}time/", form)
        if not where.endswith("/check/"):
            # Full, or booked already: an answer that was lost told nobody.
            return self._is_booked(base)
        where, page = self._ask("GET", f"{base}check/")
        hold, token = HOLD.search(page), TOKEN.search(page)
        if not hold or not token:
            return self._is_booked(base)
        form = {"hold": hold[1], "slot": str(slot), "csrfmiddlewaretoken": token[1]}
        where, _ = self._ask("POST", f"{base}check/", form)
        return where.endswith("/done/")

    def _is_booked(self, base: str) -> bool:
        """What the page "Your appointment is confirmed" says: it leads away if it is not."""
        where, page = self._ask("GET", f"{base}done/")
        return not where and bool(page)

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Where the answer leads, and its page; asks again until there is an answer."""
        for _ in range(TRIES):
            try:
                status, where, page = self._send(method, path, form)
            except (OSError, http.client.HTTPException):
                self.heard.no_answer += 1
                self._hang_up()
                time.sleep(WAIT_SECONDS)
                continue
            self.heard.answers[status] += 1
            if status < 400:
                return where, page
            if status != 503:  # 503 is the page that says: the database is away, come again
                self.heard.odd.append(f"{status} {method} {re.sub('[0-9]+', 'N', path)}")
            time.sleep(WAIT_SECONDS)
        return "", ""

    def _send(self, method: str, path: str, form: dict[str, str] | None) -> tuple[int, str, str]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, CALL_SECONDS)
        headers = {"Cookie": f"sessionid={self.person.session}; csrftoken={self._csrf}"}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, urlencode(form) if form else None, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.headers.get("Location", ""), answer.read().decode()

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    close = _hang_up
