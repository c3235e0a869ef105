"""The call list in the officers' pages: who sees whom, one call from taking it to the next."""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from appointments import calls
from appointments.cuts import Cut
from appointments.models import Appointment, Call, CallClaim, NumberView, Region
from tests.appointments.call_worlds import HOUR, in_doubt, moved, not_reached, without_seat
from tests.domain.builders import approved_plan, declare_for_test, in_days, make_slot
from tests.officers.pages import fields_of

pytestmark = pytest.mark.django_db
LIST = reverse("admin:appointments_call_changelist")
NEXT = reverse("admin:appointments_call_next")
PHONE = "+919812345678"


def url(person, step="person"):
    return reverse(f"admin:appointments_call_{step}", args=[person.pk])


@pytest.fixture
def sunita(office):
    """Not reached, moved from the day after tomorrow."""
    new = make_slot(centre=office.bhopal, day=in_days(6), hour=11)
    old = make_slot(centre=office.bhopal, day=in_days(2), hour=9)
    person = moved(old=old, new=new, name="Sunita Verma", phone=PHONE)
    not_reached(person)
    return person


@pytest.fixture
def arjun(office):
    old = make_slot(centre=office.sagar, day=in_days(4), hour=9)
    return without_seat(old=old, name="Arjun Rao")


def post(desk, address, **data):
    return desk._shown(desk.client.post(address, data, follow=True), address, 200)


def taken(desk, person):
    return post(desk, url(person, "take"))


def save(desk, outcome="reached", **changes):
    return desk.send(changes={"outcome": outcome, **changes})


# --- The list -----------------------------------------------------------------------------------


def test_list_masks_names_and_numbers_and_says_what_it_is_about(desk, sunita, arjun):
    seen = desk().go(LIST)
    for words in ("S• V•", "678", "New time: may be changed", "No seat yet", "not called yet"):
        assert words in seen.text
    html = seen.page.content.decode()
    for secret in ("Sunita", "Arjun", PHONE, sunita.application.arn):
        assert secret not in html
    assert seen.text.index("S• V•") < seen.text.index("A• R•")
    assert "to be called 2" in seen.text


def test_list_is_narrowed_by_reason_and_centre(desk, office, sunita, arjun):
    at = desk()
    assert "A• R•" not in at.go(f"{LIST}?why=not_reached").text
    assert "S• V•" not in at.go(f"{LIST}?why=no_seat").text
    assert "S• V•" not in at.go(f"{LIST}?centre={office.sagar.pk}").text
    everything = at.go(f"{LIST}?why=nonsense&centre=x&page=99").text
    assert "A• R•" in everything
    assert "S• V•" in everything


def test_centre_officer_sees_the_own_centre(desk, office, sunita, arjun):
    seen = desk("centre", centre=office.sagar).go(LIST).text
    assert "A• R•" in seen
    assert "S• V•" not in seen
    assert "By centre" not in seen


def test_visit_within_a_day_is_on_top_and_marked(desk, office, sunita):
    soon = timezone.now() + 5 * HOUR
    slot = make_slot(centre=office.bhopal, day=in_days(1), hour=7)
    slot.starts_at = soon
    slot.save()
    not_reached(in_doubt(slot, name="Zoya Khan"))
    seen = desk().go(LIST).text
    assert seen.index("Z• K•") < seen.index("S• V•")
    assert "within 24 hours" in seen
    assert "visit within 24 hours 1" in seen


def test_list_has_pages(desk, office):
    for number in range(27):
        slot = make_slot(centre=office.bhopal, day=in_days(3), hour=13, minute=number)
        not_reached(in_doubt(slot, name=f"Person{number:02d}"))
    at = desk().go(LIST)
    assert "27 calls, page 1 of 2" in at.text
    assert at.page.content.decode().count('<li class="call-row') == 25
    assert at.go(f"{LIST}?page=2").page.content.decode().count('<li class="call-row') == 2


