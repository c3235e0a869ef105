"""What somebody with bad intentions would try."""

import time
from datetime import timedelta

import pytest
from django.conf import settings as site
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import SignInCode, User
from accounts.views import EMAIL_SECONDS
from notifications.models import Message
from tests.accounts.conftest import (
    BY_EMAIL,
    CODE,
    EMAIL,
    OFFICER_CODE,
    PHONE,
    SIGN_IN,
    TYPED,
    app_code,
    ask,
    english_client,
    give_password,
    is_signed_in,
    last_code,
    wrong,
)

pytestmark = pytest.mark.django_db


def test_guessing_ends_after_three_tries_for_each_code_and_few_codes_leave(client, clock):
    guesses = 0
    for _quarter in range(24 * 4):
        response = client.post(SIGN_IN, {"contact": TYPED})
        if response.status_code == 302:
            for _ in range(9):
                client.post(CODE, {"code": wrong(last_code())})
            guesses += 3 - SignInCode.objects.order_by("created_at").last().tries_left
        clock.shift(timedelta(minutes=15))
    # In a day from one network: 8 codes, 24 guesses out of a million.
    assert Message.objects.count() == 8
    assert guesses == 24
    assert not is_signed_in(client)


def test_used_code_opens_nothing_in_the_session_that_used_it(client: Client):
    code = ask(client)
    client.post(CODE, {"code": code})
    client.post("/account/sign-out/")
    assert client.post(CODE, {"code": code})["Location"] == SIGN_IN
    assert not is_signed_in(client)


def test_used_code_opens_nothing_in_a_copy_of_the_session(client: Client):
    code = ask(client)
    thief = english_client()
    thief.cookies[site.SESSION_COOKIE_NAME] = client.cookies[site.SESSION_COOKIE_NAME].value
    client.post(CODE, {"code": code})
    thief.post(CODE, {"code": code})
    assert not is_signed_in(thief)


def test_code_overheard_is_of_no_use_in_another_session(client: Client, clock):
    code = ask(client)
    thief = english_client()
    assert thief.post(CODE, {"code": code})["Location"] == SIGN_IN
    clock.shift(timedelta(seconds=31))
    own = ask(thief)
    if own != code:
        assert "2 tries left" in thief.post(CODE, {"code": code}).text
    assert not is_signed_in(thief)


def test_code_for_ones_own_number_does_not_open_another_account(client: Client, person: User):
    ask(client)
    thief = english_client(REMOTE_ADDR="198.51.100.7")
    thief.post(SIGN_IN, {"contact": "98765 43211"})
    own = last_code("+919876543211")
    client.post(CODE, {"code": own})
    assert not is_signed_in(client) or own == last_code(PHONE)


def test_session_gets_a_new_key_when_it_is_signed_in(client: Client):
    code = ask(client)
    planted = client.session.session_key
    client.post(CODE, {"code": code})
    assert client.session.session_key != planted
    assert not Session.objects.filter(session_key=planted).exists()


def test_session_with_a_key_of_the_visitors_choice_is_not_taken(client: Client):
    client.cookies[site.SESSION_COOKIE_NAME] = "k" * 32
    client.post(CODE, {"code": ask(client)})
    assert client.session.session_key != "k" * 32


def test_person_who_is_signed_in_is_not_signed_over(client: Client, person: User):
    client.force_login(person)
    response = client.post(SIGN_IN, {"contact": "98765 43211"})
    assert response.status_code == 302
    assert not Message.objects.exists()


@pytest.mark.parametrize("form", [{"code": ["1", "2"]}, {"again": ""}, {"action": "resend"}, {}])
def test_odd_requests_to_the_code_page_are_no_errors(client: Client, form):
    ask(client)
    assert client.post(CODE, form).status_code in {200, 302, 429}
    assert not is_signed_in(client)


@pytest.mark.parametrize("contact", ["\ud800", "' OR 1=1 --", "<script>", "٣" * 10, "+91" * 80])
def test_odd_contacts_are_no_errors(client: Client, contact: str):
    body = f"contact={contact}".encode("utf-8", "surrogatepass")
    response = client.post(SIGN_IN, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200
    assert "<script>" not in response.text.replace("&lt;script&gt;", "")


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "head"])
@pytest.mark.parametrize("url", [SIGN_IN, CODE])
def test_other_methods_send_nothing(client: Client, url: str, method: str):
    response = getattr(client, method)(url, {"contact": TYPED})
    assert response.status_code < 500
    assert not Message.objects.exists()


def test_codes_for_many_numbers_stop_at_the_networks_limit(client: Client, settings, clock):
    limit = {"network": [(10, timedelta(minutes=10))]}
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, **limit}
    answers = [
        english_client().post(SIGN_IN, {"contact": f"90000000{number:02d}"}).status_code
        for number in range(20)
    ]
    assert answers == [302] * 10 + [429] * 10
    assert Message.objects.count() == User.objects.count() == 10


def test_forged_header_does_not_change_the_network(client: Client, settings):
    limit = {"network": [(2, timedelta(minutes=10))]}
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, **limit}
    answers = [
        english_client()
        .post(
            SIGN_IN,
            {"contact": f"900000000{number}"},
            headers={"x-forwarded-for": f"203.0.113.{number}", "x-real-ip": "1.2.3.4"},
        )
        .status_code
        for number in range(3)
    ]
    assert answers == [302, 302, 429]


def test_cache_that_is_away_neither_opens_nor_breaks_the_sign_in(client: Client, settings):
    broken = {"BACKEND": "django.core.cache.backends.redis.RedisCache"}
    settings.CACHES = {"default": {**broken, "LOCATION": "redis://127.0.0.1:1/0"}}
    code = ask(client)
    client.post(CODE, {"code": code})
    assert is_signed_in(client)


def test_address_with_unicode_that_looks_alike_is_another_address(client: Client, person: User):
    client.post(BY_EMAIL, {"contact": EMAIL.replace("a", "\u0430")})
    client.post(BY_EMAIL, {"contact": EMAIL.replace("s", "\u017f")})
    assert not Message.objects.exists()


def test_address_made_of_markup_is_shown_as_text(client: Client):
    client.post(BY_EMAIL, {"contact": '"<b>bold</b>"@example.in'})
    text = client.get(CODE).text
    assert "&lt;b&gt;bold" in text
    assert "<b>bold" not in text


def test_address_takes_as_long_to_answer_whether_an_account_has_it(client: Client, person: User):
    for address in (EMAIL, "nobody@example.in"):
        started = time.perf_counter()
        english_client().post(BY_EMAIL, {"contact": address})
        assert time.perf_counter() - started >= EMAIL_SECONDS


def test_officer_signs_in_while_the_cache_is_away(client: Client, officer: User, settings):
    broken = {"BACKEND": "django.core.cache.backends.redis.RedisCache"}
    settings.CACHES = {"default": {**broken, "LOCATION": "redis://127.0.0.1:1/0"}}
    give_password(client)
    client.post(OFFICER_CODE, {"code": app_code()})
    assert client.get("/officers/").status_code == 200


def test_fewer_proxies_than_the_settings_say_is_no_error(client: Client, settings, caplog):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    response = client.post(SIGN_IN, {"contact": TYPED}, headers={"x-forwarded-for": "203.0.113.9"})
    assert response.status_code == 302
    assert "no network address" in caplog.text
