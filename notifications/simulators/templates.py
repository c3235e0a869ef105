"""The operators' registry of texts (DLT), as strict as theirs: a text that is not filed is refused.

A file of them is JSON: {"<template id>": {"text": "... {#numeric#} ...", "header": "PSKMPX"}}; or
CSV with the columns template_id, header and text. A gateway that composes the text itself knows it
by an id of its own panel: `panel_id` in JSON, the column gateway_template_id in CSV.
A variable is written {#var#}, or with its tag, {#numeric#} or #numeric#.
"""

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = re.compile(r"\{#(\w+)#\}|#(\w+)#")
ANYTHING = r".{1,40}?"
# What a value may hold, by its tag; of any other tag, up to 40 letters.
VALUES = {
    "numeric": r"\d{1,40}?",
    "var": r".{1,30}?",
    "url": r"\S{1,120}?",
    "urlott": r"\S{1,120}?",
    "cbn": r"[\d+ -]{3,20}?",
    "email": r"\S+@\S+?",
}
UNKNOWN_HEADER, UNKNOWN_TEMPLATE, OTHER_TEXT = 620, 630, 631


class Rejected(Exception):
    """`code` of the operators."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class UnknownPanelId(Exception):
    """The gateway's own panel has no template by this id."""


@dataclass(frozen=True)
class Template:
    text: str
    header: str = ""
    panel_id: str = ""

    def pattern(self) -> re.Pattern[str]:
        parts, end = [], 0
        for variable in VARIABLE.finditer(self.text):
            tag = (variable[1] or variable[2]).lower()
            parts += [re.escape(self.text[end : variable.start()]), VALUES.get(tag, ANYTHING)]
            end = variable.end()
        return re.compile("".join([*parts, re.escape(self.text[end:])]), re.DOTALL)

    def filled(self, values: list[str]) -> str:
        """The text with values in the order of its variables. Rejected: too few or too many."""
        if len(values) != len(VARIABLE.findall(self.text)):
            raise Rejected(OTHER_TEXT)
        given = iter(values)
        return VARIABLE.sub(lambda _variable: next(given), self.text)


class Registry:
    """Filed texts by the operators' template id. Without any, every text passes."""

    def __init__(self, templates: dict[str, Template] | None = None) -> None:
        self._templates = templates
        self._by_panel_id = {
            each.panel_id: template_id
            for template_id, each in (templates or {}).items()
            if each.panel_id
        }

    def compose(self, panel_id: str, values: list[str]) -> str:
        """The text that a gateway sends which is given values only; checked like any other.

        UnknownPanelId: its panel has no template by this id; the operators' id is none of them.
        """
        if self._templates is None:
            return " ".join(values)
        if panel_id not in self._by_panel_id:
            raise UnknownPanelId(panel_id)
        template_id = self._by_panel_id[panel_id]
        text = self._of(template_id).filled(values)
        self.check(template_id, text)
        return text

    def check(self, template_id: str, text: str, header: str = "") -> None:
        """Rejected: unknown template, another text, or a header that is not its own."""
        if self._templates is None:
            return
        template = self._of(template_id)
        if header and template.header and header != template.header:
            raise Rejected(UNKNOWN_HEADER)
        if not template.pattern().fullmatch(text):
            raise Rejected(OTHER_TEXT)

    def _of(self, template_id: str) -> Template:
        if self._templates is None or template_id not in self._templates:
            raise Rejected(UNKNOWN_TEMPLATE)
        return self._templates[template_id]


def _panel_id(row: Mapping[str, str]) -> str:
    return row.get("gateway_template_id") or ""


def load(path: Path) -> Registry:
    """A file in either form: JSON, or the CSV of the office's own registry."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        # A text may be filed for every gateway, and again for one with ids of its own: that holds.
        rows.sort(key=lambda row: bool(_panel_id(row)))
        return Registry(
            {
                row["template_id"]: Template(row["text"], row["header"], _panel_id(row))
                for row in rows
            }
        )
    entries = json.loads(path.read_text())
    return Registry({key: Template(**entry) for key, entry in entries.items()})
