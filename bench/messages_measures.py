"""The measures of the message bench, each on the servers of the run."""

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from bench.messages_figures import Row, compared, waits
from bench.messages_site import Site
from bench.messages_tasks import send_one
from bench.messages_words import fill, mail, unsaved
from notifications import nudge
from notifications.models import Message

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Sizes:
    """How much of each; `quick` proves that everything runs, and nothing about speed."""

    pairs: int = 5
    drain: int = 15_000
    one_by_one: int = 1_000
    # Where the mail server stands: how many mails, seconds there and back, seconds for each mail.
    mail_servers: tuple[tuple[int, float, float], ...] = (
        (600, 0.0, 0.0),
        (300, 0.0, 0.02),
        (300, 0.01, 0.005),
    )
    idle: int = 200
    lost_nudges: int = 40
    burst: int = 10_000
    processes: int = 2
    # They do little but wait for the provider; two would be too few for 10,000 in five minutes.
    burst_processes: int = 4


QUICK = Sizes(
    pairs=1,
    drain=300,
    one_by_one=100,
    mail_servers=((60, 0.001, 0.0),),
    idle=3,
    lost_nudges=1,
    burst=60,
)


class Bench:
    def __init__(self, site: Site, sizes: Sizes) -> None:
        self.site, self.sizes = site, sizes

    # --- a. Drain rate ------------------------------------------------------------------------

    def drain(self) -> Iterator[Row]:
        """Our engine against a task for each message: as Celery comes, and with one connection."""
        ours: list[float] = []
        rivals: dict[str, list[float]] = {"as Celery comes": [], "connection kept": []}
        once = True
        for _ in range(self.sizes.pairs):
            rate, complete = self._drain_ours()
            ours.append(rate)
            once &= complete
            for how, rates in rivals.items():
                reuse = {"BENCH_DB_REUSE": "1000000"} if how == "connection kept" else {}
                rate, complete = self._drain_one_by_one(**reuse)
                rates.append(rate)
                once &= complete
        goals = {"as Celery comes": 100.0, "connection kept": None}
        for how, rates in rivals.items():
            yield compared(
                f"drain against a task per message, {how}",
                ours,
                rates,
                unit="messages/s",
                yardstick=f"Celery task per message, {how}",
                goal=goals[how],
                messages=self.sizes.drain,
                once=once,
            )

    def _drain_ours(self) -> tuple[float, bool]:
        self.site.empty()
        fill(self.sizes.drain, channel="sms")
        self.site.query("ANALYZE")
        with self.site.worker(self.sizes.processes):
            self._wait_for_empty_queue(nudged="sms")
        return self._rate(), self._exactly_once(self.sizes.drain)

    def _drain_one_by_one(self, **extra: str) -> tuple[float, bool]:

        self.site.empty()
        fill(self.sizes.one_by_one, channel="sms")
        self.site.query("ANALYZE")
        for pk in Message.objects.order_by("id").values_list("pk", flat=True):
            send_one.delay(pk)
        rivals = {"app": "bench.messages_rivals", "queue": "one_by_one"}
        with self.site.worker(self.sizes.processes, **rivals, **extra):
            self._wait_for_empty_queue()
        return self._rate(), self._exactly_once(self.sizes.one_by_one)

    def _wait_for_empty_queue(self, *, nudged: str = "") -> None:
        """`nudged`: the channel whose worker is told to begin, once it is there to hear it."""
        begun = "SELECT EXISTS (SELECT FROM notifications_attempt)"
        left = "SELECT count(*) FROM notifications_message WHERE state IN ('queued', 'sending')"
        if nudged:
            self.site.wait_until(
                lambda: nudge.publish(nudged) and self.site.query(begun) == [(True,)]
            )
        self.site.wait_until(lambda: self.site.query(left) == [(0,)], pause=0.2)

    def _rate(self) -> float:
        """Messages a second from the first start of a call to the last record of an answer."""
        [(count, seconds)] = self.site.query(
            "SELECT count(*), extract(epoch FROM max(ended_at) - min(started_at))::float"
            " FROM notifications_attempt WHERE outcome = 'accepted'"
        )
        return float(str(count)) / float(str(seconds))

    def _exactly_once(self, count: int) -> bool:
        [(accepted,)] = self.site.query(
            "SELECT count(*) FROM notifications_message WHERE state = 'accepted'"
        )
        ids = self.site.handed_over()
        return accepted == len(ids) == len(set(ids)) == count

    # --- b. SMTP ------------------------------------------------------------------------------

    def smtp(self) -> Iterator[Row]:
        """Our engine against a script that sends over one connection, to one server."""
        for mails, wire, wait in self.sizes.mail_servers:
            ours: list[float] = []
            rivals: dict[str, list[float]] = {"bare": [], "words": []}
            once = True
            for _ in range(self.sizes.pairs):
                rate, complete = self._mail_ours(mails, wire, wait)
                ours.append(rate)
                once &= complete
                for how, rates in rivals.items():
                    rates.append(self._mail_by_script(mails, wire, wait, how))
            server = f"server {wire * 1000:.0f} ms away that takes {wait * 1000:.0f} ms"
            said = {"bare": "sends ready mails", "words": "puts each into words too"}
            for how, rates in rivals.items():
                yield compared(
                    f"SMTP against a script that {said[how]}, {server}",
                    ours,
                    rates,
                    unit="mails/s",
                    yardstick=f"script, one connection, {said[how]}",
                    goal=0.9 if how == "bare" else None,
                    messages=mails,
                    once=once,
                )

    @contextmanager
    def _mail_server(self, wire: float, wait: float) -> Iterator[tuple[str, str]]:
        """A new one for each run; yields the host and port at which it is reached."""
        log = self.site.folder / "mail.jsonl"
        log.unlink(missing_ok=True)
        server = ["notifications.simulators.smtp", "--port", "0", "--log", str(log), "--fast"]
        with ExitStack() as stack:
            at = stack.enter_context(_program(*server, "--latency", str(wait)))
            if wire:
                laid = ["bench.messages_wire", str(wire), *at]
                at = stack.enter_context(_program(*laid))
            yield at

    def _mailed_once(self, count: int) -> bool:
        log = (self.site.folder / "mail.jsonl").read_text().splitlines()
        ids = [json.loads(line)["message"] for line in log]
        return len(ids) == len(set(ids)) == count

    def _mail_ours(self, count: int, wire: float, wait: float) -> tuple[float, bool]:

        self.site.empty()
        fill(count, channel="email")
        self.site.query("ANALYZE")
        with self._mail_server(wire, wait) as (host, port):
            mail = {"EMAIL_HOST": host, "EMAIL_PORT": port, "EMAIL_GATEWAY": "smtp"}
            with self.site.worker(1, **mail):
                self._wait_for_empty_queue(nudged="email")
        return self._rate(), self._mailed_once(count)

    def _mail_by_script(self, count: int, wire: float, wait: float, how: str) -> float:

        given = self.site.folder / "given"
        given.write_bytes(
            pickle.dumps([mail(each) for each in unsaved(count)] if how == "bare" else count)
        )
        with self._mail_server(wire, wait) as (host, port):
            done = subprocess.run(
                [sys.executable, "-m", "bench.messages_script", how, host, port, str(given)],
                cwd=ROOT,
                env=self.site.environment(),
                check=True,
                capture_output=True,
                text=True,
            )
        if not self._mailed_once(count):
            raise AssertionError("the script lost mails, or sent some twice")
        return count / float(done.stdout)

    # --- c. Waits while idle ------------------------------------------------------------------

    def idle(self) -> Iterator[Row]:
        """One message at a time, from its commit until the sink has it; then without a nudge."""
        self.site.empty()
        prompt = {"SMS_GATEWAY": "bench.messages_sinks.PromptGateway"}
        with self.site.worker(self.sizes.processes, **prompt), self.site.clock(**prompt):
            fill(1, channel="sms", since=900_000)  # the workers are up once it has left
            self.site.wait_until(lambda: len(self.site.handed_over()) == 1)
            yield waits("hand-over, idle", self._one_by_one(), goal=10)
            yield waits("hand-over, nudge lost", self._without_nudges(), goal=10)
            held, back = self._broker_dead()
            yield waits("commit while the broker is dead", held, goal=2, percent=100)
            yield waits("hand-over once the broker is back", back, goal=10)

    def _one_by_one(self) -> list[float]:
        for number in range(self.sizes.idle):
            fill(1, channel="sms", since=number)
            self._wait_for_empty_queue()
            time.sleep(0.1 + number % 7 / 20)
        return self._waits_of(since=0, until=self.sizes.idle)

    def _without_nudges(self) -> list[float]:
        """At moments spread over several turns of the sweeper."""

        first = 100_000
        with patch.object(nudge, "publish"):
            for number in range(self.sizes.lost_nudges):
                fill(1, channel="sms", since=first + number)
                time.sleep(0.73)
        self._wait_for_empty_queue()
        return self._waits_of(since=first, until=first + self.sizes.lost_nudges)

    def _broker_dead(self) -> tuple[list[float], list[float]]:
        """Seconds that callers were held, and from the broker's return to each hand-over."""
        first, held = 200_000, []
        self.site.kill("redis")
        for number in range(self.sizes.lost_nudges):
            began = time.monotonic()
            fill(1, channel="sms", since=first + number)
            held.append(time.monotonic() - began)
            time.sleep(0.05)
        back = time.time()
        self.site.start_redis()
        self._wait_for_empty_queue()
        moments = self._moments()
        taken = [moments[name] - back for name in self._ids(first, first + self.sizes.lost_nudges)]
        return held, taken

    def _waits_of(self, *, since: int, until: int) -> list[float]:
        """From created_at, which is read before the commit, to the sink's own moment."""
        moments = self._moments()
        return [moments[name] - made for name, made in self._ids(since, until).items()]

    def _ids(self, since: int, until: int) -> dict[str, float]:
        """Message -> when it was written, of those numbers."""
        keys = [f"bench:{number}" for number in range(since, until)]
        rows = Message.objects.filter(dedupe_key__in=keys).values_list("public_id", "created_at")
        return {str(name): made.timestamp() for name, made in rows}

    def _moments(self) -> dict[str, float]:
        lines = [line.split() for line in self.site.sink.read_text().splitlines()]
        return {name: float(moment) for name, _reference, moment in lines}

    # --- d. A burst ---------------------------------------------------------------------------

    def burst(self) -> Iterator[Row]:
        """Everybody of a plan at once, through a provider that takes 50 ms for each."""
        self.site.empty()
        count = self.sizes.burst
        with _program("bench.messages_provider", "0.05") as at:
            settings = {
                "SMS_GATEWAY": "bench.messages_sinks.HttpGateway",
                "BENCH_PROVIDER": ":".join(at),
            }
            with (
                self.site.worker(self.sizes.burst_processes, **settings),
                self.site.clock(**settings),
            ):
                fill(1, channel="sms", since=900_000)
                self.site.wait_until(lambda: len(self.site.handed_over()) == 1)
                fill(count, channel="sms")
                self._wait_for_empty_queue()
        seconds = self._waits_of(since=0, until=count)
        yield waits(
            f"burst of {count:,}, {self.sizes.burst_processes} processes, 50 ms a call",
            seconds,
            goal=300,
            percent=99,
            once=self._exactly_once(count + 1),
        )


@contextmanager
def _program(module: str, *arguments: str) -> Iterator[tuple[str, str]]:
    """Run a program that prints its address; yields host and port."""
    command = [sys.executable, "-m", module, *arguments]
    program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    try:
        host, _, port = program.stdout.readline().strip().removeprefix("smtp://").partition(":")
        yield host, port
    finally:
        program.terminate()
        program.wait(30)
        program.stdout.close()


MEASURES = {
    "drain": Bench.drain,
    "smtp": Bench.smtp,
    "idle": Bench.idle,
    "burst": Bench.burst,
}
