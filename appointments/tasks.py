"""Beat's nudges for the domain: one call each, the verbs hold the rules."""

from celery import shared_task
from django.utils import timezone

from appointments import booking, offers, plans, slots, travel, waiting_list


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
def open_slots() -> int:
    return slots.open_slots(now=timezone.now())


@shared_task
def forget_proofs() -> int:
    return travel.forget(now=timezone.now())
