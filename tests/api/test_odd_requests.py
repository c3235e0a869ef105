"""What no well-behaved app sends is refused in words, and changes nothing."""

import uuid

import pytest

from appointments.models import Slot
from tests.domain.builders import make_application, make_person, make_slot

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"),
    [
        (b"x" * 3_000_000, JSON, 413, "too_large"),
        (b"{", JSON, 400, "parse_error"),
        (b"\xff\xfe{", f"{JSON}; charset=utf-16", 400, "parse_error"),
        (b'{"slot": NaN}', JSON, 400, "parse_error"),
        (b"[" * 100_000, JSON, 400, "parse_error"),
        (b"null", JSON, 400, "invalid"),
        (b"[]", JSON, 400, "invalid"),
        (b'{"slot": 1e400}', JSON, 400, "invalid"),
        (b'{"slot": true}', JSON, 400, "invalid"),
        (b'{"slot": "1\\u0000"}', JSON, 400, "invalid"),
        (b"slot=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    ],
)
def test_body_that_is_not_what_was_asked(app_of, body, media_type, status, code):
    person = make_person()
    path = f"/api/v1/applications/{make_application(claimed_by=person).pk}/holds/"
    make_slot()
    app = app_of(person)
    headers = {**app.headers, "Idempotency-Key": str(uuid.uuid4())}
    answer = app.client.generic("POST", path, body, content_type=media_type, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert Slot.objects.get().taken == 0


@pytest.mark.parametrize("code", ["\ud800", "1\u0000", "x" * 21, "", 123456])
def test_code_that_no_message_can_have(anonymous, code):
    body = {"code_id": str(uuid.uuid4()), "code": code, "name": "app"}
    answer = anonymous.post("sign-in/tokens/", body)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"code"})


@pytest.mark.parametrize("token", ["", "x", "\xff", "pp_" + "0" * 64])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic", "Token"])
def test_token_that_is_none(anonymous, scheme, token):
    anonymous.headers["Authorization"] = f"{scheme} {token}"
    answer = anonymous.get("applications/")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_method_that_an_address_does_not_take(app_of, method):
    app = app_of(make_person())
    answer = getattr(app.client, method)("/api/v1/applications/", headers=app.headers)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
