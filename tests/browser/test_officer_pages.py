"""The officers' pages in a real browser: 26 centres, wide and narrow, with and without scripts."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from accounts import demo
from accounts.models import User
from appointments import decide_by, outages, plans, seats
from appointments.cuts import spread_total, working_dates
from appointments.models import Appointment, Centre, Outage, Plan, Posting, Region, Slot
from appointments.roles import post
from tests.browser.harness import DESK_WIDTH, PHONE_WIDTH, Visitor, VisitorFactory, axe, overflow
from tests.domain.builders import at, in_days, make_application

pytestmark = pytest.mark.browser
BASE = "/officers/appointments/"
ADD = f"{BASE}outage/add/"
LISTS = (
    *("outage", "plan", "offer", "appointment", "application", "slot", "capacitycut", "hold"),
    *("region", "centre", "slottemplate", "holiday", "posting"),
)


@pytest.fixture
def officer(office, settings) -> User:
    settings.DEMO_MODE = True
    person = demo.create_officer(
        email="meera@office.example",
        password="a long pass phrase",
        name="Meera",
        totp_secret="REGIONREGIONREGIONREGIONREGION22",
    )
    post(officer=person, role=Posting.Role.REGION, region=Region.objects.get())
    return person


@pytest.fixture
def full_days(officer) -> list[dt.date]:
    """Two full days at 26 centres in three quotas, and one free day after them."""
    days = [in_days(1), in_days(2), in_days(3)]
    slots = Slot.objects.bulk_create(
        Slot(
            centre=centre,
            region=centre.region,
            quota=quota,
            starts_at=at(day, 10),
            date=day,
            seats=2,
        )
        for centre in Centre.objects.all()
        for quota in ("normal", "tatkaal", "pcc")
        for day in days
    )
    Appointment.objects.bulk_create(
        Appointment(
            application=make_application(centre=slot.centre, service=slot.quota),
            slot=slot,
            booked_at=timezone.now() - dt.timedelta(days=9),
        )
        for slot in slots
        if slot.date < days[2]
    )
    seats.recount()
    return days[:2]


@pytest.fixture
def plan(officer, full_days):
    """An open outage without a seat on the two days, and a plan for it."""
    centres = list(Centre.objects.all())
    assert working_dates(centres, in_days(1), 2) == full_days
    none_left = spread_total(total_per_day=0, centres=centres, dates=full_days)
    outage = outages.declare(
        by=officer,
        request_key=uuid.uuid4(),
        scope=Outage.Scope.REGION,
        region=Region.objects.get(),
        since=timezone.now(),
        cause=Outage.Cause.SERVER,
        text_en="The server is down.",
        text_hi="सर्वर बंद है।",
        cuts=none_left,
    )
    return plans.prepare(outage_id=outage.pk, region_id=Region.objects.get().pk, by=officer)


def sound(visitor: Visitor) -> None:
    axe(visitor.page)
    assert overflow(visitor.page) == 0


def press(visitor: Visitor, name: str) -> None:
    visitor.follow(visitor.page.get_by_role("button", name=name, exact=True).click)


def to_table(visitor: Visitor, officer: User, total: int = 60) -> None:
    visitor.sign_in(officer)
    visitor.go(ADD).get_by_label("Seats a day").fill(str(total))
    press(visitor, "Show whom it touches")


# --- Every page ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "dark"), [(DESK_WIDTH, False), (PHONE_WIDTH, True)])
def test_every_list_and_the_first_page_are_accessible(visit, officer, plan, width, dark):
    visitor = visit("en", width=width, dark=dark)
    visitor.sign_in(officer)
    for path in ("/officers/", *(f"{BASE}{name}/" for name in LISTS)):
        visitor.go(path)
        sound(visitor)
    visitor.go("/officers/notifications/message/")
    sound(visitor)


@pytest.mark.parametrize("width", [DESK_WIDTH, PHONE_WIDTH])
def test_every_form_of_reference_data_is_accessible(visit, officer, office, width):
    visitor = visit("en", width=width)
    visitor.sign_in(officer)
    for path in (
        "posting/alerts/",
        "holiday/add/",
        "slottemplate/add/",
        f"centre/{Centre.objects.first().pk}/change/",
    ):
        visitor.go(BASE + path)
        sound(visitor)
    press(visitor, "Save")


@pytest.mark.parametrize(("width", "dark"), [(DESK_WIDTH, True), (PHONE_WIDTH, False)])
def test_every_page_and_step_of_an_outage_and_a_plan_is_accessible(
    visit, officer, plan, width, dark
):
    visitor = visit("en", width=width, dark=dark)
    visitor.sign_in(officer)
    outage = f"{BASE}outage/{plan.outage_id}/"
    for step in ("change", "send", "take-back", "restore", "cut", "prepare"):
        visitor.go(f"{outage}{step}/")
        sound(visitor)
    for step in ("change", "approve", "drop"):
        visitor.go(f"{BASE}plan/{plan.pk}/{step}/")
        sound(visitor)
    appointment = Appointment.objects.first()
    visitor.go(f"{BASE}appointment/{appointment.pk}/change/")
    sound(visitor)
    visitor.go(f"{BASE}application/{appointment.application_id}/change/")
    sound(visitor)


@pytest.fixture
def second(office) -> User:
    person = demo.create_officer(
        email="arjun@office.example",
        password="a long pass phrase",
        name="Arjun",
        totp_secret="APPROVERAPPROVERAPPROVERAPPROVER",
    )
    post(officer=person, role=Posting.Role.APPROVER, region=Region.objects.get())
    return person


@pytest.mark.parametrize(("width", "dark"), [(DESK_WIDTH, False), (PHONE_WIDTH, True)])
def test_pages_of_a_plan_with_an_hour_are_accessible_until_it_is_held_back(
    visit, officer, second, plan, width, dark
):
    visitor = visit("en", width=width, dark=dark)
    visitor.sign_in(second)
    visitor.go(f"{BASE}plan/{plan.pk}/approve/")
    visitor.page.get_by_label("By itself at an hour").check()
    press(visitor, "Approve")  # no hour: an error
    assert visitor.page.get_by_role("alert").locator("a").first.get_attribute("href") == (
        "#id_hour_date"
    )
    sound(visitor)
    visitor.page.get_by_label("Date").fill(f"{in_days(2)}")
    visitor.page.get_by_label("Time (India)").fill("08:00")
    press(visitor, "Approve")
    assert "Applied by itself on" in visitor.page.content()
    for path in (
        f"{BASE}plan/{plan.pk}/change/",
        f"{BASE}plan/{plan.pk}/hour/",
        f"{BASE}outage/{plan.outage_id}/change/",
        "/officers/",
    ):
        visitor.go(path)
        sound(visitor)
    late = timezone.now() - dt.timedelta(hours=2)
    Plan.objects.update(approved_at=late - dt.timedelta(hours=1), decide_by=late)
    assert decide_by.strike(plan_id=plan.pk)
    for path in (f"{BASE}plan/{plan.pk}/change/", "/officers/"):
        assert "held back" in visitor.go(path).content().lower()
        sound(visitor)


# --- Declare ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [DESK_WIDTH, PHONE_WIDTH])
@pytest.mark.usefixtures("full_days")
def test_form_and_table_of_26_centres_are_accessible_also_with_errors(visit, officer, width):
    visitor = visit("en", width=width)
    visitor.sign_in(officer)
    visitor.go(ADD)
    sound(visitor)
    press(visitor, "Show whom it touches")  # no total: an error
    assert visitor.page.get_by_role("alert").locator("a").get_attribute("href") == "#id_total"
    sound(visitor)
    to_table(visitor, officer)
    assert visitor.page.locator("table.cut input").count() == 26 * 3 * 2
    sound(visitor)
    visitor.page.locator("table.cut input").first.fill("99")
    press(visitor, "Declare the outage")
    sound(visitor)
    assert visitor.page.locator("[aria-invalid=true]").input_value() == "99"
    assert not Outage.objects.exists()


@pytest.mark.usefixtures("full_days")
def test_sums_follow_the_numbers_while_they_are_typed(visit, officer):
    visitor = visit("en", width=DESK_WIDTH)
    to_table(visitor, officer)
    head = visitor.page.locator("table.cut thead th").nth(1)
    assert "60 of 156" in head.inner_text()
    cell = visitor.page.locator("table.cut tbody td input").first
    before = int(cell.input_value())
    cell.fill("0")
    assert f"{60 - before} of 156" in head.inner_text()
    # 78 people, one in each cell, where no seat or one stays.
    assert f"at least {78 - 60 + before} too many" in head.inner_text()
    # The server adds up alike.
    press(visitor, "Add up again")
    assert f"{60 - before} of 156" in visitor.page.locator("table.cut thead th").nth(1).inner_text()


@pytest.mark.usefixtures("full_days")
def test_enter_in_a_cell_adds_up_and_works_without_scripts(visit, officer):
    visitor = visit("en", scripts=False)
    to_table(visitor, officer)
    visitor.page.locator("table.cut tbody td input").first.fill("0")
    visitor.follow(lambda: visitor.page.keyboard.press("Enter"))
    assert "Nothing is declared yet" in visitor.page.content()
    assert not Outage.objects.exists()
    press(visitor, "Declare the outage")
    assert Outage.objects.count() == 1


@pytest.mark.usefixtures("full_days")
def test_centres_are_narrowed_by_typing(visit: VisitorFactory, officer):
    visitor = visit("en", width=DESK_WIDTH)
    visitor.sign_in(officer)
    page = visitor.go(ADD)
    page.get_by_text("Choose centres").click()
    assert page.locator(".centres .choice:visible").count() == 26
    page.get_by_label("Show only").fill("bhop")
    assert page.locator(".centres .choice:visible").all_inner_texts() == ["PSK Bhopal"]
    page.keyboard.press("Enter")
    assert page.url.endswith(ADD)


def test_form_sent_twice_by_an_impatient_hand_declares_once(visit, officer, full_days):
    visitor = visit("en", width=DESK_WIDTH)
    to_table(visitor, officer)
    visitor.follow(visitor.page.get_by_role("button", name="Declare the outage").dblclick)
    visitor.page.wait_for_url("**/outage/*/change/")
    assert Outage.objects.count() == 1
    assert outages.open_outages_at().get().cuts.count() == 26 * 3 * len(full_days)


# --- Tokens for programs ------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scripts"), [(DESK_WIDTH, True), (PHONE_WIDTH, False)])
def test_token_is_made_with_the_keyboard_shown_once_and_revoked(visit, officer, width, scripts):
    visitor = visit("en", width=width, scripts=scripts)
    visitor.sign_in(officer)
    visitor.go("/officers/accounts/apptoken/add/")
    check = sound if scripts else lambda visitor: None
    check(visitor)
    press(visitor, "Issue a token for me")  # without a name
    check(visitor)
    assert not officer.app_tokens.exists()
    visitor.page.get_by_label("Name").fill("Weekly report")
    visitor.follow(lambda: visitor.page.keyboard.press("Enter"))
    check(visitor)
    assert visitor.page.locator("code").inner_text().startswith("pp_")
    assert overflow(visitor.page) == 0
    visitor.go("/officers/accounts/apptoken/")
    check(visitor)
    assert "pp_" not in visitor.page.content()
    visitor.page.get_by_role("checkbox").last.check()
    visitor.page.locator("select[name=action]").select_option("revoke")
    visitor.follow(visitor.page.locator(".actions button[type=submit]").click)
    assert officer.app_tokens.get().revoked_at is not None
