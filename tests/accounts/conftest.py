"""People and steps that the tests of signing in have in common."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import demo, second_factor
from accounts.models import User
from notifications.models import Message

PHONE = "+919876543210"
TYPED = "98765 43210"
EMAIL = "asha@example.in"
OFFICER_EMAIL = "meera@rpo.example.in"
PASSWORD = "a long enough phrase"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SIGN_IN = "/account/sign-in/"
BY_EMAIL = "/account/sign-in/email/"
CODE = "/account/sign-in/code/"
OFFICER_SIGN_IN = "/officers/sign-in/"
OFFICER_CODE = "/officers/sign-in/code/"
# A Monday, 10:00 in India.
MORNING = datetime(2025, 6, 23, 4, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands at MORNING until the test moves it."""
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _home_after_sign_in(settings) -> None:
    """Where to go without `next` is the affair of a room above this one."""
    settings.LOGIN_REDIRECT_URL = "home"


@pytest.fixture
def client() -> Client:
    return english_client()


def english_client(**extra: str) -> Client:
    """A visitor who switched to English, so that texts can be read here."""
    visitor = Client(**extra)
    visitor.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    return visitor


@pytest.fixture
def person() -> User:
    return User.objects.create_user(phone=PHONE, phone_verified=True, email=EMAIL, language="hi")


@pytest.fixture
def officer(settings) -> User:
    """Signs in with OFFICER_EMAIL, PASSWORD and an app that holds SECRET."""
    settings.DEMO_MODE = True
    made = demo.create_officer(
        email=OFFICER_EMAIL, password=PASSWORD, name="Meera", totp_secret=SECRET
    )
    settings.DEMO_MODE = False
    made.is_superuser = True
    made.save()
    return made


@pytest.fixture
def newcomer() -> User:
    """An officer without a second factor."""
    return User.objects.create_superuser(OFFICER_EMAIL, PASSWORD, name="Meera")


def last_code(address: str = PHONE) -> str:
    """The code in the newest message to this address, as the phone shows it."""
    message = Message.objects.filter(kind="OTP", address=address).order_by("pk").last()
    assert message is not None, "no code left"
    return str(message.values["otp"])


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def ask(client: Client, contact: str = TYPED, url: str = SIGN_IN) -> str:
    """Ask for a code; returns it."""
    response = client.post(url, {"contact": contact})
    assert response.status_code == 302, response.context["form"].errors
    return last_code()


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def app_code(steps: int = 0) -> str:
    """What the officer's app shows now (or `steps` times 30 seconds later)."""
    step = int(timezone.now().timestamp()) // second_factor.STEP_SECONDS
    return second_factor.code_of(SECRET, step + steps)


def give_password(client: Client, password: str = PASSWORD, **query: str):
    return client.post(
        OFFICER_SIGN_IN, {"email": OFFICER_EMAIL, "password": password}, query_params=query
    )


@pytest.fixture
def signed_in_officer(client: Client, officer: User) -> Client:
    give_password(client)
    client.post(OFFICER_CODE, {"code": app_code()})
    assert is_signed_in(client)
    return client
