"""Prepare a plan, approve it, apply it, undo it, settle it.

A plan is solved twice: when it is prepared, for the officers to see, and afresh when it is
applied, on the data of that moment and under lock, within the bounds that were approved.

Who applies it is an officer, or the clock at an hour that the approval carries (decide_by.py).
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from appointments import alerts, messages, seats
from appointments.deadlines import answer_deadline
from appointments.errors import Refusal
from appointments.models import (
    Appointment,
    Closure,
    Offer,
    OfficeEntry,
    Outage,
    Plan,
    PlanLine,
    Region,
    Slot,
    TimelineEntry,
)
from appointments.news import News
from appointments.outages import (
    centres_of,
    lock_regions,
    lock_waiting_plans,
    set_state,
    to_waiting_list,
    write_timeline,
)
from appointments.permissions import check_may_steer, regions_of
from appointments.plan_figures import figures_of, over_bounds
from appointments.plan_problem import (
    Situation,
    ids_of_people,
    ids_of_slots,
    situation_of,
)
from appointments.planning.errors import PlanningError
from appointments.planning.plan import Decision, Outcome
from appointments.planning.problem import Policy
from appointments.planning.reasons import Reason
from appointments.planning.scenario import parse_policy, policy_as_json
from appointments.planning.solver import solve
from appointments.planning.verify import verify
from appointments.timeline import OFFICER, entry, office
from appointments.tokens import digest, new_token
from appointments.verbs import BATCH, batches, snapshot, verb
from notifications import outbox

log = logging.getLogger(__name__)

# What a lone officer's own approval has to wait (docs/architecture.md).
LONE_WAIT = timedelta(minutes=15)
# How far ahead the hour of an approval may lie: over a long weekend, not over a wrong month.
HOUR_WITHIN = timedelta(days=7)


# --- Prepare ------------------------------------------------------------------------------------


def prepare(
    *,
    outage_id: int,
    region_id: int,
    by: User,
    silence: str = Plan.Silence.KEEP,
    policy: Policy | None = None,
) -> Plan:
    """Solve the region as it is now and store the result for officers to see. Moves nobody.

    Reads one moment and solves without a lock: applicants go on meanwhile. A plan of the same
    outage and region that still waits is dropped: the newest one counts.
    Refusals: not_permitted, outage_not_open, plan_nobody, plan_in_grace.
    """
    now = timezone.now()
    policy = policy or Policy()
    region = Region.objects.get(pk=region_id)
    check_may_steer(by, [region_id])
    with snapshot():
        situation = situation_of(region=region, policy=policy, now=now)
    return _store_prepared(
        outage_id=outage_id,
        region=region,
        by=by,
        silence=silence,
        lines=_lines_of(situation),
        situation=situation,
    )


@verb
def _store_prepared(
    *,
    outage_id: int,
    region: Region,
    by: User,
    silence: str,
    lines: list[PlanLine],
    situation: Situation,
) -> Plan:
    now = situation.problem.now
    outage = _lock_outage(outage_id, by, region.pk)
    _check_no_grace(region, now)
    if not lines:
        raise Refusal("plan_nobody")
    for old in outage.plans.filter(region=region, state__in=Plan.PENDING_STATES):
        _drop(old, now, by, why="a newer plan was prepared")
    plan = Plan.objects.create(
        outage=outage,
        region=region,
        policy=policy_as_json(situation.problem.policy),
        silence=silence,
        prepared_by=by,
        prepared_at=now,
    )
    _store(plan, lines, situation)
    office(
        outage=outage,
        event=OfficeEntry.Event.PREPARED,
        at=now,
        actor=by,
        plan=plan,
        facts=plan.summary["total"],
    )
    alerts.plan_waits(plan, now=now)
    return plan


def _lock_outage(outage_id: int, by: User, region_id: int) -> Outage:
    outage = Outage.objects.select_for_update(no_key=True).get(pk=outage_id)
    touched = regions_of(centres_of(outage))
    if region_id not in touched:
        raise Refusal("not_permitted")
    check_may_steer(by, [region_id])
    if not outage.is_open:
        raise Refusal("outage_not_open")
    lock_waiting_plans(outage)
    lock_regions([region_id])
    return outage


def _check_no_grace(region: Region, now: datetime) -> None:
    """Within a grace an undo must find everything as the plan left it."""
    if Plan.objects.filter(region=region, state=Plan.State.APPLIED, live_at__gt=now).exists():
        raise Refusal("plan_in_grace")


@verb
def drop(*, plan_id: int, by: User, why: str = "") -> Plan:
    """Put a plan aside that was not applied, approved or not. Again: changes nothing."""
    now = timezone.now()
    plan = lock_plan(plan_id, by)
    if plan.state == Plan.State.DROPPED:
        return plan
    if plan.state not in Plan.PENDING_STATES:
        raise Refusal("plan_not_prepared")
    _drop(plan, now, by, why=why)
    return plan


def _drop(plan: Plan, now: datetime, by: User | None, *, why: str) -> None:
    plan.state = Plan.State.DROPPED
    plan.decide_by = None
    plan.save(update_fields=["state", "decide_by"])
    office(
        outage=plan.outage,
        event=OfficeEntry.Event.DROPPED,
        at=now,
        actor=by,
        plan=plan,
        why=why,
    )


def _lines_of(situation: Situation) -> list[PlanLine]:
    """Solve, and prove the solution by code that shares nothing with the solver.

    Unsaved lines, one for each person who competes or was in doubt.
    """
    lines: list[PlanLine] = []
    if situation.people:
        try:
            solution = solve(situation.problem)
            verify(situation.problem, solution)
        except PlanningError as error:
            # Not the text: it may name people by their number.
            log.error("no plan: %s", type(error).__name__)
            raise Refusal("planning_failed", problem=error) from error
        lines = [_line(situation, decision) for decision in solution.decisions]
    lines += [_kept(situation, appointment) for appointment in situation.relieved]
    return lines + [_passed(situation, appointment) for appointment in situation.passed]


def _line(situation: Situation, decision: Decision) -> PlanLine:
    appointment = situation.people[decision.arn]
    assert appointment.slot is not None  # appointment_slot_fits_state
    return PlanLine(
        appointment=appointment,
        tier=situation.tiers[appointment.application_id],
        outcome=PlanLine.Outcome(decision.outcome),
        reason=decision.reason or "",
        from_slot=appointment.slot,
        to_slot_id=decision.slot,
        delay_days=decision.delay_days,
        km=decision.km,
        was_state=appointment.state,
        was_original_date=appointment.original_date,
        was_moved_count=appointment.moved_count,
    )


def _kept(situation: Situation, appointment: Appointment) -> PlanLine:
    """In doubt, but the slot has room again: keeps the seat without competing for it."""
    assert appointment.slot is not None
    first = appointment.original_date or appointment.slot.date
    return PlanLine(
        appointment=appointment,
        tier=situation.tiers[appointment.application_id],
        outcome=PlanLine.Outcome.KEEP,
        from_slot=appointment.slot,
        to_slot=appointment.slot,
        delay_days=(appointment.slot.date - first).days,
        was_state=appointment.state,
        was_original_date=appointment.original_date,
        was_moved_count=appointment.moved_count,
    )


def _passed(situation: Situation, appointment: Appointment) -> PlanLine:
    """In doubt while the visit began: no seat to keep, and a new one is theirs to choose."""
    line = _kept(situation, appointment)
    line.outcome = PlanLine.Outcome.UNPLACED
    line.reason = Reason.SLOT_PAST
    line.to_slot = None
    line.delay_days = None
    return line


def _store(plan: Plan, lines: Sequence[PlanLine], situation: Situation) -> None:
    for line in lines:
        line.plan = plan
    plan.lines.all().delete()
    PlanLine.objects.bulk_create(lines, batch_size=BATCH)
    plan.summary = figures_of(lines, situation.slots)
    plan.fingerprint = _fingerprint(lines)
    plan.save(update_fields=["summary", "fingerprint"])


def _fingerprint(lines: Iterable[PlanLine]) -> str:
    """Digest of who goes where: equal for equal plans, whatever the row ids."""
    rows = sorted((x.appointment_id, x.outcome, x.to_slot_id or 0) for x in lines)
    return hashlib.sha256(repr(rows).encode()).hexdigest()


# --- Approve ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bounds:
    """What an approval allows the applied plan to be at most."""

    moved: int
    unplaced: int
    worst_delay_days: Mapping[str, int]  # by tier

    def as_json(self) -> dict[str, Any]:
        return asdict(replace(self, worst_delay_days=dict(self.worst_delay_days)))


def suggested_bounds(plan: Plan) -> Bounds:
    """The prepared plan with a little room: people come and go until it is applied."""
    total = plan.summary["total"]
    room = max(10, total["people"] // 50)
    return Bounds(
        moved=total["move"] + room,
        # A person without a seat is worse than one moved: hardly any room here.
        unplaced=total["unplaced"] + max(3, total["people"] // 500),
        worst_delay_days={
            tier: worst + 3 for tier, worst in plan.summary["worst_delay_days"].items()
        },
    )


@verb
def approve(
    *,
    plan_id: int,
    by: User,
    bounds: Bounds,
    fingerprint: str,
    reason: str = "",
    decide_by: datetime | None = None,
) -> Plan:
    """Allow the plan, as it was seen (fingerprint), to be applied within bounds.

    By a second officer. Who prepared it may approve it alone only where the region allows, with a
    reason, and must wait LONE_WAIT; the other officers are told. `decide_by`: the clock applies it
    then if the outage is still open (decide_by.py). Again: changes nothing.
    """
    now = timezone.now()
    plan = lock_plan(plan_id, by)
    if plan.state == Plan.State.APPROVED:
        return plan
    if plan.state != Plan.State.PREPARED:
        raise Refusal("plan_not_prepared")
    if plan.fingerprint != fingerprint:
        raise Refusal("plan_changed")
    problem = over_bounds(plan.summary, bounds.as_json())
    if problem:
        raise Refusal("bounds_too_small", problem=problem)
    alone = plan.prepared_by_id == by.pk
    if alone:
        _check_alone(plan, reason)
    plan.state = Plan.State.APPROVED
    plan.approved_by = by
    plan.approved_at = now
    plan.bounds = bounds.as_json()
    plan.lone_reason = reason if alone else ""
    plan.not_before = now + LONE_WAIT if alone else None
    if decide_by:
        check_hour(decide_by, now=now, not_before=plan.not_before)
    plan.decide_by = decide_by
    plan.held_back = ""
    plan.save()
    office(
        outage=plan.outage,
        event=OfficeEntry.Event.APPROVED,
        at=now,
        actor=by,
        plan=plan,
        why=reason,
        facts={"alone": alone, **plan.bounds, **hour_fact(decide_by)},
    )
    if alone:
        alerts.approved_alone(plan, now=now)
    return plan


def _check_alone(plan: Plan, reason: str) -> None:
    if not plan.region.lone_approval:
        raise Refusal("lone_not_allowed")
    if not reason.strip():
        raise Refusal("lone_reason_missing")


def check_hour(at: datetime, *, now: datetime, not_before: datetime | None) -> None:
    """An hour to come, not too far off, and not before a lone approval may be applied."""
    if at <= now:
        raise Refusal("hour_past")
    if at > now + HOUR_WITHIN:
        raise Refusal("hour_far", days=HOUR_WITHIN.days)
    if not_before and at < not_before:
        whole_minute = not_before + timedelta(seconds=59)
        raise Refusal("hour_before_wait", at=timezone.localtime(whole_minute).strftime("%H:%M"))


def hour_fact(at: datetime | None) -> dict[str, object]:
    """As the log keeps it."""
    return {"decide_by": at.isoformat()} if at else {}


def hour_of(facts: Mapping[str, Any]) -> datetime | None:
    said = facts.get("decide_by")
    return datetime.fromisoformat(said) if said else None


def lock_plan(plan_id: int, by: User | None) -> Plan:
    """The outage first, then the plan: the order of every verb that touches both.

    `by` must be permitted to steer its region; None: the clock.
    """
    outage_id = Plan.objects.values_list("outage_id", flat=True).get(pk=plan_id)
    Outage.objects.select_for_update(no_key=True).get(pk=outage_id)
    plan = (
        Plan.objects.select_for_update(of=("self",), no_key=True)
        .select_related("outage", "region")
        .get(pk=plan_id)
    )
    if by is not None:
        check_may_steer(by, [plan.region_id])
    lock_regions([plan.region_id])
    return plan


# --- Apply --------------------------------------------------------------------------------------


@verb
def apply(*, plan_id: int, by: User) -> Plan:
    """Solve afresh under lock and put everyone where the solution says, or change nothing.

    Outside the approved bounds the plan goes back to `prepared`, with the new lines, for an
    officer to look at: the caller sees it by the state. Again: changes nothing.
    """
    now = timezone.now()
    plan = lock_plan(plan_id, by)
    if plan.state == Plan.State.APPLIED:
        return plan
    if plan.state != Plan.State.APPROVED:
        raise Refusal("plan_not_approved")
    if not plan.outage.is_open:
        raise Refusal("outage_not_open")
    if plan.not_before and now < plan.not_before:
        raise Refusal("plan_waits", at=timezone.localtime(plan.not_before).strftime("%H:%M"))
    fresh = solve_afresh(plan, now)
    if fresh.problem:
        return _back_to_officer(plan, fresh.problem, now, by)
    plan.decide_by = None  # an officer was faster than the clock
    put_in_force(plan, fresh, now, by)
    return plan


@dataclass(frozen=True)
class Fresh:
    """The plan as the data of this moment make it; `problem`: how it exceeds what was approved."""

    lines: Sequence[PlanLine]
    slots: Mapping[int, Slot]
    problem: str


def solve_afresh(plan: Plan, now: datetime) -> Fresh:
    """Under lock; its lines become the plan's, whether or not they are within the bounds.

    Refusals: plan_in_grace, planning_failed.
    """
    _check_no_grace(plan.region, now)
    lines, situation = _solve_under_lock(plan.region, parse_policy(plan.policy), now)
    _store(plan, lines, situation)
    return Fresh(lines, situation.slots, over_bounds(plan.summary, plan.bounds))


def put_in_force(plan: Plan, fresh: Fresh, now: datetime, by: User) -> None:
    """Everyone to where the fresh lines say; the grace begins. `plan.decide_by`: by the clock."""
    plan.state = Plan.State.APPLIED
    plan.applied_by = by
    plan.applied_at = now
    plan.live_at = now + timedelta(minutes=settings.GRACE_MINUTES)
    plan.held_back = ""
    plan.save()
    _carry_out(plan, fresh.lines, fresh.slots, now, by)
    office(
        outage=plan.outage,
        event=OfficeEntry.Event.APPLIED,
        at=now,
        actor=by,
        plan=plan,
        facts={**plan.summary["total"], **hour_fact(plan.decide_by)},
    )


def _solve_under_lock(
    region: Region, policy: Policy, now: datetime
) -> tuple[list[PlanLine], Situation]:
    """Slots first, then appointments: nobody books, cancels or answers until this ends."""
    seats.lock_ids(ids_of_slots(region, policy, now))
    for part in batches(ids_of_people(region)):
        list(
            Appointment.objects.select_for_update(no_key=True)
            .filter(pk__in=part)
            .order_by("pk")
            .values("pk")
        )
    situation = situation_of(region=region, policy=policy, now=now)
    return _lines_of(situation), situation


def void_approval(plan: Plan) -> None:
    """It waits for an approval again, with the lines that it has now. Saved by the caller."""
    plan.state = Plan.State.PREPARED
    plan.approved_by = None
    plan.approved_at = None
    plan.lone_reason = ""
    plan.not_before = None
    plan.decide_by = None


def _back_to_officer(plan: Plan, problem: str, now: datetime, by: User) -> Plan:
    void_approval(plan)
    plan.held_back = ""
    plan.save()
    office(
        outage=plan.outage,
        event=OfficeEntry.Event.OUT_OF_BOUNDS,
        at=now,
        actor=by,
        plan=plan,
        why=problem,
        facts=plan.summary["total"],
    )
    alerts.plan_back(plan, by=by, now=now)
    return plan


def _carry_out(
    plan: Plan, lines: Sequence[PlanLine], slots: Mapping[int, Slot], now: datetime, by: User
) -> None:
    """Seats, appointments, timelines, offers and outbox rows, all set-based."""
    by_outcome: dict[str, list[PlanLine]] = {outcome: [] for outcome in Outcome}
    for line in lines:
        by_outcome[line.outcome].append(line)
    news = _keep(plan, by_outcome[Outcome.KEEP], now, by)
    news += _move(plan, by_outcome[Outcome.MOVE], slots, now, by)
    news += _leave_unplaced(plan, by_outcome[Outcome.UNPLACED], now, by)
    messages.tell(news, now=now)


def _keep(plan: Plan, lines: Sequence[PlanLine], now: datetime, by: User) -> list[News]:
    assert plan.live_at is not None
    people = [line.appointment for line in lines]
    set_state(people, Appointment.State.CONFIRMED)
    write_timeline(people, TimelineEntry.Event.STANDS, at=now, actor=by)
    # Told that the seat stands: an older question about it is thereby answered.
    _withdraw_offers(plan, Outcome.KEEP, now, state=Offer.State.KEPT)
    return messages.stands(
        people,
        outage=plan.outage,
        key=f"plan:{plan.pk}",
        batch=messages.plan_batch(plan.pk),
        send_after=plan.live_at,
    )


def _move(
    plan: Plan,
    lines: Sequence[PlanLine],
    slots: Mapping[int, Slot],
    now: datetime,
    by: User,
) -> list[News]:
    if not lines:
        return []
    seats.shift(_seat_changes(lines))
    line = PlanLine.objects.filter(plan=plan, appointment=OuterRef("pk"))
    Appointment.objects.filter(pk__in=_people(plan, Outcome.MOVE)).update(
        slot_id=Subquery(line.values("to_slot_id")),
        state=Appointment.State.CONFIRMED,
        moved_count=F("moved_count") + 1,
        original_date=Coalesce(F("original_date"), Subquery(line.values("from_slot__date"))),
    )
    TimelineEntry.objects.bulk_create(
        [
            entry(
                appointment=x.appointment,
                event=TimelineEntry.Event.MOVED,
                at=now,
                actor=by,
                by=OFFICER,
                why=x.reason,
                from_slot=x.from_slot_id,
                to_slot=x.to_slot_id,
            )
            for x in lines
        ],
        batch_size=BATCH,
    )
    return _open_offers(plan, lines, slots, now)


def _people(plan: Plan, outcome: Outcome) -> Any:
    return PlanLine.objects.filter(plan=plan, outcome=outcome).values("appointment_id")


def _seat_changes(lines: Iterable[PlanLine], *, back: bool = False) -> dict[int, int]:
    """Change of `taken` per slot for moves, or for taking them back."""
    changes: Counter[int] = Counter()
    for line in lines:
        assert line.to_slot_id is not None
        changes[line.from_slot_id] += 1 if back else -1
        changes[line.to_slot_id] -= 1 if back else -1
    return dict(changes)


def _open_offers(
    plan: Plan, lines: Sequence[PlanLine], slots: Mapping[int, Slot], now: datetime
) -> list[News]:
    """Ask each person moved. An offer that was still open is withdrawn: one message replaces it."""
    assert plan.live_at is not None
    replaced = _withdraw_offers(plan, Outcome.MOVE, now)
    offers: list[tuple[Offer, str, bool]] = []
    for line in lines:
        token = new_token()
        assert line.to_slot_id is not None
        new = slots[line.to_slot_id]
        offer = Offer(
            appointment=line.appointment,
            plan=plan,
            kind=Offer.Kind.MOVED,
            silence=plan.silence,
            old_slot=slots[line.from_slot_id],
            new_slot=new,
            token_hash=digest(token),
            live_at=plan.live_at,
            deadline=answer_deadline(live_at=plan.live_at, visit_at=new.starts_at),
            created_at=now,
        )
        offers.append((offer, token, line.appointment_id in replaced))
    Offer.objects.bulk_create([offer for offer, _, _ in offers], batch_size=BATCH)
    batch = messages.plan_batch(plan.pk)
    reasons = {line.appointment_id: line.reason for line in lines}
    return messages.offered(offers, outage=plan.outage, batch=batch, reasons=reasons)


def _withdraw_offers(
    plan: Plan, outcome: Outcome, now: datetime, state: Offer.State = Offer.State.WITHDRAWN
) -> set[int]:
    open_offers = Offer.objects.filter(
        state=Offer.State.OPEN, appointment__in=_people(plan, outcome)
    )
    people = set(open_offers.values_list("appointment_id", flat=True))
    open_offers.update(state=state, ended_at=now, withdrawn_by=plan)
    return people


def _leave_unplaced(plan: Plan, lines: Sequence[PlanLine], now: datetime, by: User) -> list[News]:
    assert plan.live_at is not None
    _withdraw_offers(plan, Outcome.UNPLACED, now)
    people = [line.appointment for line in lines]
    return to_waiting_list(
        people,
        outage=plan.outage,
        key=f"plan:{plan.pk}",
        batch=messages.plan_batch(plan.pk),
        send_after=plan.live_at,
        now=now,
        by=by,
        reasons={line.appointment_id: line.reason for line in lines},
    )


# --- Undo ---------------------------------------------------------------------------------------


@verb
def undo(*, plan_id: int, by: User, why: str = "") -> Plan:
    """Within the grace: everyone back where they were, in doubt as before; no message leaves.

    A new, recorded step. Whoever has acted since (cancelled, changed) stays where they chose.
    Again: changes nothing.
    """
    now = timezone.now()
    plan = lock_plan(plan_id, by)
    if plan.state == Plan.State.UNDONE:
        return plan
    if plan.state != Plan.State.APPLIED or plan.live_at is None or now >= plan.live_at:
        raise Refusal("plan_not_undoable")
    lines = list(plan.lines.select_related("appointment").order_by("appointment_id"))
    seats.lock_ids(slot for line in lines for slot in (line.from_slot_id, line.to_slot_id) if slot)
    lines = _still_as_planned(lines)
    _put_back(plan, lines, now, by)
    outbox.cancel(batch=messages.plan_batch(plan.pk), reason="plan undone")
    # Another outage may have put the new visit in doubt meanwhile: nobody has heard of that visit.
    people = [line.appointment for line in lines]
    messages.take_back_doubts(people, written_since=plan.applied_at)
    plan.state = Plan.State.UNDONE
    plan.undone_by = by
    plan.undone_at = now
    plan.save(update_fields=["state", "undone_by", "undone_at"])
    office(
        outage=plan.outage,
        event=OfficeEntry.Event.UNDONE,
        at=now,
        actor=by,
        plan=plan,
        why=why,
        facts={"people": len(lines)},
    )
    return plan


def _still_as_planned(lines: Sequence[PlanLine]) -> list[PlanLine]:
    """Locked, and read again under the lock: those whom nothing has changed since."""
    current: dict[int, Appointment] = {}
    for part in batches([line.appointment_id for line in lines]):
        rows = Appointment.objects.select_for_update(no_key=True).filter(pk__in=part)
        current.update({a.pk: a for a in rows.order_by("pk")})
    kept = []
    for line in lines:
        appointment = current[line.appointment_id]
        waiting = line.outcome == PlanLine.Outcome.UNPLACED
        # In doubt: another outage was declared meanwhile.
        expected = (Appointment.State.WAITING,) if waiting else Appointment.SEATED_STATES
        if appointment.state in expected and appointment.slot_id == line.to_slot_id:
            line.appointment = appointment
            kept.append(line)
    return kept


def _put_back(plan: Plan, lines: Sequence[PlanLine], now: datetime, by: User) -> None:
    moved = [x for x in lines if x.outcome == PlanLine.Outcome.MOVE]
    unplaced = [x for x in lines if x.outcome == PlanLine.Outcome.UNPLACED]
    seats.shift(_seat_changes(moved, back=True))
    seats.shift(Counter(line.from_slot_id for line in unplaced))
    line_of = PlanLine.objects.filter(plan=plan, appointment=OuterRef("pk"))
    for line in lines:
        line.appointment.slot_id = line.from_slot_id
    people = [line.appointment for line in lines]
    for part in batches([appointment.pk for appointment in people]):
        Appointment.objects.filter(pk__in=part).update(
            slot_id=Subquery(line_of.values("from_slot_id")),
            state=Subquery(line_of.values("was_state")),
            original_date=Subquery(line_of.values("was_original_date")),
            moved_count=Subquery(line_of.values("was_moved_count")),
            waiting_since=None,
        )
    write_timeline(people, TimelineEntry.Event.UNDONE, at=now, actor=by)
    for part in batches([appointment.pk for appointment in people]):
        offers = Offer.objects.filter(appointment__in=part)
        offers.filter(plan=plan, state=Offer.State.OPEN).update(
            state=Offer.State.WITHDRAWN, ended_at=now
        )
        offers.filter(withdrawn_by=plan).update(
            state=Offer.State.OPEN, ended_at=None, withdrawn_by=None
        )


# --- Settle -------------------------------------------------------------------------------------


def settle(*, now: datetime) -> int:
    """After the grace: open the seats that are free again to the public (beat, each minute)."""
    due = Plan.objects.filter(
        state=Plan.State.APPLIED, live_at__lte=now, settled_at__isnull=True
    ).values_list("pk", flat=True)
    settled = sum(settle_one(plan_id=plan_id, now=now) for plan_id in list(due))
    for region_id in set(Slot.objects.filter(paused=True).values_list("region_id", flat=True)):
        resume_quiet_region(region_id=region_id, now=now)
    return settled


@verb
def resume_quiet_region(*, region_id: int, now: datetime) -> None:
    """Where nobody is in doubt and every grace is over, no plan will come: seats open again."""
    lock_regions([region_id])
    doubts = Appointment.objects.filter(slot__region=region_id, state=Appointment.State.IN_DOUBT)
    graces = Outage.objects.filter(state=Outage.State.OPEN, grace_until__gt=now)
    plans_in_grace = Plan.objects.filter(
        region=region_id, state=Plan.State.APPLIED, settled_at__isnull=True
    )
    if doubts.exists() or graces.exists() or plans_in_grace.exists():
        return
    paused = Slot.objects.filter(region=region_id, paused=True).values_list("pk", flat=True)
    seats.resume(slot_ids=seats.lock_ids(paused))


@verb
def settle_one(*, plan_id: int, now: datetime) -> bool:
    """Settle one plan; False when it was settled or undone in the meantime."""
    plan = (
        Plan.objects.select_for_update(of=("self",), no_key=True)
        .select_related("outage")
        .get(pk=plan_id)
    )
    if plan.state != Plan.State.APPLIED or plan.settled_at is not None:
        return False
    slot_ids = list(
        Closure.objects.filter(cut__outage__state=Outage.State.OPEN, slot__region=plan.region)
        .values_list("slot_id", flat=True)
        .distinct()
    )
    seats.lock_ids(slot_ids)
    seats.resume(slot_ids=slot_ids)
    told = plan.lines.exclude(appointment__state=Appointment.State.IN_DOUBT)
    messages.take_back_doubts([line.appointment for line in told.select_related("appointment")])
    messages.withdrawn(plan.withdrawn_offers.select_related("appointment"))
    plan.settled_at = now
    plan.save(update_fields=["settled_at"])
    office(outage=plan.outage, event=OfficeEntry.Event.SETTLED, at=now, actor=None, plan=plan)
    return True
