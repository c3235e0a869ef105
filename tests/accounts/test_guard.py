"""Nothing under /officers/ opens without a second factor, and nothing else of allauth exists."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from accounts.models import User
from tests.accounts.conftest import (
    CODE,
    OFFICER_CODE,
    OFFICER_EMAIL,
    OFFICER_SIGN_IN,
    PASSWORD,
    SIGN_IN,
    app_code,
    english_client,
    give_password,
    is_signed_in,
)

pytestmark = pytest.mark.django_db

BEHIND = [
    "/officers/",
    "/officers/login/",
    "/officers/logout/",
    "/officers/password_change/",
    "/officers/jsi18n/",
    "/officers/autocomplete/",
    "/officers/accounts/user/",
    "/officers/accounts/user/add/",
    "/officers/accounts/user/1/password/",
    "/officers/nothing/here/",
    "/officers/security/",
    "/officers/security/app/",
    "/officers/security/recovery-codes/",
    "/officers/security/recovery-codes/new/",
    "/officers/security/password/",
    "/officers/security/code/",
]


@pytest.mark.parametrize("url", BEHIND)
def test_visitor_is_led_to_the_officers_sign_in(client: Client, url: str):
    for response in (client.get(url), client.post(url)):
        assert response.status_code == 302
        assert response["Location"].partition("?")[0] == OFFICER_SIGN_IN


@pytest.mark.parametrize("url", BEHIND)
def test_applicant_sees_no_page_of_officers(client: Client, person: User, url: str):
    client.force_login(person)
    assert client.get(url).status_code == 404
    assert client.post(url).status_code == 404
    assert is_signed_in(client)


@pytest.mark.parametrize("url", BEHIND)
def test_session_by_password_alone_is_led_to_the_second_factor(client, officer, url):
    client.force_login(officer)
    for response in (client.get(url), client.post(url)):
        if url == "/officers/security/code/":
            assert response.status_code == 200
        else:
            assert response["Location"].partition("?")[0] == "/officers/security/code/"


def test_session_by_password_alone_is_lifted_by_the_code(client: Client, officer: User):
    client.force_login(officer)
    before = client.session.session_key
    url = client.get("/officers/accounts/user/")["Location"]
    response = client.post(url, {"code": app_code()})
    assert response["Location"] == "/officers/accounts/user/"
    assert client.get("/officers/accounts/user/").status_code == 200
    assert client.session.session_key != before


def test_djangos_own_sign_in_does_not_take_a_password(client: Client, officer: User):
    form = {"username": OFFICER_EMAIL, "password": PASSWORD, "next": "/officers/"}
    response = client.post("/officers/login/", form)
    assert response["Location"] == OFFICER_SIGN_IN
    assert not is_signed_in(client)


def test_admin_site_asks_itself_when_the_middleware_is_missing(client, officer, settings):
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if "SecondFactor" not in path]
    client.force_login(officer)
    response = client.get("/officers/accounts/user/", follow=True)
    assert "Change user" not in response.text
    assert response.redirect_chain[-1][0].startswith("/officers/security/code/")


def test_admin_site_without_the_middleware_hides_itself_from_applicants(client, person, settings):
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if "SecondFactor" not in path]
    client.force_login(person)
    assert client.get("/officers/", follow=True).status_code == 404


def test_second_factor_of_another_account_in_the_session_does_not_count(client, officer):
    other = User.objects.create_superuser("other@rpo.example.in", PASSWORD)
    give_password(client)
    client.post(OFFICER_CODE, {"code": app_code()})
    session = client.session
    session[SESSION_KEY] = str(other.pk)
    session["_auth_user_hash"] = other.get_session_auth_hash()
    session.save()
    assert client.get("/officers/")["Location"] == "/officers/security/app/"


def test_officer_signs_out_of_the_admin_by_post_only(signed_in_officer: Client):
    assert signed_in_officer.get("/officers/logout/").status_code == 405
    assert signed_in_officer.post("/officers/logout/")["Location"] == OFFICER_SIGN_IN
    assert not is_signed_in(signed_in_officer)


def test_officer_who_is_in_goes_on_from_the_sign_in_pages(signed_in_officer: Client):
    assert signed_in_officer.get(OFFICER_SIGN_IN)["Location"] == "/officers/"
    assert signed_in_officer.get("/officers/login/")["Location"] == "/officers/"
    assert signed_in_officer.get(SIGN_IN)["Location"] == "/officers/"
    assert signed_in_officer.get(OFFICER_CODE)["Location"] == "/officers/"


@pytest.mark.parametrize("start", [SIGN_IN, OFFICER_SIGN_IN, "/officers/", "/officers/login/"])
@pytest.mark.parametrize("who", ["visitor", "applicant", "by_password", "newcomer", "officer"])
def test_no_page_leads_in_a_circle(request, who: str, start: str):
    client = english_client()
    if who == "applicant":
        client.force_login(request.getfixturevalue("person"))
    elif who == "by_password":
        client.force_login(request.getfixturevalue("officer"))
    elif who == "newcomer":
        client.force_login(request.getfixturevalue("newcomer"))
    elif who == "officer":
        request.getfixturevalue("officer")
        give_password(client)
        client.post(OFFICER_CODE, {"code": app_code()})
    assert client.get(start, follow=True).status_code in {200, 404}


def test_half_done_sign_in_of_an_officer_does_not_block_the_applicants_way(client, officer):
    give_password(client)
    assert client.get(SIGN_IN).status_code == 200


def test_half_done_applicants_sign_in_does_not_block_the_officers(client: Client, officer: User):
    client.post(SIGN_IN, {"contact": "98765 43211"})
    give_password(client)
    client.post(OFFICER_CODE, {"code": app_code()})
    assert client.session[SESSION_KEY] == str(officer.pk)
    assert client.get(CODE)["Location"] == "/officers/"


# --- Accounts in the admin -----------------------------------------------------------------------


def test_superuser_adds_an_officer_who_then_sets_up_a_second_factor(signed_in_officer: Client):
    page = signed_in_officer.get("/officers/accounts/user/add/")
    assert page.status_code == 200
    form = {
        "email": "New@rpo.example.in",
        "name": "Ravi",
        "password1": "quite a long phrase",
        "password2": "quite a long phrase",
    }
    response = signed_in_officer.post("/officers/accounts/user/add/", form)
    assert response.status_code == 302, response.context["adminform"].form.errors
    ravi = User.objects.get(email="new@rpo.example.in")
    assert ravi.is_staff
    assert not ravi.is_superuser
    visitor = english_client()
    visitor.post(
        OFFICER_SIGN_IN, {"email": "new@rpo.example.in", "password": "quite a long phrase"}
    )
    assert visitor.get("/officers/")["Location"] == "/officers/security/app/"


def test_superuser_forgets_a_second_factor(signed_in_officer: Client, officer: User):
    form = {"action": "reset_second_factor", "_selected_action": [str(officer.pk)]}
    signed_in_officer.post("/officers/accounts/user/", form)
    assert not Authenticator.objects.exists()


def test_accounts_in_the_admin_show_the_end_of_a_number_only(signed_in_officer, person):
    for url in ("/officers/accounts/user/", f"/officers/accounts/user/{person.pk}/change/"):
        text = signed_in_officer.get(url).text
        assert "+91 ••••• ••210" in text
        assert "98765" not in text


def test_officer_who_is_no_superuser_cannot_touch_accounts(signed_in_officer, officer: User):
    User.objects.update(is_superuser=False)
    for url in ("/officers/accounts/user/", "/officers/accounts/user/add/"):
        assert signed_in_officer.get(url).status_code == 403
    response = signed_in_officer.post(f"/officers/accounts/user/{officer.pk}/password/")
    assert response.status_code == 403


def test_secrets_of_second_factors_are_in_no_list(signed_in_officer: Client):
    labels = {model._meta.label for model in admin.site._registry}
    assert "accounts.User" in labels
    assert not labels & {"mfa.Authenticator", "account.EmailAddress"}
    assert signed_in_officer.get("/officers/mfa/authenticator/").status_code == 404


# --- What exists ---------------------------------------------------------------------------------

NOT_HERE = [
    "account_email",
    "account_change_password",
    "account_set_password",
    "account_reset_password",
    "account_inactive",
    "account_change_phone",
    "account_verify_phone",
    "mfa_deactivate_totp",
    "mfa_download_recovery_codes",
    "mfa_trust",
    "mfa_list_webauthn",
    "socialaccount_signup",
]


@pytest.mark.parametrize("name", NOT_HERE)
def test_page_of_allauth_that_nobody_needs_does_not_exist(name: str):
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_every_name_of_allauth_that_exists_is_one_of_ours():
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert {name for name in names if name.startswith(("account_", "mfa_", "socialaccount"))} == {
        "account_request_login_code",
        "account_request_login_code_by_email",
        "account_confirm_login_code",
        "account_logout",
        "account_signup",
        "account_login",
        "account_reauthenticate",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
    }


def test_login_page_that_allauth_falls_back_to_is_the_officers():
    assert reverse("account_login") == reverse("officer_login") == OFFICER_SIGN_IN
