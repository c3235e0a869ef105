"""Housekeeping of accounts, run by Celery beat (settings.CELERY_BEAT_SCHEDULE)."""

import logging
from importlib import import_module

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts import app_tokens, codes, devices, limits, people
from accounts.api import idempotency

log = logging.getLogger(__name__)


@shared_task(name="accounts.tasks.forget")
def forget() -> None:
    """Forget unproven accounts, old codes, tokens, answers, limits and sessions."""
    now = timezone.now()
    accounts = people.delete_unverified(now=now)
    old_codes = codes.delete_old(now=now)
    tokens = app_tokens.delete_ended(now=now)
    answers = idempotency.delete_old(now=now)
    allowances = limits.delete_ended(now=now)
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    devices.delete_ended()
    log.info(
        "forgot %d accounts, %d codes, %d tokens, %d answers, %d limits",
        *(accounts, old_codes, tokens, answers, allowances),
    )
