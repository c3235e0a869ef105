"""Each refusal has words in both languages, somebody who says it, and a line in the table."""

import ast
import re
import string
from pathlib import Path

import pytest
from django.conf import settings

from accounts import errors as sign_in_errors
from appointments import errors
from tools import refusals

ROOT = Path(settings.BASE_DIR)
TABLES = {"Refusal": errors.MESSAGES, "SignInRefusal": sign_in_errors.MESSAGES}
ALL = [
    pytest.param(message, id=code) for table in TABLES.values() for code, message in table.items()
]
DEVANAGARI = re.compile("[\u0900-\u097f]")


def placeholders(text: str) -> set[str]:
    named = {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}
    return named | set(re.findall(r"%\((\w+)\)", text))


@pytest.mark.parametrize("message", ALL)
def test_refusal_is_said_in_both_languages_with_the_same_values(message):
    english, hindi = refusals.both(message)
    assert english
    assert not DEVANAGARI.search(english)
    assert DEVANAGARI.search(hindi)
    assert placeholders(english) == placeholders(hindi)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_refusal_is_said_by_some_verb_or_page(table):
    assert set(refusals.said_by(table)) == set(table)


def test_no_rule_refuses_with_a_code_without_words():
    unknown = []
    for room in refusals.ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                name = getattr(getattr(node, "func", None), "id", "")
                if name not in TABLES or not isinstance(node, ast.Call) or not node.args:
                    continue
                code = node.args[0]
                if isinstance(code, ast.Constant) and code.value not in TABLES[name]:
                    unknown.append(f"{path.relative_to(ROOT)}:{node.lineno} {code.value}")
    assert unknown == []


@pytest.mark.parametrize(
    ("code", "verb"),
    [
        ("slot_full", "appointments.booking.hold_seat"),  # through seats.take
        ("application_not_found", "appointments.booking.claim"),  # by itself
        ("plan_waits", "appointments.plans.apply"),
        ("wrong_code", "accounts.sign_in.check_code"),
        ("busy", "every verb"),
    ],
)
def test_table_finds_who_says_it(code, verb):
    assert verb in refusals.said_by([code])[code]


def test_table_does_not_blame_a_verb_that_cannot_say_it():
    assert "appointments.booking.cancel" not in refusals.said_by(["slot_full"])["slot_full"]


def test_table_in_the_documents_is_of_today():
    assert refusals.OUT.read_text(encoding="utf-8") == refusals.text()