def test_list_costs_the_same_queries_for_one_and_three(desk, office, sunita):
    at = desk()
    at.go(LIST)
    counts = []
    for number in range(2):
        with CaptureQueriesContext(connection) as queries:
            at.go(LIST)
        counts.append(len(queries))
        for minute in (1, 2):
            slot = make_slot(centre=office.bhopal, day=in_days(3), hour=14 + number, minute=minute)
            not_reached(in_doubt(slot))
    assert counts[0] == counts[1]


def test_progress_by_centre_stands_below_for_a_region(desk, sunita, arjun):
    at = desk()
    taken(at, sunita)
    save(at, "no_answer", stop="1")
    seen = at.go(LIST).text
    assert re.search(r"PSK Bhopal 1 0 1 0", seen)
    assert re.search(r"POPSK Sagar 1 0 0 0", seen)
    assert "called today 1" in seen


def test_other_pages_lead_to_the_list_with_the_count(desk, office, sunita):
    at, second = desk(), desk("approver")
    slot = office.slots[0]
    outage = declare_for_test(at.officer, [Cut(slot.centre_id, slot.date, slot.quota, 0)])
    plan = approved_plan(outage, by=at.officer, second=second.officer)
    for address in (
        reverse("admin:index"),
        reverse("admin:appointments_outage_change", args=[outage.pk]),
        reverse("admin:appointments_plan_change", args=[plan.pk]),
    ):
        html = at.go(address).page.content.decode()
        assert f'<a href="{LIST}">1 person has to be called</a>' in html


def test_nobody_to_call_is_said(desk, office):
    at = desk().go(LIST)
    assert "Nobody." in at.text
    assert "Call the next person" not in at.text
    assert "Nobody else can be called" in post(at, NEXT).text


# --- One call -----------------------------------------------------------------------------------


def test_call_from_the_list_to_the_next_person(desk, sunita, arjun):
    at = desk()
    post(at, NEXT)
    assert at.url == url(sunita)
    for words in (
        "Sunita Verma",
        "Show the number",
        "New time: may be changed",
        "नमस्ते",
        "Good day",
    ):
        assert words in at.text
    assert PHONE not in at.page.content.decode()
    save(at, "reached", note="Will come.")
    assert at.url == url(arjun)
    assert "Saved: reached and told." in at.text
    assert "Arjun Rao" in at.text
    made = Call.objects.get()
    assert (made.appointment, made.outcome, made.officer) == (sunita, "reached", at.officer)
    save(at, "no_answer")
    assert at.url == LIST
    assert "Nobody else can be called" in at.text
    assert "1 without an answer" in at.text


def test_filter_travels_along(desk, sunita, arjun):
    at = desk()
    post(at, NEXT, why="no_seat")
    assert at.url == f"{url(arjun)}?why=no_seat"
    save(at)
    assert at.url == f"{LIST}?why=no_seat"
    assert not Call.objects.filter(appointment=sunita).exists()


def test_saving_may_lead_back_to_the_list(desk, sunita, arjun):
    at = desk()
    taken(at, sunita)
    save(at, stop="1")
    assert at.url == LIST
    assert not CallClaim.objects.exists()


def test_number_is_shown_on_asking_and_written_down(desk, sunita):
    at = desk()
    taken(at, sunita)
    assert not NumberView.objects.exists()
    post(at, url(sunita, "number"))
    html = at.page.content.decode()
    assert f'href="tel:{PHONE}"' in html
    assert "+91 98123 45678" in at.text
    assert PHONE[3:] not in at.url
    assert "no-store" in at.page["Cache-Control"]
    view = NumberView.objects.get()
    assert (view.appointment, view.officer) == (sunita, at.officer)
    at.go(url(sunita))
    assert PHONE in at.page.content.decode()
    assert NumberView.objects.count() == 1


def test_number_is_hidden_from_whoever_has_not_taken_the_call(desk, sunita):
    first, second = desk(), desk("approver")
    taken(first, sunita)
    post(first, url(sunita, "number"))
    seen = post(second, url(sunita, "number"))
    assert "Take the call first" in seen.text
    assert PHONE not in seen.page.content.decode()
    assert "Sunita" not in seen.text
    assert f"{first.officer} is calling" in seen.text
    assert f"{first.officer} is calling" in second.go(LIST).text


