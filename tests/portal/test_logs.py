"""Tokens of message links stay out of the log."""

import logging

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseForbidden
from django.test import Client
from django.utils.log import log_response

from portal.logs import WithoutTokens

FORBIDDEN = "Forbidden (Permission denied): %s"
TOKEN = "aB3dE6gH9jK"


def written(message: str, *args: object) -> str:
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, message, args, None)
    assert WithoutTokens().filter(record)
    return record.getMessage()


@pytest.mark.parametrize("path", [f"/{TOKEN}", f"/{TOKEN}/give-up/", f"https://a.in/{TOKEN}?x=1"])
def test_token_in_a_logged_path_is_masked(path):
    line = written("Forbidden (%s): %s", "no cookie", path)
    assert TOKEN not in line
    assert "(link)" in line


@pytest.mark.parametrize(
    "path", ["/my/12345678901/time/", "/static/portal/portal.css", "/centres/"]
)
def test_other_lines_are_left_alone(path):
    assert written("Not Found: %s", path) == f"Not Found: {path}"


def test_every_handler_masks():
    handlers = settings.LOGGING["handlers"].values()
    assert all("without_tokens" in handler["filters"] for handler in handlers)


def test_refused_answer_by_link_is_logged_without_the_token(db, monkeypatch):
    (console,) = (h for h in logging.getLogger().handlers if _masks(h))
    seen: list[str] = []
    monkeypatch.setattr(console, "emit", lambda record: seen.append(record.getMessage()))
    Client(enforce_csrf_checks=True).post(f"/{TOKEN}")
    assert seen == ["Forbidden (CSRF cookie not set.): /(link)"]


def test_permission_that_was_refused_is_a_line_without_a_traceback(rf, monkeypatch):
    (console,) = (h for h in logging.getLogger().handlers if _masks(h))
    seen: list[str] = []
    monkeypatch.setattr(console, "emit", lambda record: seen.append(console.format(record)))
    # As Django does it.
    response = HttpResponseForbidden()
    request, error = rf.get("/officers/"), PermissionDenied()
    log_response(FORBIDDEN, request.path, response=response, request=request, exception=error)
    (line,) = seen
    assert "WARNING django.request Forbidden (Permission denied): /officers/" in line
    assert "PermissionDenied" not in line


def test_what_broke_is_logged_with_its_traceback(monkeypatch):
    (console,) = (h for h in logging.getLogger().handlers if _masks(h))
    seen: list[str] = []
    monkeypatch.setattr(console, "emit", lambda record: seen.append(console.format(record)))
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("django.request").exception("it broke")
    assert "Traceback" in seen[0]


def _masks(handler: logging.Handler) -> bool:
    return any(isinstance(each, WithoutTokens) for each in handler.filters)
