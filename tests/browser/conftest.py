"""A live site and browsers in front of it. See harness.py for what a visitor can do."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.browser.harness import Visitor, VisitorFactory, launch_arguments, open_visitor

# Playwright's own event loop runs in this thread; Django's ORM is used between its calls.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return launch_arguments()


@pytest.fixture
def office(live_server: LiveServer) -> str:
    """The site with the reference data of Madhya Pradesh; its address."""
    call_command("load_reference", verbosity=0)
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
