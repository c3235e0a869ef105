"""Housekeeping."""

from datetime import timedelta
from importlib import import_module

import pytest
from celery import current_app
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import app_tokens, tasks
from accounts.models import Allowance, AppToken, IdempotentRequest, SignInCode, User
from tests.accounts.conftest import ask

pytestmark = pytest.mark.django_db


def test_housekeeping_forgets_all_that_is_old(client: Client, clock):
    ask(client)
    clock.shift(timedelta(hours=23))
    tasks.forget()
    assert (User.objects.count(), SignInCode.objects.count()) == (1, 1)
    clock.shift(timedelta(hours=2))
    tasks.forget()
    for model in (User, SignInCode, Allowance, Session):
        assert not model.objects.exists(), model


def test_housekeeping_forgets_ended_tokens_and_answers_of_the_api(clock):
    now = timezone.now()
    person = User.objects.create(phone="+919876500001", phone_verified=True)
    app_tokens.issue_to_officer(officer=person, name="app", random_part="r" * 32, now=now)
    IdempotentRequest.objects.create(
        key_hash="0" * 64, fingerprint="0" * 64, created_at=now, claimed_until=now
    )
    clock.shift(app_tokens.OFFICER_LIFE)
    tasks.forget()
    assert (AppToken.objects.count(), IdempotentRequest.objects.count()) == (1, 0)
    clock.shift(app_tokens.KEPT_FOR)
    tasks.forget()
    assert not AppToken.objects.exists()


def test_housekeeping_is_on_the_schedule_under_the_name_of_the_task():
    schedule = settings.CELERY_BEAT_SCHEDULE["forget-accounts"]
    import_module("portal.celery")
    assert schedule["task"] in current_app.tasks
