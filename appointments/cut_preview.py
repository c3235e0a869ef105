"""Whom a declaration would put in doubt, counted before it is made."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from appointments.cuts import Cell, Cut
from appointments.models import Appointment, Centre, Slot
from appointments.spreading import spread
from appointments.verbs import batches


def people_in_doubt(
    *, cuts: Sequence[Cut], centres: Collection[Centre], since: datetime, now: datetime
) -> int:
    """How many would get HOLD: everyone in a slot with more people than seats left.

    As `closures.close` and `outages.declare` do it, on the data of this moment: a cell's seats go
    to its slots to come; what began since the outage started, and days that have passed, keep none.
    """
    left: dict[Cell, int] = {(c.centre_id, c.date, c.quota): c.seats_left for c in cuts}
    days = {cut.date for cut in cuts}
    today = timezone.localdate(now)
    slots = Slot.objects.filter(centre__in=centres, starts_at__gte=since).filter(
        Q(date__in=days) | Q(date__lt=today)
    )
    by_cell: dict[Cell, list[Slot]] = defaultdict(list)
    for slot in slots.order_by("starts_at", "pk"):
        by_cell[slot.centre_id, slot.date, slot.quota].append(slot)
    over = [
        slot.pk
        for cell, inside in by_cell.items()
        if cell in left or cell[1] < today
        for slot in _over_subscribed(inside, left.get(cell, 0), now)
    ]
    return sum(
        Appointment.objects.filter(slot_id__in=part, state=Appointment.State.CONFIRMED).count()
        for part in batches(over)
    )


def _over_subscribed(slots: Sequence[Slot], seats_left: int, now: datetime) -> Iterable[Slot]:
    to_come = [slot for slot in slots if slot.starts_at > now]
    shares = dict(
        zip(
            (slot.pk for slot in to_come),
            spread(seats_left, [slot.seats for slot in to_come]),
            strict=True,
        )
    )
    # Another open outage may have closed some seats already: closures add up.
    return [s for s in slots if s.taken > max(0, shares.get(s.pk, 0) - s.closed)]
