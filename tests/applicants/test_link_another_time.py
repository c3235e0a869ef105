"""Another time than the offered one, by the link: the seat is held before the sign-in."""

import datetime as dt

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from accounts.models import SignInCode
from appointments import booking, offers, outages, seats
from appointments.cuts import Cut
from appointments.models import Application, Hold, Offer
from notifications.models import Message
from tests.applicants.builders import ask
from tests.applicants.reading import page, text
from tests.domain.builders import in_days, make_appointment, make_centre, make_person, make_slot

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(person):
    return ask(person)


@pytest.fixture
def free(asked):
    """A seat eight days ahead, two days after the offered time."""
    return make_slot(day=in_days(8), seats=1)


def another(token, *parts):
    return "/".join((f"/{token}/another-time", *parts, ""))


def choose(client, token, slot):
    return client.post(another(token), {"choice": slot.pk}, follow=True)


def is_checked(answer, value):
    """The radio button of this value is chosen already."""
    tag = answer.content.decode().partition(f'value="{value}"')[2].partition(">")[0]
    return "checked" in tag


def test_free_times_are_seen_without_signing_in_and_name_nobody(client, asked, free):
    application, _offer, token = asked
    answer = client.get(another(token))
    seen = text(answer)
    assert "Which time suits you?" in seen
    assert f"Application ending in {application.arn_tail}" in seen
    assert f'value="{free.pk}"' in answer.content.decode()
    for secret in ("Sunita", application.arn, application.phone):
        assert secret not in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Language"] == "en"


def test_times_at_the_same_centre_come_before_those_further_off(client, asked, free):
    near = make_centre("VDS", lat=23.53, lon=77.81, name_en="POPSK Vidisha")
    make_slot(centre=near, day=in_days(4))
    seen = text(client.get(another(asked[2])))
    here, there = seen.index("PSK BPL", seen.index("Which time")), seen.index("POPSK Vidisha")
    assert here < seen.index("Other centres nearby") < there
    assert "km from your centre" in seen


def test_chosen_seat_is_held_at_once_and_the_page_says_until_when(client, asked, free):
    seen = text(choose(client, asked[2], free))
    hold = Hold.objects.get()
    assert (hold.slot, hold.purpose) == (free, "change")
    assert hold.expires_at - hold.created_at == dt.timedelta(minutes=10)
    assert "Sign in to confirm this time" in seen
    assert "This seat is kept for you until" in seen
    assert "This date uses no attempt." in seen


def test_whole_way_from_the_link_to_a_confirmed_time(client, person, asked, free):
    """With the code typed by hand, as a person does."""
    application, offer, token = asked
    kept_page = choose(client, token, free).redirect_chain[-1][0]
    sign_in = f"{reverse('account_request_login_code')}?next={kept_page}"
    assert sign_in in client.get(kept_page).content.decode()
    assert "What you chose is kept for you until" in text(client.get(sign_in))
    answer = client.post(sign_in, {"contact": person.phone}, follow=True)
    assert "What you chose is kept for you until" in text(answer)
    code = Message.objects.filter(kind="OTP").latest("pk").values["otp"]
    answer = client.post(answer.redirect_chain[-1][0], {"code": code}, follow=True)
    assert "Link and confirm the time" in text(answer)
    answer = client.post(kept_page, follow=True)
    assert answer.redirect_chain[-1][0] == page("check", application.pk)
    assert "This date uses no attempt." in text(answer)
    hold = Hold.objects.get()
    answer = client.post(page("check", application.pk), {"hold": hold.pk}, follow=True)
    assert "Your appointment is confirmed" in text(answer)
    offer.refresh_from_db()
    offer.appointment.refresh_from_db()
    assert (offer.state, offer.appointment.slot) == ("changed", free)
    assert "You have chosen another time" in text(client.get(f"/{token}"))
    assert seats.check() == []


def test_owner_goes_on_to_the_pages_of_the_account(client, person, free, asked):
    application, _offer, token = asked
    Application.objects.update(claimed_by=person, claimed_at=timezone.now())
    client.force_login(person)
    assert client.get(another(token))["Location"] == page("choose", application.pk)
    answer = choose(client, token, free)
    assert answer.redirect_chain[-1][0] == page("check", application.pk)


def test_another_phone_is_told_before_anything_is_kept(client, asked, free):
    client.force_login(make_person(language="en"))
    answer = client.post(another(asked[2]), {"choice": free.pk})
    assert answer.status_code == 403
    assert Hold.objects.count() == 0


def test_another_phone_after_choosing_may_sign_out_and_in_again(client, person, asked, free):
    _application, _offer, token = asked
    kept_page = choose(client, token, free).redirect_chain[-1][0]
    client.force_login(make_person(language="en"))
    answer = client.get(kept_page)
    assert answer.status_code == 403
    assert "This seat is kept for you until" in text(answer)
    sign_in = f"{reverse('account_request_login_code')}?next={kept_page}"
    answer = client.post(reverse("account_logout"), {"next": sign_in})
    assert answer["Location"] == sign_in
    client.force_login(person)
    assert "Link and confirm the time" in text(client.get(kept_page))


