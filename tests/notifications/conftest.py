import asyncio
from collections.abc import Iterator

import pytest
import time_machine
from pytest_django import Settings

from notifications import delivery, kinds, nudge
from tests.notifications import builders
from tests.notifications.builders import ScriptedGateway, SecondGateway, Stopwatch


@pytest.fixture(autouse=True)
def _no_loop_of_a_browser() -> Iterator[None]:
    """Gateways over HTTP run an event loop of their own, as in a worker. Here Playwright's may be
    marked as running in the same thread, if a browser test came before."""
    left = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(left)


@pytest.fixture(autouse=True)
def _kinds_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {kind.code: kind for kind in builders.KINDS}
    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, **own})


@pytest.fixture(autouse=True)
def _broker_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudge, "_rests_until", 0.0)


@pytest.fixture
def gateway(settings: Settings) -> type[ScriptedGateway]:
    """The gateway of both channels; its class says what it answers and holds what it took."""
    ScriptedGateway.reset()
    path = "tests.notifications.builders.ScriptedGateway"
    settings.MESSAGE_GATEWAYS = {"sms": path, "email": path}
    return ScriptedGateway


@pytest.fixture
def second(gateway: type[ScriptedGateway], settings: Settings) -> type[SecondGateway]:
    """A second gateway for SMS, behind the first."""
    SecondGateway.reset()
    path = "tests.notifications.builders."
    settings.MESSAGE_GATEWAYS = {
        "sms": [path + "ScriptedGateway", path + "SecondGateway"],
        "email": path + "ScriptedGateway",
    }
    return SecondGateway


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stands at builders.NOW until the test moves it."""
    with time_machine.travel(builders.NOW, tick=False) as frozen:
        yield frozen


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    """How long a worker thinks that things took."""
    watch = Stopwatch()
    monkeypatch.setattr(delivery, "time", watch)
    return watch
