"""The page that lists several people behind one phone, and what one link may and may not do."""

import datetime as dt

import pytest
from django.utils import timezone

from appointments import booking, offers, plans
from appointments.cuts import Cut
from appointments.models import Appointment, Hold, Offer, OfferList, Plan
from notifications.models import Message
from tests.applicants.builders import (
    ask,
    ask_family,
    go_live,
    plan_again,
    token_of,
    token_of_list,
)
from tests.applicants.reading import page, text
from tests.domain.builders import (
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_officer,
    make_slot,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def family(person):
    """Three people moved, the offers, and the token of the list."""
    plan, asked = ask_family(person, 3, name="Sunita Verma", email="family@example.org")
    return plan, asked, token_of_list(plan)


def test_list_shows_everyone_with_four_digits_and_no_name(client, family):
    _plan, asked, token = family
    answer = client.get(f"/{token}")
    seen = text(answer)
    assert answer.status_code == 200
    assert "3 applications with this mobile number still wait for an answer." in seen
    assert "Without an answer the new times stand." in seen
    assert "Accept all 3 new times" in seen
    for offer in asked:
        assert f"Application ending in {offer.appointment.application.arn_tail}" in seen
    whole = answer.content.decode()
    for secret in ("Sunita", asked[0].appointment.application.arn, "1990", "family@"):
        assert secret not in whole
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex"


def test_list_opened_by_a_scanner_changes_nothing(client, family):
    _plan, asked, token = family
    for path in (f"/{token}", f"/{token}/{asked[0].pk}", f"/{token}/{asked[0].pk}/give-up/"):
        client.get(path)
        client.head(path)
    assert set(Offer.objects.values_list("state", flat=True)) == {"open"}


def test_accept_one_and_then_all(client, family):
    _plan, asked, token = family
    answer = client.post(f"/{token}", {"accept": asked[0].pk}, follow=True)
    assert "1 new time accepted." in text(answer)
    assert "Accept all 2 new times" in text(answer)
    answer = client.post(f"/{token}", {"all": "1"}, follow=True)
    assert "2 new times accepted." in text(answer)
    assert "Nothing is left to answer" in text(answer)
    again = client.post(f"/{token}", {"all": "1"}, follow=True)
    assert "accepted." not in text(again).partition("Nothing is left")[0]
    assert set(Offer.objects.values_list("state", flat=True)) == {"accepted"}


def test_accept_all_names_who_was_refused_and_why(client, family):
    _plan, asked, token = family
    Appointment.objects.filter(pk=asked[2].appointment_id).update(state="in_doubt")
    seen = text(client.post(f"/{token}", {"all": "1"}, follow=True))
    tail = asked[2].appointment.application.arn_tail
    assert "2 new times accepted." in seen
    assert f"Application ending in {tail}: Your appointment is in doubt" in seen
    assert "Uncertain: do not travel, wait for our next message" in seen


def test_give_up_goes_person_by_person_and_comes_back_to_the_list(client, family):
    _plan, asked, token = family
    one = f"/{token}/{asked[1].pk}"
    assert f'href="/{token}"' in client.get(one).content.decode()
    assert "Give up the appointment?" in text(client.get(f"{one}/give-up/"))
    answer = client.post(f"{one}/give-up/", follow=True)
    assert "The appointment is cancelled" in text(answer)
    assert "Back to all" in text(answer)
    assert sorted(Offer.objects.values_list("state", flat=True)) == ["given_up", "open", "open"]
    assert "2 applications" in text(client.get(f"/{token}"))


def test_another_time_for_one_of_the_list_holds_a_seat_for_that_one(client, person, family):
    _plan, asked, token = family
    free = make_slot(day=in_days(8), seats=1)
    one = f"/{token}/{asked[1].pk}"
    answer = client.post(f"{one}/another-time/", {"choice": free.pk}, follow=True)
    assert "Sign in to confirm this time" in text(answer)
    application = asked[1].appointment.application
    assert Hold.objects.get().application == application
    client.force_login(person)
    answer = client.post(f"{one}/another-time/kept/", follow=True)
    assert answer.redirect_chain[-1][0] == page("check", application.pk)


def test_link_of_one_person_gives_no_power_over_the_others(client, family):
    _plan, asked, _token = family
    own = token_of(asked[0], channel="email")
    seen = text(client.get(f"/{own}"))
    assert "2 other people at this mobile number have new times too" in seen
    for other in asked[1:]:
        assert other.appointment.application.arn_tail not in seen
        for path in (f"/{own}/{other.pk}", f"/{own}/{other.pk}/give-up/"):
            assert client.get(path).status_code == 404
            assert client.post(path).status_code == 404
    client.post(f"/{own}", {"all": "1"})
    assert sorted(Offer.objects.values_list("state", flat=True)) == ["accepted", "open", "open"]


def test_list_gives_no_power_over_people_who_are_not_on_it(client, person, family):
    _plan, _asked, token = family
    now = timezone.now()
    stranger = Offer.objects.create(
        appointment=Appointment.objects.create(
            application=make_application(), slot=make_slot(day=in_days(9)), booked_at=now
        ),
        kind="moved",
        new_slot=make_slot(day=in_days(10)),
        token_hash="y" * 64,
        live_at=now,
        deadline=now + dt.timedelta(days=1),
        created_at=now,
    )
    assert client.get(f"/{token}/{stranger.pk}").status_code == 404
    assert client.post(f"/{token}", {"accept": stranger.pk}).status_code == 404
    stranger.refresh_from_db()
    assert stranger.state == "open"


@pytest.mark.parametrize("wrong", ["", "abc", "0", "9" * 40])
def test_broken_answers_are_not_found(client, family, wrong):
    assert client.post(f"/{family[2]}", {"accept": wrong}).status_code == 404


def test_two_people_at_a_phone_are_told_of_each_other(client, person):
    _plan, (first, _second) = ask_family(person, 2)
    seen = text(client.get(f"/{token_of(first)}"))
    assert "1 other person at this mobile number has a new time too, with a message" in seen


def test_one_person_is_told_of_nobody(client, person):
    _application, _offer, token = ask(person)
    assert "at this mobile number" not in text(client.get(f"/{token}"))


def test_list_within_the_grace_says_try_again_and_after_an_undo_wait(client, family):
    plan, _asked, token = family
    grace = timezone.now() + dt.timedelta(minutes=10)
    for model in (Plan, Offer, OfferList):
        model.objects.update(live_at=grace)
    client.cookies["django_language"] = "en"
    answer = client.get(f"/{token}")
    assert answer.status_code == 404
    assert "Try again" in text(answer)
    plans.undo(plan_id=plan.pk, by=plan.approved_by)
    seen = text(client.get(f"/{token}"))
    assert "Nothing is left to answer" in seen
    assert "do not travel" in seen


def test_list_speaks_the_language_of_most_people_unless_one_was_chosen(client, family):
    _plan, asked, token = family
    for offer in asked[:2]:
        application = offer.appointment.application
        application.language = "hi"
        application.save()
    answer = client.get(f"/{token}")
    assert answer["Content-Language"] == "hi"
    client.cookies["django_language"] = "en"
    assert client.get(f"/{token}")["Content-Language"] == "en"


def test_list_of_six_people_costs_few_queries(client, person, django_assert_max_num_queries):
    plan, _asked = ask_family(person, 6)
    token = token_of_list(plan)
    with django_assert_max_num_queries(7):
        client.get(f"/{token}")


# --- A list that asks nothing -------------------------------------------------------------------


@pytest.fixture
def doubted(person):
    """Three people told of a doubt in one SMS: outage, appointments, and the token of the list."""
    slot = make_slot(seats=3)
    people = [
        make_appointment(
            slot,
            application=make_application(phone=person.phone, language="en", name="Sunita Verma"),
        )
        for _ in range(3)
    ]
    outage = declare_for_test(make_officer(), [Cut(slot.centre_id, slot.date, "normal", 0)])
    message = Message.objects.get(kind="HOLD_MANY")
    return outage, people, message.values["url"].rpartition("/")[2]


def test_list_of_a_doubt_says_do_not_travel_and_asks_nothing(client, doubted):
    _outage, people, token = doubted
    answer = client.get(f"/{token}")
    seen = text(answer)
    assert answer.status_code == 200
    assert "Several people at this mobile number" in seen
    assert seen.count("Uncertain: do not travel, wait for our next message") == 3
    whole = answer.content.decode()
    for appointment in people:
        assert f"Application ending in {appointment.application.arn_tail}" in seen
        assert appointment.application.arn not in whole
    assert "Sunita" not in whole
    assert "<form" not in whole.partition("<main")[2].partition("</main>")[0]
    assert "no-store" in answer["Cache-Control"]


def test_each_row_says_what_holds_now(client, doubted):
    _outage, people, token = doubted
    booking.cancel(appointment_id=people[0].pk, by=None)
    Appointment.objects.filter(pk=people[1].pk).update(
        state="waiting", slot=None, waiting_since=timezone.now()
    )
    Appointment.objects.filter(pk=people[2].pk).update(state="confirmed")
    seen = text(client.get(f"/{token}"))
    for words in ("Cancelled", "On the waiting list", "The appointment stands: come on time"):
        assert seen.count(words) == 1
    assert "do not travel" not in seen


def test_link_of_an_older_list_answers_no_later_question(client, doubted):
    outage, people, token = doubted
    make_slot(centre=people[0].slot.centre, day=in_days(6), seats=9)
    plan = plan_again(outage, outage.region)
    assert text(client.get(f"/{token}")).count("do not travel") == 3  # within the grace
    go_live(plan)
    offer = Offer.objects.first()
    seen = text(client.get(f"/{token}"))
    assert seen.count("open the link in the newest message") == 3
    assert client.post(f"/{token}", {"accept": offer.pk}).status_code == 404
    assert client.get(f"/{token}/{offer.pk}").status_code == 404
    assert client.post(f"/{token}/{offer.pk}/give-up/").status_code == 404
    client.post(f"/{token}", {"all": "1"})
    assert set(Offer.objects.values_list("state", flat=True)) == {"open"}
    assert "Accept all 3" in text(client.get(f"/{token_of_list(plan)}"))


def test_list_of_mixed_fates_asks_some_and_tells_the_others(client, person):
    slot = make_slot(seats=4)
    for _ in range(4):
        make_appointment(slot, application=make_application(phone=person.phone, language="en"))
    make_slot(centre=slot.centre, day=in_days(6), seats=2)
    officer = make_officer()
    outage = declare_for_test(officer, [Cut(slot.centre_id, slot.date, "normal", 1)])
    plan = plan_again(outage, outage.region)
    go_live(plan)
    message = Message.objects.get(kind="MIXED_MANY_KEEP")
    assert message.values["n"] == 4
    seen = text(client.get(f"/{message.values['url'].rpartition('/')[2]}"))
    assert "Accept all 2 new times" in seen
    assert seen.count("The appointment stands: come on time") == 1
    assert seen.count("On the waiting list") == 1


def test_list_that_asks_nothing_costs_as_much_for_three_as_for_six(
    client, person, django_assert_max_num_queries
):
    slot = make_slot(seats=6)
    for _ in range(6):
        make_appointment(slot, application=make_application(phone=person.phone))
    declare_for_test(make_officer(), [Cut(slot.centre_id, slot.date, "normal", 0)])
    token = Message.objects.get(kind="HOLD_MANY").values["url"].rpartition("/")[2]
    with django_assert_max_num_queries(24):
        client.get(f"/{token}")


def test_answered_elsewhere_stands_on_the_list(client, family):
    _plan, asked, token = family
    offers.accept(offer_id=asked[0].pk, by=None)
    seen = text(client.get(f"/{token}"))
    assert "Accepted" in seen
    assert "Accept all 2 new times" in seen
