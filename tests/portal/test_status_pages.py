"""Service status: of a region and of a centre, what has happened, and when the backlog is gone."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from appointments import outages, plans
from appointments.backlog import Outlook
from appointments.cuts import Cut
from appointments.models import Appointment, Centre, Outage, Plan, Region, Slot
from appointments.status import Event, Status, status_of
from portal.kept_status import etag_of
from tests.applicants.reading import text
from tests.domain.builders import (
    approve_as_seen,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_region,
    make_slot,
)
from tests.portal.conftest import Office

pytestmark = pytest.mark.django_db
Declare = Callable[..., Outage]


@pytest.fixture
def english(client: Client) -> Client:
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    return client


# --- What stands on the page -------------------------------------------------------------------


def test_quiet_day_is_calm(english: Client, office: Office):
    page = text(english.get("/status/bpl-rpo/"))
    assert "All centres work normally" in page
    assert "every appointment that was planned can take place" in page
    assert "Nobody is waiting because of a fault." in page
    assert "What has happened" not in page


def test_one_region_is_shown_at_once(english: Client, office: Office):
    assert "All centres work normally" in text(english.get("/status/"))


def test_several_regions_are_listed(english: Client, office: Office, declare: Declare):
    Region.objects.create(code="RPR-RPO", name_en="Raipur", name_hi="रायपुर")
    declare(left=0)
    page = english.get("/status/").text
    assert 'href="/status/bpl-rpo/"' in page
    assert 'href="/status/rpr-rpo/"' in page
    assert "Service interrupted: do not travel" in page


def test_region_during_an_outage(english: Client, office: Office, declare: Declare):
    declare(centres=[office.bhopal], left=0)
    declare(centres=[office.indore], left=30)
    page = text(english.get("/status/bpl-rpo/"))
    assert "Partial service 2 of 3 centres are affected." in page
    assert "The server is down." in page
    assert "Expected to last until not known yet" in page
    assert "Next update as soon as the office knows more" in page
    assert "130 of 300" in page


def test_centre_tells_only_what_touches_it(english: Client, office: Office, declare: Declare):
    declare(centres=[office.bhopal], left=0)
    assert "This centre works normally" in text(english.get("/status/bpl-rpo/sgr/"))
    page = text(english.get("/status/bpl-rpo/bpl/"))
    assert "Service interrupted: do not travel" in page
    assert "0 of 100" in page


@pytest.mark.parametrize("path", ["", "bpl/"])
def test_address_may_be_written_in_capitals(client: Client, office: Office, path: str):
    assert client.get(f"/status/BPL-RPO/{path.upper()}").status_code == 200


@pytest.mark.parametrize(
    "path", ["xxx/", "xxx.json", "xxx/hi.atom", "bpl-rpo/fr.atom", "bpl-rpo/xxx/", "xxx/bpl/"]
)
def test_unknown_place_is_not_found(client: Client, office: Office, path: str):
    assert client.get(f"/status/{path}").status_code == 404


def test_centres_lead_to_their_status(client: Client, office: Office):
    for page in ("/centres/", "/status/"):
        assert 'href="/status/bpl-rpo/idr/"' in client.get(page).text


def test_word_of_an_officer_is_escaped(client: Client, declare: Declare):
    declare(text_hi="<script>alert(1)</script>")
    for path in ("/status/", "/status/bpl-rpo/news/"):
        assert "<script>alert" not in client.get(path).text


# --- What has happened -------------------------------------------------------------------------


def now_of(centre: Centre | None = None) -> Status:
    return status_of(region=make_region(), centre=centre, now=timezone.now())


def displace() -> tuple[Outage, Plan, Any]:
    """Two people for one seat that is left, and a plan that has just been applied."""
    slot = make_slot(seats=2)
    for _ in range(2):
        make_appointment(slot)
    make_slot(day=in_days(6), seats=4)
    officer, second = make_officer(), make_officer("approver")
    cut = [Cut(slot.centre_id, slot.date, "normal", 1)]
    until = timezone.now() + dt.timedelta(days=2)
    outage = declare_for_test(officer, cut, expected_until=until)
    plan = plans.prepare(outage_id=outage.pk, region_id=slot.region_id, by=officer)
    approve_as_seen(plan, second)
    return outage, plans.apply(plan_id=plan.pk, by=second), officer


def after_grace(plan: Plan) -> None:
    plan.offers.update(live_at=plan.applied_at)
    Plan.objects.filter(pk=plan.pk).update(live_at=plan.applied_at)


def events(status: Status) -> list[Event]:
    return [entry.event for entry in reversed(status.history)]


def test_history_tells_what_happened_in_order():
    outage, plan, officer = displace()
    after_grace(plan)
    plans.settle(now=timezone.now())
    slot = Slot.objects.earliest("date")
    outages.change_cut(
        outage_id=outage.pk, cuts=[Cut(slot.centre_id, slot.date, "normal", 2)], by=officer
    )
    outages.restore(outage_id=outage.pk, by=officer)
    expected = [Event.BEGAN, Event.DECLARED, Event.PLANNED, Event.CUT_CHANGED, Event.RESTORED]
    assert events(now_of()) == expected


def test_plan_in_its_grace_changes_nothing_of_the_status():
    _outage, plan, officer = displace()
    during = now_of()
    assert Event.PLANNED not in events(during)
    plans.undo(plan_id=plan.pk, by=officer)
    assert now_of() == during


def test_plan_is_told_when_its_grace_is_over():
    _outage, plan, _officer = displace()
    after_grace(plan)
    assert Event.PLANNED in events(now_of())


def test_history_names_no_officer_reason_or_number_of_people(english: Client):
    _outage, plan, officer = displace()
    after_grace(plan)
    page = english.get("/status/bpl-rpo/").text
    for secret in (officer.name, officer.email, "second officer"):
        assert secret not in page
    assert "Those affected were given new times" in page


def test_outage_taken_back_was_never_there():
    officer = make_officer()
    make_slot()
    outage = declare_for_test(officer, [])
    outages.take_back(outage_id=outage.pk, by=officer)
    assert events(now_of()) == []
    assert now_of().outages == ()


def test_outage_elsewhere_is_not_in_the_history_of_a_centre():
    officer, here, there = make_officer(), make_centre("BPL"), make_centre("IDR")
    declare_for_test(officer, [], scope="centres", region=None, centres=[there])
    assert events(now_of(here)) == []
    assert events(now_of(there)) == [Event.BEGAN, Event.DECLARED]


def test_old_outage_is_forgotten():
    officer = make_officer()
    make_centre()
    outage = declare_for_test(officer, [], since=timezone.now() - dt.timedelta(days=40))
    outages.restore(outage_id=outage.pk, by=officer)
    ended = timezone.now() - dt.timedelta(days=31)
    Outage.objects.filter(pk=outage.pk).update(ended_at=ended)
    assert events(now_of()) == []


# --- The forecast ------------------------------------------------------------------------------


def crowd(people: int, *, seats_left: int = 0, until_days: int | None = 2, **slot: Any) -> Slot:
    """A slot with so many people of whom an outage leaves seats to `seats_left`."""
    crowded = make_slot(seats=max(people, seats_left), **slot)
    for _ in range(people):
        make_appointment(crowded)
    until = timezone.now() + dt.timedelta(days=until_days) if until_days else None
    cut = Cut(crowded.centre_id, crowded.date, crowded.quota, seats_left)
    declare_for_test(make_officer(), [cut], expected_until=until)
    return crowded


def test_backlog_is_gone_on_the_day_with_a_seat_for_the_last():
    crowd(5)
    for day, seats in ((4, 2), (5, 2), (6, 2), (7, 9)):
        make_slot(day=in_days(day), seats=seats)
    assert now_of().forecast.day == in_days(6)


def test_people_who_keep_their_seats_are_not_counted():
    crowd(5, seats_left=3)
    make_slot(day=in_days(4), seats=2)
    assert now_of().forecast.day == in_days(4)


def test_waiting_list_is_counted():
    Appointment.objects.create(
        application=make_application(),
        state="waiting",
        booked_at=timezone.now(),
        waiting_since=timezone.now(),
    )
    make_slot(day=in_days(4), seats=1)
    assert now_of().forecast.day == in_days(4)


def test_tatkaal_may_take_normal_seats_and_pcc_may_not():
    crowd(3, quota="tatkaal")
    make_slot(day=in_days(4), quota="tatkaal", seats=1)
    make_slot(day=in_days(5), quota="pcc", seats=9)
    make_slot(day=in_days(6), seats=2)
    assert now_of().forecast.day == in_days(6)


def test_nobody_knows_while_the_end_is_unknown_or_has_passed():
    crowd(1, until_days=None)
    make_slot(day=in_days(4), seats=9)
    assert now_of().forecast.outlook is Outlook.END_UNKNOWN


def test_nobody_knows_where_there_are_not_enough_seats():
    crowd(3)
    make_slot(day=in_days(4), seats=2)
    assert now_of().forecast.outlook is Outlook.NO_SEATS


def test_people_with_a_new_time_are_seen_on_its_day():
    _outage, plan, _officer = displace()
    after_grace(plan)
    assert now_of().forecast.day == in_days(6)


def test_forecast_of_a_centre_is_of_its_own_people_and_seats():
    crowd(1, centre=make_centre("BPL"))
    make_slot(centre=make_centre("BPL"), day=in_days(8), seats=1)
    make_slot(centre=make_centre("IDR"), day=in_days(4), seats=1)
    assert now_of().forecast.day == in_days(4)
    assert now_of(make_centre("BPL")).forecast.day == in_days(8)
    assert now_of(make_centre("IDR")).forecast.outlook is Outlook.NONE


def test_forecast_is_said_in_words(english: Client, office: Office):
    make_slot(centre=office.bhopal, day=in_days(4), seats=9)
    Appointment.objects.create(
        application=make_application(centre=office.bhopal),
        state="waiting",
        booked_at=timezone.now(),
        waiting_since=timezone.now(),
    )
    page = text(english.get("/status/"))
    assert re.search(r"By \w+day, \d+ \w+ \d{4}, if no more appointments are lost\.", page)
    assert "This is no promise." in page


# --- What an open page asks --------------------------------------------------------------------


def news(client: Client, path: str, etag: str = "") -> Any:
    return client.get(f"{path}news/", headers={"if-none-match": etag} if etag else {})


@pytest.mark.parametrize("path", ["/status/bpl-rpo/", "/status/bpl-rpo/bpl/"])
def test_page_knows_what_it_has_and_asks_for_what_is_new(
    client: Client, office: Office, declare: Declare, path: str
):
    page = client.get(path).text
    assert f'hx-get="{path}news/" hx-trigger="every 60s"' in page
    etag = re.search(r"If-None-Match&quot;: &quot;\\&quot;(\w+)\\", page)
    assert etag is not None
    unchanged = news(client, path, f'"{etag[1]}"')
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    declare(left=0)
    changed = news(client, path, f'"{etag[1]}"')
    assert changed.status_code == 200
    assert "सर्वर बंद है।" in changed.text
    assert changed["ETag"] != f'"{etag[1]}"'


def test_unchanged_answer_costs_three_queries(client: Client, office: Office, declare: Declare):
    for _ in range(3):
        declare(left=30)
    etag = news(client, "/status/bpl-rpo/")["ETag"]
    with CaptureQueriesContext(connection) as queries:
        assert news(client, "/status/bpl-rpo/", etag).status_code == 304
    assert len(queries) == 3


def test_other_language_is_another_answer(client: Client, office: Office):
    status = now_of()
    assert etag_of(status, "hi") != etag_of(status, "en")


def test_news_carry_only_what_changes(client: Client, office: Office):
    answer = news(client, "/status/bpl-rpo/").text
    assert "<html" not in answer
    assert '<span id="read-at" hx-swap-oob="true">' in answer
    assert "style=" not in answer


def test_script_is_only_on_status_pages_and_may_evaluate_nothing(client: Client, office: Office):
    page = client.get("/status/").text
    assert '"allowEval": false' in page
    assert page.count("<script") == 1
    assert "defer></script>" in page
    for path in ("/", "/centres/", "/affected/"):
        assert "<script" not in client.get(path).text


def test_status_stands_without_a_cache(client: Client, office: Office, monkeypatch: Any):
    def away(*_args: Any, **_kwargs: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr("appointments.kept.cache.get", away)
    assert client.get("/status/").status_code == 200
    monkeypatch.undo()
    monkeypatch.setattr("appointments.kept.cache.set", away)
    assert client.get("/status/").status_code == 200


@pytest.mark.parametrize("path", ["/status/bpl-rpo/", "/status/bpl-rpo/bpl/", "/status/"])
def test_status_costs_the_same_for_one_and_many(
    client: Client, office: Office, declare: Declare, path: str
):
    declare(left=30)
    counts = []
    for number in range(3):
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        counts.append(len(queries))
        centre = make_centre(f"Y{number}", region=office.region)
        declare(centres=[centre, office.bhopal], left=1)
    assert len(set(counts)) == 1
    assert counts[0] <= 20


def test_both_languages(client: Client, office: Office, declare: Declare):
    declare(left=30)
    page = text(client.get("/status/"))
    with translation.override("hi"):
        assert "सेवा की स्थिति" in page
    assert "आंशिक सेवा" in page
    assert "300 में से 90" in page
