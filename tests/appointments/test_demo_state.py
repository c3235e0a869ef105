"""The demo at full size: what a visitor finds in the state is believable, and quick to make."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from django.db import connection, transaction
from django.db.models import Count, F, Q, Sum
from django.test import override_settings
from pytest_django import DjangoDbBlocker
from time_machine import TimeMachineFixture

from accounts.models import User
from appointments import cuts, outages, plans, seats
from appointments.demo.build import build
from appointments.demo.cast import APPLICANTS, OFFICERS
from appointments.models import (
    Application,
    Appointment,
    Centre,
    Outage,
    Region,
    Slot,
    TimelineEntry,
    VisitAttempt,
)

# One process for the file: each process of xdist would build the state anew.
pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NOW = datetime(2026, 6, 10, 11, 0, tzinfo=ZoneInfo("Asia/Kolkata"))
TODAY = NOW.date()
HORIZON = 45
CAST_PHONES = [part.phone for part in APPLICANTS]


@pytest.fixture(scope="module", autouse=True)
def _state(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One build for the whole file, forgotten after it."""
    with (
        django_db_blocker.unblock(),
        override_settings(DEMO_MODE=True),
        transaction.atomic(),
    ):
        start = time.perf_counter()
        built = build(now=NOW, working_days=HORIZON)
        seconds = time.perf_counter() - start
        # Shown by `pytest -s`; the time is for reading, not a promise of this machine.
        sys.stderr.write(f"\n{built.appointments:,} appointments in {seconds:.1f} s\n")
        # Once for the build: else every test checks the foreign keys of 200,000 rows at its end.
        connection.check_constraints()
        yield
        transaction.set_rollback(True)


def test_a_day_has_2200_seats_and_the_next_ones_are_full() -> None:
    days = list(
        Slot.objects.values("date").annotate(s=Sum("seats"), t=Sum("taken")).order_by("date")
    )
    assert {day["s"] for day in days} == {2200}
    coming = [day["t"] for day in days if day["date"] > TODAY]
    assert len(coming) == HORIZON
    assert coming[:6] == [2200] * 6
    assert 900 < coming[12] < 1400
    assert 130 < coming[-1] < 330


def test_counters_agree_with_the_rows() -> None:
    assert seats.check() == []
    assert not Slot.objects.filter(Q(closed__gt=0) | Q(paused=True)).exists()


def test_past_visits_have_ended_and_later_ones_stand() -> None:
    states = Counter(
        (slot_date < TODAY, state)
        for slot_date, state in Appointment.objects.exclude(slot=None).values_list(
            "slot__date", "state"
        )
    )
    assert set(states) == {(True, "completed"), (True, "no_show"), (False, "confirmed")}
    assert 0.05 < states[True, "no_show"] / states[True, "completed"] < 0.12
    assert Appointment.objects.filter(state="cancelled", slot=None).exists()


def test_everybody_sits_in_a_quota_that_their_service_may_take() -> None:
    wrong = [
        appointment
        for appointment in Appointment.objects.filter(
            state__in=Appointment.LIVE_STATES
        ).select_related("application", "slot")
        if appointment.slot is None
        or appointment.slot.quota not in appointment.application.quotas()
    ]
    assert wrong == []
    in_normal = Appointment.objects.filter(application__service="tatkaal", slot__quota="normal")
    assert in_normal.count() > 100
    services = Counter(Application.objects.values_list("service", flat=True))
    assert min(services["normal"], services["tatkaal"]) > 15_000
    assert services["pcc"] > 2_000
    assert Application.objects.filter(on_hold=True).exists()


def test_languages_contacts_and_needs_are_mixed() -> None:
    people = Application.objects.exclude(phone__in=CAST_PHONES)
    total = people.count()
    assert 0.72 < people.filter(language="hi").count() / total < 0.78
    assert 0.01 < people.filter(phone="", email="").count() / total < 0.05
    assert 0.01 < people.filter(phone="").exclude(email="").count() / total < 0.05
    needy = sum(person.is_vulnerable(TODAY) for person in people)
    assert 0.10 < needy / total < 0.25
    assert people.filter(disability=True).exists()
    assert people.filter(medical=True).exists()
    travelling = people.exclude(travel_date=None)
    assert travelling.filter(travel_proof_accepted=True).count() > 500
    assert travelling.filter(travel_proof_accepted=False).count() > 300


