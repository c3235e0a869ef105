"""Officers of the demo, and that there are none elsewhere."""

import pytest
from django.test import Client

from accounts import demo
from accounts.models import User
from tests.accounts.conftest import (
    OFFICER_CODE,
    OFFICER_EMAIL,
    PASSWORD,
    SECRET,
    app_code,
    give_password,
    is_signed_in,
)

pytestmark = pytest.mark.django_db


def create() -> User:
    return demo.create_officer(
        email=OFFICER_EMAIL, password=PASSWORD, name="Meera", totp_secret=SECRET
    )


def test_officer_of_the_demo_signs_in_with_the_code_of_the_demo_page(client: Client, settings):
    settings.DEMO_MODE = True
    officer = create()
    give_password(client)
    client.post(OFFICER_CODE, {"code": demo.current_code(officer)})
    assert is_signed_in(client)


def test_officer_of_the_demo_is_put_back_when_made_again(settings):
    settings.DEMO_MODE = True
    officer = create()
    User.objects.update(is_active=False, name="changed")
    assert create() == officer
    officer.refresh_from_db()
    assert (officer.is_active, officer.is_staff, officer.name) == (True, True, "Meera")
    assert demo.current_code(officer) in {app_code(), app_code(-1)}


def test_officer_with_a_preset_second_factor_is_refused_on_a_real_site(settings, officer):
    settings.DEMO_MODE = False
    with pytest.raises(demo.NotADemo):
        create()
    with pytest.raises(demo.NotADemo):
        demo.current_code(officer)
