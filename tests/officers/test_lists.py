"""Lists: who sees what, masked; what is read-only; reference data; marking visits."""

import re
from pathlib import Path

import pytest
import time_machine
from django.conf import settings

from appointments.admin.scope import masked_arn, masked_name
from appointments.models import Application, Appointment, Holiday, Posting, SlotTemplate
from tests.domain.builders import at, in_days, make_appointment, make_centre, make_region, make_slot

pytestmark = pytest.mark.django_db
BASE = "/officers/appointments/"
OWNED_BY_VERBS = (
    *("outage", "plan", "offer", "appointment", "slot", "application", "capacitycut", "hold"),
)


@pytest.mark.parametrize("name", [*OWNED_BY_VERBS, "region", "centre", "slottemplate", "holiday"])
def test_every_list_opens_for_every_officer(desk, office, name):
    for seat in (desk(), desk("approver"), desk("centre", centre=office.bhopal)):
        seat.go(f"{BASE}{name}/")


@pytest.mark.parametrize("name", [n for n in OWNED_BY_VERBS if n != "outage"])
def test_rows_of_verbs_are_not_added_by_hand(desk, name):
    desk().go(f"{BASE}{name}/add/", status=403)


@pytest.mark.parametrize("name", ["slot", "application", "appointment"])
def test_rows_of_verbs_are_neither_changed_nor_deleted(desk, office, name):
    row = {"slot": office.slots[0], "appointment": office.people[0]}.get(
        name, office.people[0].application
    )
    seat = desk().go(f"{BASE}{name}/{row.pk}/change/")
    assert 'name="_save"' not in seat.page.content.decode()
    seat.send(changes={"taken": "0", "state": "cancelled", "name": "X"}, status=403)
    seat.go(f"{BASE}{name}/{row.pk}/delete/", status=403)


def test_names_and_numbers_are_whole_for_the_region_and_masked_for_a_centre(desk, office):
    person = office.people[0].application
    for name in ("appointment", "application"):
        whole = desk().go(f"{BASE}{name}/").text
        masked = desk("centre", centre=office.bhopal).go(f"{BASE}{name}/").text
        assert person.arn in whole
        assert person.name in whole
        assert person.arn not in masked
        assert person.name not in masked
        assert masked_arn(person.arn) in masked


def test_masks_leave_only_what_a_person_recognises():
    assert masked_name("Sunita  Verma") == "S• V•"
    assert masked_name("") == ""
    assert masked_arn("26-1234567890") == "••-••••••7890"


def test_centre_officer_sees_only_the_own_centre(desk, office):
    text = desk("centre", centre=office.sagar).go(f"{BASE}slot/").text
    assert "POPSK Sagar" in text
    assert "PSK Bhopal" not in text


def test_officer_of_another_region_sees_no_row(desk, office):
    abroad = desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))
    for name in ("appointment", "application", "slot", "centre"):
        assert f"0 {name}" in abroad.go(f"{BASE}{name}/").text
    abroad.go(f"{BASE}appointment/{office.people[0].pk}/change/")
    assert abroad.url == "/officers/"  # Django: "doesn't exist. Perhaps it was deleted?"


def test_officer_without_posting_sees_no_person(desk, office):
    seat = desk()
    Posting.objects.filter(officer=seat.officer).delete()
    assert "0 applications" in seat.go(f"{BASE}application/").text


# --- Find ---------------------------------------------------------------------------------------


def test_person_is_found_by_arn_without_the_arn_in_an_address(desk, office):
    person = office.people[0].application
    seat = desk()
    seat.url = f"{BASE}application/find/"
    seat.send(changes={"arn": f" {person.arn} "})
    assert seat.url == f"{BASE}application/{person.pk}/change/"
    assert person.name in seat.text


