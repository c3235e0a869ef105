"""Housekeeping."""

from datetime import timedelta
from importlib import import_module

import pytest
from celery import current_app
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import tasks
from accounts.models import Allowance, SignInCode, User
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


def test_housekeeping_is_on_the_schedule_under_the_name_of_the_task():
    schedule = settings.CELERY_BEAT_SCHEDULE["forget-accounts"]
    import_module("portal.celery")
    assert schedule["task"] in current_app.tasks
