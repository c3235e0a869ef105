"""One region's problem as arrays, so that millions of arcs are built without a Python loop.

Slots are rows in the order centre, quota, start, id: the slots of one centre and quota stand
together, by day, and so do the slots of one cell (centre, day, quota).
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from appointments.planning.geometry import km_between
from appointments.planning.problem import LOCAL_ZONE, QUOTAS, TIERS, Person, Policy, Problem, Slot

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Since 1970, exact: the order of moments as whole numbers."""
    return (moment - _EPOCH) // _MICROSECOND


@dataclass(frozen=True)
class SlotTable:
    id: Ints
    centre: Ints
    """Index into the problem's centres."""
    group: Ints
    """Centre and quota as one number, rising."""
    start: Ints
    """Microseconds since 1970."""
    day: Ints
    """Local date as an ordinal."""
    minute: Ints
    """Minute of the local day."""
    offer: Ints
    """Seats that the plan may give out."""
    cell: Ints
    """Index of the slot's cell."""
    cell_offer: Ints
    """By cell: what its slots offer, less the reserve."""

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True)
class ClassTable:
    """People of one tier for whom every seat costs the same, a class a row."""

    members: list[list[Person]]
    """By class, best rank first."""
    own: Ints
    """Row of the own slot."""
    service_tatkaal: Bools
    original: Ints
    """Day first promised, ordinal."""
    last_day: Ints
    """Last day before the travel; NEVER without one."""
    moved_before: Ints
    size: Ints

    def __len__(self) -> int:
        return len(self.own)

    def select(self, rows: Ints, travelling: bool = True) -> "ClassTable":
        """Some of the classes; without `travelling` as if nobody had a date of travel."""
        last_day = self.last_day[rows] if travelling else np.full(len(rows), NEVER)
        return ClassTable(
            members=[self.members[row] for row in rows],
            own=self.own[rows],
            service_tatkaal=self.service_tatkaal[rows],
            original=self.original[rows],
            last_day=last_day,
            moved_before=self.moved_before[rows],
            size=self.size[rows],
        )


@dataclass(frozen=True)
class Tables:
    policy: Policy
    now: int
    """Microseconds since 1970."""
    today: int
    """Local date of now, ordinal."""
    km: Ints
    """Whole kilometres between two centres."""
    slots: SlotTable
    tiers: dict[str, ClassTable]


def tabulate(problem: Problem) -> Tables:
    slots = _slot_table(problem)
    row_of = {slot_id: row for row, slot_id in enumerate(slots.id.tolist())}
    people: dict[str, list[Person]] = {tier: [] for tier in TIERS}
    for person in problem.pool:
        people[person.tier].append(person)
    return Tables(
        policy=problem.policy,
        now=microseconds(problem.now),
        today=problem.today.toordinal(),
        km=_distances(problem),
        slots=slots,
        tiers={tier: _class_table(people[tier], row_of, slots) for tier in TIERS},
    )


def _distances(problem: Problem) -> Ints:
    centres = problem.centres
    km = np.zeros((len(centres), len(centres)), dtype=np.int64)
    for i, a in enumerate(centres):
        for j, b in enumerate(centres[:i]):
            km[i, j] = km[j, i] = km_between(a, b)
    return km


def _slot_table(problem: Problem) -> SlotTable:
    centre_row = {centre.code: row for row, centre in enumerate(problem.centres)}
    rows = sorted(_slot_row(problem, slot, centre_row[slot.centre]) for slot in problem.slots)
    columns = np.array(rows, dtype=np.int64).reshape(-1, 8).T
    group, start, slot_id, centre, day, minute, offer, untouched = columns
    new_cell = np.ones(len(rows), dtype=bool)
    new_cell[1:] = (group[1:] != group[:-1]) | (day[1:] != day[:-1])
    cell = np.cumsum(new_cell) - 1
    cells = int(cell[-1]) + 1 if len(rows) else 0
    cell_offer = sum_by(cell, offer, cells)
    reserve = [problem.policy.reserved(seats) for seats in sum_by(cell, untouched, cells).tolist()]
    return SlotTable(
        id=slot_id,
        centre=centre,
        group=group,
        start=start,
        day=day,
        minute=minute,
        offer=offer,
        cell=cell,
        cell_offer=cell_offer - np.array(reserve, dtype=np.int64),
    )


def _slot_row(problem: Problem, slot: Slot, centre: int) -> tuple[int, ...]:
    local = slot.start.astimezone(LOCAL_ZONE)
    offer = problem.offer(slot)
    return (
        centre * len(QUOTAS) + QUOTAS.index(slot.quota),
        microseconds(slot.start),
        slot.id,
        centre,
        local.toordinal(),
        local.hour * 60 + local.minute,
        offer,
        0 if slot.over_subscribed else offer,
    )


def sum_by(key: Ints, values: Ints, keys: int) -> Ints:
    sums = np.zeros(keys, dtype=np.int64)
    np.add.at(sums, key, values)
    return sums


def _class_table(people: list[Person], row_of: dict[int, int], slots: SlotTable) -> ClassTable:
    """Classes in an order of their own, so that the order of the file does not matter."""
    day = slots.day.tolist()
    classes: dict[tuple[int, ...], list[Person]] = defaultdict(list)
    for person in people:
        own = row_of[person.slot]
        original = person.original.toordinal() if person.original else day[own]
        last_day = person.travel_date.toordinal() - 1 if person.travel_date else NEVER
        tatkaal = person.service == "tatkaal"
        classes[own, tatkaal, original, last_day, person.moved_before].append(person)
    keys = sorted(classes)
    columns = np.array(keys, dtype=np.int64).reshape(-1, 5).T
    members = [
        sorted(classes[key], key=lambda person: (person.booked_at, person.arn)) for key in keys
    ]
    return ClassTable(
        members=members,
        own=columns[0],
        service_tatkaal=columns[1].astype(bool),
        original=columns[2],
        last_day=columns[3],
        moved_before=columns[4],
        size=np.array([len(people) for people in members], dtype=np.int64),
    )