def test_unknown_arn_or_one_of_another_region_is_not_found(desk, office):
    abroad = desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))
    for seat, arn in ((desk(), "26-0000000000"), (abroad, office.people[0].application.arn)):
        seat.url = f"{BASE}application/find/"
        seat.send(changes={"arn": arn})
        assert "No application with this number" in seat.text
    desk().go(f"{BASE}application/find/", status=405)


def test_page_of_an_application_masks_its_contacts(desk, office):
    application = office.people[0].application
    Application.objects.filter(pk=application.pk).update(email="sunita@mail.example")
    text = desk().go(f"{BASE}application/{application.pk}/change/").text
    assert application.phone not in text
    assert "sunita@" not in text
    assert "••••@mail.example" in text
    assert f"Appointment {office.people[0].pk}" in text


# --- Visits -------------------------------------------------------------------------------------


@pytest.fixture
def visit_day(office):
    with time_machine.travel(at(in_days(1), 13), tick=True):
        yield


@pytest.mark.usefixtures("visit_day")
def test_centre_officer_marks_a_visit_on_its_page(desk, office):
    person = office.people[0]
    clerk = desk("centre", centre=office.bhopal)
    clerk.go(f"{BASE}appointment/{person.pk}/change/")
    assert "Did not come" in clerk.text
    clerk.go(f"{BASE}appointment/{person.pk}/completed/")
    person.refresh_from_db()
    assert person.state == Appointment.State.CONFIRMED
    clerk.send()
    person.refresh_from_db()
    assert person.state == Appointment.State.COMPLETED
    assert "Visit completed" in clerk.text


@pytest.mark.usefixtures("visit_day")
def test_several_visits_are_marked_in_the_list_and_refusals_are_named(desk, office):
    mine = office.people[:3]
    tomorrow = next(p for p in office.people if p.slot.date == office.days[1])
    clerk = desk("centre", centre=office.bhopal).go(f"{BASE}appointment/")
    chosen = [person.pk for person in (*mine, tomorrow)]
    clerk.send(changes={"action": "mark_no_show", "_selected_action": chosen})
    assert "Marked: 3." in clerk.text
    assert f"Appointment {tomorrow.pk}: This visit has not begun yet." in clerk.text
    assert Appointment.objects.filter(state=Appointment.State.NO_SHOW).count() == 3


@pytest.mark.usefixtures("visit_day")
def test_visit_of_another_centre_is_not_there_to_be_marked(desk, office):
    clerk = desk("centre", centre=office.sagar)
    person = office.people[0]
    clerk.go(f"{BASE}appointment/{person.pk}/no-show/", status=404)
    clerk.url = f"{BASE}appointment/{person.pk}/no-show/"
    clerk.send(status=404)
    person.refresh_from_db()
    assert person.state == Appointment.State.CONFIRMED


def test_buttons_are_not_offered_before_the_day(desk, office):
    clerk = desk("centre", centre=office.bhopal)
    clerk.go(f"{BASE}appointment/{office.people[0].pk}/change/")
    assert "Did not come" not in clerk.text


def test_day_filter_looks_ahead(desk, office):
    seat = desk()
    assert "16 appointments" in seat.go(f"{BASE}appointment/?day=tomorrow").text
    assert "32 appointments" in seat.go(f"{BASE}appointment/?day=week").text
    assert "0 appointments" in seat.go(f"{BASE}appointment/?day=today").text
    assert "8 appointments" in seat.go(f"{BASE}appointment/?centre={office.sagar.pk}").text
    assert "32 appointments" in seat.go(f"{BASE}appointment/?centre=x&day=never").text


# --- Reference data -----------------------------------------------------------------------------


def test_region_officer_adds_a_weekly_time_of_the_own_region_only(desk, office):
    abroad = make_centre("PUN", region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))
    seat = desk().go(f"{BASE}slottemplate/add/")
    typed = {"quota": "normal", "weekday": "", "start": "09:30", "seats": "5"}
    seat.send(changes={**typed, "centre": abroad.pk})
    assert not SlotTemplate.objects.exists()
    seat.send(changes={**typed, "centre": office.bhopal.pk})
    assert SlotTemplate.objects.get().centre == office.bhopal


