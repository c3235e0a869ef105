"""The public API: what a program reads of centres, free seats and outages."""

import datetime as dt

import pytest
from django.core.cache import cache
from rest_framework.throttling import AnonRateThrottle

from appointments import outages
from appointments.cuts import Cut
from appointments.models import Slot
from tests.domain.builders import (
    at,
    declare_for_test,
    in_days,
    make_appointment,
    make_centre,
    make_officer,
    make_slot,
)

pytestmark = pytest.mark.django_db


def test_centres_say_code_names_and_place(client):
    make_centre("IDR", name_en="PSK Indore", name_hi="पीएसके इंदौर")
    answer = client.get("/api/v1/centres/").json()
    assert answer["count"] == 1
    (centre,) = answer["results"]
    assert (centre["code"], centre["name_hi"], centre["region"]) == (
        "IDR",
        "पीएसके इंदौर",
        "BPL-RPO",
    )


def test_centres_cost_the_same_queries_for_one_and_three(client, django_assert_num_queries):
    for code in ("BPL", "IDR", "GWL"):
        make_centre(code)
        with django_assert_num_queries(2):
            client.get("/api/v1/centres/")


def test_availability_counts_free_seats_by_day_and_quota(client):
    slot = make_slot(seats=5)
    make_slot(hour=12, seats=3)
    make_slot(hour=12, seats=7, quota="tatkaal")
    make_appointment(slot)
    days = client.get("/api/v1/centres/BPL/availability/").json()
    assert days == [
        {"date": str(in_days(3)), "quota": "normal", "free": 7},
        {"date": str(in_days(3)), "quota": "tatkaal", "free": 7},
    ]
    only = client.get("/api/v1/centres/BPL/availability/?quota=tatkaal").json()
    assert [day["quota"] for day in only] == ["tatkaal"]


def test_availability_leaves_out_full_paused_closed_and_too_soon(client, time_machine):
    time_machine.move_to(at(in_days(0), 10))  # shortly after midnight 23:00 would not be too soon
    for hour, wrong in ((9, {"taken": 2}), (10, {"paused": True}), (11, {"closed": 2})):
        Slot.objects.filter(pk=make_slot(hour=hour).pk).update(**wrong)
    make_slot(day=in_days(0), hour=23)
    assert client.get("/api/v1/centres/BPL/availability/").json() == []


@pytest.mark.parametrize(
    "query",
    ["quota=gold", "first=tomorrow", "first=2026-01-02&last=2026-01-01", "last=2099-01-01"],
)
def test_availability_with_a_wrong_question_says_which_part(client, query):
    make_centre()
    answer = client.get(f"/api/v1/centres/BPL/availability/?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid"
    assert answer.json()["errors"].keys() <= {"quota", "first", "last"}


def test_availability_of_an_unknown_centre_is_a_problem_404(client):
    answer = client.get("/api/v1/centres/XXX/availability/")
    assert answer.status_code == 404
    assert answer.json()["status"] == 404
    assert answer.json()["detail"]


def test_outages_tell_scope_days_and_both_texts(client):
    officer, centre = make_officer(), make_centre()
    make_slot(centre=centre, seats=5)
    outage = declare_for_test(officer, [Cut(centre.pk, in_days(3), "normal", 2)])
    (told,) = client.get("/api/v1/outages/").json()
    assert told["centres"] == ["BPL"]
    assert told["capacity"] == [{"date": str(in_days(3)), "seats_left": 2}]
    assert (told["state"], told["text_hi"], told["text_en"]) == ("open", "खराबी", "Fault")
    outages.restore(outage_id=outage.pk, by=officer)
    assert client.get("/api/v1/outages/").json()[0]["state"] == "restored"


def test_outages_cost_the_same_queries_for_one_and_three(client, django_assert_num_queries):
    officer, centre = make_officer(), make_centre()
    scopes = ({}, {"scope": "all", "region": None}, {"scope": "centres", "region": None})
    for number, fields in enumerate(scopes):
        day = in_days(3 + number)
        make_slot(centre=centre, day=day)
        officer.is_superuser = True
        more = {"centres": [centre]} if fields.get("scope") == "centres" else {}
        declare_for_test(officer, [Cut(centre.pk, day, "normal", 1)], **fields, **more)
        with django_assert_num_queries(4):
            told = client.get("/api/v1/outages/").json()
        assert [outage["centres"] for outage in told] == [["BPL"]] * (number + 1)
        assert all(len(outage["capacity"]) == 1 for outage in told)


def test_outages_taken_back_or_long_over_are_not_told(client):
    officer = make_officer()
    make_centre()
    outage = declare_for_test(officer, [])
    outages.take_back(outage_id=outage.pk, by=officer)
    old = declare_for_test(officer, [], since=outage.declared_at - dt.timedelta(days=20))
    outages.restore(outage_id=old.pk, by=officer)
    type(old).objects.filter(pk=old.pk).update(ended_at=old.declared_at - dt.timedelta(days=8))
    assert client.get("/api/v1/outages/").json() == []


def test_writing_is_refused(client):
    for path in ("centres/", "outages/", "centres/BPL/availability/"):
        assert client.post(f"/api/v1/{path}").status_code == 405


def test_too_many_requests_are_a_problem_429_that_says_when_to_try_again(client):
    make_centre()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AnonRateThrottle, "THROTTLE_RATES", {"anon": "2/min"})
        cache.clear()
        # Another address in a header does not help.
        answers = [
            client.get("/api/v1/centres/", headers={"X-Forwarded-For": f"10.0.0.{number}"})
            for number in range(3)
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2]["Content-Type"] == "application/problem+json"
    assert answers[2].json()["code"] == "throttled"
    assert int(answers[2]["Retry-After"]) > 0


def test_schema_and_docs_are_served_from_here(client):
    schema = client.get("/api/v1/schema/")
    assert schema.status_code == 200
    page = client.get("/api/v1/docs/").content.decode()
    assert "//cdn" not in page
    assert "https://" not in page.replace("https://www.w3.org", "")


@pytest.mark.parametrize("path", ["centres/", "outages/", "centres/BPL/availability/"])
def test_public_read_that_has_not_changed_is_not_sent_again(client, path):
    make_slot()
    first = client.get(f"/api/v1/{path}")
    again = client.get(f"/api/v1/{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    changed = client.get(f"/api/v1/{path}", headers={"If-None-Match": '"other"'})
    assert changed.content == first.content


@pytest.mark.parametrize("path", ["/api/", "/api/v2/centres/", "/api/v1/a%0Ab/", "/api/v1/nothing"])
def test_address_that_no_version_has_is_a_problem_not_a_page(client, path):
    answer = client.post(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["first=9999-12-31", "first=0001-01-01", "last=0001-01-01"])
def test_days_at_the_ends_of_the_calendar_are_no_fault_of_ours(client, query):
    make_centre("BPL")
    assert client.get(f"/api/v1/centres/BPL/availability/?{query}").status_code in (200, 400)


def test_precondition_that_fails_is_a_problem(client):
    answer = client.get("/api/v1/centres/", headers={"If-Match": '"other"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert answer.headers["Content-Type"] == "application/problem+json"
