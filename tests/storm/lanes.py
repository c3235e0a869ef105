"""Lanes of a storm: each is one thread's cast, and the seed says what it chooses, step by step.

Replayable means: with the same seed each lane chooses the same people and the same verbs in the
same order, with the same source of chance for each step's arguments. How the lanes interleave,
and so which seats are still free, is the machine's and differs.
"""

import random
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection

from appointments.errors import Refusal
from tests.storm.actors import Applicant, Clock, Officer, Step
from tests.storm.answers import Answer
from tests.storm.world import World

APPLICANT_LANES = 8
# Both in settings' words, minutes: so short that graces and holds end within the storm.
QUICK = {"GRACE_MINUTES": 0.02, "HOLD_MINUTES": 0.02}

Actor = Applicant | Officer | Clock


@dataclass
class Log:
    """What one lane, one process or the whole storm has seen."""

    steps: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def add(self, other: "Log") -> None:
        self.steps += other.steps
        self.refusals += other.refusals
        self.errors += other.errors
        self.answers += other.answers


@dataclass
class Lane:
    """One thread's actors. Chance is drawn per step, so that no step's luck shifts the next."""

    seed: str
    actors: list[Actor]

    def choices(self) -> Iterator[tuple[Actor, str, Step]]:
        """Endless: who steps next, and how (the verb's name and the call)."""
        rng = random.Random(self.seed)
        number = 0
        while True:
            number += 1
            actor = rng.choice(self.actors)
            actor.rng = random.Random(f"{self.seed}:{number}")
            steps = actor.steps()
            ((_, step),) = rng.choices(steps, [weight for weight, _ in steps])
            yield actor, step.__name__, step

    def work(self, until: float, log: Log) -> None:
        """Step until the monotonic clock says so. Every exception but a Refusal is an error."""
        try:
            for actor, name, step in self.choices():
                if time.monotonic() >= until:
                    break
                _step(actor, name, step, log)
                if not isinstance(actor, Applicant):
                    time.sleep(actor.rng.random() / 10)
        finally:
            connection.close()


def _step(actor: Actor, name: str, step: Step, log: Log) -> None:
    try:
        done = step()
    except Refusal as refusal:
        log.refusals[refusal.code] += 1
    except Exception:
        log.errors.append(f"{name}: {traceback.format_exc()}")
    else:
        log.steps[name] += done is not None
        if isinstance(done, Answer):
            log.answers.append(done)


def lanes(seed: int, world: World) -> list[Lane]:
    """All lanes, in the order of the seed. A person acts in two of them: in two tabs."""
    casts: list[list[Actor]] = [[Officer(world, me)] for me in world.officers]
    casts += [[Clock()], [Clock()]]
    for index in range(APPLICANT_LANES):
        own = world.people[index::APPLICANT_LANES]
        own = own + world.people[(index + 1) % APPLICANT_LANES :: APPLICANT_LANES]
        casts.append([Applicant(person, application) for person, application in own])
    found = [Lane(f"{seed}:{index}", cast) for index, cast in enumerate(casts)]
    random.Random(f"{seed}:lanes").shuffle(found)
    return found
