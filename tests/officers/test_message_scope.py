"""Whose messages an officer sees: every kind of reference is asked whose region it is about."""

import pytest
from django.urls import reverse

from accounts.models import User
from appointments.message_kinds import ALERTS
from appointments.models import Centre, Outage
from tests.appointments.call_worlds import any_plan, list_of, make_slot
from tests.domain.builders import (
    declare_for_test,
    in_days,
    make_application,
    make_centre,
    make_officer,
    make_person,
    make_region,
)
from tests.officers.written import write

pytestmark = pytest.mark.django_db
LIST = "/officers/notifications/message/"


@pytest.fixture
def abroad(desk):
    """An officer posted to a region in which nothing has happened."""
    return desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))


def sees(seat, message) -> bool:
    """In the list and as a page: both, or neither."""
    page = seat.go(LIST).page.content.decode()
    answer = seat.client.get(f"{LIST}{message.pk}/change/")
    assert (answer.status_code == 200) == (f"{LIST}{message.pk}/change/" in page)
    return answer.status_code == 200


def become_chief(seat):
    User.objects.filter(pk=seat.officer.pk).update(is_superuser=True)
    return seat


def slot_of(centre: Centre, hour: int = 9):
    return make_slot(centre=centre, day=in_days(2), hour=hour)


# --- Lists of people behind one phone -------------------------------------------------------------


@pytest.fixture
def listed(office):
    """One SMS for two people of Bhopal and one of Sagar: (message, the people)."""
    offer_list, people = list_of(*(slot_of(office.bhopal, hour) for hour in (7, 8, 9)), phone="")
    elsewhere = people[0].application
    elsewhere.home_centre = office.sagar
    elsewhere.save()
    return write(kind="MOVED_MANY_KEEP", reference=f"offer-list:{offer_list.pk}"), people


def test_list_of_people_is_seen_by_their_region_only(desk, listed, abroad):
    message, _people = listed
    assert sees(desk(), message)
    assert not sees(abroad, message)
    assert sees(become_chief(abroad), message)


def test_centre_sees_the_sms_of_a_list_that_holds_people_of_it_masked(desk, office, listed):
    message, _people = listed
    empty = make_centre("IDR", region=office.region)
    for centre, is_seen in ((office.bhopal, True), (office.sagar, True), (empty, False)):
        clerk = desk("centre", centre=centre)
        assert sees(clerk, message) == is_seen
        if is_seen:
            text = clerk.go(f"{LIST}{message.pk}/change/").text
            assert "••••••3210" in text
            assert message.address not in clerk.page.content.decode()
            assert "Show the whole address" not in text


def test_centre_finds_the_sms_of_a_list_by_the_arn_of_its_person(desk, office, listed):
    message, people = listed
    clerk = desk("centre", centre=office.bhopal)
    clerk.url = reverse("admin:notifications_message_find")
    clerk.send(changes={"what": people[-1].application.arn})
    assert f"{LIST}{message.pk}/change/" in clerk.page.content.decode()


# --- Codes ----------------------------------------------------------------------------------------


def test_code_is_seen_where_its_person_has_an_application(desk, office, abroad):
    person = make_person()
    code = write(kind="OTP", reference=f"person:{person.pk}")
    assert not sees(desk(), code)
    make_application(claimed_by=person, centre=office.bhopal)
    assert sees(desk(), code)
    assert not sees(desk("centre", centre=office.bhopal), code)
    assert not sees(abroad, code)
    pune = make_centre("PNQ", region=make_region("PNQ"))
    make_application(claimed_by=person, centre=pune)
    assert sees(abroad, code)


# --- Plans, outages, alerts -----------------------------------------------------------------------


def test_what_is_about_a_plan_is_seen_by_its_region_only(desk, office, abroad):
    message = write(reference=f"plan:{any_plan().pk}")
    assert sees(desk(), message)
    assert not sees(desk("centre", centre=office.bhopal), message)
    assert not sees(abroad, message)


def test_what_is_about_an_outage_is_seen_by_the_regions_it_touches(desk, office, abroad):
    here = declare_for_test(make_officer(), [])
    message = write(reference=f"outage:{here.pk}")
    assert sees(desk(), message)
    assert not sees(abroad, message)
    Outage.objects.filter(pk=here.pk).update(scope="centres", region=None)
    assert not sees(desk(), message)
    here.centres.add(make_centre("PNQ", region=make_region("PNQ")))
    assert not sees(desk(), message)
    assert sees(abroad, message)
    Outage.objects.filter(pk=here.pk).update(scope="all")
    assert sees(desk(), message)


@pytest.mark.parametrize("kind", [kind.code for kind in ALERTS])
def test_alert_is_seen_by_officers_of_its_region(desk, office, abroad, kind):
    message = write(kind=kind, reference=f"{kind.lower()}:{office.region.pk}")
    assert sees(desk(), message)
    assert not sees(desk("centre", centre=office.bhopal), message)
    assert not sees(abroad, message)


# --- Nobody's -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference",
    [
        *("", "list:17", "appointment:", "appointment:x", "appointment:999999999999999999"),
        *("person:0", "plan:1x", "offer-list:-1", "unheard_of:1", "appointment", "plan_waits"),
        "xplan_waits:1",
    ],
)
def test_what_is_nobodys_is_seen_by_superusers_only(desk, office, reference):
    message = write(reference=reference)
    assert not sees(desk(), message)
    assert not sees(desk("centre", centre=office.bhopal), message)
    assert sees(become_chief(desk()), message)
