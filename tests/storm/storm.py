"""Run a storm: threads that step at random until the time is up, then look what is left."""

import random
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import override_settings

from appointments.errors import Refusal
from tests.storm.actors import Applicant, Clock, Officer
from tests.storm.invariants import findings
from tests.storm.world import World, make_world

APPLICANT_THREADS = 8
# Minutes, so short that graces and holds end within the storm.
QUICK = {"GRACE_MINUTES": 0.02, "HOLD_MINUTES": 0.02}


@dataclass
class Result:
    seed: int
    steps: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.errors and not self.findings


def run(seed: int, seconds: float) -> Result:
    """One storm on a fresh world in the current (empty) database."""
    with override_settings(**QUICK):
        world = make_world(random.Random(seed))
        result = Result(seed)
        until = time.monotonic() + seconds
        threads = [
            threading.Thread(target=_work, args=(actors, f"{seed}:{index}", until, result))
            for index, actors in enumerate(_casts(seed, world))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        result.findings = list(findings())
        return result


def _casts(seed: int, world: World) -> list[list[Any]]:
    """Who acts in which thread. A person acts in two threads: they click in two tabs."""
    casts: list[list[Any]] = [
        [Officer(random.Random(f"{seed}:o{i}"), world, me)] for i, me in enumerate(world.officers)
    ]
    casts.append([Clock(random.Random(f"{seed}:clock"))])
    casts.append([Clock(random.Random(f"{seed}:second clock"))])
    for index in range(APPLICANT_THREADS):
        own = world.people[index::APPLICANT_THREADS] + world.people[index + 1 :: APPLICANT_THREADS]
        casts.append([Applicant(random.Random(f"{seed}:a{index}:{a.pk}"), p, a) for p, a in own])
    return casts


def _work(actors: list[Any], seed: str, until: float, result: Result) -> None:
    rng = random.Random(seed)
    try:
        while time.monotonic() < until:
            steps = rng.choice(actors).steps()
            weights = [weight for weight, _ in steps]
            ((_, step),) = rng.choices(steps, weights)
            _step(step, result)
            if isinstance(actors[0], Officer | Clock):
                time.sleep(rng.random() / 10)
    finally:
        connection.close()


def _step(step: Any, result: Result) -> None:
    name = getattr(step, "__qualname__", "step")
    try:
        if step() is not None:
            result.steps[name] += 1
    except Refusal as refusal:
        result.refusals[refusal.code] += 1
    except Exception:
        result.errors.append(f"{name}: {traceback.format_exc()}")
