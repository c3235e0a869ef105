"""Hold the database against the sink and against what people were told. No Django in here."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

MUST_BE_NONE = (
    "lost",
    "unexplained_duplicates",
    "bookings_lost",
    "oversold",
    "unexplained_5xx",
    "wrong_receipts",
)


@dataclass(frozen=True)
class Fate:
    """A message as the database has it; `ambiguous`: an attempt at it has no known outcome."""

    id: str
    state: str
    ambiguous: bool = False


@dataclass(frozen=True)
class Row:
    """What one fault did."""

    fault: str
    sent: int  # different messages in the sink
    lost: int  # neither in the sink nor known as doubtful, or never written
    duplicated: int  # more than once in the sink
    ambiguous: int  # messages whose call nobody knows the end of: each may be doubled once
    unexplained_duplicates: int  # of those doubled: never in doubt, or more than twice in the sink
    unknown: int  # of the ambiguous, left to an officer
    seconds: float
    bookings: int  # told confirmed
    bookings_lost: int  # told so, and not in the database
    oversold: int
    errors_5xx: int  # answers of 5xx that were explained by the fault
    unexplained_5xx: int
    # Of the runs over HTTP: messages whose receipt came, and those that a false receipt changed.
    delivered: int = 0
    wrong_receipts: int = 0

    @property
    def failures(self) -> list[str]:
        """Why this row is not good enough; empty if it is."""
        found = asdict(self)
        return [f"{name} {found[name]}" for name in MUST_BE_NONE if found[name]]


@dataclass(frozen=True)
class Messages:
    sent: int
    lost: int
    duplicated: int
    ambiguous: int
    unexplained_duplicates: int
    unknown: int


def messages(fates: Iterable[Fate], sink: Iterable[str], *, expected: int) -> Messages:
    """`sink`: ids of messages, one for each time that one was handed over.

    One marked repeat after an unknown fate is the policy; any other duplicate is unexplained.
    """
    known = {fate.id: fate for fate in fates}
    times = Counter(message for message in sink if message in known)
    doubtful = {fate.id for fate in known.values() if fate.ambiguous or fate.state == "unknown"}
    doubled = {message for message, count in times.items() if count > 1}
    wrong = {message for message in doubled if message not in doubtful or times[message] > 2}
    missing = [m for m in known if m not in times and m not in doubtful]
    return Messages(
        sent=len(times),
        lost=len(missing) + max(0, expected - len(known)),
        duplicated=len(doubled),
        ambiguous=len(doubtful),
        unexplained_duplicates=len(wrong),
        unknown=sum(fate.state == "unknown" for fate in known.values()),
    )


def bookings_lost(told: Collection[int], booked: Collection[int]) -> int:
    """Applications told "confirmed" without a confirmed appointment."""
    return len(set(told) - set(booked))
