"""Which class may take which slot, and at what cost: the rules of docs/planning.md, on arrays."""

from dataclasses import dataclass

import numpy as np

from appointments.planning.problem import QUOTAS
from appointments.planning.tables import Bools, ClassTable, Ints, Tables

_NORMAL = QUOTAS.index("normal")
_MICROSECONDS_PER_HOUR = 3_600_000_000


@dataclass(frozen=True)
class Seats:
    """Seats to be had: by slot, and by cell."""

    slot: Ints
    cell: Ints


@dataclass(frozen=True)
class Arcs:
    """One row for each (class, slot) allowed."""

    klass: Ints
    slot: Ints
    cost: Ints

    def select(self, arcs: Ints | Bools) -> "Arcs":
        return Arcs(self.klass[arcs], self.slot[arcs], self.cost[arcs])


def build(tables: Tables, classes: ClassTable, seats: Seats) -> Arcs:
    """All that the classes may take while seats are left there."""
    open_slots = (seats.slot > 0) & (seats.cell[tables.slots.cell] > 0)
    klass, slot = _other_slots(tables, classes, open_slots)
    own_klass = np.flatnonzero(open_slots[classes.own] & begins_later(tables)[classes.own])
    own_slot = classes.own[own_klass]
    return Arcs(
        klass=np.concatenate([klass, own_klass]),
        slot=np.concatenate([slot, own_slot]),
        cost=np.concatenate(
            [
                delay_cost(tables, classes, klass, slot)
                + _change_cost(tables, classes, klass, slot),
                delay_cost(tables, classes, own_klass, own_slot),
            ]
        ),
    )


def begins_later(tables: Tables) -> Bools:
    return tables.slots.start > tables.now


def _other_slots(tables: Tables, classes: ClassTable, open_slots: Bools) -> tuple[Ints, Ints]:
    """(class, slot) of every slot but the own one that the rules allow."""
    slots, policy = tables.slots, tables.policy
    earliest = tables.now + policy.lead_hours * _MICROSECONDS_PER_HOUR
    latest_day = tables.today + policy.horizon_days
    rows = np.flatnonzero(open_slots & (slots.start >= earliest) & (slots.day <= latest_day))
    if not len(rows):
        return rows, rows
    klass, group = _reachable_groups(tables, classes)
    # Rows rise by group, then day: the days allowed in one group are one run of them.
    first_day, span = int(slots.day[rows].min()), int(np.ptp(slots.day[rows])) + 2
    key = slots.group[rows] * span + slots.day[rows] - first_day
    since = np.clip(classes.original - first_day, 0, span - 1)
    until = np.clip(np.minimum(classes.last_day, latest_day) + 1 - first_day, 0, span - 1)
    begin = np.searchsorted(key, group * span + since[klass])
    end = np.searchsorted(key, group * span + until[klass])
    run = np.maximum(end - begin, 0)
    klass, slot = np.repeat(klass, run), rows[_runs(begin, run)]
    other = slot != classes.own[klass]
    return klass[other], slot[other]


def _reachable_groups(tables: Tables, classes: ClassTable) -> tuple[Ints, Ints]:
    """(class, group) of the centres near enough and the quotas that suit."""
    slots, quotas = tables.slots, len(QUOTAS)
    near = tables.km <= tables.policy.max_km
    klass, centre = np.nonzero(near[slots.centre[classes.own]])
    own_quota = slots.group[classes.own] % quotas
    also_normal = (classes.service_tatkaal & (own_quota != _NORMAL))[klass]
    return (
        np.concatenate([klass, klass[also_normal]]),
        np.concatenate(
            [centre * quotas + own_quota[klass], centre[also_normal] * quotas + _NORMAL]
        ),
    )


def _runs(begin: Ints, length: Ints) -> Ints:
    """All of begin[0], begin[0] + 1, ... (length[0] of them), begin[1], ... in one array."""
    offset = np.cumsum(length) - length
    return np.arange(int(length.sum())) + np.repeat(begin - offset, length)


def delay_cost(tables: Tables, classes: ClassTable, klass: Ints, slot: Ints) -> Ints:
    days = tables.slots.day[slot] - classes.original[klass]
    cost: Ints = days * (tables.policy.per_day + tables.policy.per_day_squared * days)
    return cost


def _change_cost(tables: Tables, classes: ClassTable, klass: Ints, slot: Ints) -> Ints:
    """What any slot but the own one costs on top of the delay."""
    policy, slots = tables.policy, tables.slots
    own = classes.own[klass]
    moves = 1 + policy.moved_before_factor * classes.moved_before
    km = tables.km[slots.centre[own], slots.centre[slot]]
    elsewhere = slots.centre[own] != slots.centre[slot]
    minutes = np.abs(slots.minute[own] - slots.minute[slot])
    cost: Ints = (
        policy.per_move * moves[klass]
        + elsewhere * (policy.centre_change + policy.per_km * km)
        + policy.per_hour * minutes // 60
    )
    return cost
