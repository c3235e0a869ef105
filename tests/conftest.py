"""Fixtures that every area may use."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from xdist.remote import Producer

from notifications.registry import filling
from tests.queues import Queues
from tools import compile_messages

SETTINGS_OF_A_SITE = "portal.settings"
PROJECT = Path(__file__).parent / "project"
# Fixtures by which a test asks the database of the run, or starts a site on one.
ASKING = {"db", "transactional_db", "live_server", "site_env"}


def pytest_configure(config: pytest.Config) -> None:
    """Tests read Hindi as it stands in the catalogue now, not as it was at set-up."""
    if not hasattr(config, "workerinput"):  # xdist's workers find it done
        compile_messages.main()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On SQLite: skip what only PostgreSQL can answer, leave out what asks no database.

    The latter has run beside PostgreSQL, and would be the same again; not so tests of the project,
    which look at the settings of the embedded default.
    """
    if os.environ.get("TEST_DATABASE") != "sqlite":
        return
    skip = pytest.mark.skip(reason="asks PostgreSQL (row locks, real threads)")
    for item in items:
        if item.get_closest_marker("race"):
            item.add_marker(skip)
    asking, again = [], []
    for item in items:
        is_one = _asks_database(item) or PROJECT in item.path.parents
        (asking if is_one else again).append(item)
    config.hook.pytest_deselected(items=again)
    items[:] = asking


def _asks_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or ASKING & fixtures)


def pytest_collection_finish() -> None:
    """What is there now stays until the end: the collector need not walk through it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Queues:
    return Queues(config, log)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Limits, banners and known SMS templates must not travel from one test to the next."""
    yield
    cache.clear()
    filling.forget()


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
