"""Declaring an outage: the form, the table, and that nothing typed is lost."""

import datetime as dt
import uuid

import pytest
import time_machine
from django.utils import timezone

from appointments import seats
from appointments.models import Appointment, CapacityCut, Outage, Slot
from notifications.models import Message
from tests.domain.builders import (
    at,
    in_days,
    make_appointment,
    make_centre,
    make_person,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db
ADD = "/officers/appointments/outage/add/"
IN_DOUBT = Appointment.State.IN_DOUBT


@pytest.fixture
def form(desk):
    return desk().go(ADD)


def preview(form, total=6, **changes):
    return form.send("preview", {"seats": "total", "total": total, **changes})


def cell(centre, days, quota="normal"):
    return f"cut-{centre.pk}-{in_days(days).isoformat()}-{quota}"


# --- The form -----------------------------------------------------------------------------------


def test_form_starts_with_now_the_next_two_working_days_and_the_office_wording(form, office):
    fields = form.fields
    today = timezone.localdate()
    assert fields["since_date"] == [today.isoformat()]
    assert fields["days"] == [in_days(1).isoformat(), in_days(2).isoformat()]
    assert fields["scope"] == ["region"]
    assert fields["until"] == ["unknown"]
    assert "के कारण {scope} के पासपोर्ट सेवा केंद्रों पर" in fields["text_hi"][0]
    assert "Fault" not in fields["text_en"][0]
    uuid.UUID(fields["request_key"][0])


def test_today_is_offered_but_not_ticked(desk, office):
    with time_machine.travel(at(timezone.localdate(), 8)):
        make_slot(centre=office.bhopal, day=timezone.localdate(), hour=16)
        form = desk().go(ADD)
        assert f'value="{timezone.localdate().isoformat()}"' in form.page.content.decode()
        assert form.fields["days"] == [in_days(1).isoformat(), in_days(2).isoformat()]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"total": ""}, "Give the number of seats a day"),
        ({"total": "many"}, "Give a whole number, such as 600."),
        ({"total": "-1"}, "Give a whole number, such as 600."),
        ({"days": []}, "Choose at least one day."),
        ({"scope": "centres"}, "Choose at least one centre."),
        ({"since_date": "someday"}, "Give a date"),
        ({"since_date": ""}, "Give the date."),
        ({"since_date": "2019-01-01"}, "more than a month ago"),
        ({"until": "known"}, "Give date and time, or say that nobody knows."),
        ({"until": "known", "until_date": "2020-01-01", "until_time": "10:00"}, "after the start"),
        ({"text_en": ""}, "Write the banner in English."),
        ({"text_hi": "सेवाएँ {kab} से बाधित"}, "Nothing is known for {kab}."),
        ({"text_en": "Down } since"}, "A brace { or } stands alone."),
    ],
)
def test_wrong_input_is_an_error_at_its_field_and_keeps_what_was_typed(form, changes, words):
    typed = {"text_hi": "अपने शब्द", "total": "7", "cause": "power"}
    form.send("preview", {"seats": "total", **typed, **changes})
    assert words in form.text
    for name, value in {**typed, **changes}.items():
        if name not in ("days", "scope") and value:
            assert form.fields[name] == [value]
    assert not Outage.objects.exists()


# --- The table ----------------------------------------------------------------------------------


def test_table_spreads_the_total_in_proportion_and_sums_it(form, office):
    preview(form, 6)
    # 16 seats a day: 8 + 4 Tatkaal at Bhopal, 4 at Sagar; 6 of 16 are 3, 1.5 and 1.5, and of
    # equal fractions the first in the table (POPSK Sagar) gets the seat.
    assert form.cells == {
        cell(office.bhopal, 1): "3",
        cell(office.bhopal, 1, "tatkaal"): "1",
        cell(office.sagar, 1): "2",
        cell(office.bhopal, 2): "3",
        cell(office.bhopal, 2, "tatkaal"): "1",
        cell(office.sagar, 2): "2",
    }
    assert "6 of 16 16 people, at least 10 too many" in form.text
    assert "20 more people than seats, at least" in _dl(form.text)
    assert "32 people told" in _dl(form.text)
    assert "in proportion to the seats of each centre and quota" in form.text
    assert not Outage.objects.exists()


