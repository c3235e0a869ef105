"""Read a page's form as a browser would, and send it with some fields changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.test import Client

from accounts.models import User


class _Forms(HTMLParser):
    """All fields of all POST forms but signing out, with what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.inside = False
        self._textarea: str | None = None
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            post = given.get("method") == "post" and given.get("id") != "logout-form"
            self.inside = post and given.get("class") != "find"
        if not self.inside:
            return
        name = given.get("name") or ""
        if tag == "input" and name:
            self._input(name, given)
        elif tag == "textarea":
            self._textarea = name
            self.fields[name] = [""]
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option" and self._select:
            self._options.append((given.get("value") or "", "selected" in given))

    def _input(self, name: str, given: dict[str, str | None]) -> None:
        if given.get("type") in ("checkbox", "radio") and "checked" not in given:
            self.fields.setdefault(name, [])
            return
        self.fields.setdefault(name, []).append(given.get("value") or "")

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.fields[self._textarea][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._textarea:
            # A browser drops the line break after the tag.
            name = self._textarea
            self.fields[name][0] = self.fields[name][0].removeprefix("\r\n").removeprefix("\n")
            self._textarea = None
        if tag == "select" and self._select:
            chosen = [value for value, selected in self._options if selected]
            self.fields[self._select] = chosen or [self._options[0][0]]
            self._select = None
        if tag == "form":
            self.inside = False


def fields_of(response: HttpResponse) -> dict[str, list[str]]:
    parser = _Forms()
    parser.feed(response.content.decode())
    return parser.fields


def text_of(response: HttpResponse) -> str:
    """The words of a page in one line."""
    words: list[str] = []

    class Words(HTMLParser):
        def handle_data(self, data: str) -> None:
            words.extend(data.split())

    Words().feed(response.content.decode())
    return " ".join(words)


@dataclass
class Desk:
    """An officer at a browser: `go` opens a page, `send` its form."""

    client: Client
    officer: User
    url: str = ""
    page: Any = None
    fields: dict[str, list[str]] = field(default_factory=dict)

    def go(self, url: str, status: int = 200) -> "Desk":
        return self._shown(self.client.get(url, follow=True), url, status)

    def send(
        self, button: str = "", changes: Mapping[str, Any] | None = None, status: int = 200
    ) -> "Desk":
        """Press the button named `step`=button (or the only one), with these fields changed."""
        data: dict[str, Any] = {**self.fields, **(changes or {})}
        if button:
            data["step"] = button
        return self._shown(self.client.post(self.url, data, follow=True), self.url, status)

    def _shown(self, response: Any, url: str, status: int) -> "Desk":
        assert response.status_code == status, (response.status_code, url)
        self.page = response
        self.url = response.redirect_chain[-1][0] if response.redirect_chain else url
        if status == 200:
            self.fields = fields_of(response)
        return self

    @property
    def text(self) -> str:
        return text_of(self.page)

    @property
    def cells(self) -> dict[str, str]:
        """The numbers of the table of seats that stay."""
        return {n: v[0] for n, v in self.fields.items() if n.startswith("cut-")}
