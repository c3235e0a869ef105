"""Housekeeping of accounts, run by Celery beat (settings.CELERY_BEAT_SCHEDULE)."""

import logging
from importlib import import_module

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts import limits, people, sign_in

log = logging.getLogger(__name__)


@shared_task(name="accounts.tasks.forget")
def forget() -> None:
    """Forget what is no longer needed: unproven accounts, old codes, ended limits and sessions."""
    now = timezone.now()
    accounts = people.delete_unverified(now=now)
    codes = sign_in.delete_old_codes(now=now)
    allowances = limits.delete_ended(now=now)
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    log.info("forgot %d accounts, %d codes, %d limits", accounts, codes, allowances)
