"""A short share of the storm (make storm runs the long one), and bugs that it must find."""

import os
import random
from dataclasses import replace
from itertools import islice

import pytest
from django.db.models import Max

from appointments.models import Appointment, Slot
from tests.storm.answers import compare
from tests.storm.invariants import findings
from tests.storm.lanes import Log, lanes
from tests.storm.storm import done, run
from tests.storm.world import make_world

pytestmark = [
    pytest.mark.race,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

# make storm sets both.
SEEDS = int(os.environ.get("STORM_SEEDS", "2"))
SECONDS = float(os.environ.get("STORM_SECONDS", "15"))
PROCESSES = 4
PLANT_SECONDS = 3
# People and officers have both been at it.
BLOWN = ["hold", "confirm", "cancel", "declare", "prepare"]


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_storm_does_no_harm(seed, record_storm):
    """Odd seeds blow in threads of one process, even seeds in four processes."""
    processes = 0 if seed % 2 else PROCESSES
    result = run(seed=seed, seconds=SECONDS, processes=processes, until=done(*BLOWN))
    record_storm(result)
    assert result.log.errors == []
    assert result.findings == []
    assert result.log.steps.keys() >= set(BLOWN)


@pytest.mark.parametrize("processes", [0, PROCESSES], ids=["threads", "processes"])
def test_storm_finds_a_counter_that_skips(processes, record_storm):
    """Planted: a change gives its old seat back once too seldom."""
    result = run(
        seed=2,
        seconds=PLANT_SECONDS,
        processes=processes,
        plant="skipped counter",
        until=lambda log: any(finding.kind == "ledger" for finding in findings()),
    )
    record_storm(result)
    assert result.found("ledger")


@pytest.mark.parametrize("processes", [0, PROCESSES], ids=["threads", "processes"])
def test_storm_finds_a_check_without_a_lock(processes, record_storm):
    """Planted: a seat is taken by looking first and writing after."""
    result = run(
        seed=3,
        seconds=PLANT_SECONDS,
        processes=processes,
        plant="no lock",
        until=lambda log: bool(log.errors or list(findings())),
    )
    record_storm(result)
    assert result.findings or result.log.errors


def test_storm_finds_a_person_whose_seat_went_without_a_word():
    """Planted after the storm: a row is changed, and no timeline says so."""
    result = run(seed=4, seconds=2, until=lambda log: _still_confirmed(log) is not None)
    assert list(compare(result.log.answers)) == []
    moved = _still_confirmed(result.log)
    elsewhere = Slot.objects.exclude(pk=moved.slot_id).first()
    Appointment.objects.filter(pk=moved.pk).update(slot=elsewhere)
    assert any(f"it is confirmed in {elsewhere.pk}" in f.text for f in compare(result.log.answers))


def _still_confirmed(log: Log) -> Appointment | None:
    """Somebody of whom nothing has happened since the answer that their seat is confirmed."""
    entries = {answer.entry for answer in log.answers if answer.verb == "confirm"}
    confirmed = Appointment.objects.filter(state="confirmed").annotate(newest=Max("timeline"))
    return confirmed.filter(newest__in=entries).first()


def test_storm_finds_an_answer_that_was_never_written():
    """Planted: somebody was told of a slot which no timeline knows, as by a lost transaction."""
    result = run(seed=5, seconds=2, until=done("confirm"))
    real = next(a for a in result.log.answers if a.verb == "confirm")
    finding = next(iter(compare([replace(real, slot=0), *result.log.answers])))
    assert "the timeline never said so" in finding.text


def test_storm_finds_a_change_that_nobody_was_told_of():
    """Planted: a call that was refused, yet booked."""
    result = run(seed=6, seconds=2, until=done("confirm"))
    booked = next(a for a in result.log.answers if a.verb == "confirm")
    others = [a for a in result.log.answers if a.hold != booked.hold]
    assert any("answered" in finding.text for finding in compare(others))


def test_same_seed_chooses_the_same_steps():
    world = make_world(random.Random(1))

    def chosen(seed):
        """Each lane's first steps: which of its actors, which verb, which luck."""
        return [
            [
                (lane.actors.index(actor), verb, actor.rng.random())
                for actor, verb, _ in islice(lane.choices(), 200)
            ]
            for lane in lanes(seed, world)
        ]

    assert chosen(1) == chosen(1)
    assert chosen(1) != chosen(2)
