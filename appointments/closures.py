"""From a cut (seats left at a centre on a date in a quota) to each slot's closure.

Closures are rows, the record of what an outage took; the counter `Slot.closed` follows them
through appointments/seats.py.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from appointments import seats
from appointments.models import CapacityCut, Closure, Outage, Slot
from appointments.spreading import spread

Cell = tuple[int, date, str]


def _slots_by_cell(cuts: Sequence[CapacityCut]) -> dict[Cell, list[Slot]]:
    cells: dict[Cell, list[Slot]] = defaultdict(list)
    slots = Slot.objects.filter(
        centre_id__in={cut.centre_id for cut in cuts}, date__in={cut.date for cut in cuts}
    )
    for slot in slots.order_by("starts_at", "id"):
        cells[slot.centre_id, slot.date, slot.quota].append(slot)
    return cells


def _store(closures: Iterable[Closure]) -> None:
    Closure.objects.bulk_create(
        closures,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["cut", "slot"],
        update_fields=["seats"],
    )


def close(*, outage: Outage, cuts: Sequence[CapacityCut], now: datetime) -> list[int]:
    """Give each slot of the cuts its closure; returns the ids of the slots touched.

    The seats that remain go to the slots that are still to come, in proportion to their seats.
    Slots that began since the outage started keep none: whoever was not seen has to come again.
    Slots that began after the declaration stay as they were, because people were seen there.
    """
    cells = _slots_by_cell(cuts)
    closures: list[Closure] = []
    for cut in cuts:
        slots = [
            s for s in cells[cut.centre_id, cut.date, cut.quota] if s.starts_at >= outage.since
        ]
        to_come = [s for s in slots if s.starts_at > now]
        shares = spread(cut.seats_left, [s.seats for s in to_come])
        closures += [
            Closure(cut=cut, slot=slot, seats=slot.seats - share)
            for slot, share in zip(to_come, shares, strict=True)
        ]
        closures += [
            Closure(cut=cut, slot=slot, seats=slot.seats)
            for slot in slots
            if slot.starts_at <= min(now, outage.declared_at)
        ]
    _store(closures)
    touched = [closure.slot_id for closure in closures]
    seats.recompute_closed(slot_ids=touched, pause=True)
    return touched


def close_new_slots(*, slot_ids: Collection[int]) -> int:
    """Closures for slots opened while a cut is in force; returns how many were closed.

    The cut's seats may already lie in the cell's other slots: new slots get what is left of them.
    """
    new = set(slot_ids)
    dates = Slot.objects.filter(id__in=new).values_list("date", flat=True).distinct()
    cuts = list(
        CapacityCut.objects.filter(
            outage__state=Outage.State.OPEN, date__in=list(dates)
        ).select_related("outage")
    )
    cells = _slots_by_cell(cuts)
    given = dict[tuple[int, int], int](
        ((c.cut_id, c.slot_id), c.seats) for c in Closure.objects.filter(cut__in=cuts)
    )
    closures: list[Closure] = []
    for cut in cuts:
        slots = cells[cut.centre_id, cut.date, cut.quota]
        left = cut.seats_left - sum(
            s.seats - given[cut.pk, s.pk] for s in slots if (cut.pk, s.pk) in given
        )
        opened = [s for s in slots if s.pk in new and (cut.pk, s.pk) not in given]
        shares = spread(max(0, left), [s.seats for s in opened])
        closures += [
            Closure(cut=cut, slot=slot, seats=slot.seats - share)
            for slot, share in zip(opened, shares, strict=True)
        ]
    _store(closures)
    seats.recompute_closed(slot_ids=[closure.slot_id for closure in closures], pause=True)
    return len(closures)
