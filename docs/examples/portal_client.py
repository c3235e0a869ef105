"""A small client of the portal's API: sign in, book, answer. Nothing but the standard library."""

import http.client
import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

TIMEOUT_SECONDS = 10


class Problem(Exception):
    """The portal refused. `code` is stable; `detail` is for people."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Slot:
    id: int
    centre: str
    starts_at: str


@dataclass(frozen=True)
class Appointment:
    id: int
    state: str
    slot: Slot | None


@dataclass(frozen=True)
class Portal:
    """`url` without a slash at the end, for example https://portal.example.org."""

    url: str
    token: str = ""
    language: str = "hi"

    def __post_init__(self) -> None:
        if not self.url.startswith(("https://", "http://")):
            raise ValueError("The address of a portal begins with https://")

    def ask_for_code(self, phone: str) -> str:
        """Have a code sent by SMS; returns the id to answer it with."""
        return str(self._post("sign-in/codes/", {"phone": phone})["code_id"])

    def sign_in(self, code_id: str, code: str, *, name: str) -> "Portal":
        """A client that acts for the person. Keep its `token` as safe as a password."""
        body = {"code_id": code_id, "code": code, "name": name}
        return Portal(self.url, self._post("sign-in/tokens/", body)["token"], self.language)

    def link(self, arn: str, date_of_birth: str) -> int:
        """Link an application to the account; returns its id."""
        body = {"arn": arn, "date_of_birth": date_of_birth}
        return int(self._post("applications/", body)["id"])

    def free_slots(self, application: int, **query: str) -> list[Slot]:
        """The first hundred; `centre`, `first` and `last` narrow them."""
        page = self._ask("GET", f"applications/{application}/slots/?{urlencode(query)}")
        return [_slot(found) for found in page["results"]]

    def book(self, application: int, slot: int) -> Appointment:
        """Hold the seat and confirm it; with an appointment already: change to it."""
        hold = self._post(f"applications/{application}/holds/", {"slot": slot})
        return _appointment(self._post(f"holds/{hold['id']}/confirm/"))

    def cancel(self, appointment: int) -> Appointment:
        return _appointment(self._post(f"appointments/{appointment}/cancel/"))

    def open_offers(self) -> list[int]:
        """Ids of the questions that wait for an answer, of the newest hundred."""
        offers = self._ask("GET", "offers/")["results"]
        return [offer["id"] for offer in offers if offer["state"] == "open"]

    def accept(self, offer: int) -> str:
        """The new time suits; returns how the offer stands."""
        return str(self._post(f"offers/{offer}/accept/")["state"])

    def _post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Sent once more with the same key if the answer was lost: it is done only once."""
        key = str(uuid.uuid4())
        try:
            return self._ask("POST", path, body or {}, key)
        except (OSError, http.client.HTTPException):  # urllib names only what fails in sending
            return self._ask("POST", path, body or {}, key)

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str = ""
    ) -> Any:
        headers = {"Accept-Language": self.language, "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - http(s) only, see __post_init__
            f"{self.url}/api/v1/{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _problem(error) from error


def _problem(error: urllib.error.HTTPError) -> Problem:
    try:
        told = json.load(error)
    except ValueError:  # a proxy answered
        told = {}
    return Problem(error.code, told.get("code", "unknown"), told.get("detail", ""))


def _slot(told: dict[str, Any]) -> Slot:
    return Slot(told["id"], told["centre"], told["starts_at"])


def _appointment(told: dict[str, Any]) -> Appointment:
    slot = _slot(told["slot"]) if told["slot"] else None
    return Appointment(told["id"], told["state"], slot)
