"""Slots open up to the horizon: on working days, not on holidays, not during an outage."""

import threading
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from appointments import reference, seats
from appointments.models import (
    CapacityCut,
    Centre,
    Closure,
    Holiday,
    Outage,
    Region,
    Slot,
    SlotTemplate,
)
from appointments.slots import WorkingDays, open_days, open_slots

pytestmark = pytest.mark.django_db
IST = ZoneInfo("Asia/Kolkata")
# A Monday; the Saturday after it is a holiday (Bakrid).
MONDAY = datetime(2025, 6, 2, 0, 5, tzinfo=IST)
SEATS_A_DAY = 2200
Declare = Callable[..., Outage]


@pytest.fixture
def region(settings: Settings) -> Region:
    settings.HORIZON_WORKING_DAYS = 5
    reference.load(today=MONDAY.date())
    return Region.objects.get()


@pytest.fixture
def outage(region: Region) -> Declare:
    officer = User.objects.create_user(email="officer@example.com", is_staff=True)

    def declare(**fields: Any) -> Outage:
        values = {
            "scope": Outage.Scope.REGION,
            "region": region,
            "since": MONDAY - timedelta(days=1),
            "text_en": "Server fault",
            "text_hi": "सर्वर खराबी",
            "declared_by": officer,
            "declared_at": MONDAY - timedelta(hours=12),
            "grace_until": MONDAY - timedelta(hours=11),
            "request_key": uuid4(),
        }
        return Outage.objects.create(**{**values, **fields})

    return declare


def days_of(code: str = "BPL") -> list[date]:
    return sorted(set(Slot.objects.filter(centre__code=code).values_list("date", flat=True)))


# --- Which days ---------------------------------------------------------------------------------


def test_today_and_the_horizon_open_with_2200_seats_each(region: Region) -> None:
    opened = open_slots(now=MONDAY)
    assert opened == Slot.objects.count() == 6 * 201
    assert days_of() == [
        date(2025, 6, 2),
        date(2025, 6, 3),
        date(2025, 6, 4),
        date(2025, 6, 5),
        date(2025, 6, 6),
        date(2025, 6, 9),
    ]
    for day in days_of():
        assert Slot.objects.filter(date=day).aggregate(n=Sum("seats"))["n"] == SEATS_A_DAY


def test_a_slot_knows_its_local_day_and_hour(region: Region) -> None:
    open_slots(now=MONDAY)
    slot = Slot.objects.filter(centre__code="BPL", quota="tatkaal").earliest("starts_at")
    assert timezone.localtime(slot.starts_at) == datetime(2025, 6, 2, 9, 30, tzinfo=IST)
    assert (slot.date, slot.seats, slot.taken, slot.closed) == (date(2025, 6, 2), 130, 0, 0)
    assert slot.region == region


def test_times_of_today_that_have_begun_stay_closed(region: Region) -> None:
    open_slots(now=MONDAY.replace(hour=12))
    starts = Slot.objects.filter(centre__code="BPL", quota="pcc", date=MONDAY.date())
    assert [timezone.localtime(s.starts_at).time() for s in starts.order_by("starts_at")] == [
        time(12, 30),
        time(14, 30),
    ]


def test_the_day_is_the_local_one_when_utc_is_still_yesterday(region: Region) -> None:
    open_slots(now=datetime(2025, 6, 1, 18, 35, tzinfo=ZoneInfo("UTC")))  # 00:05 in India
    assert days_of()[0] == date(2025, 6, 2)
    assert days_of()[-1] == date(2025, 6, 9)


def test_a_weekend_opens_from_monday_on(region: Region) -> None:
    open_slots(now=datetime(2025, 6, 7, 10, 0, tzinfo=IST))  # Saturday
    assert days_of()[0] == date(2025, 6, 9)
    assert days_of()[-1] == date(2025, 6, 13)


def test_the_turn_of_the_year_skips_weekends_and_holidays(region: Region) -> None:
    open_slots(now=datetime(2025, 12, 24, 0, 5, tzinfo=IST))  # Wednesday; Christmas follows
    assert days_of() == [
        date(2025, 12, 24),
        date(2025, 12, 26),
        date(2025, 12, 29),
        date(2025, 12, 30),
        date(2025, 12, 31),
        date(2026, 1, 1),
    ]


def test_a_holiday_of_another_region_closes_nothing_here(region: Region) -> None:
    other = Region.objects.create(code="DEL", name_en="Delhi", name_hi="दिल्ली")
    Holiday.objects.create(region=other, date=date(2025, 6, 3), name_en="x", name_hi="x")
    Holiday.objects.create(region=region, date=date(2025, 6, 4), name_en="y", name_hi="y")
    open_slots(now=MONDAY)
    assert date(2025, 6, 3) in days_of()
    assert date(2025, 6, 4) not in days_of()
    # The horizon is five working days all the same.
    assert days_of()[-1] == date(2025, 6, 10)


def test_a_special_saturday_opens_for_its_own_template_alone(region: Region) -> None:
    centre = Centre.objects.get(code="BPL")
    SlotTemplate.objects.create(centre=centre, quota="tatkaal", weekday=5, start=time(10), seats=70)
    open_slots(now=MONDAY + timedelta(days=7))
    saturday = Slot.objects.filter(date=date(2025, 6, 14))
    assert [(s.centre_id, s.quota, s.seats) for s in saturday] == [(centre.pk, "tatkaal", 70)]


def test_a_holiday_closes_a_special_saturday_too(region: Region) -> None:
    centre = Centre.objects.get(code="BPL")
    SlotTemplate.objects.create(centre=centre, quota="tatkaal", weekday=5, start=time(10), seats=70)
    open_slots(now=MONDAY)
    assert date(2025, 6, 7) not in days_of()


