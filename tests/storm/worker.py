"""One process of a storm: a share of the lanes, each in a thread, over connections of its own.

Speaks JSON lines with the process that started it: reads its task, says "ready", waits for "go",
writes what it has seen.
"""

import json
import sys
from typing import Any

import django

django.setup()

from django.test import override_settings  # noqa: E402

from tests.storm.lanes import QUICK, lanes  # noqa: E402
from tests.storm.plants import planted  # noqa: E402
from tests.storm.threads import blow  # noqa: E402
from tests.storm.world import load_world  # noqa: E402


def main() -> None:
    task: dict[str, Any] = json.loads(sys.stdin.readline())
    mine = lanes(task["seed"], load_world())[task["index"] :: task["processes"]]
    with override_settings(**QUICK), planted(task["plant"]):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        log = blow(mine, task["seconds"])
    sys.stdout.write(
        json.dumps({**vars(log), "answers": [vars(answer) for answer in log.answers]}) + "\n"
    )


main()
