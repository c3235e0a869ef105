"""A short share of the storm (make storm runs the long one), and a bug that it must find."""

import os

import pytest
from django.db.models import F

from appointments import seats
from appointments.models import Slot
from tests.storm.storm import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

# make storm sets both.
SEEDS = int(os.environ.get("STORM_SEEDS", "1"))
SECONDS = float(os.environ.get("STORM_SECONDS", "15"))


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_storm_does_no_harm(seed, record_storm):
    result = run(seed=seed, seconds=SECONDS)
    record_storm(result)
    assert result.errors == []
    assert result.findings == []
    # It did blow: people and officers have both been at it.
    taken = {name.rpartition(".")[2] for name in result.steps}
    assert taken >= {"hold", "confirm", "cancel", "declare", "prepare"}


def test_storm_finds_a_counter_that_skips(monkeypatch):
    """Planted: a change gives its old seat back once too seldom."""
    real = seats.release
    calls = []

    def forgetful(*, slot_id):
        calls.append(slot_id)
        if len(calls) % 5:
            real(slot_id=slot_id)

    monkeypatch.setattr(seats, "release", forgetful)
    result = run(seed=2, seconds=4)
    assert any("taken" in finding for finding in result.findings)


def test_storm_finds_a_check_without_a_lock(monkeypatch):
    """Planted: a seat is taken by looking first and writing after."""

    def careless(*, slot_id, now, hold_swept=False):
        slot = Slot.objects.get(pk=slot_id)
        Slot.objects.filter(pk=slot_id).update(taken=slot.taken + 1)

    monkeypatch.setattr(seats, "take", careless)
    result = run(seed=3, seconds=4)
    assert result.findings or result.errors
    assert Slot.objects.filter(taken__lt=F("seats")).exists()
