"""Officers: password, second factor, and how long that lasts."""

import logging
import re
import time
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import second_factor
from accounts.models import User
from tests.accounts.conftest import (
    CODE,
    OFFICER_CODE,
    OFFICER_EMAIL,
    OFFICER_SIGN_IN,
    PASSWORD,
    PHONE,
    SIGN_IN,
    TYPED,
    app_code,
    ask,
    english_client,
    give_password,
    is_signed_in,
    wrong,
)

pytestmark = pytest.mark.django_db

SECURITY = "/officers/security/"
SET_UP = "/officers/security/app/"
RECOVERY = "/officers/security/recovery-codes/"
NEW_RECOVERY = "/officers/security/recovery-codes/new/"
PASSWORD_AGAIN = "/officers/security/password/"
CODE_AGAIN = "/officers/security/code/"


def set_up_app(client: Client) -> str:
    """Connect an app to a newcomer's account; returns its secret."""
    secret = client.get(SET_UP).context["form"].secret
    step = int(time.time()) // 30
    client.post(SET_UP, {"code": second_factor.code_of(secret, step)})
    return str(secret)


# --- Signing in ----------------------------------------------------------------------------------


def test_officer_is_in_after_password_and_code(client: Client, officer: User):
    response = give_password(client)
    assert response["Location"] == OFFICER_CODE
    assert not is_signed_in(client)
    response = client.post(OFFICER_CODE, {"code": app_code()})
    assert response["Location"] == "/officers/"
    assert client.get("/officers/").status_code == 200


def test_officer_comes_back_to_the_page_that_sent_to_sign_in(client: Client, officer: User):
    response = client.get("/officers/accounts/user/")
    assert response["Location"] == f"{OFFICER_SIGN_IN}?next=%2Fofficers%2Faccounts%2Fuser%2F"
    give_password(client, next="/officers/accounts/user/")
    response = client.post(OFFICER_CODE, {"code": app_code()})
    assert response["Location"] == "/officers/accounts/user/"


def test_officer_is_not_led_to_another_site(client: Client, officer: User):
    give_password(client, next="//evil.example/")
    assert client.post(OFFICER_CODE, {"code": app_code()})["Location"] == "/officers/"


def test_password_alone_opens_nothing(client: Client, officer: User):
    give_password(client)
    assert client.get("/officers/")["Location"] == OFFICER_SIGN_IN
    assert client.get(SET_UP)["Location"].startswith(OFFICER_SIGN_IN)


@pytest.mark.parametrize(
    ("email", "password"),
    [(OFFICER_EMAIL, "wrong"), ("nobody@example.in", PASSWORD), (OFFICER_EMAIL.upper(), "x")],
)
def test_wrong_password_and_unknown_address_get_the_same_answer(client, officer, email, password):
    response = client.post(OFFICER_SIGN_IN, {"email": email, "password": password})
    assert response.context["form"].errors == {"email": ["Email address or password is not right."]}
    assert not is_signed_in(client)


def test_address_may_be_typed_in_capitals(client: Client, officer: User):
    form = {"email": f" {OFFICER_EMAIL.upper()} ", "password": PASSWORD}
    assert client.post(OFFICER_SIGN_IN, form)["Location"] == OFFICER_CODE


def test_applicant_with_a_password_cannot_use_the_officers_page(client: Client, person: User):
    person.set_password(PASSWORD)
    person.save()
    form = {"email": person.email, "password": PASSWORD}
    response = client.post(OFFICER_SIGN_IN, form)
    assert "not right" in str(response.context["form"].errors)


def test_closed_account_of_an_officer_cannot_sign_in(client: Client, officer: User):
    User.objects.update(is_active=False)
    assert "not right" in str(give_password(client).context["form"].errors)


def test_wrong_code_of_the_app_is_refused(client: Client, officer: User):
    give_password(client)
    response = client.post(OFFICER_CODE, {"code": wrong(app_code())})
    assert "This code is not right" in response.text
    assert not is_signed_in(client)