def test_page_of_somebody_not_taken_offers_to_take(desk, sunita):
    at = desk().go(url(sunita))
    assert "Take this call" in at.text
    assert "Sunita" not in at.text
    assert "How it went" not in at.text


def test_call_that_another_officer_took_is_refused_in_words(desk, sunita):
    taken(desk(), sunita)
    seen = taken(desk("approver"), sunita)
    assert "Another officer is calling this person." in seen.text
    assert seen.url == LIST


def test_given_back_is_free_again(desk, sunita):
    at = desk()
    taken(at, sunita)
    assert "Given back" in post(at, url(sunita, "give-back")).text
    assert "Sunita Verma" in taken(desk("approver"), sunita).text


def test_script_is_in_the_language_of_the_person_first(desk, sunita):
    at = desk()
    taken(at, sunita)
    html = at.page.content.decode()
    assert html.index('class="call-script" lang="hi"') < html.index('class="call-script" lang="en"')
    calls.release_call(appointment_id=sunita.pk, by=at.officer)
    sunita.application.language = "en"
    sunita.application.save()
    taken(at, sunita)
    html = at.page.content.decode()
    assert html.index('class="call-script" lang="en"') < html.index('class="call-script" lang="hi"')


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("ARN 26-1000480394, come early", "Leave out the ARN"),
        ("of २६-१०००४८०३९४", "Leave out the ARN"),
        ("new number 9876543210", "Leave out the phone number"),
        ("call +91 98765 43210 instead", "Leave out the phone number"),
        ("(098765-43210)", "Leave out the phone number"),
        ("नंबर ९८७६५ ४३२१० है", "Leave out the phone number"),
    ],
)
def test_note_with_an_arn_or_a_number_is_refused_and_kept(desk, sunita, note, said):
    at = desk()
    taken(at, sunita)
    save(at, "no_answer", note=note)
    assert said in at.text
    assert at.fields["note"] == [note]
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    "note", ["Come 9-12-2026 10:30, gate 2", "PIN 462011", "At 9 12 2026 14 30"]
)
def test_note_with_other_digits_is_kept(desk, sunita, note):
    at = desk()
    taken(at, sunita)
    save(at, "no_answer", note=note)
    assert Call.objects.get().note == note


def test_form_without_an_outcome_comes_back_with_the_note(desk, sunita):
    at = desk()
    taken(at, sunita)
    at.send(changes={"note": "Speaks Gondi"})
    assert "Choose how the call went." in at.text
    assert at.fields["note"] == ["Speaks Gondi"]
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    ("days", "hour", "words"),
    [
        (None, "", "Give the day"),
        (1, "", "Give the time"),
        (-1, "10:00", "within the next 7 days"),
        (9, "10:00", "within the next 7 days"),
        (1, "22:30", "between 21:00 and 08:00"),
        (6, "10:00", "before the visit"),
    ],
)
def test_time_to_call_again_is_asked_for(desk, sunita, days, hour, words):
    at = desk()
    taken(at, sunita)
    day = "" if days is None else str(in_days(days))
    assert words in save(at, "call_back", call_back_date=day, call_back_time=hour).text
    assert not Call.objects.exists()


def test_time_to_call_again_is_saved_and_shown(desk, sunita):
    at = desk()
    taken(at, sunita)
    save(at, "call_back", call_back_date=str(in_days(1)), call_back_time="17:00")
    assert timezone.localtime(Call.objects.get().call_back_at).hour == 17
    assert "again from" in at.go(LIST).text


def test_form_sent_twice_saves_once(desk, sunita, arjun):
    at = desk()
    taken(at, sunita)
    data = {**at.fields, "outcome": "no_answer", "stop": "1"}
    for _ in range(2):
        at.client.post(url(sunita), data)
    assert Call.objects.count() == 1


