"""Counting how often something was done."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import RequestFactory

from accounts import limits
from accounts.errors import SignInRefusal
from accounts.models import Allowance

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 6, 23, 4, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _two_an_hour(settings):
    settings.SIGN_IN_LIMITS = {"address": [(2, HOUR), (3, 24 * HOUR)]}


def test_limit_allows_its_number_then_says_when_to_try_again():
    limits.take("address", "a", now=NOW)
    limits.take("address", "a", now=NOW + timedelta(minutes=20))
    with pytest.raises(SignInRefusal) as refused:
        limits.take("address", "a", now=NOW + timedelta(minutes=59))
    assert refused.value.code == "address"
    assert refused.value.retry_at == NOW + HOUR


def test_limit_starts_anew_when_its_time_is_over():
    for _ in range(2):
        limits.take("address", "a", now=NOW)
    limits.take("address", "a", now=NOW + HOUR)


def test_longer_step_of_a_limit_holds_too():
    for hours in (0, 1, 2):
        limits.take("address", "a", now=NOW + hours * HOUR)
    with pytest.raises(SignInRefusal) as refused:
        limits.take("address", "a", now=NOW + 5 * HOUR)
    assert refused.value.retry_at == NOW + 24 * HOUR


def test_limit_counts_each_subject_apart():
    for _ in range(2):
        limits.take("address", "a", now=NOW)
    limits.take("address", "b", now=NOW)
    # Parts are kept apart: ("a", "b") is not ("a\nb",) by accident of spelling.
    limits.take("address", "a", "b", now=NOW)


def test_what_is_given_back_can_be_taken_again():
    for _ in range(5):
        limits.take("address", "a", now=NOW)
        limits.give_back("address", "a", now=NOW)
    limits.take("address", "a", now=NOW)
    assert set(Allowance.objects.values_list("used", flat=True)) == {1}


def test_ended_allowances_are_forgotten_and_live_ones_stay():
    limits.take("address", "a", now=NOW)
    assert limits.delete_ended(now=NOW + 2 * HOUR) == 1
    assert Allowance.objects.get().ends_at == NOW + 24 * HOUR


def test_allowance_holds_no_address_in_clear():
    limits.take("address", "+919876543210", "203.0.113.9", now=NOW)
    keys = " ".join(Allowance.objects.values_list("key", flat=True))
    assert "98765" not in keys
    assert "203.0" not in keys


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2401:4900:1c2b:77aa:1:2:3:4", "2401:4900:1c2b:77aa::/64"),
        ("2401:4900:1c2b:77aa:ffff::9", "2401:4900:1c2b:77aa::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", "unknown"),
    ],
)
def test_network_is_one_ipv4_address_or_one_subscriber_of_ipv6(address: str, network: str):
    assert limits.network_of(RequestFactory(REMOTE_ADDR=address).get("/")) == network


def test_network_behind_a_proxy_is_what_that_proxy_saw(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    request = RequestFactory(REMOTE_ADDR="127.0.0.1").get(
        "/", headers={"x-forwarded-for": "6.6.6.6, 203.0.113.9"}
    )
    assert limits.network_of(request) == "203.0.113.9"


def test_network_ignores_what_a_visitor_claims_without_a_proxy():
    request = RequestFactory(REMOTE_ADDR="203.0.113.9").get(
        "/", headers={"x-forwarded-for": "6.6.6.6"}
    )
    assert limits.network_of(request) == "203.0.113.9"
