"""An applicant's pages, as a phone without JavaScript meets them."""

import datetime as dt
import re

import pytest
import time_machine
from django.urls import get_resolver, reverse
from django.utils import timezone

from appointments import booking, offers, outages, plans, seats
from appointments.cuts import Cut
from appointments.models import Appointment, Hold, Offer, Plan, Slot
from notifications.models import Message
from tests.domain.builders import (
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return make_person(language="en")


@pytest.fixture
def application(person):
    return make_application(claimed_by=person, name="Sunita Verma")


@pytest.fixture
def signed_in(client, person):
    client.force_login(person)
    return client


def text(response):
    """What a reader sees: no tags, one space."""
    body = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def page(name, *args):
    return reverse(f"appointments:{name}", args=args)


# --- My appointments ---


def test_mine_asks_strangers_to_sign_in_and_comes_back(client):
    answer = client.get("/my/")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("account_request_login_code") + "?next=/my/"
    assert client.get("/my")["Location"] == "/my/"


def test_mine_without_an_application_leads_to_linking_one(signed_in):
    answer = signed_in.get(page("mine"))
    assert "No application is linked" in text(answer)
    assert page("claim") in answer.content.decode()


def test_mine_shows_appointment_attempts_and_what_happened(signed_in, application, person):
    slot = make_slot(day=in_days(5))
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    booking.confirm(hold_id=hold.pk, by=person)
    seen = text(signed_in.get(page("mine")))
    assert "Sunita Verma" in seen
    assert "Confirmed" in seen
    assert "9:45 am" in seen  # reporting time, 15 minutes before
    assert "2 attempts left" in seen
    assert "Booked" in seen


def test_mine_is_in_hindi_for_who_reads_hindi(client):
    person = make_person(language="hi")
    make_appointment(application=make_application(claimed_by=person))
    client.force_login(person)
    answer = client.get(page("mine"))
    assert 'lang="hi"' in answer.content.decode()
    assert "शेष" in text(answer)


def test_mine_in_doubt_says_do_not_travel_and_offers_no_change(signed_in, application):
    make_appointment(application=application, state=Appointment.State.IN_DOUBT)
    answer = signed_in.get(page("mine"))
    assert "Do not travel" in text(answer)
    assert page("cancel", application.pk) not in answer.content.decode()


def test_mine_costs_the_same_queries_for_one_and_three(
    signed_in, person, django_assert_max_num_queries
):
    for number in range(3):
        make_appointment(
            make_slot(hour=10 + number), application=make_application(claimed_by=person)
        )
        with django_assert_max_num_queries(13):
            signed_in.get(page("mine"))


# --- Linking an application ---


def claim_data(application, **changes):
    born = application.date_of_birth
    data = {
        "arn": application.arn,
        "date_of_birth_day": born.day,
        "date_of_birth_month": born.month,
        "date_of_birth_year": born.year,
    }
    return data | changes


HINDI = str.maketrans("0123456789", "०१२३४५६७८९")
AS_TYPED = [str, lambda arn: arn.replace("-", " "), lambda arn: arn.translate(HINDI)]


@pytest.mark.parametrize("write", AS_TYPED)
def test_claim_understands_the_number_however_it_is_typed(signed_in, person, write):
    application = make_application()
    answer = signed_in.post(page("claim"), claim_data(application, arn=write(application.arn)))
    assert answer.status_code == 302
    application.refresh_from_db()
    assert application.claimed_by == person


def test_claim_with_a_wrong_date_says_so_and_keeps_what_was_typed(signed_in):
    application = make_application()
    answer = signed_in.post(page("claim"), claim_data(application, date_of_birth_day=18))
    assert "We found no application" in text(answer)
    assert f'value="{application.arn}"' in answer.content.decode()


def test_claim_guessing_ends_in_a_429_that_says_when_to_try_again(signed_in):
    application = make_application()
    codes = [
        signed_in.post(page("claim"), claim_data(application, date_of_birth_day=day)).status_code
        for day in range(1, 8)
    ]
    assert codes == [200] * 5 + [429] * 2
    answer = signed_in.post(page("claim"), claim_data(application))
    assert answer.status_code == 429
    assert "Try again after" in text(answer)
    application.refresh_from_db()
    assert application.claimed_by is None


# --- Booking ---


def test_booking_from_the_nearest_times_to_confirmed(signed_in, application):
    slot = make_slot(day=in_days(4))
    choose = page("choose", application.pk)
    assert "Which time suits you?" in text(signed_in.get(choose))
    answer = signed_in.post(choose, {"choice": slot.pk}, follow=True)
    seen = text(answer)
    assert "kept for you until" in seen
    assert "This date uses one attempt. 2 attempts left." in seen
    hold = Hold.objects.get()
    answer = signed_in.post(page("check", application.pk), {"hold": hold.pk}, follow=True)
    assert "Your appointment is confirmed" in text(answer)
    assert "What to bring" in text(answer)
    assert seats.check() == []


def test_booking_by_centre_day_and_time(signed_in, application):
    slot = make_slot(day=in_days(4), hour=15)
    make_slot(centre=make_centre("IDR", lat=22.765, lon=75.919), day=in_days(9))
    answer = signed_in.post(page("choose", application.pk), {"choice": "another"}, follow=True)
    assert "163 km from your centre" in text(answer)
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


def test_time_that_filled_up_meanwhile_leads_to_the_nearest_free_ones(signed_in, application):
    full, free = make_slot(seats=1), make_slot(hour=12)
    signed_in.get(page("choose", application.pk))
    choice = {"choice": full.pk}
    with_race = booking.hold_seat

    def lose(**kwargs):
        if not full.appointments.exists():
            make_appointment(full)
        return with_race(**kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(booking, "hold_seat", lose)
        answer = signed_in.post(page("choose", application.pk), choice, follow=True)
    assert "This time is now full" in text(answer)
    assert f'value="{free.pk}"' in answer.content.decode()


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
    assert "Old time" in text(answer)
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


# --- Cancel ---


def test_cancel_asks_once_and_then_says_what_is_left(signed_in, application):
    make_appointment(application=application)
    cancel = page("cancel", application.pk)
    assert "Cancel this appointment?" in text(signed_in.get(cancel))
    assert Appointment.objects.get().state == "confirmed"
    for _ in range(2):
        assert "The appointment is cancelled" in text(signed_in.post(cancel))
    assert Message.objects.filter(kind="CANCELLED", channel="sms").count() == 1


# --- The link in the message ---


@pytest.fixture
def asked(person):
    """A person moved by a plan: their application, offer and token, after the grace."""
    return ask(person)


def ask(person, **fields):
    first, second = make_officer(), make_officer("approver")
    centre = make_centre()
    full = make_slot(centre=centre, seats=1)
    application = make_application(name="Sunita Verma", phone=person.phone, language="en", **fields)
    make_appointment(full, application=application)
    make_slot(centre=centre, day=in_days(6), seats=9)
    outage = declare_for_test(first, [Cut(centre.pk, full.date, "normal", 0)])
    plan = plans.prepare(outage_id=outage.pk, region_id=centre.region_id, by=first)
    plans.approve(
        plan_id=plan.pk,
        by=second,
        bounds=plans.suggested_bounds(plan),
        fingerprint=plan.fingerprint,
    )
    plan = plans.apply(plan_id=plan.pk, by=second)
    message = Message.objects.get(kind="MOVED_KEEP", channel="sms")
    token = message.values["url"].rpartition("/")[2]
    Offer.objects.update(live_at=plan.applied_at)
    Plan.objects.update(live_at=plan.applied_at)
    return application, Offer.objects.get(), token


def test_link_shows_old_and_new_why_and_until_when_without_a_name(client, asked):
    application, _offer, token = asked
    answer = client.get(f"/{token}")
    seen = text(answer)
    assert "Your new time" in seen
    assert f"Application ending in {application.arn[-4:]}" in seen
    assert "a technical fault of the server" in seen
    assert "If you do not answer, the new time stands." in seen
    whole = answer.content.decode()
    for secret in ("Sunita", application.arn, "1990", application.phone):
        assert secret not in whole
    assert answer["Referrer-Policy"] == "strict-origin"
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex"


def test_link_speaks_the_persons_language_unless_one_was_chosen(client, asked):
    application, _offer, token = asked
    application.language = "hi"
    application.save()
    assert "आपका नया समय" in text(client.get(f"/{token}"))
    client.cookies["django_language"] = "en"
    assert "Your new time" in text(client.get(f"/{token}"))


def test_link_opened_by_a_scanner_changes_nothing(client, asked):
    _application, offer, token = asked
    for path in (f"/{token}", f"/{token}/give-up/", f"/{token}/another-time/"):
        client.get(path)
        client.head(path)
    offer.refresh_from_db()
    assert offer.state == "open"


def test_accept_by_link_twice(client, asked):
    _application, offer, token = asked
    for _ in range(2):
        answer = client.post(f"/{token}", follow=True)
        assert "You have accepted the new time" in text(answer)
    offer.refresh_from_db()
    assert offer.state == "accepted"
    assert Message.objects.filter(kind="CONFIRMED", channel="sms").count() == 1


def test_give_up_by_link_asks_once_more(client, asked):
    _application, _offer, token = asked
    assert "Give up the appointment?" in text(client.get(f"/{token}/give-up/"))
    answer = client.post(f"/{token}/give-up/", follow=True)
    assert "The appointment is cancelled" in text(answer)
    assert "You have accepted" not in text(client.post(f"/{token}", follow=True))
    assert seats.check() == []


def test_another_time_signs_in_with_the_same_phone_and_needs_no_number(client, person, asked):
    application, offer, token = asked
    another = f"/{token}/another-time/"
    assert client.get(another)["Location"].endswith(f"?next={another}")
    client.force_login(person)
    choose = client.get(another)["Location"]
    assert choose == page("choose", application.pk)
    free = make_slot(day=in_days(8))
    client.post(choose, {"choice": free.pk})
    seen = text(client.get(page("check", application.pk)))
    assert "This date uses no attempt." in seen
    client.post(page("check", application.pk), {"hold": Hold.objects.get().pk})
    offer.refresh_from_db()
    assert offer.state == "changed"
    assert "You have chosen another time" in text(client.get(f"/{token}"))


def test_another_time_with_another_phone_explains_itself(client, asked):
    _application, _offer, token = asked
    client.force_login(make_person(language="en"))
    answer = client.get(f"/{token}/another-time/")
    assert "signed in with another mobile number" in text(answer)


def test_unknown_link_is_not_found_and_many_are_too_many(client):
    client.cookies["django_language"] = "en"
    answer = client.get("/AAAAAAAAAAA")
    assert answer.status_code == 404
    assert "This link is not valid" in text(answer)
    codes = {client.get(f"/{number:011d}").status_code for number in range(70)}
    assert codes == {404, 429}


def test_link_within_the_grace_says_try_again(client, asked):
    _application, _offer, token = asked
    Offer.objects.update(live_at=timezone.now() + dt.timedelta(minutes=5))
    client.cookies["django_language"] = "en"
    answer = client.get(f"/{token}")
    assert answer.status_code == 200
    assert "not active yet" in text(answer)


def test_link_after_silence_says_that_the_time_stands(client, asked):
    _application, offer, token = asked
    with time_machine.travel(offer.deadline):
        offers.close_silent(now=timezone.now())
        assert "The new time stands" in text(client.get(f"/{token}"))


def test_link_of_a_time_that_became_uncertain_says_wait(client, asked):
    application, offer, token = asked
    outage = offer.plan.outage
    cuts = [Cut(application.home_centre_id, in_days(6), "normal", 0)]
    outages.change_cut(outage_id=outage.pk, cuts=cuts, by=outage.declared_by)
    assert "Please wait for our next message" in text(client.get(f"/{token}"))
    client.post(f"/{token}")
    offer.refresh_from_db()
    assert offer.state == "open"


def test_question_signed_in_is_the_same_question(signed_in, person):
    application, _offer, _token = ask(person, claimed_by=person)
    assert "Answer now" in text(signed_in.get(page("mine")))
    question = page("question", application.pk)
    assert "Your new time" in text(signed_in.get(question))
    answer = signed_in.post(question, follow=True)
    assert "You have accepted the new time" in text(answer)


def test_question_where_there_is_none_is_not_found(signed_in, application):
    assert signed_in.get(page("question", application.pk)).status_code == 404


def test_links_at_the_root_shadow_no_other_page():
    """Eleven letters or digits without a slash: no other route may look like that."""

    def routes(patterns, prefix=""):
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from routes(pattern.url_patterns, route)
            else:
                yield route

    alike = [
        route
        for route in routes(get_resolver().url_patterns)
        if re.fullmatch(r"[0-9A-Za-z]{11}(/.*)?", route)
    ]
    assert alike == []


def test_slot_of_the_public_is_free_again_after_all_this(client, asked):
    assert seats.check() == []
    assert Slot.objects.filter(taken__gt=0).count() == 1
