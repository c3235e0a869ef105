"""An officer's program reads outages and plans of its region, and changes nothing."""

import pytest
from django.utils import timezone

from accounts import app_tokens, second_factor
from appointments import cuts
from tests.api.conftest import App
from tests.domain.builders import (
    approved_plan,
    declare_for_test,
    make_appointment,
    make_officer,
    make_person,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def program_of(monkeypatch):
    """A program with the token of an officer who has a second factor."""
    monkeypatch.setattr(second_factor, "is_set_up", lambda officer: True)

    def make(officer):
        _token, secret = app_tokens.issue_to_officer(
            officer=officer, name="report", random_part="r" * 32, now=timezone.now()
        )
        return App(secret)

    return make


@pytest.fixture
def plan():
    officer, second = make_officer(), make_officer("approver")
    lost = make_slot(seats=1)
    make_slot(hour=15, seats=2, quota="tatkaal")
    make_appointment(slot=lost)
    cut = cuts.spread_total(total_per_day=0, centres=[lost.centre], dates=[lost.date])
    return approved_plan(declare_for_test(officer, cut), by=officer, second=second)


def test_officer_reads_outages_and_plans_of_the_region(program_of, plan):
    program = program_of(plan.prepared_by)
    (outage,) = program.get("officers/outages/").json()["results"]
    assert outage["id"] == plan.outage_id
    assert program.get(f"officers/outages/{plan.outage_id}/").json() == outage
    (shown,) = program.get("officers/plans/").json()["results"]
    assert (shown["state"], shown["approved_by"]) == ("approved", str(plan.approved_by))
    assert (shown["decide_by"], shown["held_back"]) == (None, "")
    assert program.get(f"officers/plans/{plan.pk}/").json() == shown


def test_officer_of_another_region_finds_nothing(program_of, plan):
    other = make_region("DEL-RPO")
    program = program_of(make_officer(region=other))
    assert program.get("officers/plans/").json()["count"] == 0
    assert program.get(f"officers/plans/{plan.pk}/").status_code == 404
    assert program.get(f"officers/outages/{plan.outage_id}/").status_code == 404


def test_applicants_app_reads_nothing_of_officers(app_of, plan):
    answer = app_of(make_person()).get("officers/plans/")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_officers_program_is_no_applicant(program_of, plan):
    assert program_of(plan.prepared_by).get("applications/").status_code == 403
