"""Fixtures that every area may use."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from xdist.remote import Producer

from tests.queues import Queues
from tools import compile_messages

SETTINGS_OF_A_SITE = "portal.settings"


def pytest_configure(config: pytest.Config) -> None:
    """Tests read Hindi as it stands in the catalogue now, not as it was at set-up."""
    if not hasattr(config, "workerinput"):  # xdist's workers find it done
        compile_messages.main()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip on SQLite what only PostgreSQL can answer."""
    if os.environ.get("TEST_DATABASE") != "sqlite":
        return
    skip = pytest.mark.skip(reason="asks PostgreSQL (row locks, real threads)")
    for item in items:
        if item.get_closest_marker("race"):
            item.add_marker(skip)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Queues:
    return Queues(config, log)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Sign-in limits and banners must not travel from one test to the next."""
    yield
    cache.clear()


@pytest.fixture
def site_env(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Build the environment of a site of its own, for tests that start real processes.

    Nothing is inherited but PATH: the embedded default (SQLite, broker on files) in `tmp_path`,
    plus what the caller names. The caller runs `migrate` and stops what it starts.
    """

    def build(**extra: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": SETTINGS_OF_A_SITE,
            "VAR_DIR": str(tmp_path / "var"),
            **extra,
        }

    return build


@pytest.fixture
def on_postgresql() -> bool:
    """Whether the database of this run is PostgreSQL."""
    return connection.vendor == "postgresql"
