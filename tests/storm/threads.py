"""Lanes at work in the threads of this process."""

import threading
import time
from collections.abc import Sequence

from tests.storm.lanes import Lane, Log


def blow(share: Sequence[Lane], seconds: float) -> Log:
    """Run the lanes at once until the time is up; what all of them saw."""
    until = time.monotonic() + seconds
    logs = [Log() for _ in share]
    threads = [
        threading.Thread(target=lane.work, args=(until, log))
        for lane, log in zip(share, logs, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = Log()
    for log in logs:
        seen.add(log)
    return seen
