"""Every refusal of the domain has a status of its own choosing."""

import re

import pytest
from django.db import OperationalError
from django.utils import translation
from rest_framework import exceptions

from accounts.api.problems import OWN
from appointments.api.problems import STATUS, problem
from appointments.api.views import CentreList
from appointments.errors import MESSAGES, Refusal
from tests.api.conftest import App
from tests.domain.builders import make_centre


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


@pytest.mark.parametrize("code", sorted(OWN))
def test_framework_refuses_in_the_asked_language_too(code):
    with translation.override("en"):
        english = str(OWN[code][1])
    with translation.override("hi"):
        assert re.search("[\u0900-\u097f]", str(OWN[code][1]))
        assert str(OWN[code][1]) != english


@pytest.mark.parametrize(
    ("path", "code"),
    [("applications/", "not_authenticated"), ("centres/NONE/availability/", "not_found")],
)
@pytest.mark.django_db
def test_words_are_in_the_problem(path, code):
    for language in ("hi", "en"):
        answer = App(language=language).get(path)
        with translation.override(language):
            assert answer.json()["detail"] == str(OWN[code][1])


@pytest.mark.parametrize("query", [{"limit": "x"}, {"first": "2026-12-09", "last": "2026-12-01"}])
@pytest.mark.django_db
def test_query_at_fault_is_explained_in_hindi(query):
    make_centre("BPL")
    path = "centres/" if "limit" in query else "centres/BPL/availability/"
    (problem,) = App(language="hi").get(path, **query).json()["errors"].values()
    assert re.search("[\u0900-\u097f]", problem[0])


FRAMEWORK = [
    *(exceptions.NotAuthenticated, exceptions.PermissionDenied, exceptions.NotFound),
    *(exceptions.MethodNotAllowed, exceptions.NotAcceptable, exceptions.Throttled),
    *(exceptions.UnsupportedMediaType, exceptions.ParseError),
]


@pytest.mark.parametrize("error", FRAMEWORK, ids=lambda error: error.default_code)
def test_table_has_the_status_that_the_framework_gives(error):
    assert OWN[error.default_code][0] == error.status_code