def test_birth_dates_and_journeys_fit_the_visit() -> None:
    assert not Application.objects.filter(date_of_birth__gte=TODAY).exists()
    oldest = min(Application.objects.values_list("date_of_birth", flat=True))
    assert TODAY.year - oldest.year < 90
    late = Appointment.objects.filter(
        state="confirmed", application__travel_date__lte=F("slot__date")
    ).exclude(application__appointments__state="no_show")
    assert not late.exists()


def test_a_family_comes_together() -> None:
    families = (
        Application.objects.exclude(family=None)
        .values("family")
        .annotate(
            people=Count("pk"),
            phones=Count("phone", distinct=True),
            services=Count("service", distinct=True),
        )
    )
    sizes = Counter(row["people"] for row in families)
    assert set(sizes) == {2, 3, 4}
    assert min(sizes.values()) > 100
    assert {(row["phones"], row["services"]) for row in families} == {(1, 1)}
    apart = (
        Appointment.objects.filter(state="confirmed", application__on_hold=False)
        .exclude(application__family=None)
        .exclude(application__appointments__state="no_show")
        .values("application__family")
        .annotate(
            days=Count("slot__date", distinct=True), centres=Count("slot__centre", distinct=True)
        )
        .filter(Q(days__gt=1) | Q(centres__gt=1))
    )
    assert not apart.exists()


def test_several_arns_stand_behind_some_phones_that_are_no_family() -> None:
    shared = (
        Application.objects.exclude(phone="")
        .values("phone")
        .annotate(alone=Count("pk", filter=Q(family=None)))
        .filter(alone__gt=1)
    )
    assert shared.count() > 500


def test_no_invented_phone_can_reach_a_stranger() -> None:
    phones = (
        Application.objects.exclude(phone="")
        .exclude(phone__in=CAST_PHONES)
        .values_list("phone", flat=True)
    )
    for phone in set(phones):
        assert not phonenumbers.is_valid_number(phonenumbers.parse(phone)), phone
    mails = Application.objects.exclude(email="").exclude(email__endswith="@example.com")
    assert not mails.exists()


def test_visit_attempts_and_timeline_tell_the_same_story() -> None:
    chosen = dict(VisitAttempt.objects.values_list("application").annotate(Count("pk")).order_by())
    for application in Application.objects.all():
        allowed = Application.VISIT_ATTEMPTS[Application.Service(application.service)]
        assert chosen.get(application.pk, 0) <= allowed
    events = Counter(TimelineEntry.objects.values_list("event", flat=True))
    assert events["booked"] == Appointment.objects.count()
    assert events["booked"] + events["changed"] == VisitAttempt.objects.count()
    assert events["completed"] == Appointment.objects.filter(state="completed").count()
    assert events["no_show"] == Appointment.objects.filter(state="no_show").count()
    assert events["changed"] > 500


def test_bookings_keep_the_lead_time_and_lie_before_today() -> None:
    lead = timedelta(hours=18)
    assert not Appointment.objects.filter(booked_at__gt=F("slot__starts_at") - lead).exists()
    assert not TimelineEntry.objects.filter(at__date__gte=TODAY).exists()
    assert Appointment.objects.values("booked_at__date").distinct().count() > 30


def test_a_plan_moves_the_three_of_the_walk_and_keeps_the_urgent_one(
    time_machine: TimeMachineFixture,
) -> None:
    time_machine.move_to(NOW, tick=False)
    officer = User.objects.get(email=OFFICERS[0].email)
    region = Region.objects.get()
    centres = list(Centre.objects.all())
    days = cuts.working_dates(centres, TODAY + timedelta(days=1), 2)
    outage = outages.declare(
        by=officer,
        request_key=UUID(int=1),
        scope=Outage.Scope.REGION,
        region=region,
        since=NOW,
        cause=Outage.Cause.SERVER,
        text_en="Server fault",
        text_hi="सर्वर खराबी",
        cuts=cuts.spread_total(total_per_day=600, centres=centres, dates=days),
    )
    plan = plans.prepare(outage_id=outage.pk, region_id=region.pk, by=officer)
    outcomes = dict(
        plan.lines.filter(appointment__application__phone__in=CAST_PHONES).values_list(
            "appointment__application__name", "outcome"
        )
    )
    for name in ("Sunita Verma", "Arjun Mehta", "Ramesh Yadav"):
        assert outcomes[name] == "move"
    assert outcomes["Kamla Sahu"] == "keep"
