"""Decide by: "if it is not mended by Monday 08:00, apply".

An approval may carry an hour. If the outage is still open then, the clock applies the plan in the
name of whoever approved it, by the same steps as an officer would: solved afresh, under lock,
within the approved bounds. If it may not, the plan is held back: nobody is moved, and its page
says why. The officers of the region are alerted to either. A service that is back before drops the
plan, and the hour with it (outages.restore). See docs/decisions/0026-decide-by.md.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from appointments import alerts, plans
from appointments.errors import Refusal
from appointments.models import OfficeEntry, Plan
from appointments.permissions import may_steer
from appointments.timeline import office
from appointments.verbs import verb

log = logging.getLogger(__name__)

# The outage or the approver changed: somebody has to approve anew. Otherwise the approval stands,
# and an officer can still apply the plan by hand.
VOIDS = (Plan.HeldBack.BOUNDS, Plan.HeldBack.NOBODY, Plan.HeldBack.APPROVAL)


# --- Give, change, withdraw ---------------------------------------------------------------------


@verb
def set_hour(*, plan_id: int, by: User, at: datetime) -> Plan:
    """Give the approval an hour, or another one, until the clock has acted.

    By the approver: the clock acts in their name. Again: changes nothing.
    Refusals: not_permitted, hour_needs_approval, hour_not_yours, hour_past, hour_far,
    hour_before_wait.
    """
    now = timezone.now()
    plan = plans.lock_plan(plan_id, by)
    _check_approved(plan)
    if plan.approved_by_id != by.pk:
        raise Refusal("hour_not_yours")
    if plan.decide_by == at:
        return plan
    plans.check_hour(at, now=now, not_before=plan.not_before)
    plan.decide_by = at
    plan.held_back = ""
    plan.save(update_fields=["decide_by", "held_back"])
    _write(plan, OfficeEntry.Event.HOUR_SET, now, by, at)
    return plan


@verb
def withdraw_hour(*, plan_id: int, by: User) -> Plan:
    """The clock does nothing; the approval stands. Again: changes nothing.

    By any officer who may steer the region, as each of them may put the plan aside.
    Refusals: not_permitted, hour_needs_approval.
    """
    now = timezone.now()
    plan = plans.lock_plan(plan_id, by)
    _check_approved(plan)
    if plan.decide_by is None:
        return plan
    hour, plan.decide_by = plan.decide_by, None
    plan.save(update_fields=["decide_by"])
    _write(plan, OfficeEntry.Event.HOUR_WITHDRAWN, now, by, hour)
    return plan


def _check_approved(plan: Plan) -> None:
    if plan.state != Plan.State.APPROVED:
        raise Refusal("hour_needs_approval")


def _write(plan: Plan, event: OfficeEntry.Event, now: datetime, by: User, at: datetime) -> None:
    facts = plans.hour_fact(at)
    office(outage=plan.outage, event=event, at=now, actor=by, plan=plan, facts=facts)


# --- At the hour --------------------------------------------------------------------------------


def due(*, now: datetime) -> list[int]:
    """Plans whose hour has come, the longest waiting first (beat, each minute)."""
    struck = Plan.objects.filter(state=Plan.State.APPROVED, decide_by__lte=now)
    return list(struck.order_by("decide_by", "pk").values_list("pk", flat=True))


def strike(*, plan_id: int) -> bool:
    """Apply the plan at its hour, or hold it back; False if there was nothing to do now.

    Again, at once by two, after an officer was faster, or after a worker was killed in the middle:
    done once. While another plan is in its grace or the rows are busy nothing is changed, and the
    clock comes again in a minute.
    """
    try:
        return _apply_or_hold_back(plan_id=plan_id)
    except Refusal as refusal:
        if refusal.code == "planning_failed":
            return _hold_back_unsolved(plan_id=plan_id)
        log.info("plan %s: not applied at its hour yet: %s", plan_id, refusal.code)
        return False


@verb
def _apply_or_hold_back(*, plan_id: int) -> bool:
    now = timezone.now()
    plan = plans.lock_plan(plan_id, None)
    if not _has_struck(plan, now):
        return False
    approver = plan.approved_by
    assert approver is not None  # plan_approved_by_somebody
    if not _approval_holds(plan, approver):
        return _hold_back(plan, Plan.HeldBack.APPROVAL, now)
    if _is_late(plan, now):
        return _hold_back(plan, Plan.HeldBack.LATE, now)
    fresh = plans.solve_afresh(plan, now)
    if not fresh.lines:
        return _hold_back(plan, Plan.HeldBack.NOBODY, now)
    if fresh.problem:
        return _hold_back(plan, Plan.HeldBack.BOUNDS, now, problem=fresh.problem)
    plans.put_in_force(plan, fresh, now, approver)
    alerts.applied_at_its_hour(plan, now=now)
    return True


@verb
def _hold_back_unsolved(*, plan_id: int) -> bool:
    """What was tried is rolled back; this is a transaction of its own, so it looks again."""
    now = timezone.now()
    plan = plans.lock_plan(plan_id, None)
    return _has_struck(plan, now) and _hold_back(plan, Plan.HeldBack.FAILED, now)


def _has_struck(plan: Plan, now: datetime) -> bool:
    """Not applied, withdrawn, put off or dropped by somebody faster."""
    approved = plan.state == Plan.State.APPROVED and plan.outage.is_open
    return approved and plan.decide_by is not None and plan.decide_by <= now


def _approval_holds(plan: Plan, approver: User) -> bool:
    """Nothing is done in the name of somebody who could not do it any more."""
    alone_allowed = plan.region.lone_approval or not plan.lone_reason
    return may_steer(approver, plan.region_id) and alone_allowed


def _is_late(plan: Plan, now: datetime) -> bool:
    assert plan.decide_by is not None
    return now > plan.decide_by + timedelta(minutes=settings.DECIDE_BY_LATE_MINUTES)


def _hold_back(plan: Plan, why: Plan.HeldBack, now: datetime, *, problem: str = "") -> bool:
    hour = plan.decide_by
    assert hour is not None
    if why in VOIDS:
        plans.void_approval(plan)
    plan.decide_by = None
    plan.held_back = why
    plan.save()
    office(
        outage=plan.outage,
        event=OfficeEntry.Event.HELD_BACK,
        at=now,
        actor=None,
        plan=plan,
        why=problem or str(why.label),
        facts={**plan.summary["total"], **plans.hour_fact(hour)},
    )
    alerts.held_back(plan, hour=hour, stands=why not in VOIDS, now=now)
    return True
