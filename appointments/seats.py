"""The seat ledger: the one module that changes `Slot.taken`, `closed`, `paused`, `line_until`.

Counters move by conditional UPDATEs, so that a race is decided by the database and not by what
this process read before. A verb that touches several slots locks them in id order first. All
functions expect to run inside the caller's transaction.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils import timezone

from appointments.errors import Refusal
from appointments.models import Appointment, Closure, Hold, Outage, Quota, Slot
from appointments.verbs import batches

# Holds which a person takes on their own. The others keep a seat for an offer, and end with it.
OWN_PURPOSES = (Hold.Purpose.BOOKING, Hold.Purpose.CHANGE)
# How long a seat that came free is for those in line alone. They are offered it within a minute
# (waiting_list.offer_seats); should the clock stand still, the public gets it after two.
FIRST_REFUSAL = timedelta(minutes=2)


# More people and holds than seats are left.
OVERSUBSCRIBED = Q(taken__gt=F("seats") - F("closed"))


def lock_ids(slot_ids: Iterable[int]) -> list[int]:
    """Lock the slots in id order (no two callers can wait for each other); the ids, sorted."""
    ids = sorted(set(slot_ids))
    for part in batches(ids):
        list(
            Slot.objects.select_for_update(no_key=True)
            .filter(id__in=part)
            .order_by("id")
            .values("id")
        )
    return ids


def lock(slot_ids: Iterable[int]) -> dict[int, Slot]:
    """The slots, locked as by `lock_ids`, as they are under the lock."""
    found: dict[int, Slot] = {}
    for part in batches(lock_ids(slot_ids)):
        found.update(Slot.objects.in_bulk(part))
    return found


def is_free(now: datetime, *, in_line: bool) -> Q:
    """Slots with a seat that may be taken now: by the public, or for those in line."""
    free = Q(paused=False, taken__lt=F("seats") - F("closed"))
    return free if in_line else free & (Q(line_until__isnull=True) | Q(line_until__lte=now))


def take_in_line(*, slot_id: int, now: datetime) -> bool:
    """Take one seat for somebody in line; False if none is free."""
    slot = Slot.objects.filter(is_free(now, in_line=True), pk=slot_id, starts_at__gt=now)
    return bool(slot.update(taken=F("taken") + 1))


def take(*, slot_id: int, now: datetime, hold_swept: bool = False) -> None:
    """Take one seat for the public, or refuse (slot_full, slot_paused, slot_too_soon).

    When the slot is full, holds on it that have run out are freed first: nobody is told "full"
    because of a seat that the minute-sweep has not come to yet.
    """
    taken = Slot.objects.filter(is_free(now, in_line=False), pk=slot_id, starts_at__gt=now).update(
        taken=F("taken") + 1
    )
    if taken:
        return None
    if not hold_swept and free_expired_holds(now=now, slot_id=slot_id):
        return take(slot_id=slot_id, now=now, hold_swept=True)
    slot = Slot.objects.filter(pk=slot_id).first()
    if slot is None:
        raise Refusal("slot_not_found")
    if slot.starts_at <= now:
        raise Refusal("slot_too_soon")
    raise Refusal("slot_paused" if slot.paused else "slot_full")


def release(*, slot_id: int, to_public: bool = False) -> None:
    """Give one seat back: to those in line first, or as it was to the public.

    The constraint `slot_taken_within_seats` catches a double release.
    """
    changes = {} if to_public else {"line_until": _line_until(timezone.now())}
    Slot.objects.filter(pk=slot_id).update(taken=F("taken") - 1, **changes)


def _somebody_in_line() -> Q:
    """Somebody waits for a seat of the slot's region and quota, or was moved by an outage.

    Tatkaal may take normal seats too (Application.quotas).
    """
    wanted = ExpressionWrapper(OuterRef("quota"), output_field=CharField())
    quota_fits = (
        Q(application__on_hold=False, application__service=F("wanted"))
        | Q(application__on_hold=False, application__service=Quota.TATKAAL, wanted=Quota.NORMAL)
        | Q(application__on_hold=True, wanted=Quota.ON_HOLD)
    )
    waits = Q(state=Appointment.State.WAITING)
    moved = Q(
        state=Appointment.State.CONFIRMED, moved_count__gt=0, slot__date__gt=F("original_date")
    )
    here = Appointment.objects.annotate(wanted=wanted).filter(
        quota_fits, application__region=OuterRef("region")
    )
    return Q(Exists(here.filter(waits))) | Q(Exists(here.filter(moved)))


def _line_until(now: datetime) -> Case:
    """The column's new value where a seat comes free: unchanged if nobody is in line."""
    until = Value(now + FIRST_REFUSAL, output_field=DateTimeField())
    return Case(When(_somebody_in_line(), then=until), default=F("line_until"))


def first_refusal(*, slot_ids: Collection[int]) -> None:
    """Seats have come free in these slots: where somebody is in line, they are theirs first."""
    now = timezone.now()
    for part in batches(sorted(slot_ids)):
        Slot.objects.filter(id__in=part).filter(_somebody_in_line()).update(
            line_until=now + FIRST_REFUSAL
        )


