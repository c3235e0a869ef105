"""The account's pages: whose they are, and what they change."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import app_tokens
from accounts.models import User
from tests.accounts.account_steps import signed_in_long_ago

pytestmark = pytest.mark.django_db

PAGES = [
    *("", "language/", "notice/", "messages/", "devices/", "apps/", "data/", "close/"),
    *("phone/", "email/", "still-you/", "email/remove/", "phone/code/", "email/code/"),
]


def token_for(person: User, name: str = "Passport helper") -> int:
    now = timezone.now() - timedelta(days=1)
    return app_tokens._issue(person, "applicant", name, f"secret of {name}" * 3, now).pk


@pytest.mark.parametrize("name", PAGES)
def test_page_asks_strangers_to_sign_in_and_comes_back(client: Client, name: str):
    answer = client.get(f"/account/{name}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("name", ["", "language/", "devices/", "data/", "close/"])
def test_page_is_kept_by_no_cache(person: User, name: str):
    assert "no-store" in signed_in_long_ago(person).get(f"/account/{name}")["Cache-Control"]


@pytest.mark.parametrize("name", ["", "language/", "messages/", "data/", "close/", "phone/"])
def test_officers_have_pages_of_their_own(client: Client, officer: User, name: str):
    client.force_login(officer)
    assert client.get(f"/account/{name}")["Location"] == "/officers/"


def test_overview_shows_number_address_and_what_is_not_verified(person: User):
    text = signed_in_long_ago(person).get("/account/").text
    assert "+91 98765 43210" in text
    assert "asha@example.in" in text
    assert "Not verified yet" in text
    assert "Signed in on 1 device" in text
    assert "/account/sign-out/" in text


def test_language_is_the_persons_and_the_browsers_from_now_on(person: User):
    client = signed_in_long_ago(person)
    answer = client.post("/account/language/", {"language": "hi"}, follow=True)
    assert 'lang="hi"' in answer.text
    assert "अब पेज और संदेश हिन्दी में हैं।" in answer.text
    client.post("/account/language/", {"language": "en"})
    person.refresh_from_db()
    assert person.language == "en"
    assert client.cookies["django_language"].value == "en"


def test_language_that_is_none_is_refused_in_words(person: User):
    answer = signed_in_long_ago(person).post("/account/language/", {"language": "fr"})
    assert "Choose a language." in answer.text


def test_apps_are_listed_and_ended(person: User):
    token = token_for(person)
    client = signed_in_long_ago(person)
    assert "Passport helper" in client.get("/account/apps/").text
    assert client.get(f"/account/apps/{token}/end/").status_code == 405
    for _ in range(2):
        assert client.post(f"/account/apps/{token}/end/")["Location"] == "/account/apps/"
    assert not app_tokens.live_of(person, timezone.now()).exists()


def test_app_of_another_person_is_not_found(person: User):
    other = User.objects.create_user(phone="+919876543299", phone_verified=True)
    token = token_for(other)
    assert signed_in_long_ago(person).post(f"/account/apps/{token}/end/").status_code == 404
    assert app_tokens.live_of(other, timezone.now()).exists()


def test_wishes_are_saved_and_can_be_taken_back(person: User):
    client = signed_in_long_ago(person)
    client.post("/account/messages/", {"email_messages": "yes", "earlier_seats": "no"})
    person.refresh_from_db()
    assert (person.email_messages, person.earlier_seats) == (True, False)
    assert list(person.consents.values_list("item", flat=True)) == ["email"]
    client.post("/account/messages/", {"email_messages": "no", "earlier_seats": "no"})
    assert not person.consents.filter(withdrawn_at__isnull=True).exists()


def test_wishes_without_an_answer_are_not_saved(person: User):
    answer = signed_in_long_ago(person).post("/account/messages/", {"email_messages": "no"})
    assert "Say whether we shall offer you earlier seats." in answer.text
    person.refresh_from_db()
    assert person.email_messages


def test_email_is_removed_only_by_a_form(person: User):
    client = signed_in_long_ago(person)
    assert "Remove the email address?" in client.get("/account/email/remove/").text
    person.refresh_from_db()
    assert person.email
    client.post("/account/email/remove/")
    person.refresh_from_db()
    assert person.email is None


def test_account_without_a_number_keeps_its_address():
    person = User.objects.create_user(email="only@example.in", email_verified=True)
    client = signed_in_long_ago(person)
    assert "Add one first" in client.get("/account/email/remove/").text
    client.post("/account/email/remove/")
    person.refresh_from_db()
    assert person.email == "only@example.in"


def test_overview_costs_the_same_for_one_device_and_app_as_for_three(person: User):
    costs = []
    for number in range(3):
        token_for(person, f"App {number}")
        client = signed_in_long_ago(person)
        with CaptureQueriesContext(connection) as queries:
            client.get("/account/")
            client.get("/account/devices/")
            client.get("/account/apps/")
        costs.append(len(queries))
    assert costs[0] == costs[2]
