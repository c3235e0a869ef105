"""Faults of the way to the phone: a gateway over HTTP, its receipts, workers killed at a step.

The gateway is the project's for MSG91; what takes its messages is the simulator, a process of its
own whose log is the truth. Each message that it takes it reports on, to the site's own address.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.faults import count, world
from tests.faults.run import PATIENCE, Round, say
from tests.faults.servers import DIES_WITH_US, ROOT, Servers

KEY = "faults-only"
HOST = "h"  # of the links in the texts: world.VALUES
DEAD_SECONDS = 10
CALL_SECONDS = 3
# One request in 250 goes wrong, from the fault on: some forty in a run.
RARELY = 0.004
STEPS = ("before_claim", "after_claim", "mid_call", "after_accept")
RECEIPTS = {
    "duplicate": 0.2,
    "reordered": 0.1,
    "contradicted": 0.1,
    "delayed:2": 0.1,
    "early": 0.1,
    "forged": 0.1,
    "foreign": 0.05,
    "garbled": 0.05,
}


class Wire:
    """The simulated gateway, and the settings of a site that speaks to it."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.log = servers.folder / "gateway.jsonl"
        self.order = servers.folder / "sabotage"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self) -> dict[str, str]:
        return {
            "SMS_GATEWAY": "tests.notifications.saboteur.SuicidalMsg91",
            "MSG91_URL": self.url,
            "MSG91_AUTHKEY": KEY,
            "DLT_URL_HOSTS": HOST,
            "MESSAGE_CALL_SECONDS": str(CALL_SECONDS),
            "MESSAGE_LEASE_SECONDS": "20",
            "SABOTAGE": str(self.order),
        }

    def start(self) -> None:
        command = [*DIES_WITH_US, sys.executable, "-m", "notifications.simulators", "http"]
        command += ["--port", str(self.port), "--log", str(self.log), "--batch", "20"]
        command += ["--templates", str(world.TEMPLATES)]
        command += ["--callback", f"{self.servers.address}/callbacks/msg91/"]
        with self.servers.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "MSG91_AUTHKEY": KEY},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        give_up_at = time.monotonic() + 30
        while time.monotonic() < give_up_at:
            try:
                self.change()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the simulated gateway does not answer")

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def change(self, **wish: Any) -> None:
        """Change how it behaves, while it runs."""
        request = urllib.request.Request(
            f"{self.url}/_simulator",
            data=json.dumps(wish).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=5).close()

    def sabotage(self, step: str, scope: str) -> None:
        """Have a worker kill or stop itself at a step, and wait until it has."""
        self.order.write_text(f"{step} {scope}")
        give_up_at = time.monotonic() + PATIENCE
        while self.order.exists() and time.monotonic() < give_up_at:
            time.sleep(0.05)


Fault = Callable[[Wire], None]


def _answers(**weights: float) -> Fault:
    return lambda wire: wire.change(weights=weights)


def _script(*faults: str) -> Fault:
    return lambda wire: wire.change(script=list(faults))


def _away(wire: Wire) -> None:
    wire.kill()
    time.sleep(DEAD_SECONDS)
    wire.start()


def _restart_at(step: str) -> Fault:
    """PostgreSQL is restarted while a worker stands still at that step."""

    def restart(wire: Wire) -> None:
        wire.sabotage(step, "sleep")
        wire.servers.stop_postgres(signal.SIGQUIT)
        wire.servers.start_postgres()
        os.killpg(wire.servers.running["messages"].pid, signal.SIGCONT)

    return restart


def _kill_at(step: str, scope: str) -> Fault:
    return lambda wire: wire.sabotage(step, scope)


def _every_kill(wire: Wire) -> None:
    for step in STEPS:
        for scope in ("child", "group"):
            wire.sabotage(step, scope)


def _every_restart(wire: Wire) -> None:
    for step in STEPS:
        _restart_at(step)(wire)


def _every_trouble(wire: Wire) -> None:
    """What a gateway may answer, all of it in one run; receipts in disorder besides."""
    rarely = dict.fromkeys(("500", "taken_reset", "garbage", "taken_garbage"), RARELY / 4)
    wire.change(
        script=["429:3", "429:3", "hang"],
        weights={**rarely, "error:311": RARELY},
        receipts={"weights": RECEIPTS},
    )


WIRE_FAULTS: dict[str, Fault] = {
    "wire: none": lambda wire: None,
    "wire: every kill in one run": _every_kill,
    "wire: every restart in one run": _every_restart,
    "wire: every trouble in one run": _every_trouble,
    "wire: receipts in disorder": lambda wire: wire.change(receipts={"weights": RECEIPTS}),
    "wire: 500": _answers(**{"500": RARELY}),
    "wire: 429 with Retry-After": _script(*["429:3"] * 3),
    "wire: hangs": _script(*["hang"] * 2),
    "wire: resets after accepting": _answers(taken_reset=RARELY),
    "wire: error in a 200": _answers(**{"error:311": 5 * RARELY}),
    "wire: garbage": _answers(garbage=RARELY / 2, taken_garbage=RARELY / 2),
    "wire: gateway away 10 s": _away,
    **{
        f"wire: {scope} kill -9 {step.replace('_', ' ')}": _kill_at(step, scope)
        for step in STEPS
        for scope in ("child", "group")
    },
    **{f"wire: postgres restart {step.replace('_', ' ')}": _restart_at(step) for step in STEPS},
}


@dataclass
class WireRound(Round):
    wire: Wire | None = None

    def _sink(self) -> Path:
        assert self.wire
        return self.wire.log

    def _handed_over(self) -> list[str]:
        return world.messages_of(world.read_log(self.sink)[self.sunk :])

    def _break(self) -> None:
        assert self.wire
        WIRE_FAULTS[self.fault](self.wire)

    def _is_half_way(self) -> bool:
        return self._sent() >= self.messages // 4

    def _sent(self) -> int:
        return len(world.read_log(self.sink)) - self.sunk

    def _is_drained(self) -> bool:
        return super()._is_drained() and not world.owed_receipts(self.after)

    def _count(self, seconds: float) -> count.Row:
        found = super()._count(seconds)
        delivered, wrong = world.receipts(self.after)
        return replace(found, delivered=delivered, wrong_receipts=wrong)


def one(wire: Wire, fault: str, number: int, *, messages: int) -> count.Row:
    """One fault: `messages` through the gateway, the fault when a quarter has left."""
    wire.change(weights={}, script=[], receipts={"weights": {}})
    wire.order.unlink(missing_ok=True)
    row = WireRound(wire.servers, fault, number, messages, [], [], wire=wire).run()
    say(f"{row}")
    return row


def rows(servers: Servers, faults: list[str], *, first: int, messages: int) -> Iterator[count.Row]:
    """All of them, one after the other, on a site that speaks to the simulated gateway."""
    wire = Wire(servers)
    wire.start()
    try:
        servers.rewire(wire.settings())
        world.file_templates()
        for number, fault in enumerate(faults, start=first):
            yield one(wire, fault, number, messages=messages)
    finally:
        wire.kill()
