"""The link of a message in a real browser: it must work where nobody has signed in."""

import pytest

from appointments.models import Centre
from tests.applicants.builders import ask
from tests.browser.harness import Visitor, axe, overflow
from tests.domain.builders import make_person

pytestmark = pytest.mark.django_db(transaction=True)


def sound(visitor: Visitor) -> None:
    axe(visitor.page)
    assert overflow(visitor.page) == 0


def test_accept(visit):
    _application, offer, token = ask(make_person(), centre=Centre.objects.get(code="BPL"))
    visitor = visit("hi")
    page = visitor.go(f"/{token}")
    sound(visitor)
    visitor.follow(page.get_by_role("button", name="नया समय स्वीकार करें").click)
    sound(visitor)
    offer.refresh_from_db()
    assert offer.state == "accepted"