@pytest.mark.parametrize("form", [{}, {"code": ""}, {"credential": "{}"}, {"code": "\x00"}])
def test_second_step_without_a_code_asks_again(client: Client, officer: User, form):
    give_password(client)
    response = client.post(OFFICER_CODE, form)
    assert response.status_code == 200
    assert response.context["form"].errors
    assert not is_signed_in(client)


def test_second_step_without_the_first_leads_back(client: Client, officer: User):
    assert client.get(OFFICER_CODE)["Location"] == OFFICER_SIGN_IN
    assert client.post(OFFICER_CODE, {"code": app_code()})["Location"] == OFFICER_SIGN_IN


def test_second_step_waits_a_quarter_of_an_hour_and_no_longer(client, officer, clock):
    give_password(client)
    clock.shift(timedelta(minutes=16))
    assert client.post(OFFICER_CODE, {"code": app_code()})["Location"] == OFFICER_SIGN_IN


def test_code_of_the_app_opens_once(client: Client, officer: User, clock):
    give_password(client)
    client.post(OFFICER_CODE, {"code": app_code()})
    other = english_client()
    give_password(other)
    response = other.post(OFFICER_CODE, {"code": app_code()})
    assert "This code has been used" in response.text
    clock.shift(timedelta(seconds=30))
    assert other.post(OFFICER_CODE, {"code": app_code()})["Location"] == "/officers/"


def test_older_code_does_not_open_after_a_newer_one(client: Client, officer: User, clock):
    give_password(client)
    client.post(OFFICER_CODE, {"code": app_code(+1)})
    other = english_client()
    give_password(other)
    assert "has been used" in other.post(OFFICER_CODE, {"code": app_code()}).text


