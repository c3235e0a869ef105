"""Steps on the pages of the account that its tests have in common."""

from django.test import Client

from accounts.models import User
from tests.accounts.conftest import CODE, ask, english_client

ACCOUNT = "/account/"
NEW_PHONE = "+919123456780"
NEW_TYPED = "91234 56780"


def signed_in_now(**extra: str) -> Client:
    """Somebody who typed the code of their sign-in a moment ago: a fresh proof."""
    client = english_client(**extra)
    client.post(CODE, {"code": ask(client)})
    return client


def signed_in_long_ago(person: User) -> Client:
    """A session without a fresh proof."""
    client = english_client()
    client.force_login(person)
    return client
