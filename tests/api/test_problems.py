"""Every refusal of the domain has a status of its own choosing."""

import pytest
from django.db import OperationalError

from appointments.api.problems import STATUS, problem
from appointments.api.views import CentreList
from appointments.errors import MESSAGES, Refusal


def test_every_refusal_has_a_status_and_none_is_left_over():
    assert STATUS.keys() == MESSAGES.keys()


@pytest.mark.parametrize(
    ("code", "status", "headers"),
    [
        ("not_yours", 404, {}),
        ("slot_full", 409, {}),
        ("appointment_ended", 410, {}),
        ("busy", 503, {"Retry-After": "2"}),
    ],
)
def test_refusal_is_told_as_a_problem(code, status, headers):
    answer = problem(Refusal(code), {})
    assert (answer.status_code, answer.data["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"
    assert {name: answer.headers[name] for name in headers} == headers


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("secret"), 503, "unavailable"),
        (RuntimeError("secret"), 500, "server_error"),
    ],
)
@pytest.mark.django_db
def test_fault_of_ours_is_a_problem_without_its_inside(monkeypatch, anonymous, error, status, code):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(CentreList, "get", fail)
    answer = anonymous.get("centres/")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "secret" not in answer.content.decode()
