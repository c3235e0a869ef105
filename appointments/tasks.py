"""Beat's nudges for the domain: one call each, the verbs hold the rules."""

from celery import shared_task
from django.utils import timezone

from appointments import (
    addresses,
    alerts,
    booking,
    calls,
    decide_by,
    offers,
    plans,
    reminders,
    slots,
    travel,
    waiting_list,
)


@shared_task
def expire_holds() -> int:
    return booking.expire_holds(now=timezone.now())


@shared_task
def close_silent_offers() -> int:
    return offers.close_silent(now=timezone.now())


@shared_task
def offer_seats() -> int:
    return waiting_list.offer_seats(now=timezone.now())


@shared_task
def settle_plans() -> int:
    return plans.settle(now=timezone.now())


@shared_task
def decide_plans() -> int:
    """A task for each region's plan: many may have the same hour."""
    due = decide_by.due(now=timezone.now())
    for plan_id in due:
        decide_plan.apply_async((plan_id,), expires=60)
    return len(due)


@shared_task
def decide_plan(plan_id: int) -> bool:
    return decide_by.strike(plan_id=plan_id)


@shared_task
def open_slots() -> int:
    return slots.open_slots(now=timezone.now())


@shared_task
def forget_proofs() -> int:
    return travel.forget(now=timezone.now())


@shared_task
def remind_of_visits() -> int:
    return reminders.remind(now=timezone.now())


@shared_task
def alert_officers() -> int:
    return alerts.alert_officers(now=timezone.now())


@shared_task
def forget_looks() -> int:
    return addresses.forget_looks(now=timezone.now())


@shared_task
def forget_calls() -> int:
    return calls.forget(now=timezone.now())
