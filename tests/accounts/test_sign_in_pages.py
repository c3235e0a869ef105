"""What an applicant meets between "sign in" and the page they wanted."""

import logging
import re
from datetime import timedelta

import pytest
from django.conf import settings as site
from django.test import Client

from accounts.models import SignInCode, User
from notifications.models import Message
from tests.accounts.conftest import (
    BY_EMAIL,
    CODE,
    EMAIL,
    PHONE,
    SIGN_IN,
    TYPED,
    ask,
    english_client,
    is_signed_in,
    last_code,
    wrong,
)

pytestmark = pytest.mark.django_db


def summary_of(response) -> str:
    """The error summary of a page, as text."""
    box = re.search(r'class="error-summary".*?</div>', response.text, re.DOTALL)
    assert box, "no error summary"
    return " ".join(re.sub(r"<[^>]+>", " ", box[0]).split())


# --- The way in ----------------------------------------------------------------------------------


def test_applicant_is_in_after_number_and_code(client: Client):
    code = ask(client)
    response = client.post(f"{CODE}?next=/centres/", {"code": code}, follow=True)
    assert response.redirect_chain == [("/centres/", 302)]
    assert "You are signed in." in response.text
    person = User.objects.get(phone=PHONE)
    assert client.session["_auth_user_id"] == str(person.pk)
    assert person.phone_verified
    assert person.last_login


def test_second_sign_in_finds_the_same_account(client: Client, clock):
    client.post(CODE, {"code": ask(client)})
    clock.shift(timedelta(minutes=1))
    other = english_client()
    other.post(CODE, {"code": ask(other, "098765-43210")})
    assert other.session["_auth_user_id"] == client.session["_auth_user_id"]
    assert User.objects.count() == 1


def test_applicant_with_an_address_signs_in_by_email(client: Client, person: User):
    client.post(BY_EMAIL, {"contact": "Asha@Example.in "})
    client.post(CODE, {"code": last_code(EMAIL)})
    assert client.session["_auth_user_id"] == str(person.pk)


def test_address_typed_where_the_number_is_asked_for_is_understood(client: Client, person: User):
    client.post(SIGN_IN, {"contact": EMAIL})
    assert Message.objects.get().channel == "email"


def test_number_typed_where_the_address_is_asked_for_is_understood(client: Client):
    client.post(BY_EMAIL, {"contact": TYPED})
    assert Message.objects.get().channel == "sms"


@pytest.mark.parametrize("url", [SIGN_IN, BY_EMAIL])
def test_question_pages_have_one_labelled_field_and_say_what_keyboard_it_needs(
    client: Client, url: str
):
    text = client.get(url).text
    assert len(re.findall(r"<h1", text)) == 1
    kind = "email" if url == BY_EMAIL else "tel"
    field = re.search(r"<input[^>]*name=\"contact\"[^>]*>", text)
    assert field
    for attribute in ("type", "inputmode", "autocomplete"):
        assert f'{attribute}="{kind}"' in field[0]
    assert '<label for="id_contact">' in text
    assert 'aria-describedby="id_contact_helptext"' in field[0]


def test_code_page_offers_the_code_from_the_sms_and_shows_the_number(client: Client):
    ask(client)
    text = client.get(CODE).text
    field = re.search(r"<input[^>]*name=\"code\"[^>]*>", text)
    assert field
    assert 'autocomplete="one-time-code"' in field[0]
    assert 'inputmode="numeric"' in field[0]
    assert "+91 98765 43210" in text


def test_code_page_without_a_code_leads_to_the_first_page(client: Client):
    response = client.get(f"{CODE}?next=/centres/")
    assert response["Location"] == f"{SIGN_IN}?next=%2Fcentres%2F"


def test_signed_in_person_does_not_see_the_question(client: Client, person: User):
    client.force_login(person)
    for url in (SIGN_IN, BY_EMAIL, CODE):
        response = client.get(f"{url}?next=/centres/")
        assert response["Location"] == "/centres/"


def test_pages_are_not_kept_by_browsers_and_proxies(client: Client):
    ask(client)
    for url in (SIGN_IN, CODE):
        assert "no-store" in client.get(url)["Cache-Control"]


# --- Where to after it ---------------------------------------------------------------------------


def test_next_page_survives_all_steps_and_a_new_code(client: Client, clock):
    response = client.post(f"{SIGN_IN}?next=/AbCdEfGhIjK", {"contact": TYPED})
    assert response["Location"] == f"{CODE}?next=%2FAbCdEfGhIjK"
    clock.shift(timedelta(seconds=31))
    response = client.post(response["Location"], {"again": "1"})
    assert response["Location"] == f"{CODE}?next=%2FAbCdEfGhIjK"
    response = client.post(response["Location"], {"code": wrong(last_code())})
    assert response.status_code == 200
    response = client.post(f"{CODE}?next=%2FAbCdEfGhIjK", {"code": last_code()})
    assert response["Location"] == "/AbCdEfGhIjK"


