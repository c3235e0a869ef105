"""What the pages say about outages: to whom, where, and how many seats are left."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.utils import timezone, translation

from accounts.models import User
from appointments.models import Outage, Region
from appointments.service import DaySeats
from portal.banners import banners_for
from tests.portal.conftest import Office, make_slot

Declare = Callable[..., Outage]
PUBLIC = AnonymousUser()


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def test_no_outage_no_banner(office: Office):
    assert banners_for(PUBLIC) == []


def test_outage_without_seats_says_do_not_travel(declare: Declare):
    declare(left=0)
    [banner] = banners_for(PUBLIC)
    assert banner.state == "outage"
    assert banner.heading == "Do not travel to the centre"
    assert banner.text == "The server is down."


def test_outage_whose_cut_is_not_known_yet_says_do_not_travel(declare: Declare):
    declare()
    assert banners_for(PUBLIC)[0].state == "outage"


def test_reduced_service_names_the_day_and_the_seats_left(office: Office, declare: Declare):
    declare(left=30)
    [banner] = banners_for(PUBLIC)
    assert banner.state == "reduced"
    assert banner.capacity == DaySeats(date=office.tomorrow, total=300, left=90)


def test_quota_without_a_cut_keeps_its_seats(office: Office, declare: Declare):
    make_slot(office.bhopal, office.tomorrow, 40, quota="pcc")
    declare(centres=[office.bhopal], left=0)
    [banner] = banners_for(PUBLIC)
    assert banner.capacity == DaySeats(date=office.tomorrow, total=140, left=40)


def test_banner_of_chosen_centres_names_their_towns(office: Office, declare: Declare):
    declare(centres=[office.bhopal, office.sagar], left=30)
    [banner] = banners_for(PUBLIC)
    assert banner.scope == "Bhopal, Sagar"
    assert banner.capacity == DaySeats(date=office.tomorrow, total=200, left=60)


def test_banner_of_the_only_region_speaks_of_all_centres(declare: Declare):
    declare()
    assert banners_for(PUBLIC)[0].scope == "All centres"


def test_banner_of_one_region_among_others_names_it(declare: Declare):
    Region.objects.create(code="RPR-RPO", name_en="Raipur", name_hi="रायपुर")
    declare()
    scope = banners_for(PUBLIC)[0].scope
    assert scope == "All centres of the regional passport office, Bhopal"


def test_banner_of_many_chosen_centres_counts_them(
    office: Office, declare: Declare, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("portal.banners.TOWNS_NAMED", 1)
    declare(centres=[office.bhopal, office.sagar])
    assert banners_for(PUBLIC)[0].scope == "2 centres"


def test_banner_is_in_the_language_of_the_page(declare: Declare):
    declare(left=0)
    with translation.override("hi"):
        [banner] = banners_for(PUBLIC)
    assert banner.heading == "केंद्र न जाएँ"
    assert banner.text == "सर्वर बंद है।"


def test_end_that_is_not_known_is_said_so(declare: Declare):
    declare()
    facts = {fact.label: fact.value for fact in banners_for(PUBLIC)[0].facts}
    assert facts["Expected to last until"] == "not known yet"


def test_expected_end_is_spelled_out(declare: Declare):
    declare(expected_until=dt.datetime(2099, 6, 23, 4, 45, tzinfo=dt.UTC))
    facts = {fact.label: fact.value for fact in banners_for(PUBLIC)[0].facts}
    assert facts["Expected to last until"].replace("\xa0", " ") == "Tuesday, 23 June 2099, 10:15 am"


def test_next_update_comes_by_the_expected_end(declare: Declare):
    declare(expected_until=dt.datetime(2099, 6, 23, 4, 45, tzinfo=dt.UTC))
    assert fact("Next update") == "by Tuesday, 23 June 2099, 10:15 am"


def test_next_update_is_not_promised_where_the_end_is_unknown(declare: Declare):
    declare()
    assert fact("Next update") == "as soon as the office knows more"


def test_expected_end_that_has_passed_is_no_longer_promised(declare: Declare):
    declare(expected_until=timezone.now() - dt.timedelta(hours=1))
    assert fact("Expected to last until").startswith("not known yet (")
    assert fact("Next update") == "as soon as the office knows more"


def fact(label: str) -> str:
    [banner] = banners_for(PUBLIC)
    return {f.label: f.value for f in banner.facts}[label].replace("\xa0", " ")


def test_last_update_is_that_of_the_cut(office: Office, declare: Declare):
    outage = declare(left=0)
    later = outage.declared_at + dt.timedelta(hours=2)
    outage.log.create(event="cut_changed", at=later, actor=office.officer)
    outage.log.create(event="prepared", at=later + dt.timedelta(hours=1), actor=office.officer)
    assert banners_for(PUBLIC)[0].changed_at == later


@pytest.mark.parametrize(
    ("fields", "stays"), [({"left": 0}, True), ({"restored_hours_ago": 1}, False)]
)
def test_home_says_do_not_travel_only_while_something_is_down(client, declare, fields, stays):
    declare(**fields)
    client.cookies["django_language"] = "en"
    page = client.get("/").content.decode()
    assert ("Do not travel until a new SMS comes" in page) == stays
    assert ("What to do now" in page) == stays


def test_restored_service_is_said_for_two_days(declare: Declare):
    declare(restored_hours_ago=47)
    declare(restored_hours_ago=49)
    [banner] = banners_for(PUBLIC)
    assert banner.state == "restored"
    assert banner.heading == "Service restored"


def test_outage_taken_back_leaves_no_banner(declare: Declare):
    outage = declare()
    outage.state, outage.ended_at = Outage.State.WITHDRAWN, timezone.now()
    outage.save()
    assert banners_for(PUBLIC) == []


def test_applicant_of_an_untouched_centre_is_not_alarmed(
    office: Office, declare: Declare, applicant: User
):
    declare(centres=[office.indore], left=0)
    assert banners_for(applicant) == []
    assert len(banners_for(PUBLIC)) == 1


def test_applicant_of_a_touched_centre_is_told(office: Office, declare: Declare, applicant: User):
    declare(centres=[office.bhopal], left=0)
    assert len(banners_for(applicant)) == 1


def test_signed_in_person_without_appointments_sees_all(declare: Declare):
    declare()
    newcomer = User.objects.create_user(phone="+919876543299")
    assert len(banners_for(newcomer)) == 1


def test_every_page_carries_the_banner_with_a_way_to_the_whole(client: Client, declare: Declare):
    declare(left=0)
    page = client.get("/advice/").text
    assert "केंद्र न जाएँ" in page
    assert 'href="/#now"' in page
    assert "सर्वर बंद है।" not in page
    assert "सर्वर बंद है।" in client.get("/").text


def test_text_of_an_officer_is_escaped(client: Client, declare: Declare):
    declare(text_hi="<script>alert(1)</script>")
    assert "<script>" not in client.get("/").text


def test_number_of_queries_does_not_grow_with_outages(declare: Declare, django_assert_num_queries):
    for _outage in range(3):
        declare(left=30)
        with django_assert_num_queries(7):
            banners_for(PUBLIC)