def end_first_refusal(*, slot_ids: Collection[int], now: datetime) -> None:
    """Nobody in line takes what is left here: the public may. Not what came free after `now`."""
    for part in batches(sorted(slot_ids)):
        Slot.objects.filter(id__in=part, line_until__lte=now + FIRST_REFUSAL).update(
            line_until=None
        )


def free_expired_holds(*, now: datetime, slot_id: int | None = None) -> int:
    """Delete people's own holds that have run out and give their seats back. Returns how many.

    The seat was the public's a few minutes ago, and is again. A hold that keeps an offered seat
    ends with its offer.
    """
    expired = Hold.objects.filter(purpose__in=OWN_PURPOSES, expires_at__lte=now)
    if slot_id is not None:
        expired = expired.filter(slot_id=slot_id)
    lock(expired.values_list("slot_id", flat=True))
    freed: Counter[int] = Counter()
    # Deleted one by one through a conditional DELETE: a hold confirmed in the meantime is gone
    # already, and its seat is then not given back a second time.
    for hold in expired.order_by("slot_id", "id"):
        gone, _ = Hold.objects.filter(pk=hold.pk, expires_at__lte=now).delete()
        freed[hold.slot_id] += gone
    shift({slot: -seats for slot, seats in freed.items()})
    return freed.total()


def shift(changes: Mapping[int, int]) -> None:
    """Add to `taken`, slot by slot (negative: give back). For plans, undo and sweeps.

    No test for free seats: a plan proves that its seats are there (planning/verify.py) under the
    lock; `slot_taken_within_seats` stands behind it.
    """
    by_amount: dict[int, list[int]] = {}
    for slot_id, amount in changes.items():
        if amount:
            by_amount.setdefault(amount, []).append(slot_id)
    for amount, ids in sorted(by_amount.items()):
        for part in batches(ids):
            Slot.objects.filter(id__in=part).update(taken=F("taken") + amount)


def _open_closures() -> QuerySet[Closure]:
    return Closure.objects.filter(cut__outage__state=Outage.State.OPEN)


def _closed_now() -> Least:
    """min(seats, sum of the slot's closures of open outages), as SQL."""
    total = (
        _open_closures()
        .filter(slot=OuterRef("pk"))
        .values("slot")
        .annotate(total=Sum("seats"))
        .values("total")
    )
    return Least(F("seats"), Coalesce(Subquery(total, output_field=IntegerField()), Value(0)))


def recompute_closed(*, slot_ids: Collection[int], pause: bool) -> None:
    """Set `closed` from the closures of open outages; where any is left, `paused` = pause.

    A slot that no open outage touches any more is never paused.
    """
    ids = sorted(slot_ids)
    now = timezone.now()
    for part_ids in batches(ids):
        part = Slot.objects.filter(id__in=part_ids)
        part.filter(closed__gt=_closed_now()).update(line_until=_line_until(now))
        part.update(closed=_closed_now())
        part.filter(closed=0).update(paused=False)
        if pause:
            part.filter(closed__gt=0).update(paused=True)


def resume(*, slot_ids: Collection[int]) -> None:
    """Open settled slots again, to those in line first; over-subscribed ones wait for a plan."""
    now = timezone.now()
    for part in batches(sorted(slot_ids)):
        Slot.objects.filter(id__in=part, taken__lte=F("seats") - F("closed"), paused=True).update(
            paused=False, line_until=_line_until(now)
        )


def _taken_now() -> Greatest:
    seated = (
        Appointment.objects.filter(slot=OuterRef("pk"), state__in=Appointment.SEATED_STATES)
        .values("slot")
        .annotate(n=Count("pk"))
        .values("n")
    )
    held = (
        Hold.objects.filter(slot=OuterRef("pk")).values("slot").annotate(n=Count("pk")).values("n")
    )
    return Greatest(
        Coalesce(Subquery(seated, output_field=IntegerField()), Value(0))
        + Coalesce(Subquery(held, output_field=IntegerField()), Value(0)),
        Value(0),
    )


def recount(*, slot_ids: Collection[int] | None = None) -> None:
    """Set both counters from the rows. For bulk loads (demo data), never for repair in silence."""
    slots = Slot.objects.all() if slot_ids is None else Slot.objects.filter(id__in=slot_ids)
    slots.update(closed=_closed_now(), taken=_taken_now())


@dataclass(frozen=True)
class Difference:
    """A slot whose counters are not what its rows say."""

    slot_id: int
    taken: int
    taken_rows: int
    closed: int
    closed_rows: int


def check() -> list[Difference]:
    """Recompute both counters over the whole database; an empty list means that they agree."""
    slots = Slot.objects.annotate(taken_rows=_taken_now(), closed_rows=_closed_now())
    wrong = slots.filter(~Q(taken=F("taken_rows")) | ~Q(closed=F("closed_rows")))
    return [
        Difference(s.pk, s.taken, s.taken_rows, s.closed, s.closed_rows)
        for s in wrong.order_by("pk")
    ]