def test_choosing_by_centre_day_and_time_goes_back_with_what_was_chosen(client, asked, free):
    _application, _offer, token = asked
    answer = client.post(another(token), {"choice": "another"})
    assert answer["Location"] == another(token, "centre")
    answer = client.post(another(token, "centre"), {"choice": "BPL"})
    assert answer["Location"] == another(token, "centre", "BPL")
    day = in_days(8)
    answer = client.post(another(token, "centre", "BPL"), {"choice": day.isoformat()})
    times = answer["Location"]
    assert times == another(token, "centre", "BPL", f"{day.year}-{day.month}-{day.day}")
    back = another(token, "centre", "BPL") + f"?chosen={day.isoformat()}"
    assert back in client.get(times).content.decode()
    assert is_checked(client.get(back), day.isoformat())
    answer = client.post(times, {"choice": free.pk}, follow=True)
    assert "Sign in to confirm this time" in text(answer)


def test_going_back_from_the_kept_seat_finds_it_chosen_though_it_was_the_last(client, asked, free):
    _application, _offer, token = asked
    choose(client, token, free)
    assert is_checked(client.get(another(token) + f"?chosen={free.pk}"), free.pk)


def test_seat_lost_to_somebody_else_offers_the_nearest(client, asked, free):
    beside = make_slot(day=in_days(8), hour=12)
    make_appointment(free)
    answer = choose(client, asked[2], free)
    assert "This time is now full" in text(answer)
    assert f'value="{beside.pk}"' in answer.content.decode()
    assert Hold.objects.count() == 0


def test_nothing_chosen_is_an_error_at_the_question(client, asked, free):
    answer = client.post(another(asked[2]), {})
    assert "There is a problem" in text(answer)
    assert "<title>Error: " in answer.content.decode().replace("\n", "")


def test_second_choice_frees_the_first(client, asked, free):
    other = make_slot(day=in_days(9), seats=1)
    for slot in (free, other, other):
        choose(client, asked[2], slot)
    free.refresh_from_db()
    other.refresh_from_db()
    assert (free.taken, other.taken, Hold.objects.count()) == (0, 1, 1)


def test_kept_seat_that_ran_out_says_so_and_offers_times_near_it(client, asked, free):
    make_slot(day=in_days(8), hour=12)
    kept_page = choose(client, asked[2], free).redirect_chain[-1][0]
    past = timezone.now() - dt.timedelta(minutes=20)
    Hold.objects.update(created_at=past, expires_at=past + dt.timedelta(minutes=10))
    answer = client.get(kept_page, follow=True)
    assert "is free again" in text(answer)
    assert "Which time suits you?" in text(answer)
    booking.expire_holds(now=timezone.now())
    assert client.get(kept_page)["Location"] == another(asked[2])


def test_staying_with_the_time_now_frees_the_seat_and_forgets_it(client, asked, free):
    kept_page = choose(client, asked[2], free).redirect_chain[-1][0]
    assert client.post(kept_page, {"release": "1"})["Location"] == f"/{asked[2]}"
    free.refresh_from_db()
    assert free.taken == 0
    assert "is kept for you" not in text(client.get(reverse("account_request_login_code")))


def test_accepting_after_all_frees_the_seat_that_was_being_chosen(client, asked, free):
    choose(client, asked[2], free)
    client.post(f"/{asked[2]}")
    free.refresh_from_db()
    assert free.taken == 0
    assert Offer.objects.get().state == "accepted"
    assert seats.check() == []


@pytest.mark.parametrize("end", ["accepted", "given up", "silent", "in doubt", "too late"])
def test_ended_question_holds_nothing_and_explains_itself(client, asked, free, end):
    application, offer, token = asked
    at = timezone.now()
    if end == "accepted":
        offers.accept(offer_id=offer.pk, by=None)
    elif end == "given up":
        offers.give_up(offer_id=offer.pk, by=None)
    elif end == "silent":
        at = offer.deadline
        offers.close_silent(now=at)
    elif end == "in doubt":
        cuts = [Cut(application.home_centre_id, in_days(6), "normal", 0)]
        outage = offer.plan.outage
        outages.change_cut(outage_id=outage.pk, cuts=cuts, by=outage.declared_by)
    else:
        at = offer.deadline
    with time_machine.travel(at):
        for method in (client.get, client.post):
            answer = method(another(token), {"choice": free.pk})
            assert answer["Location"] == f"/{token}"
        assert "Which time" not in text(client.get(f"/{token}"))
    assert Hold.objects.count() == 0


def test_link_within_the_grace_and_unknown_links_hold_nothing(client, asked, free):
    _application, _offer, token = asked
    client.cookies["django_language"] = "en"
    Offer.objects.update(live_at=timezone.now() + dt.timedelta(minutes=5))
    for path in (token, "A" * 11):
        assert client.post(another(path), {"choice": free.pk}).status_code == 404
    assert Hold.objects.count() == 0


def test_one_link_cannot_swap_seats_without_end(client, asked, settings):
    settings.SIGN_IN_LIMITS = settings.SIGN_IN_LIMITS | {
        "link_hold": [(2, dt.timedelta(minutes=10))]
    }
    slots = [make_slot(day=in_days(8), hour=hour) for hour in (10, 11, 12)]
    answers = [choose(client, asked[2], slot) for slot in slots]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Too many times were chosen by this link." in text(answers[-1])
    assert Hold.objects.get().slot == slots[1]


@pytest.mark.parametrize("choice", ["0", "-1", "9" * 40, "999999", "abc"])
def test_broken_choices_hold_nothing(client, asked, free, choice):
    answer = client.post(another(asked[2]), {"choice": choice}, follow=True)
    assert answer.status_code == 200
    assert Hold.objects.count() == 0


def test_code_is_asked_for_in_the_language_of_the_question(client, asked, free):
    choose(client, asked[2], free)
    answer = client.get(reverse("account_request_login_code"))
    assert 'lang="en"' in answer.content.decode()
    assert SignInCode.objects.count() == 0
