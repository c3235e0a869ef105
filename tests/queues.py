"""Which process of the suite runs what (xdist).

Not by xdist's own `--dist loadgroup`: 3.8 marks groups in a test's `_nodeid`, which pytest 9 does
not read any more, so that every test was a group of its own.
"""

from zlib import crc32

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Tests of a path that one process runs one after the other: storms disturb each other, and the
# demo's state takes half a minute to make.
IN_ONE_PROCESS = ("tests/storm/", "tests/appointments/test_demo_state.py")
# A browser takes more than a core. Half of the processes drive one, while the others do what mostly
# waits: workers that are killed, leases that run out.
BROWSERS = "tests/browser/"


class Queues(LoadScopeScheduling):
    """Each test by itself, but for those that belong together."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self.browsers = max(1, (config.getoption("numprocesses") or 1) // 2)

    def _split_scope(self, nodeid: str) -> str:
        return queue_of(nodeid, browsers=self.browsers)


def queue_of(nodeid: str, *, browsers: int) -> str:
    """The queue of a test; its own id if it may run anywhere."""
    if nodeid.startswith(BROWSERS):
        file = nodeid.partition("::")[0]
        return f"browser {crc32(file.encode()) % browsers}"
    return next((path for path in IN_ONE_PROCESS if nodeid.startswith(path)), nodeid)