def _dl(text):
    """Terms stand before their numbers in the source."""
    for term in ("people told “do not travel yet”", "more people than seats, at least"):
        head, _, tail = text.partition(term)
        number, _, rest = tail.strip().partition(" ")
        text = f"{head}{number} {term} {rest}"
    return text


def test_zero_in_a_cell_counts_as_no_seat(form, office):
    preview(form, 6)
    form.send("recount", {cell(office.bhopal, 1): "0"})
    assert "3 of 16 16 people, at least 13 too many" in form.text


def test_none_leaves_no_seat_and_no_word_of_partial_service(form):
    form.send("preview", {"seats": "none"})
    assert set(form.cells.values()) == {"0"}
    assert "0 of 16 16 people, at least 16 too many" in form.text
    assert "आंशिक" not in form.text


def test_people_told_counts_only_slots_with_too_many_people(form, office):
    """All eight seats of a centre's day are full; seven that stay put one slot in doubt."""
    preview(form, 16)
    assert "0 people told" in _dl(form.text)
    form.send("recount", {cell(office.bhopal, 1): "7"})
    assert "4 people told" in _dl(form.text)


@pytest.mark.parametrize("wrong", ["", "nine", "-1", "9", "1.5", "99999999999999999999"])
def test_wrong_number_is_an_error_at_its_cell_and_loses_nothing(form, office, wrong):
    preview(form, 6)
    mine, other = cell(office.bhopal, 1), cell(office.sagar, 2)
    form.send("do", {mine: wrong, other: "4"})
    assert not Outage.objects.exists()
    assert "A whole number from 0 to 8." in form.text
    assert (form.cells[mine], form.cells[other]) == (wrong, "4")
    page = form.page.content.decode()
    assert f'aria-describedby="id_{mine}_error"' in page
    assert f'href="#id_{mine}"' in page


def test_hindi_digits_are_numbers_too(form, office):
    preview(form, 6)
    form.send("recount", {cell(office.bhopal, 1): "५"})
    assert "8 of 16 16 people" in form.text


def test_going_back_keeps_form_and_numbers(form, office):
    preview(form, 6, text_en="Own words, {scope}")
    form.send("recount", {cell(office.sagar, 1): "4"})
    form.send("back")
    assert form.fields["text_en"] == ["Own words, {scope}"]
    assert form.fields["total"] == ["6"]
    form.send("preview", {"cause": "power"})
    assert form.cells[cell(office.sagar, 1)] == "4"


def test_numbers_are_worked_out_afresh_when_their_basis_changes(form, office):
    preview(form, 6)
    form.send("recount", {cell(office.sagar, 1): "4"})
    form.send("back")
    preview(form, 12)
    assert form.cells[cell(office.sagar, 1)] == "3"


def test_chosen_centres_alone_are_in_the_table(form, office):
    preview(form, 2, scope="centres", centres=[office.sagar.pk])
    assert form.cells == {cell(office.sagar, 1): "2", cell(office.sagar, 2): "2"}


# --- Declared -----------------------------------------------------------------------------------


def test_declared_outage_has_the_numbers_of_the_table_and_the_filled_banner(form, office):
    preview(form, 6)
    form.send("do", {cell(office.sagar, 1): "0"})
    outage = Outage.objects.get()
    assert form.url == f"/officers/appointments/outage/{outage.pk}/change/"
    assert "is declared" in form.text
    assert CapacityCut.objects.get(centre=office.sagar, date=in_days(1)).seats_left == 0
    assert sum(outage.cuts.values_list("seats_left", flat=True)) == 10
    assert Appointment.objects.filter(state=IN_DOUBT).count() == 32
    assert seats.check() == []
    assert "{" not in outage.text_hi + outage.text_en
    assert "क्षेत्रीय पासपोर्ट कार्यालय, आरपीओ भोपाल के पासपोर्ट सेवा केंद्रों" in outage.text_hi
    assert "4 instead of 16 appointments on" in outage.text_en
    assert outage.expected_until is None


def test_expected_end_and_since_are_indian_time(form):
    since = timezone.localdate() - dt.timedelta(days=1)
    until = in_days(3)
    preview(
        form,
        6,
        since_date=since.isoformat(),
        since_time="22:30",
        until="known",
        until_date=until.isoformat(),
        until_time="09:30",
    )
    form.send("do")
    outage = Outage.objects.get()
    assert outage.since == at(since, 22, 30)
    assert outage.expected_until == at(until, 9, 30)


