"""Run a storm: lanes step at random until the time is up, then look what is left."""

import random
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


def run(seed: int, seconds: float, *, processes: int = 0, plant: str = "") -> Result:
    """One storm on a fresh world in the current (empty) database."""
    with override_settings(**QUICK):
        world = make_world(random.Random(seed))
        share = lanes(seed, world)
        result = Result(seed, processes, len(share), plant)
        if processes:
            result.log = in_processes.blow(
                seed=seed, seconds=seconds, processes=processes, plant=plant
            )
        else:
            with planted(plant):
                result.log = in_threads.blow(share, seconds)
        result.findings = [*compare(result.log.answers), *findings()]
        return result
