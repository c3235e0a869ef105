"""What a simulator does wrong, and when.

A fault is a name, or a name and a value: "hang", "429:30". A plan says which is next: first what
its script lists, one for each request, then one by chance, then none.
"""

import random
import threading
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """`value`: its number or words, e.g. seconds; "" is the fault's usual."""

    name: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.value}" if self.value else self.name

    def number(self, usual: float) -> float:
        try:
            return float(self.value)
        except ValueError:
            return usual


class UnknownFault(ValueError):
    """No fault of this simulator has that name."""


class Plan:
    """Which fault is next. Safe to change while requests come in."""

    def __init__(self, known: Collection[str], *, usual: str, seed: int | None = None) -> None:
        """`usual`: what happens where nothing else is planned. `seed`: for a repeatable chance."""
        self.known = known
        self.usual = Fault(usual)
        self._lock = threading.Lock()
        self._chance = random.Random(seed)  # noqa: S311 - it decides on faults, not on secrets
        self._script: deque[Fault] = deque()
        self._weights: dict[Fault, float] = {}

    def next(self) -> Fault:
        with self._lock:
            if self._script:
                return self._script.popleft()
            at = self._chance.random()
            for fault, weight in self._weights.items():
                at -= weight
                if at < 0:
                    return fault
        return self.usual

    def change(
        self,
        *,
        script: Iterable[str] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        """Replace the script, or the share of requests that each fault has (0 to 1), or both.

        UnknownFault: one of them is none; then nothing has changed.
        """
        steps = None if script is None else deque(self._fault(text) for text in script)
        shares = None
        if weights is not None:
            shares = {self._fault(text): float(share) for text, share in weights.items()}
        with self._lock:
            self._script = self._script if steps is None else steps
            self._weights = self._weights if shares is None else shares

    def state(self) -> dict[str, Any]:
        with self._lock:
            return {
                "script": [str(fault) for fault in self._script],
                "weights": {str(fault): share for fault, share in self._weights.items()},
            }

    def _fault(self, text: str) -> Fault:
        name, _, value = text.partition(":")
        if name not in self.known:
            raise UnknownFault(f"{name!r} is none of {', '.join(sorted(self.known))}")
        return Fault(name, value)


def parse_weights(text: str) -> dict[str, float]:
    """Shares as a command line gives them: "500=0.02,429:30=0.01"."""
    pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
    return {name.strip(): float(share) for name, _, share in pairs}
