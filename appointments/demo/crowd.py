"""Everybody who has booked: past days that have ended, full days next, thinner ones after."""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby

from appointments.demo.people import People, Wish
from appointments.demo.records import Records
from appointments.models import Application, Quota, Slot
from appointments.slots import local_moment

# Working days ahead that have no seat left, and how the rest thins out: a week after it about
# half, at the horizon's end about a tenth.
FULL_DAYS = 6
FEWEST, FADES_OVER = 0.08, 9
PAST_FULL = 0.98
CAME = 0.92

# Of the register, for each centre and quota: never booked, and cancelled.
UNBOOKED, CANCELLED = 2, 1

# How many come together, by service: weights of 1, 2, 3 and 4 people.
PARTY_SIZES = {"normal": (86, 8, 4, 2), "tatkaal": (90, 6, 2, 2), "pcc": (97, 3, 0, 0)}
# Tatkaal people in the normal quota, where a centre has both.
TATKAAL_IN_NORMAL = 0.15
# Mean days between booking and visit, beyond the first.
BOOKED_AHEAD = {"normal": 11, "tatkaal": 3, "pcc": 7}
LONGEST_AHEAD = 40
CHANGED_ONCE = 0.04
COMES_AGAIN = 0.4  # of those who did not come
PAPERS_MISSING = 0.006  # of those who came: on hold since
SEATS_AGAIN = 0.3  # chance that a cell's next seat goes to somebody who missed their date


def fill_share(ahead: int) -> float:
    """Share of the seats that are taken, `ahead` working days from today (today: 0).

    >>> [round(fill_share(day), 2) for day in (-1, 0, 6, 12, 20, 45)]
    [0.98, 1.0, 1.0, 0.55, 0.27, 0.09]
    """
    if ahead < 0:
        return PAST_FULL
    if ahead <= FULL_DAYS:
        return 1.0
    return FEWEST + (1 - FEWEST) * math.exp((FULL_DAYS - ahead) / FADES_OVER)


@dataclass(frozen=True)
class Day:
    """A working day of the build; `ahead` counts working days from today, past ones below 0."""

    date: date
    ahead: int
    slots: list[Slot]


ONE_MINUTE = timedelta(minutes=1)
Cell = tuple[int, str]


def _cell(slot: Slot) -> Cell:
    return slot.centre_id, slot.quota


class Crowd:
    """Fills day after day, in calendar order (who missed a past day may book a later one)."""

    def __init__(
        self,
        rng: random.Random,
        people: People,
        *,
        today: date,
        days: list[Day],
        reserved: Counter[int],
    ) -> None:
        self.rng = rng
        self.people = people
        self.today = today
        # Seats that are spoken for already, by slot id.
        self.reserved = reserved
        self._missed: dict[Cell, list[Application]] = defaultdict(list)
        self._coming: dict[Cell, list[Slot]] = defaultdict(list)
        for day in days:
            for slot in day.slots if day.ahead > 0 else []:
                self._coming[slot.centre_id, slot.quota].append(slot)
        self._with_tatkaal = {centre for centre, quota in self._coming if quota == Quota.TATKAAL}

    def fill(self, day: Day, records: Records) -> None:
        """Seat people in all slots of the day."""
        for cell, slots in groupby(day.slots, key=_cell):
            self._fill_cell(cell, self._seats(day, slots), day, records)

    def _seats(self, day: Day, slots: Iterable[Slot]) -> list[Slot]:
        """Each slot once for each of its seats that will be taken."""
        share = fill_share(day.ahead)
        if share < 1:
            share = min(1.0, share * self.rng.uniform(0.85, 1.15))
        seats = []
        for slot in slots:
            wanted = int(slot.seats * share + self.rng.random()) if share < 1 else slot.seats
            seats += [slot] * (min(wanted, slot.seats) - self.reserved[slot.pk])
        return seats

    def _fill_cell(self, cell: Cell, seats: list[Slot], day: Day, records: Records) -> None:
        place = 0
        while place < len(seats):
            if day.ahead > 2 and self._missed[cell] and self.rng.random() < SEATS_AGAIN:
                records.book(self._missed[cell].pop(), seats[place], self._last_evening())
                place += 1
                continue
            service = self._service(cell)
            size = self.rng.choices((1, 2, 3, 4), weights=PARTY_SIZES[service])[0]
            party = seats[place : place + size]
            self._seat(party, service, day, records)
            place += len(party)

    def _service(self, cell: Cell) -> str:
        centre_id, quota = cell
        if quota == Quota.NORMAL and centre_id in self._with_tatkaal:
            return "tatkaal" if self.rng.random() < TATKAAL_IN_NORMAL else "normal"
        return quota

    def _seat(self, seats: list[Slot], service: str, day: Day, records: Records) -> None:
        at = self.booked_at(day.date, service)
        wish = Wish(seats[0].centre_id, service, day.date, at)
        people = self.people.party(len(seats), wish)
        records.apply(people)
        for person, slot in zip(people, seats, strict=True):
            if day.ahead < 0:
                self._visited(person, slot, at, records)
            elif day.ahead > 0 and len(people) == 1 and self.rng.random() < CHANGED_ONCE:
                self._changed(person, slot, at, records)
            else:
                records.book(person, slot, at)

    def _visited(self, person: Application, slot: Slot, at: datetime, records: Records) -> None:
        came = self.rng.random() < CAME
        records.end(records.book(person, slot, at), came=came)
        if came:
            person.on_hold = self.rng.random() < PAPERS_MISSING
        elif self.rng.random() < COMES_AGAIN:
            self._missed[slot.centre_id, slot.quota].append(person)

    def _changed(self, person: Application, slot: Slot, at: datetime, records: Records) -> None:
        """Booked some other date of the cell first, and moved to this one later."""
        first = self.rng.choice(self._coming[slot.centre_id, slot.quota])
        appointment = records.book(person, first, at)
        if first.pk != slot.pk:
            minutes = (self._last_evening() - at) // ONE_MINUTE
            later = at + self.rng.randrange(1, minutes) * ONE_MINUTE
            records.change(appointment, slot, later)

    def leave_unbooked(self, day: Day, records: Records) -> None:
        """People of the register without an appointment: never booked one, or cancelled it."""
        for (centre_id, quota), group in groupby(day.slots, key=_cell):
            slots = list(group)
            for number in range(UNBOOKED + CANCELLED):
                at = self.booked_at(self.today, quota)
                wish = Wish(centre_id, service=quota, visit=None, booked_at=at)
                people = self.people.party(1, wish)
                records.apply(people)
                if number >= UNBOOKED:
                    appointment = records.book(people[0], self.rng.choice(slots), at)
                    hours = self.rng.randint(1, 3)
                    records.cancel(appointment, at + timedelta(hours=hours))

    # --- When ------------------------------------------------------------------------------------

    def booked_at(self, visit: date, service: str) -> datetime:
        """In waking hours before today, and long enough before the visit."""
        last = min(visit, self.today) - timedelta(days=1)
        back = min(int(self.rng.expovariate(1 / BOOKED_AHEAD[service])), LONGEST_AHEAD)
        day = last - timedelta(days=back)
        # The day before a visit, seats go until the early afternoon (settings.BOOKING_LEAD_HOURS).
        hours = 6 if day == visit - timedelta(days=1) else 12
        minutes = self.rng.randrange(hours * 60)
        return local_moment(day, time(8 + minutes // 60, minutes % 60))

    def _last_evening(self) -> datetime:
        """Yesterday evening, when the last of a past day's absences were known."""
        minute = self.rng.randrange(59)
        return local_moment(self.today - timedelta(days=1), time(20, minute))
