"""Declare an outage, change its cut, take it back, restore the service.

A declaration cuts seats; slots with more people than seats left become over-subscribed and their
people in doubt. Whom an outage moves is a plan's affair (appointments/plans.py).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from appointments import closures, messages, seat_offers, seats
from appointments.cuts import Cut, check_cuts, seats_by_cell
from appointments.errors import Refusal
from appointments.models import (
    Appointment,
    CapacityCut,
    Centre,
    Closure,
    Offer,
    OfficeEntry,
    Outage,
    Plan,
    Region,
    Slot,
    TimelineEntry,
)
from appointments.news import News
from appointments.permissions import check_may_steer, regions_of
from appointments.timeline import OFFICER, SYSTEM, entry, office
from appointments.verbs import BATCH, batches, verb
from notifications import outbox
from notifications.batches import hold_fast, progress

# --- Scope --------------------------------------------------------------------------------------


def centres_in_scope(
    *, scope: str, region: Region | None = None, centres: Collection[Centre] = ()
) -> list[Centre]:
    """The centres that a scope touches."""
    if scope == Outage.Scope.ALL:
        return list(Centre.objects.all())
    if scope == Outage.Scope.REGION:
        return list(Centre.objects.filter(region=region))
    return list(centres)


def centres_of(outage: Outage) -> list[Centre]:
    """The centres that an outage touches now."""
    return centres_in_scope(
        scope=outage.scope, region=outage.region, centres=list(outage.centres.all())
    )


def open_outages_at(centre_ids: Collection[int] | None = None) -> QuerySet[Outage]:
    """Open outages, or those that touch one of the centres."""
    outages = Outage.objects.filter(state=Outage.State.OPEN)
    if centre_ids is None:
        return outages
    return outages.filter(
        Q(scope=Outage.Scope.ALL) | Q(region__centres__in=centre_ids) | Q(centres__in=centre_ids)
    ).distinct()


# --- Declare ------------------------------------------------------------------------------------


@verb
def declare(
    *,
    by: User,
    request_key: UUID,
    scope: str,
    since: datetime,
    cause: str,
    text_en: str,
    text_hi: str,
    cuts: Sequence[Cut],
    region: Region | None = None,
    centres: Collection[Centre] = (),
    expected_until: datetime | None = None,
) -> Outage:
    """Open an outage: banner, closures, people in doubt, HOLD notices after the grace.

    The same request_key declares once, however often the form is sent. Days that have passed
    since `since` keep no seat: whoever was not seen there is in doubt too.
    """
    now = timezone.now()
    touched = centres_in_scope(scope=scope, region=region, centres=centres)
    if not touched:
        raise Refusal("scope_empty")
    check_may_steer(by, regions_of(touched))
    _check_end(since, expected_until)
    lock_regions(regions_of(touched))
    outage, created = Outage.objects.get_or_create(
        request_key=request_key,
        defaults={
            "scope": scope,
            "region": region if scope == Outage.Scope.REGION else None,
            "since": since,
            "expected_until": expected_until,
            "cause": cause,
            "text_en": text_en,
            "text_hi": text_hi,
            "declared_by": by,
            "declared_at": now,
            "grace_until": now + timedelta(minutes=settings.GRACE_MINUTES),
        },
    )
    if not created:
        return outage
    if scope == Outage.Scope.CENTRES:
        outage.centres.set(touched)
    check_cuts(cuts, touched)
    written = office(
        outage=outage,
        event=OfficeEntry.Event.DECLARED,
        at=now,
        actor=by,
        facts={"seats_left": sum(cut.seats_left for cut in cuts)},
    )
    all_cuts = [*cuts, *_days_passed(outage, touched, cuts, now)]
    _put_in_force(outage, all_cuts, written, now, by, send_after=outage.grace_until)
    return outage


def _days_passed(
    outage: Outage, touched: Collection[Centre], cuts: Sequence[Cut], now: datetime
) -> list[Cut]:
    """No seats on the days that the outage has already taken (docs/architecture.md)."""
    first, today = timezone.localdate(outage.since), timezone.localdate(now)
    named = {(cut.centre_id, cut.date, cut.quota) for cut in cuts}
    cells = (
        Slot.objects.filter(
            centre__in=touched, date__gte=first, date__lt=today, starts_at__gte=outage.since
        )
        .values_list("centre_id", "date", "quota")
        .distinct()
    )
    return [Cut(*cell, seats_left=0) for cell in cells if cell not in named]


def _put_in_force(
    outage: Outage,
    cuts: Sequence[Cut],
    written: OfficeEntry,
    now: datetime,
    by: User,
    *,
    send_after: datetime,
) -> None:
    """Lock the days' slots, close them, and put into doubt whoever is one too many.

    A seat that was only kept for an answer goes first.
    """
    slots = _slots_of_cells(cuts)
    # No offer is made while the region is locked: those that there are can only be answered.
    offered = seat_offers.touched_by(slots).values_list("new_slot_id", flat=True)
    seats.lock_ids([*slots.values_list("pk", flat=True), *offered])
    CapacityCut.objects.bulk_create(
        [
            CapacityCut(
                outage=outage,
                centre_id=cut.centre_id,
                date=cut.date,
                quota=cut.quota,
                seats_left=cut.seats_left,
            )
            for cut in cuts
        ],
        batch_size=500,
        update_conflicts=True,
        unique_fields=["outage", "centre", "date", "quota"],
        update_fields=["seats_left"],
    )
    wanted = {(cut.centre_id, cut.date, cut.quota) for cut in cuts}
    stored = [cut for cut in outage.cuts.all() if (cut.centre_id, cut.date, cut.quota) in wanted]
    touched = closures.close(outage=outage, cuts=stored, now=now)
    seat_offers.withdraw_from_oversubscribed(slot_ids=touched, now=now, by=by)
    _put_in_doubt(outage, touched, written, now, by, send_after=send_after)


def _slots_of_cells(cuts: Iterable[Cut]) -> QuerySet[Slot]:
    by_day: dict[date, set[int]] = defaultdict(set)
    for cut in cuts:
        by_day[cut.date].add(cut.centre_id)
    wanted = Q(pk__in=[])
    for day, centre_ids in by_day.items():
        wanted |= Q(date=day, centre_id__in=centre_ids)
    return Slot.objects.filter(wanted)


def _put_in_doubt(
    outage: Outage,
    slot_ids: Collection[int],
    written: OfficeEntry,
    now: datetime,
    by: User,
    *,
    send_after: datetime,
) -> None:
    """Everyone in an over-subscribed slot is in doubt, until a plan says who keeps the seat."""
    affected = list(
        Appointment.objects.with_people()
        .filter(
            state=Appointment.State.CONFIRMED,
            slot_id__in=slot_ids,
            slot__taken__gt=F("slot__seats") - F("slot__closed"),
        )
        .order_by("pk")
    )
    seat_offers.withdraw_from(affected, now=now, by=by)
    set_state(affected, Appointment.State.IN_DOUBT)
    write_timeline(affected, TimelineEntry.Event.IN_DOUBT, at=now, actor=by)
    messages.in_doubt(
        affected, outage=outage, key=f"entry:{written.pk}", send_after=send_after, now=now
    )


def set_state(appointments: Sequence[Appointment], state: Appointment.State) -> None:
    """One UPDATE per batch, and the objects in hand follow."""
    for part in batches([appointment.pk for appointment in appointments]):
        Appointment.objects.filter(pk__in=part).update(state=state)
    for appointment in appointments:
        appointment.state = state


def write_timeline(
    appointments: Iterable[Appointment],
    event: TimelineEntry.Event,
    *,
    at: datetime,
    actor: User | None,
    why: str = "",
) -> None:
    """The same event for many, where they are now."""
    by = SYSTEM if actor is None else OFFICER
    TimelineEntry.objects.bulk_create(
        [
            entry(
                appointment=a, event=event, at=at, actor=actor, by=by, why=why, from_slot=a.slot_id
            )
            for a in appointments
        ],
        batch_size=BATCH,
    )


# --- Within the grace ---------------------------------------------------------------------------


@verb
def send_notices_now(*, outage_id: int, by: User) -> Outage:
    """Let the HOLD notices leave before the grace ends. Again: changes nothing.

    Refused if none would leave: the grace would end for nothing, and the outage could no longer be
    taken back. Refusals: not_permitted, outage_not_open, notices_paused, notices_taken_back.
    """
    now = timezone.now()
    outage = _lock(outage_id)
    check_may_steer(by, regions_of(centres_of(outage)))
    _check_open(outage)
    if outage.grace_until > now:
        _check_some_may_leave(outage, now)
        outage.grace_until = now
        outage.save(update_fields=["grace_until"])
        outbox.send_now(batch=messages.hold_batch(outage.pk), now=now)
        office(outage=outage, event=OfficeEntry.Event.NOTICES_SENT, at=now, actor=by)
    return outage


def _check_some_may_leave(outage: Outage, now: datetime) -> None:
    batch = messages.hold_batch(outage.pk)
    hold_fast(batch)
    notices = progress(batch, now)
    if notices.taken_back and not notices.to_leave:
        raise Refusal("notices_taken_back")
    if notices.is_paused and notices.to_leave:
        raise Refusal("notices_paused")


@verb
def take_back(*, outage_id: int, by: User) -> Outage:
    """Declared by mistake: within the grace everything is as before, and nobody hears of it."""
    now = timezone.now()
    outage = _lock(outage_id)
    check_may_steer(by, regions_of(centres_of(outage)))
    if outage.state == Outage.State.WITHDRAWN:
        return outage
    _check_open(outage)
    if now >= outage.grace_until:
        raise Refusal("outage_grace_over")
    if outage.plans.filter(state=Plan.State.APPLIED).exists():
        raise Refusal("outage_has_plan")
    lock_waiting_plans(outage)
    _check_no_plan_in_grace(centres_of(outage), now)
    _drop_plans(outage, now, by)
    written = _end(outage, Outage.State.WITHDRAWN, OfficeEntry.Event.TAKEN_BACK, now, by)
    _settle_doubts(outage, written, now, by)
    return outage


# --- Change, restore ----------------------------------------------------------------------------


@verb
def change_cut(
    *, outage_id: int, cuts: Sequence[Cut], by: User, expected_until: datetime | None = None
) -> Outage:
    """Extend or change the cut of days to come. Days of the outage not listed are lifted.

    Newly over-subscribed slots put their people in doubt (HOLD at once: the outage is known by
    now); people whose slot has room again are told that they stand.
    """
    now = timezone.now()
    outage = _lock(outage_id)
    touched = centres_of(outage)
    check_may_steer(by, regions_of(touched))
    _check_open(outage)
    _check_no_plan_in_grace(touched, now)
    _check_end(outage.since, expected_until)
    lock_regions(regions_of(touched))
    check_cuts(cuts, touched)
    today = timezone.localdate(now)
    listed = {(cut.centre_id, cut.date, cut.quota) for cut in cuts}
    cells = seats_by_cell(touched, set(outage.cuts.values_list("date", flat=True)))
    lifted = [
        Cut(*cell, seats_left=cells[cell][0])
        for cut in outage.cuts.filter(date__gte=today)
        if (cell := (cut.centre_id, cut.date, cut.quota)) not in listed and cell in cells
    ]
    outage.expected_until = expected_until
    outage.save(update_fields=["expected_until"])
    written = office(
        outage=outage,
        event=OfficeEntry.Event.CUT_CHANGED,
        at=now,
        actor=by,
        facts={"seats_left": sum(cut.seats_left for cut in cuts)},
    )
    to_come = [cut for cut in cuts if cut.date >= today]
    send_after = max(outage.grace_until, now)
    _put_in_force(outage, [*to_come, *lifted], written, now, by, send_after=send_after)
    _settle_doubts(outage, written, now, by)
    return outage


@verb
def restore(*, outage_id: int, by: User) -> Outage:
    """The service is back: this outage's closures are lifted, people in doubt are told.

    Whose slot is still to come hears that it stands; whose day has passed goes to the waiting
    list. Plans not yet applied are dropped. Again: changes nothing.
    """
    now = timezone.now()
    outage = _lock(outage_id)
    touched = centres_of(outage)
    check_may_steer(by, regions_of(touched))
    if outage.state == Outage.State.RESTORED:
        return outage
    _check_open(outage)
    lock_waiting_plans(outage)
    _check_no_plan_in_grace(touched, now)
    _drop_plans(outage, now, by)
    written = _end(outage, Outage.State.RESTORED, OfficeEntry.Event.RESTORED, now, by)
    _settle_doubts(outage, written, now, by)
    return outage


def lock_waiting_plans(outage: Outage) -> None:
    """Plans that are about to be dropped: before the regions, in the order of all verbs."""
    waiting = outage.plans.filter(state__in=Plan.PENDING_STATES).order_by("pk")
    list(waiting.select_for_update(no_key=True).values("pk"))


def lock_regions(region_ids: Collection[int]) -> None:
    """One change of seats by an office at a time; nor is a slot opened at this very moment."""
    regions = Region.objects.filter(pk__in=region_ids).order_by("pk")
    list(regions.select_for_update(no_key=True).values("pk"))


def _drop_plans(outage: Outage, now: datetime, by: User) -> None:
    """Plans that still wait have nothing left to do."""
    for plan in outage.plans.filter(state__in=Plan.PENDING_STATES):
        plan.state = Plan.State.DROPPED
        plan.decide_by = None
        plan.save(update_fields=["state", "decide_by"])
        office(outage=outage, event=OfficeEntry.Event.DROPPED, at=now, actor=by, plan=plan)


def lock_open(outage_id: int) -> Outage:
    """Refusal: outage_not_open."""
    outage = _lock(outage_id)
    _check_open(outage)
    return outage


def _lock(outage_id: int) -> Outage:
    return Outage.objects.select_for_update(no_key=True).get(pk=outage_id)


def _check_end(since: datetime, expected_until: datetime | None) -> None:
    if expected_until is not None and expected_until <= since:
        raise Refusal("outage_ends_before_it_began")


def _check_open(outage: Outage) -> None:
    if not outage.is_open:
        raise Refusal("outage_not_open")


def _check_no_plan_in_grace(touched: Collection[Centre], now: datetime) -> None:
    """Also not a plan of another outage: its undo counts on the same seats.

    The regions are locked first, so that no plan begins its grace after this look.
    """
    lock_regions(regions_of(touched))
    in_grace = Plan.objects.filter(
        region__in=regions_of(touched), state=Plan.State.APPLIED, live_at__gt=now
    )
    if in_grace.exists():
        raise Refusal("plan_in_grace")


def _end(
    outage: Outage, state: Outage.State, event: OfficeEntry.Event, now: datetime, by: User
) -> OfficeEntry:
    outage.state = state
    outage.ended_at = now
    outage.ended_by = by
    outage.save(update_fields=["state", "ended_at", "ended_by"])
    slot_ids = _closed_slot_ids(outage)
    seats.lock_ids(slot_ids)
    seats.recompute_closed(slot_ids=slot_ids, pause=False)
    return office(outage=outage, event=event, at=now, actor=by)


def _closed_slot_ids(outage: Outage) -> list[int]:
    return list(
        Closure.objects.filter(cut__outage=outage).values_list("slot_id", flat=True).distinct()
    )


def _settle_doubts(outage: Outage, written: OfficeEntry, now: datetime, by: User) -> None:
    """Whoever this outage put in doubt and has room again: confirmed, and told if they knew.

    Whose visit has passed meanwhile goes to the waiting list (not if the outage never was).
    """
    relieved = list(
        Appointment.objects.with_people()
        .filter(
            state=Appointment.State.IN_DOUBT,
            slot_id__in=_closed_slot_ids(outage),
            slot__taken__lte=F("slot__seats") - F("slot__closed"),
        )
        .order_by("pk")
    )
    messages.take_back_doubts(relieved)
    withdrawn = outage.state == Outage.State.WITHDRAWN
    passed = [a for a in relieved if a.slot and a.slot.starts_at <= now and not withdrawn]
    stands = [a for a in relieved if a not in passed]
    set_state(stands, Appointment.State.CONFIRMED)
    write_timeline(stands, TimelineEntry.Event.STANDS, at=now, actor=by)
    kept = end_offers(stands, Offer.State.KEPT, now)
    key, batch = f"entry:{written.pk}", messages.entry_batch(written.pk)
    told = messages.in_the_dark(stands, kept=kept)
    news = messages.stands(told, outage=outage, key=key, batch=batch, send_after=now)
    news += to_waiting_list(
        passed, outage=outage, key=key, batch=batch, send_after=now, now=now, by=by
    )
    messages.tell(news, now=now)


def end_offers(
    appointments: Sequence[Appointment], state: Offer.State, now: datetime
) -> list[Offer]:
    """End what these people are still asked: events have answered it. Returns the questions."""
    ended: list[Offer] = []
    for part in batches([a.pk for a in appointments]):
        asked = Offer.objects.filter(appointment__in=part, state=Offer.State.OPEN)
        offers = list(asked.select_related("appointment"))
        asked.update(state=state, ended_at=now)
        messages.withdrawn(offers)
        ended += offers
    return ended


def to_waiting_list(
    appointments: Sequence[Appointment],
    *,
    outage: Outage,
    key: str,
    batch: str,
    send_after: datetime,
    now: datetime,
    by: User | None,
    reasons: Mapping[int, str] | None = None,
) -> list[News]:
    """Free the seats of these people and put them in line.

    Returns what they have to be told: that they lose nothing. `reasons`: appointment -> why a plan
    found no seat (a code of words.WHY).
    """
    if not appointments:
        return []
    old = {a.pk: a.slot for a in appointments if a.slot}
    write_timeline(appointments, TimelineEntry.Event.NO_SEAT, at=now, actor=by)
    seats.shift({slot: -n for slot, n in Counter(a.slot_id for a in appointments).items() if slot})
    own_date = Slot.objects.filter(pk=OuterRef("slot_id")).values("date")
    for part in batches([a.pk for a in appointments]):
        rows = Appointment.objects.filter(pk__in=part)
        rows.update(original_date=Coalesce(F("original_date"), Subquery(own_date)))
        rows.update(state=Appointment.State.WAITING, slot=None, waiting_since=now)
    end_offers(appointments, Offer.State.WITHDRAWN, now)
    return messages.no_seat(
        appointments,
        old,
        outage=outage,
        key=key,
        batch=batch,
        send_after=send_after,
        reasons=reasons or {},
    )
