"""An app signs in with a code, keeps a token, loses an answer, and signs out."""

import datetime as dt
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import app_tokens, people, sign_in
from accounts.errors import SignInRefusal
from accounts.models import AppToken, IdempotentRequest, SignInCode, User
from notifications.models import Message
from tests.api.conftest import App
from tests.domain.builders import make_officer, make_person

pytestmark = pytest.mark.django_db
PHONE = "+919876512345"


def code_for(app: App, phone: str = "98765 12345") -> tuple[str, str]:
    answer = app.post("sign-in/codes/", {"phone": phone})
    assert answer.status_code == 202, answer.content
    return answer.json()["code_id"], Message.objects.latest("pk").values["otp"]


def test_code_opens_a_token_by_which_the_app_acts_for_the_person(anonymous):
    code_id, code = code_for(anonymous)
    body = {"code_id": code_id, "code": code, "name": "Sunita's phone"}
    opened = anonymous.post("sign-in/tokens/", body)
    assert opened.status_code == 201
    person = User.objects.get(phone=PHONE)
    assert person.phone_verified
    app = App(opened.json()["token"])
    (token,) = app.get("sign-in/tokens/").json()["results"]
    assert (token["name"], token["current"]) == ("Sunita's phone", True)
    assert opened.json()["token"] not in str(AppToken.objects.values().get())


def test_lost_answer_is_had_again_with_the_same_key(anonymous):
    code_id, code = code_for(anonymous)
    body = {"code_id": code_id, "code": code, "name": "app"}
    first, again = (anonymous.post("sign-in/tokens/", body, key="k1") for _ in range(2))
    assert first.json() == again.json()
    assert AppToken.objects.count() == 1
    other = anonymous.post("sign-in/tokens/", body, key="k2")
    assert (other.status_code, other.json()["code"]) == (410, "code_ended")


def test_lost_answer_comes_again_marked_and_another_body_is_refused(anonymous):
    code_id, code = code_for(anonymous)
    body = {"code_id": code_id, "code": code, "name": "app"}
    first, again = (anonymous.post("sign-in/tokens/", body, key="k1") for _ in range(2))
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json()["token"] not in str(IdempotentRequest.objects.values_list())
    other = anonymous.post("sign-in/tokens/", {**body, "name": "other"}, key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_same_request_finds_its_token_only_within_the_life_of_the_code(anonymous):
    code_id, code = code_for(anonymous)
    now = timezone.now()
    asked = {"code_id": UUID(code_id), "typed": code, "name": "app", "secret": "pp_secret"}
    first = app_tokens.open_with_code(**asked, now=now)
    assert app_tokens.open_with_code(**asked, now=now) == first  # its process had died, say
    with pytest.raises(SignInRefusal):
        app_tokens.open_with_code(**asked, now=now + sign_in.CODE_LIFE)


def test_wrong_code_is_refused_in_the_asked_language():
    app = App(language="hi")
    code_id, code = code_for(app)
    wrong = "000000" if code != "000000" else "111111"
    answer = app.post("sign-in/tokens/", {"code_id": code_id, "code": wrong, "name": "app"})
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_code")
    assert "कोड" in answer.json()["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Content-Language"] == "hi"


def test_second_code_within_half_a_minute_waits(anonymous):
    code_for(anonymous)
    answer = anonymous.post("sign-in/codes/", {"phone": "98765 12345"})
    assert (answer.status_code, answer.json()["code"]) == (429, "wait_for_next_code")
    assert 0 < int(answer.headers["Retry-After"]) <= 30


def test_landline_is_refused_by_field(anonymous):
    answer = anonymous.post("sign-in/codes/", {"phone": "0755 2551234"})
    assert answer.status_code == 400
    assert "landline" in answer.json()["errors"]["phone"][0]
    assert not SignInCode.objects.exists()


def test_revoked_token_opens_nothing(app_of):
    app = app_of(make_person())
    assert app.delete("sign-in/tokens/current/").status_code == 204
    answer = app.get("applications/")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_nobody_revokes_anothers_token(app_of):
    app, other = app_of(make_person()), app_of(make_person())
    (token,) = other.get("sign-in/tokens/").json()["results"]
    assert app.delete(f"sign-in/tokens/{token['id']}/").status_code == 404
    assert other.get("sign-in/tokens/").status_code == 200


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"is_staff": True, "email": "a@b.example"}]
)
def test_token_ends_with_the_account(app_of, change):
    person = make_person()
    app = app_of(person)
    User.objects.filter(pk=person.pk).update(**change)
    assert app.get("applications/").status_code == 401


def test_token_ends_after_its_life(app_of, time_machine):
    app = app_of(make_person())
    time_machine.move_to(timezone.now() + app_tokens.APPLICANT_LIFE, tick=False)
    assert app.get("applications/").status_code == 401


def test_officers_token_needs_a_second_factor_and_reads_only():
    officer = make_officer()
    _token, secret = app_tokens.issue_to_officer(
        officer=officer, name="report", random_part="r" * 32, now=timezone.now()
    )
    assert App(secret).get("applications/").status_code == 401
    assert people.may_sign_in_by_code(officer) is False


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("app_token_hashed", {"secret_hash": "secret"}),
        ("app_token_lives", {"expires_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}),
        ("app_token_kind_known", {"kind": "robot"}),
        ("app_token_ends_after_start", {"revoked_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}),
    ],
)
def test_database_refuses_a_token_that_cannot_be(app_of, name, fields):
    app_of(make_person())
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        AppToken.objects.update(**fields)


def test_ended_tokens_are_forgotten_after_a_month(app_of):
    app_of(make_person())
    now = timezone.now()
    AppToken.objects.update(revoked_at=now)
    assert app_tokens.delete_ended(now=now) == 0
    assert app_tokens.delete_ended(now=now + app_tokens.KEPT_FOR) == 1
