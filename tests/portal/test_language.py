"""Which language a page is in: the choice made here, the person's, else Hindi."""

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db

ENGLISH_SWITCH = 'value="hi" lang="hi">हिन्दी'
HINDI_SWITCH = 'value="en" lang="en">English'


@pytest.fixture
def reader() -> User:
    return User.objects.create_user(phone="+919876543210", phone_verified=True, language="en")


def test_page_is_hindi_whatever_the_browser_asks_for(client: Client):
    response = client.get("/", headers={"accept-language": "en-IN,en;q=0.9"})
    assert '<html lang="hi">' in response.text
    assert response["Content-Language"] == "hi"


def test_page_is_in_the_language_of_the_signed_in_person(client: Client, reader: User):
    client.force_login(reader)
    assert '<html lang="en">' in client.get("/").text


def test_choice_made_here_beats_the_language_of_the_person(client: Client, reader: User):
    client.force_login(reader)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "hi"
    assert '<html lang="hi">' in client.get("/").text


def test_unknown_language_in_the_cookie_is_ignored(client: Client):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "xx"
    assert '<html lang="hi">' in client.get("/").text


def test_officers_pages_are_english_whatever_was_chosen(client: Client):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "hi"
    assert client.get("/officers/")["Content-Language"] == "en"


def test_switch_is_a_form_and_leads_back_to_the_same_page(client: Client):
    page = client.get("/advice/").text
    assert HINDI_SWITCH in page
    assert 'name="next" value="/advice/"' in page
    response = client.post("/language/", {"language": "en", "next": "/advice/"})
    assert response.status_code == 302
    assert response["Location"] == "/advice/"
    assert ENGLISH_SWITCH in client.get("/advice/").text


def test_switch_keeps_the_language_with_the_signed_in_person(client: Client, reader: User):
    client.force_login(reader)
    client.post("/language/", {"language": "hi", "next": "/"})
    reader.refresh_from_db()
    assert reader.language == "hi"


def test_following_a_link_does_not_change_the_language(client: Client):
    assert client.get("/language/?language=en").status_code == 405


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""]
)
def test_switch_does_not_lead_to_another_site(client: Client, target: str):
    response = client.post("/language/", {"language": "en", "next": target})
    assert response["Location"] == "/"


def test_switch_to_an_unknown_language_changes_nothing(client: Client):
    response = client.post("/language/", {"language": "fr", "next": "/"})
    assert settings.LANGUAGE_COOKIE_NAME not in response.cookies


def test_language_cookie_is_out_of_reach_of_scripts_and_other_sites(client: Client):
    response = client.post("/language/", {"language": "en", "next": "/"}, secure=True)
    cookie = response.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["secure"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://testserver", 302), ("https://elsewhere.example", 403), ("null", 403)],
)
def test_switch_obeys_only_pages_of_this_site(origin: str, status: int):
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(
        "/language/", {"language": "en", "next": "/"}, headers={"origin": origin}
    )
    assert response.status_code == status
    assert (settings.LANGUAGE_COOKIE_NAME in response.cookies) == (status == 302)
