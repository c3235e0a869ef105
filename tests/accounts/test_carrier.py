"""Limits of signing in as people meet them: a family, a carrier's address, and who pumps SMS."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from notifications.models import Message
from tests.accounts.conftest import BY_EMAIL, CODE, PHONE, SIGN_IN, english_client, last_code

pytestmark = pytest.mark.django_db

CARRIER = "203.0.113.9"


def phone(number: int) -> str:
    return f"+91900000{number:04d}"


def ask(client: Client, number: str):
    return client.post(SIGN_IN, {"contact": number})


def test_family_of_eight_behind_one_address_signs_in_twice_within_an_hour(clock):
    for _round in range(2):
        for member in range(8):
            client = english_client(REMOTE_ADDR=CARRIER)
            assert ask(client, phone(member)).status_code == 302
            client.post(CODE, {"code": last_code(phone(member))})
            assert "_auth_user_id" in client.session
        clock.shift(timedelta(minutes=20))
    assert User.objects.filter(phone_verified=True).count() == 8


def test_150_subscribers_behind_one_address_get_their_codes_and_the_next_a_wait(clock):
    for number in range(150):
        assert ask(Client(REMOTE_ADDR=CARRIER), phone(number)).status_code == 302
    answer = ask(english_client(REMOTE_ADDR=CARRIER), phone(150))
    assert answer.status_code == 429
    assert answer["Retry-After"] == "600"
    assert "Too many codes were asked for from your network. Try again after 10:11" in answer.text
    # Ten minutes on it is the next 150's turn; somewhere else it was never anybody's trouble.
    assert ask(Client(REMOTE_ADDR="198.51.100.4"), phone(150)).status_code == 302
    clock.shift(timedelta(minutes=10))
    assert ask(Client(REMOTE_ADDR=CARRIER), phone(151)).status_code == 302


def test_pumping_one_number_stops_from_anywhere(clock):
    sent = 0
    for hour in range(24):
        for attempt in range(6):
            answer = ask(Client(REMOTE_ADDR=f"198.51.{hour}.{attempt}"), PHONE)
            sent += answer.status_code == 302
            clock.shift(timedelta(seconds=31))
        clock.shift(timedelta(minutes=50))
    # 15 a day: a code is asked for again by a person, never 144 times.
    assert sent == Message.objects.filter(kind="OTP").count() <= 30
    assert sent >= 15


def test_pumping_new_numbers_stops_while_known_people_go_on(settings):
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, "new_numbers": [(20, timedelta(days=1))]}
    known = User.objects.create_user(phone=PHONE, phone_verified=True)
    statuses = [
        ask(Client(REMOTE_ADDR=f"198.51.100.{number}"), phone(number)).status_code
        for number in range(30)
    ]
    assert statuses == [302] * 20 + [429] * 10
    assert ask(Client(REMOTE_ADDR=CARRIER), known.phone).status_code == 302


@pytest.mark.parametrize(("language", "words"), [("en", "Try again in"), ("hi", "सेकंड बाद")])
@pytest.mark.parametrize(("url", "contact"), [(SIGN_IN, PHONE), (BY_EMAIL, "asha@example.in")])
def test_limit_answers_429_in_both_languages_with_when_to_try_again(language, words, url, contact):
    client = Client()
    client.cookies["django_language"] = language
    client.post(url, {"contact": contact})
    answer = client.post(url, {"contact": contact})
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 30
    assert f'lang="{language}"' in answer.text
    assert words in answer.text
    assert f'value="{contact}"' in answer.text
