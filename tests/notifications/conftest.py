from collections.abc import Iterator

import pytest
import time_machine
from pytest_django import Settings

from notifications import delivery, kinds, nudge
from tests.notifications import builders
from tests.notifications.builders import ScriptedGateway, Stopwatch


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
