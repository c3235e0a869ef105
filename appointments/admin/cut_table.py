"""The table of seats that stay: a number for each centre, quota and day."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms

from appointments.cuts import Cell, Cut
from appointments.models import Centre, Quota
from notifications import dates

# What is in a cell now: (seats, people there, holds included).
Seats = Mapping[Cell, tuple[int, int]]


@dataclass(frozen=True)
class CellView:
    field: forms.BoundField
    seats: int
    taken: int
    left: int

    @property
    def displaced(self) -> int:
        return max(0, self.taken - self.left)


@dataclass(frozen=True)
class RowView:
    quota: str
    # One for each day of the table; None where the quota has no seats that day.
    cells: list[CellView | None]


@dataclass(frozen=True)
class CentreView:
    centre: Centre
    rows: list[RowView]


@dataclass(frozen=True)
class DayView:
    date: date
    seats: int
    taken: int
    left: int
    displaced: int


class CutForm(forms.Form):
    """Bound to what was typed, or showing `left`. Every wrong number is an error at its cell."""

    def __init__(
        self,
        *,
        seats: Seats,
        centres: Collection[Centre],
        left: Mapping[Cell, int],
        data: Any = None,
    ) -> None:
        super().__init__(data)
        self.seats = seats
        self.dates = sorted({cell[1] for cell in seats})
        self._centres = [c for c in centres if any(cell[0] == c.pk for cell in seats)]
        names = {centre.pk: centre.name_en for centre in self._centres}
        for cell, (all_seats, _taken) in seats.items():
            self.fields[name_of(cell)] = _field(cell, names[cell[0]], all_seats, left.get(cell))

    def cuts(self) -> list[Cut]:
        """After is_valid(): the cuts as typed."""
        return [Cut(*cell, self.cleaned_data[name_of(cell)]) for cell in self.seats]

    def cuts_as_shown(self) -> list[Cut]:
        """The cuts with the numbers that make sense, to count with before all are right."""
        return [Cut(*cell, self.left(cell)) for cell in self.seats]

    def left(self, cell: Cell) -> int:
        """The number in a cell as far as it makes sense, else what is there now."""
        value, seats = self[name_of(cell)].value(), self.seats[cell][0]
        typed = "" if value is None else str(value).strip()
        return min(int(typed), seats) if typed.isdecimal() else seats

    def groups(self) -> Iterator[CentreView]:
        quotas = [str(quota) for quota in Quota.values]
        for centre in self._centres:
            rows = [
                RowView(str(Quota(quota).label), cells)
                for quota in quotas
                if any(cells := [self._cell((centre.pk, day, quota)) for day in self.dates])
            ]
            yield CentreView(centre, rows)

    def _cell(self, cell: Cell) -> CellView | None:
        if cell not in self.seats:
            return None
        seats, taken = self.seats[cell]
        return CellView(self[name_of(cell)], seats, taken, self.left(cell))

    def days(self) -> list[DayView]:
        return [self._day(day) for day in self.dates]

    def _day(self, day: date) -> DayView:
        cells = [
            (seats, taken, self.left(cell))
            for cell, (seats, taken) in self.seats.items()
            if cell[1] == day
        ]
        return DayView(
            date=day,
            seats=sum(seats for seats, _, _ in cells),
            taken=sum(taken for _, taken, _ in cells),
            left=sum(left for _, _, left in cells),
            displaced=sum(max(0, taken - left) for _, taken, left in cells),
        )

    @property
    def displaced(self) -> int:
        """How many people at least lose their seat: the slots of a day can only add to it."""
        return sum(day.displaced for day in self.days())

    @property
    def is_wide(self) -> bool:
        """More days than fit beside each other: the table scrolls by itself."""
        return len(self.dates) > 3


def name_of(cell: Cell) -> str:
    centre_id, day, quota = cell
    return f"cut-{centre_id}-{day.isoformat()}-{quota}"


def _field(cell: Cell, centre: str, seats: int, left: int | None) -> forms.IntegerField:
    _, day, quota = cell
    wrong = f"A whole number from 0 to {seats}."
    what = f"{centre}, {Quota(quota).label}, {dates.short_day(day, 'en')}: seats that stay"
    return forms.IntegerField(
        label=what,
        min_value=0,
        max_value=seats,
        initial=seats if left is None else left,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), wrong),
        widget=forms.NumberInput(attrs={"aria-label": what, "data-seats": seats}),
    )
