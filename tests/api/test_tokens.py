"""An officer makes a token for a program at their desk, and ends it there."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts import app_tokens, officers, second_factor
from accounts.models import AppToken, User
from tests.domain.builders import make_officer, make_person

pytestmark = pytest.mark.django_db
LIST = "/officers/accounts/apptoken/"


@pytest.fixture
def factor(monkeypatch):
    """How it is proven is tested in tests/accounts."""
    monkeypatch.setattr(officers, "has_second_factor", lambda request: True)
    monkeypatch.setattr(second_factor, "is_set_up", lambda officer: True)


def signed_in(officer: User) -> Client:
    client = Client()
    client.force_login(officer)
    return client


def issue(client: Client, name: str = "report"):
    return client.post(f"{LIST}add/", {"name": name})


def secret_in(page) -> str:
    (secret,) = re.findall(r"pp_[0-9a-f]{64}", page.content.decode())
    return secret


def revoke(client: Client, token: AppToken):
    return client.post(LIST, {"action": "revoke", "_selected_action": [token.pk]})


def test_form_asks_only_for_a_name(factor):
    page = signed_in(make_officer()).get(f"{LIST}add/")
    assert page.status_code == 200
    assert 'name="name"' in page.content.decode()


def test_officer_is_shown_the_secret_once_and_it_opens(factor):
    officer = make_officer()
    client = signed_in(officer)
    page = issue(client)
    secret = secret_in(page)
    assert "no-store" in page.headers["Cache-Control"]
    found = app_tokens.find(secret=secret, now=timezone.now())
    assert found is not None
    assert (found.person, found.kind, found.name) == (officer, "officer", "report")
    for address in (LIST, f"{LIST}{found.pk}/change/", f"{LIST}add/"):
        later = client.get(address)
        assert later.status_code == 200
        assert "pp_" not in later.content.decode()
        assert found.secret_hash not in later.content.decode()


def test_revoked_token_opens_nothing(factor):
    client = signed_in(make_officer())
    secret = secret_in(issue(client))
    assert revoke(client, AppToken.objects.get()).status_code == 302
    assert app_tokens.find(secret=secret, now=timezone.now()) is None
    ended = AppToken.objects.get().revoked_at
    revoke(client, AppToken.objects.get())
    assert AppToken.objects.get().revoked_at == ended


def test_officer_neither_sees_nor_revokes_anothers_token(factor):
    issue(signed_in(make_officer()), "secret project")
    other = signed_in(make_officer())
    assert "secret project" not in other.get(LIST).content.decode()
    revoke(other, AppToken.objects.get())
    assert AppToken.objects.get().revoked_at is None


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_token_ends_with_the_officers_rights(factor, change):
    officer = make_officer()
    secret = secret_in(issue(signed_in(officer)))
    User.objects.filter(pk=officer.pk).update(**change)
    assert app_tokens.find(secret=secret, now=timezone.now()) is None


def test_token_ends_with_the_second_factor(factor, monkeypatch):
    secret = secret_in(issue(signed_in(make_officer())))
    monkeypatch.setattr(second_factor, "is_set_up", lambda officer: False)
    assert app_tokens.find(secret=secret, now=timezone.now()) is None


def test_without_a_second_factor_no_token_is_issued():
    answer = issue(signed_in(make_officer()))
    assert answer.status_code == 302
    assert not AppToken.objects.exists()


def test_applicant_finds_no_such_page(factor):
    assert issue(signed_in(make_person())).status_code == 404
    assert not AppToken.objects.exists()
