"""Variations of a problem, for officers who weigh what could be done."""

from collections import defaultdict
from dataclasses import replace

from appointments.planning.problem import Problem, Slot


def with_open_seats(problem: Problem, seats_per_day: int) -> Problem:
    """Closed seats given back until each day with closures has `seats_per_day` open, if it can.

    A day's seats are given back to its slots in proportion to what is closed there (largest
    remainder, then lower id). Days that have as many open already stay as they are.
    """
    by_day = defaultdict(list)
    for slot in problem.slots:
        by_day[slot.day].append(slot)
    given: dict[int, int] = {}
    for slots in by_day.values():
        missing = seats_per_day - sum(slot.seats - slot.closed for slot in slots)
        closed = sum(slot.closed for slot in slots)
        given |= _spread(min(max(missing, 0), closed), slots)
    return replace(
        problem,
        slots=tuple(
            replace(slot, closed=slot.closed - given.get(slot.id, 0)) for slot in problem.slots
        ),
    )


def _spread(seats: int, slots: list[Slot]) -> dict[int, int]:
    """Slot id -> its part of `seats`."""
    closed = sum(slot.closed for slot in slots)
    if not seats:
        return {}
    part = {slot.id: seats * slot.closed // closed for slot in slots}
    largest_remainder_first = sorted(
        slots, key=lambda slot: (-(seats * slot.closed % closed), slot.id)
    )
    for slot in largest_remainder_first[: seats - sum(part.values())]:
        part[slot.id] += 1
    return part
