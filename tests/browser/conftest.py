"""A live site and browsers in front of it. See harness.py for what a visitor can do."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from playwright.sync_api import Browser, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.browser.harness import Visitor, VisitorFactory, launch_arguments, open_visitor
from tests.known import Known

# Playwright's own event loop runs in this thread; Django's ORM is used between its calls.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """One for a file, which ends with it.

    While Playwright's loop runs in this thread, Django keeps other connections there than before
    and after: tests of other files would write outside of the transaction that is rolled back after
    them, and a database made before is dropped by the connection that made it.
    """
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(**launch_arguments())
        yield launched
        launched.close()
        connections.close_all()


@pytest.fixture(scope="session")
def load_reference() -> Callable[[], None]:
    """Loads the reference data into an empty database."""
    return Known(lambda: call_command("load_reference", verbosity=0))


@pytest.fixture
def office(live_server: LiveServer, load_reference: Callable[[], None]) -> str:
    """The site with the reference data of Madhya Pradesh; its address."""
    load_reference()
    return live_server.url


@pytest.fixture
def visit(browser: Browser, office: str) -> Iterator[VisitorFactory]:
    """Open visitors: visit("hi"), visit("en", width=1280, dark=True, scripts=False).

    When the test ends, whatever their witnesses noted fails it.
    """
    visitors: list[Visitor] = []

    def open_one(language: str = "", **options: Any) -> Visitor:
        visitors.append(open_visitor(browser, office, language=language, **options))
        return visitors[-1]

    yield open_one
    troubles = [trouble for visitor in visitors for trouble in visitor.witness.troubles]
    for visitor in visitors:
        visitor.context.close()
    assert not troubles, "\n".join(troubles)


@pytest.fixture
def page_hi(visit: VisitorFactory) -> Visitor:
    """A reader of Hindi with a phone of 360 px."""
    return visit("hi")


@pytest.fixture
def page_en(visit: VisitorFactory) -> Visitor:
    """A reader of English with a phone of 360 px."""
    return visit("en")
