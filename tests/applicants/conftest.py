"""Somebody signed in, with an application of their own."""

import pytest

from tests.domain.builders import make_application, make_person


@pytest.fixture
def person(db):
    return make_person(language="en")


@pytest.fixture
def application(person):
    return make_application(claimed_by=person, name="Sunita Verma")


@pytest.fixture
def signed_in(client, person):
    client.force_login(person)
    return client