def test_holiday_of_every_region_is_not_for_one_region_to_change(desk, office):
    everywhere = Holiday.objects.create(date=in_days(30), name_en="A", name_hi="अ")
    own = Holiday.objects.create(date=in_days(31), name_en="B", name_hi="ब", region=office.region)
    seat = desk()
    assert "2 holidays" in seat.go(f"{BASE}holiday/").text
    seat.go(f"{BASE}holiday/{everywhere.pk}/delete/", status=403)
    seat.go(f"{BASE}holiday/{own.pk}/delete/").send(changes={"post": "yes"})
    assert list(Holiday.objects.all()) == [everywhere]
    seat.go(f"{BASE}holiday/add/")
    typed = {"date": in_days(40).isoformat(), "name_en": "C", "name_hi": "स"}
    seat.send(changes=typed)
    assert "This field is required." in seat.text
    seat.send(changes={**typed, "region": office.region.pk})
    assert Holiday.objects.get(name_en="C").region == office.region


def test_officer_cannot_allow_lone_approval_nor_change_postings(desk, office):
    office.region.lone_approval = False
    office.region.save()
    seat = desk().go(f"{BASE}region/{office.region.pk}/change/")
    seat.send(changes={"lone_approval": "on"})
    office.region.refresh_from_db()
    assert not office.region.lone_approval
    seat.go(f"{BASE}posting/add/", status=403)
    posting = Posting.objects.get(officer=seat.officer)
    seat.go(f"{BASE}posting/{posting.pk}/change/").send(changes={"role": "approver"}, status=403)


def test_superuser_posts_an_officer_and_the_rights_follow(desk, office):
    chief = desk()
    chief.officer.is_superuser = True
    chief.officer.save()
    clerk = desk("centre", centre=office.sagar).officer
    posting = Posting.objects.get(officer=clerk)
    chief.go(f"{BASE}posting/{posting.pk}/change/")
    chief.send(changes={"role": "region", "centre": ""})
    posting.refresh_from_db()
    assert posting.role == Posting.Role.REGION
    assert [group.name for group in clerk.groups.all()] == ["posting:region"]


# --- Bounds and looks ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["appointment", "slot", "application", "offer", "hold"])
def test_lists_take_the_same_number_of_queries_for_more_rows(
    desk, office, name, django_assert_max_num_queries
):
    slot = make_slot(centre=office.bhopal, day=in_days(20), seats=20)
    for _ in range(20):
        make_appointment(slot)
    seat = desk()
    with django_assert_max_num_queries(16):
        seat.go(f"{BASE}{name}/")


def test_first_page_takes_a_fixed_number_of_queries(desk, django_assert_max_num_queries):
    seat = desk()
    with django_assert_max_num_queries(14):
        seat.go("/officers/")


def test_colours_are_those_of_the_portal():
    """officer.css repeats the tokens, because the admin's sheets stand between; none may drift."""
    static = Path(settings.BASE_DIR) / "portal/static/portal"
    token = re.compile(r"^\s+(--[a-z-]+): (#[0-9a-f]{3,6});$", re.MULTILINE)
    ours = token.findall((static / "officer.css").read_text())
    portal = token.findall((static / "portal.css").read_text())
    assert len(ours) == 30
    assert ours == portal[: len(ours)]


def test_pages_have_no_inline_script_or_style(desk, office):
    seat = desk()
    for url in ("/officers/", f"{BASE}appointment/", f"{BASE}outage/add/", f"{BASE}holiday/add/"):
        html = seat.go(url).page.content.decode()
        assert "<style" not in html
        assert " style=" not in html
        assert not re.search(r"<script(?![^>]*\ssrc=)", html)
