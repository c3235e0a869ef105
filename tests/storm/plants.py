"""Bugs planted on purpose, by name, so that worker processes can plant them too."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from unittest.mock import patch

from appointments import seats
from appointments.models import Slot


def _skipping_release() -> Callable[..., None]:
    """Every second seat that is given back is not counted."""
    real, calls = seats.release, count(1)

    def release(*, slot_id: int, to_public: bool = False) -> None:
        if next(calls) % 2:
            real(slot_id=slot_id, to_public=to_public)

    return release


def _take_without_lock() -> Callable[..., None]:
    """A seat is taken by looking first and writing after."""

    def take(*, slot_id: int, now: datetime, hold_swept: bool = False) -> None:
        slot = Slot.objects.get(pk=slot_id)
        Slot.objects.filter(pk=slot_id).update(taken=slot.taken + 1)

    return take


PLANTS = {
    "skipped counter": ("release", _skipping_release),
    "no lock": ("take", _take_without_lock),
}


@contextlib.contextmanager
def planted(name: str) -> Iterator[None]:
    """The seat ledger with that bug in it; without a name, as it is."""
    if not name:
        yield
        return
    target, make = PLANTS[name]
    with patch.object(seats, target, make()):
        yield