def test_hold_notices_wait_for_the_grace(form):
    preview(form)
    form.send("do")
    holds = Message.objects.filter(kind="HOLD")
    assert holds.count() == 32
    assert set(holds.values_list("state", flat=True)) == {Message.State.QUEUED}
    assert {m.next_attempt_at for m in holds} == {Outage.objects.get().grace_until}


def test_double_submit_declares_once_and_says_so(form):
    preview(form)
    fields = {name: list(value) for name, value in form.fields.items()}
    form.send("do")
    again = form.client.post(ADD, {**fields, "step": "do"}, follow=True)
    assert Outage.objects.count() == 1
    assert "Nothing was declared a second time" in again.content.decode()
    assert Message.objects.filter(kind="HOLD").count() == 32


def test_enter_in_a_field_shows_the_table_and_declares_nothing(form):
    preview(form)
    form.send("")
    assert not Outage.objects.exists()
    assert form.cells


def test_get_declares_nothing(desk):
    desk().go(f"{ADD}?step=do&scope=region&seats=none")
    assert not Outage.objects.exists()


def test_form_without_csrf_token_is_refused(desk):
    seat = desk().go(ADD)
    seat.client.handler.enforce_csrf_checks = True
    del seat.fields["csrfmiddlewaretoken"]
    seat.send("do", {"seats": "none"}, status=403)
    assert not Outage.objects.exists()


# --- Who ----------------------------------------------------------------------------------------


def test_centre_officer_cannot_declare(desk, office):
    clerk = desk("centre", centre=office.bhopal)
    clerk.go(ADD, status=403)
    clerk.url = ADD
    clerk.send("do", {"seats": "none", "scope": "region"}, status=403)
    assert not Outage.objects.exists()


def test_officer_of_another_region_cannot_touch_these_centres(desk, office):
    pune = make_region("PNQ", name_en="Pune", name_hi="पुणे")
    centre = make_centre("PUN", region=pune)
    make_appointment(make_slot(centre=centre, day=in_days(1)))
    other = desk(region=pune).go(ADD)
    other.send("do", {"scope": "region", "region": office.region.pk, "seats": "none"})
    other.send("do", {"scope": "centres", "centres": [office.bhopal.pk], "seats": "none"})
    other.send("do", {"scope": "all", "seats": "none"})
    assert not Outage.objects.exists()
    assert not Slot.objects.filter(closed__gt=0).exists()


def test_applicant_sees_no_such_page(client, office):
    client.force_login(make_person())
    assert client.get(ADD).status_code == 404
    assert client.post(ADD, {"step": "do"}).status_code == 404


# --- Size ---------------------------------------------------------------------------------------


def test_table_of_26_centres_takes_a_fixed_number_of_queries(
    desk, office, django_assert_max_num_queries
):
    for number in range(24):
        centre = make_centre(f"C{number}")
        for day in office.days:
            for quota in ("normal", "tatkaal", "pcc"):
                make_slot(centre=centre, day=day, quota=quota, seats=3)
    form = desk().go(ADD)
    with django_assert_max_num_queries(25):
        preview(form, 100)
    assert len(form.cells) == 24 * 6 + 6
    assert sum(int(n) for name, n in form.cells.items() if in_days(1).isoformat() in name) == 100


# --- A second officer ---------------------------------------------------------------------------


def test_outage_that_is_open_already_stands_beside_the_table(desk, office):
    preview(desk().go(ADD)).send("do")
    second = preview(desk().go(ADD))
    assert "is open at these centres" in second.text
    second.send("do")
    assert Outage.objects.count() == 2


def test_declaring_after_somebody_who_was_faster_is_asked_once_more(desk, office):
    mine, theirs = preview(desk().go(ADD)), preview(desk().go(ADD))
    theirs.send("do")
    assert Outage.objects.count() == 1
    mine.send("do")
    assert "while you looked at this" in mine.text
    assert Outage.objects.count() == 1
    mine.send("do")
    assert Outage.objects.count() == 2


@pytest.mark.parametrize(
    ("total", "words"), [(99999, "From 0 to"), (-5, "If no seat stays, choose None.")]
)
def test_total_outside_what_a_day_has_is_an_error_at_its_field(form, total, words):
    preview(form, total)
    assert words in form.text
    assert form.fields["total"] == [str(total)]
