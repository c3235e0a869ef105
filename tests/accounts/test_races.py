"""Many requests at the same moment, in real threads on PostgreSQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from accounts import limits, people, second_factor, sign_in
from accounts.errors import SignInRefusal
from accounts.models import SignInCode, User
from notifications.models import Message
from tests.accounts.conftest import MORNING, PHONE, SECRET, last_code, wrong

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

AT_ONCE = 12


def at_once(work: Callable[[int], Any], times: int = AT_ONCE) -> list[Any]:
    """Run `work` in that many threads which start together; a refusal is told by its code."""
    barrier = Barrier(times)

    def run(number: int) -> Any:
        try:
            barrier.wait()
            return work(number)
        except SignInRefusal as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def request_code(address: str = PHONE, network: str = "203.0.113.9", **changes) -> SignInCode:
    wanted = {"channel": "sms", "address": address, "network": network, "language": "hi"}
    return sign_in.request_code(**{**wanted, "now": MORNING, **changes})


def test_guesses_sent_at_once_count_each():
    asked = request_code()
    guess = wrong(last_code())
    answers = at_once(lambda _n: sign_in.check_code(code_id=asked.pk, typed=guess, now=MORNING))
    # Each of the three sees its own count or a lower one; nobody gets a fourth look.
    assert answers.count("wrong_code") <= 2
    assert set(answers) == {"wrong_code", "no_tries_left"} or set(answers) == {"no_tries_left"}
    asked.refresh_from_db()
    assert asked.tries_left == 0


def test_right_code_sent_at_once_opens_one_session():
    asked = request_code()
    code = last_code()
    answers = at_once(lambda _n: sign_in.check_code(code_id=asked.pk, typed=code, now=MORNING))
    assert sum(isinstance(answer, User) for answer in answers) == 1


def test_requests_for_one_number_at_once_send_one_code_and_make_one_account():
    answers = at_once(lambda _n: request_code())
    assert sum(isinstance(answer, SignInCode) for answer in answers) == 1
    assert answers.count("wait_for_next_code") == AT_ONCE - 1
    assert Message.objects.count() == User.objects.count() == 1


def test_requests_from_one_network_at_once_stay_within_its_limit(settings):
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, "network": [(5, timedelta(minutes=10))]}
    answers = at_once(lambda n: request_code(f"+9190000000{n:02d}"))
    assert sum(isinstance(answer, SignInCode) for answer in answers) == 5
    assert answers.count("network") == AT_ONCE - 5
    assert Message.objects.count() == User.objects.count() == 5


def test_limit_that_has_ended_starts_anew_once(settings):
    settings.SIGN_IN_LIMITS = {"network": [(3, timedelta(hours=1))]}
    for _ in range(3):
        limits.take("network", "a", now=MORNING)
    later = MORNING + timedelta(hours=2)
    answers = at_once(lambda _n: limits.take("network", "a", now=later))
    assert answers.count(None) == 3
    assert answers.count("network") == AT_ONCE - 3


def test_code_of_an_app_sent_at_once_opens_one_session(officer: User, settings):
    settings.SIGN_IN_LIMITS = {
        **settings.SIGN_IN_LIMITS,
        "second_factor": [(99, timedelta(hours=1))],
    }
    code = second_factor.code_of(SECRET, int(MORNING.timestamp()) // 30)
    answers = at_once(lambda _n: second_factor.check(officer=officer, typed=code, now=MORNING))
    assert answers.count("second_factor_used") == AT_ONCE - 1


def test_forgetting_does_not_take_an_account_that_is_being_proven():
    asked = request_code()
    code = last_code()
    User.objects.update(date_joined=MORNING - timedelta(days=3))
    SignInCode.objects.update(created_at=MORNING - timedelta(days=2))

    def work(number: int) -> Any:
        if number % 2:
            return people.delete_unverified(now=MORNING)
        return sign_in.check_code(code_id=asked.pk, typed=code, now=MORNING)

    answers = at_once(work, times=4)
    opened = [answer for answer in answers if isinstance(answer, User)]
    # Either it was proven in time and stays, or it was forgotten and did not open.
    assert len(opened) == User.objects.filter(phone_verified=True).count()


def test_forgetting_ended_limits_does_not_meet_their_renewal_in_a_circle():
    names = ["wait_for_next_code", "address_here", "address", "network", "all_sms"]
    for name in names:
        limits.take(name, "a", now=MORNING)
    later = MORNING + timedelta(days=2)

    def work(number: int) -> Any:
        if number % 2:
            return limits.delete_ended(now=later)
        with transaction.atomic():
            for name in names:
                limits.take(name, "a", now=later)
        return "taken"

    answers = at_once(work)
    assert answers.count("taken") == 1
    assert answers.count("wait_for_next_code") == AT_ONCE // 2 - 1
