"""Which process of the suite runs what (xdist).

Not by xdist's own `--dist loadgroup`: 3.8 marks groups in a test's `_nodeid`, which pytest 9 does
not read any more, so that every test was a group of its own.
"""

from xdist.scheduler import LoadScopeScheduling

# Tests of a path that one process runs one after the other: storms disturb each other, and what
# the others look at takes half a minute and more to make.
IN_ONE_PROCESS = (
    "tests/storm/",
    "tests/appointments/test_demo_state.py",
    "tests/bench/test_messages_bench.py",
)
# A process that drives a browser stays with a file: what it has loaded serves the next test.
BROWSERS = "tests/browser/"


class Queues(LoadScopeScheduling):
    """Each test by itself, but for those that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        return queue_of(nodeid)


def queue_of(nodeid: str) -> str:
    """The queue of a test; its own id if it may run anywhere."""
    if nodeid.startswith(BROWSERS):
        return nodeid.partition("::")[0]
    return next((path for path in IN_ONE_PROCESS if nodeid.startswith(path)), nodeid)
