"""A registry with the demo's rows, the office's own kinds only, and one gateway that needs them."""

import pytest
from django.utils import translation

from notifications import kinds
from notifications.registry import csv_files, filling, verbs
from tests.known import Known
from tests.notifications import builders
from tests.notifications.registry.builders import DEMO_FILE


@pytest.fixture(autouse=True)
def _kinds_of_the_office(_kinds_of_tests, monkeypatch):
    own = {kind.code for kind in builders.KINDS}
    real = {code: kind for code, kind in kinds._kinds.items() if code not in own}
    monkeypatch.setattr(kinds, "_kinds", real)


@pytest.fixture(autouse=True)
def _nothing_is_known_yet():
    filling.forget()


@pytest.fixture(scope="session")
def load_demo():
    return Known(lambda: verbs.load(entries=csv_files.read_file(DEMO_FILE), by="demo"))


@pytest.fixture
def demo(db, load_demo):
    """All demo rows, filed."""
    return load_demo()


@pytest.fixture
def needy(gateway):
    """The only SMS gateway in use, named "scripted": it takes filed texts only."""
    gateway.needs_template = True
    return gateway


@pytest.fixture
def _english():
    with translation.override("en"):
        yield
