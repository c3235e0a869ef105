"""Run a storm: lanes step at random until the time is up, then look what is left."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from django.test import override_settings

from tests.storm import processes as in_processes
from tests.storm import threads as in_threads
from tests.storm.answers import compare
from tests.storm.events import Finding
from tests.storm.invariants import findings
from tests.storm.lanes import QUICK, Log, lanes
from tests.storm.plants import planted
from tests.storm.world import make_world


@dataclass
class Result:
    """One storm's figures. `processes` 0: all lanes in threads of one process."""

    seed: int
    processes: int
    threads: int
    plant: str = ""
    log: Log = field(default_factory=Log)
    findings: list[Finding] = field(default_factory=list)

    def found(self, kind: str) -> int:
        return sum(finding.kind == kind for finding in self.findings)


# A busy machine may need so many times a short storm until it has seen what it is for.
LONGEST = 20
# Between the seeds of two turns: no other storm of a run has such a seed.
NEXT_LUCK = 1_000_000


Until = Callable[[Log], bool]


def done(*verbs: str) -> Until:
    """Each of these verbs was done once, without a refusal."""
    return lambda log: log.steps.keys() >= set(verbs)


def at_once(log: Log) -> bool:
    """The time alone ends the storm."""
    return True


def run(
    seed: int,
    seconds: float,
    *,
    processes: int = 0,
    plant: str = "",
    until: Until = at_once,
) -> Result:
    """One storm on a fresh world in the current (empty) database.

    `until`: while it says no of what was done so far, it blows again with other luck.
    """
    with override_settings(**QUICK):
        world = make_world(random.Random(seed))
        result = Result(seed, processes, len(lanes(seed, world)), plant)
        for turn in range(LONGEST):
            luck = seed + turn * NEXT_LUCK
            if processes:
                log = in_processes.blow(
                    seed=luck, seconds=seconds, processes=processes, plant=plant
                )
            else:
                with planted(plant):
                    log = in_threads.blow(lanes(luck, world), seconds)
            result.log.add(log)
            if until(result.log):
                break
        result.findings = [*compare(result.log.answers), *findings()]
        return result