def test_next_page_stands_in_the_links_between_the_two_questions(client: Client):
    assert f"{BY_EMAIL}?next=%2Fcentres%2F" in client.get(f"{SIGN_IN}?next=/centres/").text
    assert f"{SIGN_IN}?next=%2Fcentres%2F" in client.get(f"{BY_EMAIL}?next=/centres/").text


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "http://127.0.0.1@evil.example/",
        "/\t/evil.example",
        "\x01//evil.example",
        "evil.example",
    ],
)
@pytest.mark.parametrize("how", ["query", "form"])
def test_next_page_elsewhere_is_ignored(client: Client, person: User, target: str, how: str):
    query = {"next": target} if how == "query" else {}
    form = {"next": target} if how == "form" else {}
    client.post(SIGN_IN, {"contact": TYPED, **form}, query_params=query)
    response = client.post(CODE, {"code": last_code(), **form}, query_params=query)
    assert response["Location"] == "/"


# --- Slips ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter a mobile number with 10 digits"),
        ("98765", "Enter a mobile number with 10 digits"),
        ("98\x00765", "Enter a mobile number with 10 digits"),
        ("9" * 999, "Enter a mobile number with 10 digits"),
        ("+1 650 253 0000", "Only Indian mobile numbers"),
        ("0755-2551234", "This is a landline"),
        ("asha@", "Enter an email address in full"),
    ],
)
def test_slip_in_the_number_is_explained_above_and_beside_the_field(client, typed, said):
    response = client.post(SIGN_IN, {"contact": typed})
    assert said in summary_of(response)
    assert 'href="#id_contact"' in response.text
    assert 'aria-invalid="true"' in response.text
    assert "id_contact_error" in response.text
    assert "<title>Error: " in response.text
    assert not SignInCode.objects.exists()


@pytest.mark.parametrize("typed", ["", "no address", "a@b", "x" * 300 + "@example.in"])
def test_slip_in_the_address_is_explained(client: Client, typed: str):
    response = client.post(BY_EMAIL, {"contact": typed})
    assert "Enter an email address in full" in summary_of(response)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12a456", "²²²²²²", "\x00", "9" * 99])
def test_slip_in_the_code_costs_no_try(client: Client, typed: str):
    ask(client)
    response = client.post(CODE, {"code": typed})
    assert "Enter the code from the message: 6 digits." in summary_of(response)
    assert SignInCode.objects.get().tries_left == 3


def test_wrong_code_says_how_many_tries_are_left(client: Client):
    code = ask(client)
    assert "2 tries left" in summary_of(client.post(CODE, {"code": wrong(code)}))
    assert "1 try left" in summary_of(client.post(CODE, {"code": wrong(code)}))
    assert "Ask for a new code" in summary_of(client.post(CODE, {"code": wrong(code)}))
    assert "Ask for a new code" in summary_of(client.post(CODE, {"code": code}))
    assert not is_signed_in(client)


def test_expired_code_says_so_and_a_new_one_works(client: Client, clock):
    code = ask(client)
    clock.shift(timedelta(minutes=11))
    response = client.post(CODE, {"code": code})
    assert "older than 10 minutes" in summary_of(response)
    assert 'name="again"' in response.text
    client.post(CODE, {"again": "1"})
    client.post(CODE, {"code": last_code()})
    assert is_signed_in(client)


def test_new_code_ends_the_one_before(client: Client, clock):
    old = ask(client)
    clock.shift(timedelta(seconds=31))
    response = client.post(CODE, {"again": "1"}, follow=True)
    assert "We have sent a new code." in response.text
    assert last_code() != old or pytest.skip("one in a million: the same code again")
    assert "2 tries left" in summary_of(client.post(CODE, {"code": old}))
    client.post(CODE, {"code": last_code()})
    assert is_signed_in(client)


def test_new_code_asked_for_too_soon_says_in_how_many_seconds(client: Client, clock):
    ask(client)
    clock.shift(timedelta(seconds=10))
    response = client.post(CODE, {"again": "1"})
    assert response.status_code == 429
    assert "A code was sent a moment ago. Try again in 20 seconds." in response.text
    assert response["Retry-After"] == "20"
    assert Message.objects.count() == 1


# --- Limits --------------------------------------------------------------------------------------


def test_limit_is_told_with_the_time_of_day(client: Client, clock):
    for _ in range(4):
        ask(client)
        clock.shift(timedelta(seconds=31))
    response = client.post(SIGN_IN, {"contact": TYPED})
    assert response.status_code == 429
    assert "Too many codes were asked for with this number" in summary_of(response)
    assert "Try again after 11:01 am." in summary_of(response)
    assert int(response["Retry-After"]) == 3600 - 4 * 31
    assert Message.objects.count() == 4


def test_limit_is_told_in_hindi_to_those_who_read_hindi(client: Client, clock):
    client.cookies[site.LANGUAGE_COOKIE_NAME] = "hi"
    for _ in range(4):
        ask(client)
        clock.shift(timedelta(seconds=31))
    response = client.post(SIGN_IN, {"contact": TYPED})
    assert response.status_code == 429
    assert "सुबह 11:01 बजे" in response.text