def test_news_while_the_officer_speaks_is_to_be_read_before_saving(desk, office):
    slot = make_slot(centre=office.bhopal, day=in_days(3), hour=15)
    person = in_doubt(slot, name="Asha Patel")
    not_reached(person)
    at = desk()
    taken(at, person)
    Appointment.objects.filter(pk=person.pk).update(state="confirmed")
    save(at, note="Asha herself")
    assert "has changed meanwhile" in at.text
    assert "stands. Please come on time." in at.text
    assert at.fields["note"] == ["Asha herself"]
    assert not Call.objects.exists()
    save(at)
    assert Call.objects.get().told == "stands"


def test_whoever_answers_meanwhile_needs_no_call(desk, sunita):
    at = desk()
    taken(at, sunita)
    Appointment.objects.filter(pk=sunita.pk).update(state="cancelled")
    assert "Nobody has to call this person any more." in at.go(url(sunita)).text
    assert at.url == LIST


def test_family_behind_one_phone_is_one_page(desk, office):
    for number, name in enumerate(("Asha Patel", "Binod Patel")):
        slot = make_slot(centre=office.bhopal, day=in_days(3 + number), hour=15)
        not_reached(in_doubt(slot, name=name, phone=PHONE))
    at = desk().go(LIST)
    assert "and 1 more at this number" in at.text
    post(at, NEXT)
    assert "Asha Patel, Binod Patel" in at.text
    save(at)
    assert Call.objects.count() == 2
    assert "Nobody." in at.go(LIST).text


def test_person_without_a_number_is_said_to_have_none(desk, office):
    slot = make_slot(centre=office.bhopal, day=in_days(3), hour=15)
    person = in_doubt(slot, name="No Phone", phone="")
    at = desk()
    assert "no number known" in at.go(LIST).text
    assert "Nobody can be called at this moment" in at.text
    taken(at, person)
    assert "No number is known." in at.text
    save(at, note="Told at the counter")
    assert "Nobody." in at.go(LIST).text


# --- Who ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["another centre", "another region"])
def test_others_learn_nothing(desk, office, sunita, who):
    abroad = Region.objects.create(code="ABC", name_en="RPO Elsewhere", name_hi="अन्य")
    at = {
        "another centre": lambda: desk("centre", centre=office.sagar),
        "another region": lambda: desk("region", region=abroad),
    }[who]()
    for address in (LIST, url(sunita)):
        assert "S• V•" not in at.go(address).text
    for step in ("take", "number"):
        seen = post(at, url(sunita, step))
        assert PHONE not in seen.page.content.decode()
        assert "S• V•" not in seen.text
    at.client.post(url(sunita), {"outcome": "reached", "key": uuid.uuid4(), "seen": "x"})
    assert not Call.objects.exists()
    assert not CallClaim.objects.exists()
    assert not NumberView.objects.exists()
    assert "to be called" not in at.go(reverse("admin:index")).text


def test_nothing_changes_by_looking(desk, sunita):
    at = desk()
    for step in ("take", "number", "give-back"):
        assert at.client.get(url(sunita, step)).status_code == 405
    assert at.client.get(NEXT).status_code == 405
    at.go(url(sunita))
    assert not CallClaim.objects.exists()


def test_without_the_right_to_look_nothing_opens(desk, sunita):
    at = desk()
    at.officer.groups.clear()
    assert at.client.get(LIST).status_code == 403
    assert at.client.get(url(sunita)).status_code == 403
    assert "to be called" not in at.go(reverse("admin:index")).text


def test_no_address_and_no_log_holds_a_name_or_a_number(desk, sunita, caplog):
    caplog.set_level("DEBUG")
    at = desk()
    addresses = []
    for step in ("take", "number"):
        answer = at.client.post(url(sunita, step))
        addresses.append(answer["Location"])
    page = at.client.get(url(sunita))
    data = {**fields_of(page), "outcome": "reached", "note": "private words"}
    addresses.append(at.client.post(url(sunita), data)["Location"])
    logged = [r.getMessage() for r in caplog.records if r.name != "django.db.backends"]
    written = " ".join([*addresses, *logged])
    for secret in ("Sunita", PHONE, PHONE[3:], sunita.application.arn, "private"):
        assert secret not in written
