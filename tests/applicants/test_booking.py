"""Choosing a time, checking, confirming: booking and changing alike."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from appointments import booking, seats
from appointments.models import Appointment, Hold, Slot
from tests.applicants.reading import page, text
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db


def test_booking_from_the_nearest_times_to_confirmed(signed_in, application):
    slot = make_slot(day=in_days(4))
    choose = page("choose", application.pk)
    assert "Which time suits you?" in text(signed_in.get(choose))
    answer = signed_in.post(choose, {"choice": slot.pk}, follow=True)
    seen = text(answer)
    assert "kept for you until" in seen
    assert "This date uses one attempt. After that: 2 attempts left." in seen
    hold = Hold.objects.get()
    answer = signed_in.post(page("check", application.pk), {"hold": hold.pk}, follow=True)
    assert "Your appointment is confirmed" in text(answer)
    assert "What to bring" in text(answer)
    assert seats.check() == []


def test_booking_by_centre_day_and_time(signed_in, application):
    slot = make_slot(day=in_days(4), hour=15)
    make_slot(centre=make_centre("IDR", lat=22.765, lon=75.919), day=in_days(9))
    answer = signed_in.post(page("choose", application.pk), {"choice": "another"}, follow=True)
    assert "163 km from your centre, 2 seats free, first free day: " in text(answer)
    answer = signed_in.post(page("choose_centre", application.pk), {"choice": "BPL"}, follow=True)
    assert "1 seat free" in text(answer) or "2 seats free" in text(answer)
    day = in_days(4)
    answer = signed_in.post(
        page("choose_day", application.pk, "BPL"), {"choice": day.isoformat()}, follow=True
    )
    assert "3:00 pm" in text(answer)
    url = page("choose_time", application.pk, "BPL", day.year, day.month, day.day)
    answer = signed_in.post(url, {"choice": slot.pk}, follow=True)
    assert "kept for you" in text(answer)


@pytest.mark.parametrize("name", ["choose", "choose_centre"])
def test_choosing_nothing_is_an_error_at_the_question(signed_in, application, name):
    make_slot()
    answer = signed_in.post(page(name, application.pk), {})
    assert "There is a problem" in text(answer)


def test_days_stand_by_week_with_their_free_seats(signed_in, application):
    tuesday = in_days(8 - in_days(0).weekday())  # of next week; on a Sunday, Monday is too near
    for day in (tuesday, tuesday + dt.timedelta(days=1), tuesday + dt.timedelta(days=13)):
        make_slot(day=day, seats=3)
    seen = text(signed_in.get(page("choose_day", application.pk, "BPL")))
    assert seen.count("Next week") == 1
    assert "Week from" in seen
    assert seen.count("3 seats free") == 3


def test_many_free_seats_are_not_counted_out(signed_in, application):
    make_slot(seats=5000)
    seen = text(signed_in.get(page("choose_centre", application.pk)))
    assert "more than 99 seats free" in seen


def test_tatkaal_applicant_sees_which_kind_of_seat_it_is(signed_in, person):
    application = make_application(claimed_by=person, service="tatkaal")
    for quota in ("tatkaal", "normal"):
        make_slot(quota=quota)
    day = in_days(3)
    url = page("choose_time", application.pk, "BPL", day.year, day.month, day.day)
    seen = text(signed_in.get(url))
    assert "Tatkaal, 2 seats free" in seen
    assert "Normal, 2 seats free" in seen


def test_time_that_filled_up_meanwhile_leads_to_the_times_nearest_to_it(signed_in, application):
    far = make_centre("IDR", lat=22.765, lon=75.919)
    full = make_slot(centre=far, day=in_days(9), seats=1)
    close = make_slot(centre=far, day=in_days(9), hour=12)
    make_slot()
    make_appointment(full)
    day = in_days(9)
    url = page("choose_time", application.pk, "IDR", day.year, day.month, day.day)
    answer = signed_in.post(url, {"choice": full.pk}, follow=True)
    assert "This time is now full" in text(answer)
    assert f'value="{close.pk}"' in answer.content.decode()
    assert Hold.objects.count() == 0


def test_time_that_has_left_the_list_but_is_free_is_held(signed_in, application):
    """Others have given up seats since the page was made, so that the list is another one."""
    late = make_slot(day=in_days(30))
    for number in range(8):
        make_slot(day=in_days(3 + number))
    choose = page("choose", application.pk)
    assert f'value="{late.pk}"' not in signed_in.get(choose).content.decode()
    assert signed_in.post(choose, {"choice": late.pk})["Location"] == page("check", application.pk)


def test_day_that_filled_up_meanwhile_leads_to_another_day(signed_in, application):
    make_slot(day=in_days(5))
    day = in_days(4)
    url = page("choose_time", application.pk, "BPL", day.year, day.month, day.day)
    answer = signed_in.get(url, follow=True)
    assert "No seat is free on this day any more" in text(answer)
    assert "Which day?" in text(answer)


def test_seat_that_is_kept_is_shown_while_choosing_again(signed_in, application, person):
    slot = make_slot(seats=1)
    make_slot(day=in_days(5))
    booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    answer = signed_in.get(page("choose", application.pk))
    assert "This seat is kept for you until" in text(answer)


def test_choosing_another_time_frees_the_first_seat(signed_in, application):
    first, second = make_slot(), make_slot(hour=12)
    for slot in (first, second):
        signed_in.post(page("choose", application.pk), {"choice": slot.pk})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.taken, second.taken) == (0, 1)


@pytest.mark.parametrize("name", ["choose", "choose_centre"])
def test_choosing_costs_the_same_queries_for_two_centres_and_three(signed_in, application, name):
    costs = []
    for code in ("BPL", "IDR", "GWL"):
        centre = make_centre(code)
        for hour in (10, 11, 12):
            make_slot(centre=centre, hour=hour)
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(page(name, application.pk))
        costs.append(len(queries))
    assert costs[1] == costs[2] <= 12


def test_session_that_ended_midway_comes_back_to_the_same_question(client, application):
    make_slot()
    day = in_days(3)
    url = page("choose_time", application.pk, "BPL", day.year, day.month, day.day)
    answer = client.post(url, {"choice": "1"})
    assert answer["Location"] == f"{reverse('account_request_login_code')}?next={url}"


def test_check_again_after_confirming_leads_to_my_appointments(signed_in, application, person):
    hold = booking.hold_seat(application=application, slot_id=make_slot().pk, by=person)
    check = page("check", application.pk)
    for _ in range(2):
        answer = signed_in.post(check, {"hold": hold.pk})
        assert answer["Location"] == page("done", application.pk)
    assert signed_in.get(check)["Location"] == page("mine")
    assert Appointment.objects.count() == 1


def test_check_with_an_expired_hold_says_so_and_leads_back_to_times(signed_in, application, person):
    hold = booking.hold_seat(application=application, slot_id=make_slot().pk, by=person)
    past = timezone.now() - dt.timedelta(minutes=20)
    Hold.objects.update(created_at=past, expires_at=past + dt.timedelta(minutes=10))
    answer = signed_in.post(page("check", application.pk), {"hold": hold.pk}, follow=True)
    assert "is free again" in text(answer)
    assert "Which time suits you?" in text(answer)


def test_check_opened_after_the_hold_ran_out_says_so(signed_in, application, person):
    make_appointment(application=application)
    slot = make_slot(day=in_days(6))
    booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    past = timezone.now() - dt.timedelta(minutes=20)
    Hold.objects.update(created_at=past, expires_at=past + dt.timedelta(minutes=10))
    answer = signed_in.get(page("check", application.pk), follow=True)
    assert "is free again" in text(answer)
    assert "Which time suits you?" in text(answer)
    booking.expire_holds(now=timezone.now())
    answer = signed_in.get(page("check", application.pk), follow=True)
    assert "Nothing waits to be confirmed" in text(answer)


def test_check_names_what_an_outage_closed_meanwhile(signed_in, application, person):
    slot = make_slot()
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    Slot.objects.update(paused=True)
    data = {"hold": hold.pk, "slot": slot.pk}
    answer = signed_in.post(page("check", application.pk), data, follow=True)
    assert "No seats are given out here at the moment because of the outage" in text(answer)
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize("hold", ["", "abc", "9" * 40, "-1", "999999"])
def test_check_with_a_broken_form_changes_nothing(signed_in, application, hold):
    make_slot()
    answer = signed_in.post(page("check", application.pk), {"hold": hold}, follow=True)
    assert answer.status_code == 200
    assert Appointment.objects.count() == 0


def test_going_back_frees_the_seat_at_once(signed_in, application, person):
    slot = make_slot()
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    signed_in.post(page("check", application.pk), {"hold": hold.pk, "release": "1"})
    slot.refresh_from_db()
    assert slot.taken == 0


def test_change_shows_old_beside_new_and_keeps_the_old_until_confirmed(
    signed_in, application, person
):
    old = make_slot()
    appointment = make_appointment(old, application=application)
    new = make_slot(day=in_days(6))
    answer = signed_in.post(page("choose", application.pk), {"choice": new.pk}, follow=True)
    assert "Your time now" in text(answer)
    appointment.refresh_from_db()
    assert appointment.slot == old
    signed_in.post(page("check", application.pk), {"hold": Hold.objects.get().pk})
    appointment.refresh_from_db()
    assert appointment.slot == new


def test_another_persons_application_is_not_found_on_any_page(signed_in):
    other = make_application(claimed_by=make_person())
    make_slot()
    for name in ("choose", "choose_centre", "check", "done", "cancel", "question", "give_up"):
        for method in (signed_in.get, signed_in.post):
            assert method(page(name, other.pk)).status_code == 404, name
    assert signed_in.get(page("choose_day", other.pk, "BPL")).status_code == 404
    assert signed_in.get(page("choose_time", other.pk, "BPL", 2026, 1, 1)).status_code == 404


def test_impossible_date_in_the_address_is_not_found(signed_in, application):
    assert signed_in.get(page("choose_time", application.pk, "BPL", 2026, 2, 31)).status_code == 404


def test_no_free_seat_anywhere_is_said(signed_in, application):
    answer = signed_in.get(page("choose", application.pk), follow=True)
    assert "No seat is free at the moment" in text(answer)


def test_without_attempts_booking_is_refused_in_words(signed_in, application):
    for number in range(3):
        application.visit_attempts.create(date=in_days(number), chosen_at=timezone.now())
    make_slot()
    answer = signed_in.get(page("choose", application.pk), follow=True)
    assert "All dates that this fee allows have been used" in text(answer)


def is_checked(answer, value):
    """The radio button of this value is chosen already."""
    tag = answer.content.decode().partition(f'value="{value}"')[2].partition(">")[0]
    return "checked" in tag


def test_every_way_back_finds_what_was_chosen(signed_in, application):
    """From the check page to each question, and from each question to the one before."""
    day = in_days(4)
    slot = make_slot(day=day, seats=1)
    make_slot(centre=make_centre("IDR", lat=22.765, lon=75.919), day=in_days(9))
    signed_in.post(page("choose", application.pk), {"choice": slot.pk})
    time = page("choose_time", application.pk, "BPL", day.year, day.month, day.day)
    ways = {
        f"{page('choose', application.pk)}?chosen={slot.pk}": slot.pk,
        f"{time}?chosen={slot.pk}": slot.pk,
        f"{page('choose_centre', application.pk)}?chosen=BPL": "BPL",
    }
    check = signed_in.get(page("check", application.pk)).content.decode()
    make_slot(day=day, hour=15)
    for way, chosen in ways.items():
        assert f'href="{way}"' in check
        assert is_checked(signed_in.get(way), chosen), way
    back_to_day = f"{page('choose_day', application.pk, 'BPL')}?chosen={day.isoformat()}"
    assert f'href="{back_to_day}"' in check
    assert f'href="{back_to_day}"' in signed_in.get(time).content.decode()
    assert is_checked(signed_in.get(back_to_day), day.isoformat())
    back_to_centre = f"{page('choose_centre', application.pk)}?chosen=BPL"
    assert f'href="{back_to_centre}"' in signed_in.get(back_to_day).content.decode()
    back_to_soon = f"{page('choose', application.pk)}?chosen=another"
    assert f'href="{back_to_soon}"' in signed_in.get(back_to_centre).content.decode()
    assert is_checked(signed_in.get(back_to_soon), "another")


def test_choice_in_the_address_that_is_not_on_the_page_chooses_nothing(signed_in, application):
    make_slot()
    for chosen in ("999999", "<b>", "9" * 200):
        answer = signed_in.get(page("choose", application.pk), {"chosen": chosen})
        assert answer.status_code == 200
        assert 'checked=""' not in answer.content.decode()
        assert "<b>" not in answer.content.decode()


def test_pages_of_choosing_have_titles_of_their_own(signed_in, application):
    slot = make_slot(day=in_days(4))
    day = slot.date
    pages = [
        page("choose", application.pk),
        page("choose_centre", application.pk),
        page("choose_day", application.pk, "BPL"),
        page("choose_time", application.pk, "BPL", day.year, day.month, day.day),
    ]
    titles = {
        signed_in.get(path).content.decode().partition("<title>")[2].partition("</title>")[0]
        for path in pages
    }
    assert len(titles) == len(pages)


def test_day_page_of_somebody_who_may_not_choose_says_so(signed_in, application):
    make_appointment(application=application, state="in_doubt")
    make_slot(day=in_days(8))
    answer = signed_in.get(page("choose_day", application.pk, "BPL"), follow=True)
    assert "Your appointment is in doubt because of the outage" in text(answer)