def test_limit_of_a_day_is_told_with_the_day(client: Client, clock, settings):
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, "all_sms": [(1, timedelta(days=1))]}
    ask(client)
    response = english_client().post(SIGN_IN, {"contact": "98765 43211"})
    assert response.status_code == 429
    assert "Try again after Tuesday, 24 June 2025, 10:01 am." in summary_of(response)


# --- Nobody learns who has an account ------------------------------------------------------------


def shape(text: str, *hidden: str) -> str:
    """A page without what differs anyway: the address and the CSRF secret."""
    for part in hidden:
        text = text.replace(part, "…")
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)


def test_unknown_address_sees_what_a_known_one_sees(person: User):
    pages = []
    for address in (EMAIL, "nobody@example.in"):
        visitor = english_client()
        answers = [visitor.post(BY_EMAIL, {"contact": address})]
        answers.append(visitor.get(CODE))
        answers += [visitor.post(CODE, {"code": "12345"})]
        pages.append([(a.status_code, a.headers, shape(a.text, address)) for a in answers])
    known, unknown = pages
    assert [(status, text) for status, _headers, text in known] == [
        (status, text) for status, _headers, text in unknown
    ]
    assert [set(headers) for _s, headers, _t in known] == [set(h) for _s, h, _t in unknown]


def test_officers_number_and_address_see_what_others_see(officer: User):
    User.objects.filter(pk=officer.pk).update(phone=PHONE)
    for contact in (TYPED, officer.email):
        visitor = english_client()
        response = visitor.post(SIGN_IN, {"contact": contact})
        assert response["Location"] == CODE
        assert "What is the code?" in visitor.get(CODE).text
    assert not Message.objects.exists()


# --- Language ------------------------------------------------------------------------------------


def test_language_chosen_before_signing_in_becomes_the_persons(client: Client, person: User):
    client.post(CODE, {"code": ask(client)})
    person.refresh_from_db()
    assert person.language == "en"


def test_language_of_the_person_stays_where_nothing_was_chosen(person: User):
    User.objects.update(language="en")
    visitor = Client()
    visitor.post(CODE, {"code": ask(visitor)})
    person.refresh_from_db()
    assert person.language == "en"


def test_session_of_an_applicant_ends_after_a_day(client: Client, clock):
    client.post(CODE, {"code": ask(client)})
    assert client.cookies[site.SESSION_COOKIE_NAME]["max-age"] == 24 * 3600
    clock.shift(timedelta(hours=24, seconds=1))
    assert client.get(SIGN_IN).status_code == 200
    assert not is_signed_in(client)


# --- Out again -----------------------------------------------------------------------------------


def test_sign_out_is_by_post_only(client: Client, person: User):
    client.force_login(person)
    response = client.get("/account/sign-out/")
    assert "Do you want to sign out?" in response.text
    assert is_signed_in(client)
    response = client.post("/account/sign-out/", follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert "You have signed out." in response.text
    assert not is_signed_in(client)


def test_sign_out_and_sign_in_need_the_forms_secret(person: User):
    strict = english_client(enforce_csrf_checks=True)
    strict.force_login(person)
    assert strict.post("/account/sign-out/").status_code == 403
    assert is_signed_in(strict)
    visitor = english_client(enforce_csrf_checks=True)
    assert visitor.post(SIGN_IN, {"contact": TYPED}).status_code == 403


@pytest.mark.parametrize("url", ["/account/sign-up/", "/account/login/"])
def test_nobody_signs_up_apart_from_signing_in(client: Client, url: str):
    response = client.get(f"{url}?next=/centres/")
    assert response["Location"] == f"{SIGN_IN}?next=%2Fcentres%2F"
    response = client.post(url, {"email": "x@example.in", "password1": "a long phrase"})
    assert response["Location"] == SIGN_IN
    assert not User.objects.exists()


# --- No trace ------------------------------------------------------------------------------------


def test_no_log_line_and_no_address_bar_holds_number_address_or_code(client, person, caplog):
    caplog.set_level(logging.DEBUG)
    seen = []
    for contact in (TYPED, EMAIL, "bad@", "+1 650 253 0000"):
        response = client.post(SIGN_IN, {"contact": contact}, follow=True)
        seen += [url for url, _status in response.redirect_chain]
    code = last_code(EMAIL)
    client.post(SIGN_IN, {"contact": TYPED})
    client.post(CODE, {"code": wrong(code)})
    seen.append(client.post(CODE, {"code": code}, follow=True).request["PATH_INFO"])
    written = "\n".join([*seen, *(_line(record) for record in caplog.records)])
    for private in ("98765", "43210", EMAIL, "asha", code, wrong(code), "6502530000"):
        assert private not in written


def _line(record: logging.LogRecord) -> str:
    # SQL is logged with its parameters where DEBUG is on; it is off, and nothing else may do so.
    return f"{record.name} {record.getMessage()}" if record.name != "django.db.backends" else ""


def test_session_holds_neither_code_nor_number(client: Client):
    code = ask(client)
    held = str(dict(client.session))
    assert code not in held
    assert "98765" not in held
