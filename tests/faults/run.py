"""One fault after another: a load, the fault in the middle of it, a count when all is quiet."""

import random
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from tests.faults import count, world
from tests.faults.people import Client, Heard, Person
from tests.faults.servers import Servers

T = TypeVar("T")
CLIENTS = 8
CHUNK = 250
PATIENCE = 420  # seconds for one fault, after which what is left counts as lost
SIGSTOP_SECONDS = 10
DEAD_SECONDS = 15  # beat is missed for so long


def _beat(servers: Servers) -> None:
    servers.kill("beat", leave_dead=True)
    time.sleep(DEAD_SECONDS)
    servers.start_process("beat")


def _redis(servers: Servers) -> None:
    servers.kill("redis")
    time.sleep(3)
    servers.start_redis()


def _freeze(servers: Servers) -> None:
    servers.send("redis", signal.SIGSTOP)
    time.sleep(SIGSTOP_SECONDS)
    servers.send("redis", signal.SIGCONT)


def _postgres(how: signal.Signals) -> Callable[[Servers], None]:
    def restart(servers: Servers) -> None:
        servers.stop_postgres(how)
        servers.start_postgres()

    return restart


# The most telling ones first.
FAULTS: dict[str, Callable[[Servers], object]] = {
    "none": lambda servers: None,
    "worker kill -9": lambda servers: servers.kill("messages"),
    "web kill -9": lambda servers: servers.kill("web"),
    "redis kill -9": _redis,
    "postgres immediate": _postgres(signal.SIGQUIT),
    "beat kill -9": _beat,
    "worker child kill -9": lambda servers: servers.kill_a_child("messages"),
    "redis flushall": lambda servers: servers.redis().flushall(),
    "redis frozen 10 s": _freeze,
    "postgres fast restart": _postgres(signal.SIGINT),
    "worker SIGTERM": lambda servers: servers.send("messages", signal.SIGTERM),
    "two beats": lambda servers: servers.start_process("second beat"),
}


@dataclass
class Round:
    """One fault: its load and what became of it."""

    servers: Servers
    fault: str
    number: int
    messages: int
    people: list[Person]
    slots: list[int]
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self.after = world.newest_message()
        self.sink = self._sink()
        self.sunk = _lines(self.sink)

    def _sink(self) -> Path:
        """The file to which whatever takes the messages appends."""
        return Path(self.servers.environment()["VAR_DIR"]) / "phone.jsonl"

    def _handed_over(self) -> list[str]:
        """Ids of messages, one for each time that one was handed over."""
        return world.read_sink(self.sink)

    def _break(self) -> None:
        FAULTS[self.fault](self.servers)

    def run(self) -> count.Row:
        began = time.monotonic()
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            load = [pool.submit(self._enqueue)]
            load += [pool.submit(self._book, part) for part in range(CLIENTS)]
            self._wait(self._is_half_way)
            self._break()
            self._wait(lambda: all(part.done() for part in load))
            for part in load:
                part.result()
        self._wait(self._is_drained)
        return self._count(time.monotonic() - began)

    def _enqueue(self) -> None:
        for first in range(0, self.messages, CHUNK):
            some = min(CHUNK, self.messages - first)
            _again(partial(world.enqueue, self._batch, first, some))
        connection.close()

    @property
    def _batch(self) -> str:
        return f"fault-{self.number}"

    def _book(self, part: int) -> None:
        rng = random.Random(f"{self.number}:{part}")
        for person in self.people[part::CLIENTS]:
            client = Client(self.servers.port, person, self.heard, rng)
            client.book(self.slots)
            client.close()

    def _is_half_way(self) -> bool:
        sent = _lines(self.sink) - self.sunk
        some_booked = len(self.heard.confirmed) >= len(self.people) // 4
        return some_booked and sent >= self.messages // 4

    def _is_drained(self) -> bool:
        left = _again(lambda: world.in_hand(self.after) + world.waits_for_repeat(self.after))
        return not left

    def _wait(self, happened: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + PATIENCE
        shown = 0.0
        while not happened() and time.monotonic() < give_up_at:
            if time.monotonic() > shown + 5:
                shown = time.monotonic()
                self._show()
            time.sleep(0.1)

    def _show(self) -> None:
        sent, told = _lines(self.sink) - self.sunk, len(self.heard.confirmed)
        say(f"  {self.fault}: {sent} in the sink, {told} of {len(self.people)} told confirmed")

    def _count(self, seconds: float) -> count.Row:
        booked = world.booked(self.people)
        fates = world.fates(self.after)
        expected = self.messages + len(booked)
        found = count.messages(fates, self._handed_over(), expected=expected)
        heard = self.heard
        explained = heard.answers[503] if "postgres" in self.fault else 0
        errors = sum(times for status, times in heard.answers.items() if status >= 500)
        for odd in sorted(set(heard.odd)):
            say(f"  unexpected answer: {odd}")
        return count.Row(
            fault=self.fault,
            sent=found.sent,
            lost=found.lost,
            duplicated=found.duplicated,
            ambiguous=found.ambiguous,
            unexplained_duplicates=found.unexplained_duplicates,
            unknown=found.unknown,
            seconds=round(seconds, 1),
            bookings=len(heard.confirmed),
            bookings_lost=count.bookings_lost(heard.confirmed, booked),
            oversold=world.oversold(),
            errors_5xx=errors,
            unexplained_5xx=errors - explained,
        )


def one(servers: Servers, fault: str, number: int, *, messages: int, bookings: int) -> count.Row:
    connection.close()
    people = world.make_people(bookings, round_=number)
    slots = world.make_slots(bookings, round_=number)
    row = Round(servers, fault, number, messages, people, slots).run()
    if "second beat" in servers.running:
        servers.kill("second beat")
        del servers.running["second beat"]
    return row


def _again(step: Callable[[], T]) -> T:
    """A step of this harness must survive the restart of a database too."""
    while True:
        try:
            return step()
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(0.3)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