def test_a_weekdays_own_template_takes_the_place_of_the_everyday_one(region: Region) -> None:
    centre = Centre.objects.get(code="BPL")
    SlotTemplate.objects.create(centre=centre, quota="pcc", weekday=2, start=time(9, 30), seats=3)
    open_slots(now=MONDAY)
    first = Slot.objects.filter(centre=centre, quota="pcc").order_by("starts_at")
    by_day = {s.date: s.seats for s in first.filter(starts_at__hour=9)}
    assert by_day[date(2025, 6, 3)] == 8
    assert by_day[date(2025, 6, 4)] == 3


def test_working_days_before_and_after_leave_weekends_and_holidays_out(region: Region) -> None:
    working = WorkingDays.of(region)
    assert working.after(date(2025, 8, 13), 3) == [
        date(2025, 8, 14),
        date(2025, 8, 18),  # Independence Day, then a weekend
        date(2025, 8, 19),
    ]
    assert working.before(date(2025, 8, 18), 2) == [date(2025, 8, 13), date(2025, 8, 14)]


# --- Again --------------------------------------------------------------------------------------


def test_opening_again_opens_nothing_and_touches_nothing(region: Region) -> None:
    open_slots(now=MONDAY)
    Slot.objects.filter(centre__code="BPL").update(seats=7)
    before = list(Slot.objects.order_by("pk").values())
    assert open_slots(now=MONDAY) == 0
    assert list(Slot.objects.order_by("pk").values()) == before


def test_the_next_night_opens_one_day_more(region: Region) -> None:
    open_slots(now=MONDAY)
    assert open_slots(now=MONDAY + timedelta(days=1)) == 201
    assert days_of()[-1] == date(2025, 6, 10)


def test_opening_costs_the_same_queries_for_one_centre_and_for_all(
    region: Region, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(30):
        open_slots(now=MONDAY)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_open_every_slot_once(region: Region) -> None:
    opened: list[int] = []
    start = threading.Barrier(4)

    def run() -> None:
        try:
            start.wait()
            opened.append(open_slots(now=MONDAY))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert sum(opened) == Slot.objects.count() == 6 * 201


def test_the_command_says_how_many(region: Region, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("open_slots")
    assert f"{Slot.objects.count()} slots opened" in capsys.readouterr().out
    call_command("open_slots")
    assert "0 slots opened" in capsys.readouterr().out


# --- During an outage ---------------------------------------------------------------------------


def test_nothing_opens_while_the_end_is_unknown(region: Region, outage: Declare) -> None:
    outage(expected_until=None)
    assert open_slots(now=MONDAY) == 0


def test_nothing_opens_before_the_expected_end(region: Region, outage: Declare) -> None:
    outage(expected_until=MONDAY + timedelta(hours=3))
    assert open_slots(now=MONDAY) == 0


def test_days_open_again_when_an_outage_is_overdue(region: Region, outage: Declare) -> None:
    outage(expected_until=MONDAY - timedelta(minutes=1))
    assert open_slots(now=MONDAY) == 6 * 201


def test_the_next_run_after_restoration_opens_what_was_missed(
    region: Region, outage: Declare
) -> None:
    broken = outage()
    assert open_slots(now=MONDAY) == 0
    Outage.objects.filter(pk=broken.pk).update(
        state=Outage.State.RESTORED, ended_at=MONDAY + timedelta(hours=9)
    )
    assert open_slots(now=MONDAY + timedelta(days=1)) == 6 * 201


def test_only_the_centres_of_the_outage_pause(region: Region, outage: Declare) -> None:
    bhopal = Centre.objects.get(code="BPL")
    outage(scope=Outage.Scope.CENTRES, region=None).centres.set([bhopal])
    open_slots(now=MONDAY)
    assert days_of("BPL") == []
    assert len(days_of("IDR")) == 6


def test_another_regions_outage_pauses_nothing_here(region: Region, outage: Declare) -> None:
    other = Region.objects.create(code="DEL", name_en="Delhi", name_hi="दिल्ली")
    outage(region=other)
    assert open_slots(now=MONDAY) == 6 * 201


def test_an_outage_of_all_regions_pauses_every_centre(region: Region, outage: Declare) -> None:
    outage(scope=Outage.Scope.ALL, region=None)
    assert open_slots(now=MONDAY) == 0


def test_a_slot_opened_during_a_cut_is_closed_by_its_share_at_once(
    region: Region, outage: Declare
) -> None:
    bhopal = Centre.objects.get(code="BPL")
    broken = outage(expected_until=MONDAY - timedelta(minutes=1))
    CapacityCut.objects.create(
        outage=broken, centre=bhopal, date=date(2025, 6, 3), quota="tatkaal", seats_left=140
    )
    open_slots(now=MONDAY)
    cut = Slot.objects.filter(centre=bhopal, date=date(2025, 6, 3), quota="tatkaal")
    assert [slot.seats - slot.closed for slot in cut] == [35, 35, 35, 35]
    assert all(slot.paused for slot in cut)
    assert Closure.objects.filter(slot__in=cut).count() == 4
    assert not Slot.objects.exclude(pk__in=cut).filter(closed__gt=0).exists()
    assert seats.check() == []


def test_a_special_day_opened_by_hand_gets_the_closures_too(
    region: Region, outage: Declare
) -> None:
    indore = Centre.objects.get(code="IDR")
    broken = outage()
    CapacityCut.objects.create(
        outage=broken, centre=indore, date=date(2025, 6, 5), quota="pcc", seats_left=0
    )
    open_days(region=region, days=[date(2025, 6, 5)])
    assert Slot.objects.filter(centre=indore, quota="pcc").count() == 4
    assert not Slot.objects.filter(centre=indore, quota="pcc", closed__lt=7).exists()
    assert seats.check() == []