@pytest.mark.parametrize(("steps", "opens"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_clock_of_the_phone_may_be_half_a_minute_off(client, officer, clock, steps, opens):
    give_password(client)
    client.post(OFFICER_CODE, {"code": app_code(steps)})
    assert is_signed_in(client) is opens


# --- Limits --------------------------------------------------------------------------------------


def test_sixth_wrong_password_is_refused_with_the_time_and_so_is_the_right_one(
    client, officer, clock
):
    for _ in range(5):
        assert give_password(client, "wrong").status_code == 200
    response = give_password(client)
    assert response.status_code == 429
    assert "Too many wrong passwords. Try again after 10:16 am." in response.text
    clock.shift(timedelta(minutes=15))
    assert give_password(client)["Location"] == OFFICER_CODE


def test_right_passwords_are_not_counted(client: Client, officer: User):
    for _ in range(9):
        assert give_password(english_client())["Location"] == OFFICER_CODE


def test_stranger_who_guesses_does_not_lock_the_officer_out(client: Client, officer: User):
    stranger = english_client(REMOTE_ADDR="198.51.100.7")
    for _ in range(6):
        response = give_password(stranger, "wrong")
    assert response.status_code == 429
    assert give_password(client)["Location"] == OFFICER_CODE


def test_network_that_tries_many_officers_is_stopped(client: Client, settings):
    limit = {"officer_network": [(3, timedelta(minutes=15))]}
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, **limit}
    for number in range(4):
        form = {"email": f"officer{number}@example.in", "password": "x"}
        response = client.post(OFFICER_SIGN_IN, form)
    assert response.status_code == 429


def test_sixth_wrong_code_is_refused_and_so_is_the_right_one(client, officer, clock):
    give_password(client)
    for _ in range(5):
        assert client.post(OFFICER_CODE, {"code": "000000"}).status_code == 200
    response = client.post(OFFICER_CODE, {"code": app_code()})
    assert response.status_code == 429
    assert "Too many wrong codes. Try again after 10:06 am." in response.text
    assert not is_signed_in(client)


def test_new_session_does_not_give_new_tries_for_the_second_step(officer: User, clock):
    for _ in range(5):
        visitor = english_client()
        give_password(visitor)
        visitor.post(OFFICER_CODE, {"code": "000000"})
    visitor = english_client()
    give_password(visitor)
    assert visitor.post(OFFICER_CODE, {"code": app_code()}).status_code == 429


# --- How long it lasts ---------------------------------------------------------------------------


def test_officer_signs_in_again_after_eight_hours_whatever_they_did(client, officer, clock):
    give_password(client)
    client.post(OFFICER_CODE, {"code": app_code()})
    for _ in range(8):
        assert client.get("/officers/").status_code == 200
        session = client.session
        session["something"] = str(session.get("something", "")) + "x"
        session.save()
        clock.shift(timedelta(minutes=59))
    clock.shift(timedelta(minutes=9))
    assert client.get("/officers/")["Location"] == OFFICER_SIGN_IN
    assert not is_signed_in(client)


def test_session_ends_when_the_password_changes(signed_in_officer: Client, officer: User):
    officer.set_password("another long phrase")
    officer.save()
    assert signed_in_officer.get("/officers/")["Location"] == OFFICER_SIGN_IN


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_session_opens_nothing_once_the_rights_are_gone(signed_in_officer, officer, change):
    User.objects.update(is_superuser=False, **change)
    assert signed_in_officer.get("/officers/").status_code in {302, 404}


def test_applicants_session_does_not_become_an_officers(client: Client, person, officer):
    client.force_login(person)
    before = client.session.session_key
    assert client.get(OFFICER_SIGN_IN).status_code == 200
    give_password(client)
    assert not is_signed_in(client)
    client.post(OFFICER_CODE, {"code": app_code()})
    assert client.session["_auth_user_id"] == str(officer.pk)
    assert client.session.session_key != before


# --- Setting up ----------------------------------------------------------------------------------


def test_newcomer_is_led_to_connect_an_app_and_sees_nothing_before(client, newcomer):
    assert give_password(client)["Location"] == "/officers/"
    for url in ("/officers/", "/officers/accounts/user/", SECURITY, RECOVERY, NEW_RECOVERY):
        assert client.get(url)["Location"].partition("?")[0] == SET_UP
    assert client.post(NEW_RECOVERY)["Location"] == SET_UP


def test_newcomer_sees_the_key_as_picture_and_as_text(client: Client, newcomer: User):
    give_password(client)
    page = client.get(SET_UP)
    secret = page.context["form"].secret
    assert re.search(r'<img[^>]*src="data:image/svg\+xml;base64,[^"]+"[^>]*alt="[^"]+"', page.text)
    assert " ".join(re.findall("....", secret)) in page.text
    assert "img-src 'self' data:" in page["Content-Security-Policy"]
    assert "<script" not in page.text
    assert " style=" not in page.text


def test_newcomer_is_an_officer_after_connecting_the_app(client: Client, newcomer: User):
    give_password(client)
    before = client.session.session_key
    set_up_app(client)
    assert client.session.session_key != before
    page = client.get(RECOVERY)
    codes = re.findall(r"<code>(\d{8})</code>", page.text)
    assert len(codes) == 10
    assert "shown only this once" in page.text
    assert client.get("/officers/").status_code == 200
    assert not re.search(r"<code>\d{8}</code>", client.get(RECOVERY).text)


def test_wrong_first_code_connects_nothing(client: Client, newcomer: User):
    give_password(client)
    client.get(SET_UP)
    response = client.post(SET_UP, {"code": "000000"})
    assert "This code is not right" in response.text
    assert not Authenticator.objects.exists()
    assert client.get("/officers/")["Location"] == SET_UP


def test_first_code_does_not_open_a_second_session(client: Client, newcomer: User, clock):
    give_password(client)
    secret = set_up_app(client)
    other = english_client()
    give_password(other)
    step = second_factor.code_of(secret, int(time.time()) // 30)
    assert "has been used" in other.post(OFFICER_CODE, {"code": step}).text


def test_secret_and_recovery_seed_lie_encrypted(client: Client, newcomer: User):
    give_password(client)
    secret = set_up_app(client)
    app, spare = Authenticator.objects.order_by("-type")
    assert secret not in str(app.data)
    assert spare.data["seed"].startswith("gAAAA")


def test_secret_that_is_being_set_up_lies_encrypted_too_and_leaves_the_session(client, newcomer):
    give_password(client)
    secret = client.get(SET_UP).context["form"].secret
    assert secret not in str(dict(client.session))
    set_up_app(client)
    assert second_factor.OFFERED_KEY not in client.session


def test_secrets_can_be_read_after_the_sites_key_was_changed(client, officer, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-" + "1" * 50
    give_password(client)
    assert client.post(OFFICER_CODE, {"code": app_code()})["Location"] == "/officers/"


def test_password_is_asked_again_for_a_change_long_after_the_sign_in(client, officer, clock):
    give_password(client)
    client.post(OFFICER_CODE, {"code": app_code()})
    clock.shift(timedelta(minutes=11))
    for url in (SET_UP, NEW_RECOVERY):
        assert client.get(url)["Location"].startswith(f"{PASSWORD_AGAIN}?next=")
    assert "not right" in client.post(PASSWORD_AGAIN, {"password": "wrong"}).text
    response = client.post(f"{PASSWORD_AGAIN}?next={SET_UP}", {"password": PASSWORD})
    assert response["Location"] == SET_UP
    assert client.get(SET_UP).status_code == 200


def test_code_of_the_app_can_be_given_instead_of_the_password(client, officer, clock):
    give_password(client)
    client.post(OFFICER_CODE, {"code": app_code()})
    clock.shift(timedelta(minutes=11))
    assert CODE_AGAIN in client.get(PASSWORD_AGAIN).text
    response = client.post(f"{CODE_AGAIN}?next={SET_UP}", {"code": app_code()})
    assert response["Location"] == SET_UP


def test_another_app_takes_the_place_of_the_old(signed_in_officer: Client, officer: User, clock):
    new = set_up_app(signed_in_officer)
    clock.shift(timedelta(seconds=60))
    visitor = english_client()
    give_password(visitor)
    assert "not right" in visitor.post(OFFICER_CODE, {"code": app_code()}).text
    step = int(time.time()) // 30
    visitor.post(OFFICER_CODE, {"code": second_factor.code_of(new, step)})
    assert is_signed_in(visitor)


def test_recovery_code_opens_once(client: Client, newcomer: User):
    give_password(client)
    set_up_app(client)
    code = re.findall(r"<code>(\d{8})</code>", client.get(RECOVERY).text)[0]
    for opens in (True, False):
        visitor = english_client()
        give_password(visitor)
        visitor.post(OFFICER_CODE, {"code": f"{code[:4]} {code[4:]}"})
        assert is_signed_in(visitor) is opens
    assert "9 codes are left" in client.get(SECURITY).text


def test_new_recovery_codes_replace_the_old(client: Client, newcomer: User):
    give_password(client)
    set_up_app(client)
    old = re.findall(r"<code>(\d{8})</code>", client.get(RECOVERY).text)
    assert client.get(NEW_RECOVERY).status_code == 200
    assert client.post(NEW_RECOVERY)["Location"] == RECOVERY
    new = re.findall(r"<code>(\d{8})</code>", client.get(RECOVERY).text)
    assert len(new) == 10
    assert not set(old) & set(new)


# --- Reset ---------------------------------------------------------------------------------------


def test_reset_ends_sessions_and_leads_to_setting_up(signed_in_officer: Client, officer: User):
    call_command("reset_second_factor", OFFICER_EMAIL.upper())
    assert signed_in_officer.get("/officers/")["Location"] == SET_UP


@pytest.mark.parametrize("email", ["nobody@example.in", OFFICER_EMAIL])
def test_reset_of_what_is_not_there_says_so(newcomer: User, email: str):
    with pytest.raises(CommandError):
        call_command("reset_second_factor", email)


# --- Not by the applicants' way ------------------------------------------------------------------


def test_officer_cannot_get_in_by_code(client: Client, officer: User, caplog):
    caplog.set_level(logging.DEBUG)
    User.objects.filter(pk=officer.pk).update(phone=PHONE, phone_verified=True)
    response = client.post(SIGN_IN, {"contact": TYPED})
    assert response["Location"] == CODE
    for code in ("000000", "123456"):
        client.post(CODE, {"code": code})
    assert not is_signed_in(client)
    assert PHONE not in caplog.text


def test_code_asked_for_before_becoming_an_officer_does_not_open(client: Client, person: User):
    code = ask(client)
    User.objects.filter(pk=person.pk).update(is_staff=True)
    client.post(CODE, {"code": code})
    assert not is_signed_in(client)
