"""An app that asks, and a person for whom it does."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import app_tokens
from accounts.models import AppToken, User


class App:
    """Asks with a token; every POST has a key of its own unless one is given."""

    def __init__(self, secret: str = "", language: str = "en") -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Accept-Language": language}
        if secret:
            self.headers["Authorization"] = f"Bearer {secret}"

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Any:
        return self.client.post(
            f"/api/v1/{path}",
            body if body is not None else {},
            content_type="application/json",
            headers={**self.headers, "Idempotency-Key": key or str(uuid.uuid4())},
        )

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api/v1/{path}", headers=self.headers)


@pytest.fixture(autouse=True)
def no_throttle_of_an_earlier_test():
    cache.clear()


@pytest.fixture
def app_of() -> Callable[..., App]:
    def make(person: User, **kwargs: Any) -> App:
        secret = "pp_" + uuid.uuid4().hex
        app_tokens._issue(person, AppToken.Kind.APPLICANT, "test", secret, timezone.now())
        return App(secret, **kwargs)

    return make


@pytest.fixture
def anonymous() -> App:
    return App()
