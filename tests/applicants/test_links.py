"""The link in the message, and the same question signed in."""

import datetime as dt
import re

import pytest
import time_machine
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from appointments import booking, offers, outages, plans, seats
from appointments.cuts import Cut
from appointments.models import Offer, Plan, Slot
from notifications.models import Message
from tests.applicants.builders import ask, plan_again, token_of
from tests.applicants.reading import page, text
from tests.domain.builders import in_days, make_centre, make_person, make_slot

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(person):
    """A person moved by a plan: their application, offer and token, after the grace."""
    return ask(person)


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
    answer = client.get(f"/{token}")
    assert "आपका नया समय" in text(answer)
    assert answer["Content-Language"] == "hi"
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


def test_another_time_with_another_phone_explains_itself(client, asked):
    application, _offer, token = asked
    client.force_login(make_person(language="en"))
    for method in (client.get, client.post):
        answer = method(f"/{token}/another-time/")
        assert answer.status_code == 403
        assert "signed in with another mobile number" in text(answer)
    application.refresh_from_db()
    assert application.claimed_by is None


def test_another_time_after_the_answer_shows_the_answer(client, person, asked):
    _application, offer, token = asked
    offers.accept(offer_id=offer.pk, by=None)
    answer = client.get(f"/{token}/another-time/", follow=True)
    assert "You have accepted the new time" in text(answer)


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
    assert answer.status_code == 404
    assert "not active yet" in text(answer)


def test_link_after_silence_says_that_the_time_stands(client, asked):
    _application, offer, token = asked
    with time_machine.travel(offer.deadline):
        offers.close_silent(now=timezone.now())
        assert "The new time stands" in text(client.get(f"/{token}"))


def test_link_after_silence_that_freed_the_seat_is_gone_and_says_what_now(client, person):
    _application, offer, token = ask(person, silence="requeue")
    assert "the seat is released and you wait first in line" in text(client.get(f"/{token}"))
    with time_machine.travel(offer.deadline):
        offers.close_silent(now=timezone.now())
        answer = client.get(f"/{token}")
    assert answer.status_code == 410
    assert "You are first in the waiting list" in text(answer)


def test_link_of_a_plan_that_was_undone_says_wait(client, person):
    _application, offer, token = ask(person)
    grace = timezone.now() + dt.timedelta(minutes=10)
    Plan.objects.update(live_at=grace)
    Offer.objects.update(live_at=grace)
    plans.undo(plan_id=offer.plan_id, by=offer.plan.approved_by)
    answer = client.get(f"/{token}")
    assert answer.status_code == 410
    assert "The office has taken this time back. Do not travel" in text(answer)


def test_link_that_was_replaced_leads_to_the_latest_message(client, asked):
    application, offer, token = asked
    outage = offer.plan.outage
    make_slot(day=in_days(8), seats=9)
    cuts = [Cut(application.home_centre_id, in_days(6), "normal", 0)]
    outages.change_cut(outage_id=outage.pk, cuts=cuts, by=outage.declared_by)
    again = plan_again(outage, application.region)
    Offer.objects.filter(plan=again).update(live_at=again.applied_at)
    answer = client.get(f"/{token}")
    assert answer.status_code == 410
    assert "A newer time has taken its place" in text(answer)
    newest = token_of(Offer.objects.get(plan=again))
    assert "Your new time" in text(client.get(f"/{newest}"))


def test_link_of_a_cancelled_appointment_says_so(client, person):
    _application, offer, token = ask(person, claimed_by=person)
    booking.cancel(appointment_id=offer.appointment_id, by=person)
    assert "The appointment has been cancelled since." in text(client.get(f"/{token}"))


def test_link_to_another_centre_tells_where_and_how_far(client, person):
    indore = make_centre("IDR", lat=22.765, lon=75.919, town_en="Indore", pin="452010")
    _application, _offer, token = ask(person, to_centre=indore)
    seen = text(client.get(f"/{token}"))
    assert "another centre" in seen
    assert "163 km" in seen
    assert "Indore, Bhopal 452010" in seen


def test_give_up_with_no_attempt_left_warns_that_it_is_the_last(client, asked):
    application, _offer, token = asked
    for number in range(3):
        application.visit_attempts.create(date=in_days(number), chosen_at=timezone.now())
    seen = text(client.get(f"/{token}/give-up/"))
    assert "you cannot choose another date under this fee" in seen


def test_accept_needs_the_secret_of_the_form(asked):
    """A page elsewhere cannot answer for a person whose link it knows."""
    _application, offer, token = asked
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/{token}").status_code == 403
    offer.refresh_from_db()
    assert offer.state == "open"


def test_link_page_costs_few_queries(client, asked, django_assert_max_num_queries):
    _application, _offer, token = asked
    with django_assert_max_num_queries(8):
        client.get(f"/{token}")


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
