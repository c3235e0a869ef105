"""Cuts before they are in force: how the seats that remain are spread, and whom that touches."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Sum

from appointments.errors import Refusal
from appointments.models import Centre, Slot
from appointments.spreading import spread

Cell = tuple[int, date, str]


@dataclass(frozen=True, order=True)
class Cut:
    """Seats that stay at a centre on a date in a quota."""

    centre_id: int
    date: date
    quota: str
    seats_left: int


@dataclass(frozen=True)
class CutPreview:
    """A cut beside what is there now, for the officer's table."""

    centre: Centre
    date: date
    quota: str
    seats: int
    seats_left: int
    taken: int

    @property
    def displaced(self) -> int:
        """People more than seats, at least (the slots of the day decide exactly)."""
        return max(0, self.taken - self.seats_left)


# --- Before saving: the rule and what it touches ------------------------------------------------


def seats_by_cell(
    centres: Collection[Centre], dates: Collection[date]
) -> dict[Cell, tuple[int, int]]:
    """(centre, date, quota) -> (seats, taken), in order of date, centre and quota."""
    rows = (
        Slot.objects.filter(centre__in=centres, date__in=dates)
        .values("centre_id", "date", "quota")
        .annotate(all_seats=Sum("seats"), all_taken=Sum("taken"))
        .order_by("date", "centre__name_en", "quota")
    )
    return {(r["centre_id"], r["date"], r["quota"]): (r["all_seats"], r["all_taken"]) for r in rows}


def spread_total(
    *, total_per_day: int, centres: Collection[Centre], dates: Collection[date]
) -> list[Cut]:
    """Spread the seats that remain on each day over centres and quotas.

    Rule: in proportion to the seats of each centre and quota that day, by largest remainder
    (appointments/spreading.py). The same rule then spreads a cell over its slots.
    """
    cells = seats_by_cell(centres, dates)
    by_day: dict[date, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_day[cell[1]].append(cell)
    cuts: list[Cut] = []
    for day_cells in by_day.values():
        shares = spread(total_per_day, [cells[cell][0] for cell in day_cells])
        cuts += [Cut(*cell, share) for cell, share in zip(day_cells, shares, strict=True)]
    return cuts


def preview(cuts: Iterable[Cut]) -> list[CutPreview]:
    """The cuts as a table: seats, seats left, people there now."""
    cuts = list(cuts)
    centres = Centre.objects.in_bulk({cut.centre_id for cut in cuts})
    cells = seats_by_cell(list(centres.values()), {cut.date for cut in cuts})
    return [
        CutPreview(
            centres[cut.centre_id],
            cut.date,
            cut.quota,
            *_with_left(cells.get((cut.centre_id, cut.date, cut.quota), (0, 0)), cut.seats_left),
        )
        for cut in cuts
    ]


def _with_left(cell: tuple[int, int], seats_left: int) -> tuple[int, int, int]:
    return cell[0], seats_left, cell[1]


def working_dates(centres: Collection[Centre], start: date, days: int) -> list[date]:
    """The next `days` dates from `start` on which these centres have slots."""
    dates = Slot.objects.filter(centre__in=centres, date__gte=start).values_list("date", flat=True)
    return list(dates.distinct().order_by("date")[:days])


def check_cuts(cuts: Sequence[Cut], touched: Collection[Centre]) -> None:
    """Each line once, within the scope, not negative."""
    allowed = {centre.pk for centre in touched}
    seen: set[Cell] = set()
    for line, cut in enumerate(cuts, start=1):
        cell = (cut.centre_id, cut.date, cut.quota)
        if cut.centre_id not in allowed:
            raise Refusal("cut_invalid", line=line, problem="centre outside the scope")
        if cut.seats_left < 0:
            raise Refusal("cut_invalid", line=line, problem="fewer than no seats")
        if cell in seen:
            raise Refusal("cut_invalid", line=line, problem="listed twice")
        seen.add(cell)
