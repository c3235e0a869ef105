"""The demo on a small office: repeatable, complete at any date, and only in demo mode."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from time_machine import TimeMachineFixture

from accounts.models import User
from appointments import availability, booking, reference, seats
from appointments.demo.accounts import ApplicantAccount, OfficerAccount, demo_accounts
from appointments.demo.build import Built, CannotBuild, build
from appointments.demo.crowd import Day, fill_share
from appointments.demo.show import show
from appointments.models import Application, Appointment, Centre, Posting, Region, Slot
from appointments.permissions import may_mark_visits, may_steer
from appointments.roles import ensure_groups, post
from tests.appointments.demo_data import SMALL_SEATS, digest, small_office
from tests.known import Known

pytestmark = pytest.mark.django_db
IST = ZoneInfo("Asia/Kolkata")
WEDNESDAY = datetime(2026, 6, 10, 11, 0, tzinfo=IST)


@pytest.fixture(autouse=True)
def demo_mode(settings: Settings) -> None:
    settings.DEMO_MODE = True


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_office(tmp_path_factory.mktemp("office") / "data")


def make(office: Path, now: datetime = WEDNESDAY, *, seed: int = 7, days: int = 9) -> Built:
    return build(now=now, seed=seed, working_days=days, folder=office)


@pytest.fixture(scope="session")
def fill_known(office: Path) -> Known[Built]:
    return Known(lambda: make(office))


@pytest.fixture
def filled(db: None, demo_mode: None, fill_known: Known[Built]) -> None:
    """What `make` makes by default."""
    fill_known()


def digest_of(office: Path, now: datetime, *, seed: int = 7) -> str:
    """Build, take the digest, and forget the build."""
    with transaction.atomic():
        assert make(office, now, seed=seed).made
        made = digest()
        transaction.set_rollback(True)
    return made


# --- Repeatable ---------------------------------------------------------------------------------


def test_a_second_call_changes_nothing_and_says_so(office: Path) -> None:
    first = make(office)
    before = digest()
    second = make(office, WEDNESDAY + timedelta(days=3))
    assert (first.made, second.made) == (True, False)
    assert second.since == WEDNESDAY.date()
    assert digest() == before


def test_the_same_seed_and_date_give_the_same_rows_at_any_hour(office: Path) -> None:
    morning = digest_of(office, WEDNESDAY)
    assert digest_of(office, WEDNESDAY) == morning
    assert digest_of(office, WEDNESDAY.replace(hour=23, minute=59)) == morning


def test_another_seed_or_date_gives_other_people(office: Path) -> None:
    first = digest_of(office, WEDNESDAY)
    assert digest_of(office, WEDNESDAY, seed=8) != first
    assert digest_of(office, WEDNESDAY + timedelta(days=1)) != first


def test_an_interrupted_build_leaves_nothing_and_can_be_done_again(office: Path) -> None:
    def stop_at_the_third(days: Iterable[Day]) -> Iterator[Day]:
        for number, day in enumerate(days):
            if number == 3:
                raise KeyboardInterrupt
            yield day

    with pytest.raises(KeyboardInterrupt):
        build(now=WEDNESDAY, working_days=9, folder=office, bar=stop_at_the_third)
    assert not Region.objects.exists()
    assert not Application.objects.exists()
    assert not User.objects.exists()
    assert make(office).made


# --- At any date --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "today",
    [
        date(2026, 6, 10),  # in the middle of a week
        date(2026, 6, 13),  # Saturday
        date(2026, 6, 14),  # Sunday
        date(2026, 7, 31),  # Friday, end of a month
        date(2026, 11, 24),  # a holiday
        date(2026, 12, 24),  # holiday, weekend and the turn of the year ahead
        date(2027, 1, 1),
        date(2028, 2, 29),  # beyond the file of holidays
    ],
)
def test_the_next_days_are_full_whatever_day_it_is(office: Path, today: date) -> None:
    make(office, datetime.combine(today, WEDNESDAY.timetz()))
    coming = sorted(set(Slot.objects.filter(date__gt=today).values_list("date", flat=True)))
    assert len(coming) == 9
    assert all(day.weekday() < 5 for day in coming)
    taken = [sum(Slot.objects.filter(date=day).values_list("taken", flat=True)) for day in coming]
    assert taken[:6] == [SMALL_SEATS] * 6
    assert all(0 < number < SMALL_SEATS for number in taken[7:])
    assert seats.check() == []
    midnight = datetime.combine(today, datetime.min.time(), tzinfo=IST)
    assert not Appointment.objects.filter(booked_at__gte=midnight).exists()
    past = Appointment.objects.filter(slot__date__lt=today)
    assert set(past.values_list("state", flat=True)) == {"completed", "no_show"}


def test_seats_thin_out_from_full_to_a_tenth() -> None:
    shares = [fill_share(ahead) for ahead in range(46)]
    assert shares[:7] == [1.0] * 7
    assert shares[6:] == sorted(shares[6:], reverse=True)
    assert 0.05 < shares[45] < 0.15


def test_fewer_days_than_the_cast_needs_are_refused(office: Path) -> None:
    with pytest.raises(CannotBuild, match="at least 5"):
        make(office, days=4)


# --- Where it may not run -----------------------------------------------------------------------


@pytest.mark.usefixtures("filled")
def test_outside_demo_mode_it_refuses_and_names_nobody(office: Path, settings: Settings) -> None:
    settings.DEMO_MODE = False
    with pytest.raises(CannotBuild, match="demo mode only"):
        make(office)
    with pytest.raises(CommandError, match="demo mode only"):
        call_command("demo")
    with pytest.raises(CommandError, match="demo mode only"):
        call_command("demo", "--reset", "--yes")
    assert demo_accounts() == []
    assert Application.objects.exists()


def test_an_office_with_real_applications_is_left_alone(office: Path) -> None:
    reference.load(folder=office, today=WEDNESDAY.date())
    bhopal = Centre.objects.get(code="BPL")
    Application.objects.create(
        region=bhopal.region,
        home_centre=bhopal,
        arn="26-0000000001",
        name="A real person",
        date_of_birth=date(1990, 1, 1),
        service="normal",
    )
    with pytest.raises(CannotBuild, match="not the demo's"):
        make(office)
    assert Application.objects.count() == 1
    assert not Slot.objects.exists()


# --- Who can sign in ----------------------------------------------------------------------------


def applicants() -> list[ApplicantAccount]:
    return [account for account in demo_accounts() if isinstance(account, ApplicantAccount)]


def officers() -> list[OfficerAccount]:
    return [account for account in demo_accounts() if isinstance(account, OfficerAccount)]


@pytest.mark.usefixtures("filled")
def test_three_officers_have_password_second_factor_and_posting() -> None:
    assert [account.role for account in officers()] == [
        "Region officer",
        "Approving officer",
        "Centre officer",
    ]
    for account in officers():
        officer = User.objects.get(email=account.email)
        assert officer.check_password(account.password)
        assert officer.is_staff
        assert len(account.code) == 6
        assert account.code.isdigit()


@pytest.mark.usefixtures("filled")
def test_page_of_the_demo_says_in_hindi_what_each_officer_is(client: Client) -> None:
    page = client.get("/demo/", headers={"Accept-Language": "hi"}).text
    assert "अनुमोदन अधिकारी" in page
    assert "Approving officer" not in page


@pytest.mark.usefixtures("filled")
def test_officers_may_do_what_their_posting_says() -> None:
    region_officer, approver, centre_officer = (
        User.objects.get(email=account.email) for account in officers()
    )
    region, bhopal = Region.objects.get(), Centre.objects.get(code="BPL")
    for officer in (region_officer, approver):
        assert may_steer(officer, region)
        assert officer.has_perms(["appointments.add_outage", "appointments.change_plan"])
        assert officer.has_perm("notifications.view_message")
    assert not may_steer(centre_officer, region)
    assert may_mark_visits(centre_officer, bhopal)
    assert centre_officer.has_perm("appointments.view_appointment")
    assert not centre_officer.has_perm("appointments.change_appointment")


@pytest.mark.usefixtures("filled")
def test_the_walk_has_a_hindi_an_english_and_a_silent_applicant() -> None:
    coming = sorted(
        set(Slot.objects.filter(date__gt=WEDNESDAY.date()).values_list("date", flat=True))
    )
    walkers = applicants()[:3]
    assert [account.language for account in walkers] == ["hi", "en", "hi"]
    for account in walkers:
        [application] = account.applications
        assert application.claimed
        assert application.slot is not None
        assert application.slot.date in coming[:2]
        assert application.slot.centre.code in {"BPL", "IDR"}


@pytest.mark.usefixtures("filled")
def test_the_walkers_booked_last_so_that_a_plan_moves_them_before_others() -> None:
    phones = [account.phone for account in applicants()]
    crowd = Appointment.objects.exclude(application__phone__in=phones).latest("booked_at")
    for appointment in Appointment.objects.filter(application__phone__in=phones):
        assert appointment.booked_at > crowd.booked_at


@pytest.mark.usefixtures("filled")
def test_a_family_stands_behind_one_phone() -> None:
    family = applicants()[3]
    assert len(family.applications) == 4
    rows = Application.objects.filter(phone=family.phone)
    assert len({row.family for row in rows}) == 1
    assert len({item.slot.date for item in family.applications if item.slot}) == 1
    assert all(item.slot for item in family.applications)
    assert sum(row.is_vulnerable(WEDNESDAY.date()) for row in rows) == 2


@pytest.mark.usefixtures("filled")
def test_an_unclaimed_application_can_be_claimed_with_what_is_shown() -> None:
    account = next(a for a in applicants() if not a.applications[0].claimed)
    person = User.objects.get(phone=account.phone)
    [shown] = account.applications
    application = booking.claim(arn=shown.arn, date_of_birth=shown.date_of_birth, by=person)
    assert application.claimed_by == person
    assert applicants()[5].applications[0].claimed


def test_an_application_without_appointment_finds_seats_to_book(
    office: Path, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(WEDNESDAY, tick=False)
    make(office)
    account = next(a for a in applicants() if a.applications[0].appointment is None)
    person = User.objects.get(phone=account.phone)
    for shown in account.applications:
        application = booking.claim(arn=shown.arn, date_of_birth=shown.date_of_birth, by=person)
        choice = availability.centres(application, WEDNESDAY)[0]
        day = availability.days(application, choice.centre, WEDNESDAY)[0]
        [slot, *_rest] = availability.times(application, choice.centre, day.date, WEDNESDAY)
        hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
        assert booking.confirm(hold_id=hold.pk, by=person).slot_id == slot.pk
    assert seats.check() == []


@pytest.mark.usefixtures("filled")
def test_the_console_shows_address_steps_and_accounts(settings: Settings) -> None:
    settings.SITE_SCHEME, settings.SITE_HOST = "http", "127.0.0.1:8123"
    text = show()
    assert "http://127.0.0.1:8123/officers/" in text
    assert "+91 98765 43210  Sunita Verma (hi)" in text
    for account in officers():
        assert f"{account.email}  password {account.password}  code now {account.code}" in text
    unclaimed = Application.objects.get(name="Imran Siddiqui")
    assert f"ARN {unclaimed.arn}, born {unclaimed.date_of_birth:%d-%m-%Y}, not linked yet" in text
    assert "no appointment" in text


def test_show_on_an_empty_site_names_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("demo", "--show")
    said = capsys.readouterr().out
    assert "/demo/phone/" in said
    assert "password" not in said


# --- Rights -------------------------------------------------------------------------------------


def test_groups_are_made_once_with_the_same_rights() -> None:
    def rights() -> list[tuple[str, int]]:
        return [(group.name, group.permissions.count()) for group in ensure_groups().values()]

    first = rights()
    assert rights() == first
    assert [name for name, _count in first] == [
        "posting:region",
        "posting:approver",
        "posting:centre",
    ]


@pytest.mark.usefixtures("filled")
def test_a_new_posting_takes_the_rights_of_the_old_one_away() -> None:
    officer = User.objects.get(email=officers()[0].email)
    bhopal = Centre.objects.get(code="BPL")
    post(officer=officer, role=Posting.Role.CENTRE, region=bhopal.region, centre=bhopal)
    again = User.objects.get(pk=officer.pk)
    assert again.posting.centre == bhopal
    assert not again.has_perm("appointments.add_outage")
    assert again.has_perm("appointments.view_outage")


# --- The command --------------------------------------------------------------------------------


@pytest.mark.usefixtures("filled")
def test_reset_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest()
    monkeypatch.setattr("builtins.input", lambda _question: "no")
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("demo", "--reset")
    assert digest() == before


@pytest.mark.django_db(transaction=True)
def test_reset_takes_all_away_but_superusers_and_fills_anew(
    monkeypatch: pytest.MonkeyPatch, office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill = build

    def fill_small(**options: Any) -> Built:
        return fill(**{**options, "folder": office, "working_days": 6})

    monkeypatch.setattr("appointments.management.commands.demo.build", fill_small)
    User.objects.create_superuser(email="root@example.org", password="a-long-password")
    make(office, timezone.now() - timedelta(days=30))
    visitor = User.objects.create_user(phone="+919999900000", phone_verified=True)
    call_command("demo", "--reset", "--yes")
    said = capsys.readouterr().out
    assert "Filled: " in said
    assert not User.objects.filter(pk=visitor.pk, phone="+919999900000").exists()
    assert User.objects.filter(email="root@example.org", is_superuser=True).exists()
    assert Slot.objects.latest("date").date > timezone.localdate()
    assert seats.check() == []
    call_command("demo")
    assert "The demo is there already" in capsys.readouterr().out
