"""What makes a function a verb: one transaction, and a bounded number of tries in a lost race."""

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

from appointments.errors import Refusal

log = logging.getLogger(__name__)

TRIES = 3
# Ids in one statement: SQLite and PostgreSQL both take many more, planners prefer fewer.
BATCH = 500
# PostgreSQL: serialization_failure, deadlock_detected, lock_not_available.
LOST_RACE_STATES = {"40001", "40P01", "55P03"}
# PostgreSQL: query_canceled, by statement_timeout. Another try would take as long.
CANCELLED_STATE = "57014"

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class LostRace(Exception):
    """What was read before the locks was no longer true under them. Nothing was changed."""


def verb(function: Callable[P, R]) -> Callable[P, R]:
    """Run in one transaction; try again when another one won the race, then refuse (`busy`).

    A statement that the database cancelled for taking too long is refused at once.

    Within a caller's transaction it runs once: only the outermost can start anew.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return _once(function, *args, **kwargs)
        for _ in range(TRIES):
            try:
                return _once(function, *args, **kwargs)
            except LostRace:
                log.info("%s lost a race", function.__name__)
            except OperationalError as error:
                state = _sqlstate(error)
                if state not in LOST_RACE_STATES | {CANCELLED_STATE}:
                    raise
                log.warning("%s: %s", function.__name__, state)
                if state == CANCELLED_STATE:
                    raise Refusal("busy") from error
        raise Refusal("busy")

    return run


def _once(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    with transaction.atomic():
        return function(*args, **kwargs)


def _sqlstate(error: OperationalError) -> Any:
    return getattr(error.__cause__, "sqlstate", None)


@contextlib.contextmanager
def snapshot() -> Iterator[None]:
    """Reads that belong together see one moment, without a lock.

    Within a caller's transaction they see what that one sees.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def batches(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """The ids (or names) in order, in parts that fit one statement."""
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
