"""Where an officer says by which ways alerts come."""

import pytest

from appointments.models import Posting

pytestmark = pytest.mark.django_db
PAGE = "/officers/appointments/posting/alerts/"


def own(seat) -> str:
    return Posting.objects.get(officer=seat.officer).alert_phone


@pytest.mark.parametrize("role", ["region", "approver"])
def test_officer_asks_for_sms_and_ends_it_again(desk, role):
    seat = desk(role).go("/officers/")
    assert PAGE in seat.page.content.decode()
    seat.go(PAGE).send(changes={"phone": "98765 43210"})
    assert own(seat) == "+919876543210"
    assert "Alerts go to +91 ••••• ••210 too." in seat.text
    seat.go(PAGE)
    assert seat.fields["phone"] == ["+919876543210"]
    seat.send(changes={"phone": ""})
    assert own(seat) == ""
    assert "Alerts come by email only." in seat.text


def test_centre_officer_may_too(desk, office):
    seat = desk("centre", centre=office.bhopal).go(PAGE)
    seat.send(changes={"phone": "9876543210"})
    assert own(seat) == "+919876543210"


@pytest.mark.parametrize("typed", ["12345", "0755 2550000", "+1 202 555 0100", "abc"])
def test_number_that_gets_no_sms_is_refused_and_stays_to_be_mended(desk, typed):
    seat = desk().go(PAGE).send(changes={"phone": typed})
    assert own(seat) == ""
    assert "Enter an Indian mobile number with 10 digits." in seat.text
    assert seat.fields["phone"] == [typed]


def test_it_is_ones_own_number_that_is_changed(desk):
    one, other = desk(), desk("approver")
    one.go(PAGE).send(changes={"phone": "9876543210"})
    assert own(other) == ""


def test_list_of_postings_shows_it_masked(desk):
    seat = desk().go(PAGE)
    seat.send(changes={"phone": "9876543210"})
    seat.go("/officers/appointments/posting/")
    assert "+91 ••••• ••210" in seat.text
    assert "43210" not in seat.text


def test_superuser_without_a_posting_is_told_why_not(desk):
    seat = desk()
    Posting.objects.filter(officer=seat.officer).delete()
    seat.officer.is_superuser = True
    seat.officer.save()
    seat.go(PAGE).send(changes={"phone": "9876543210"})
    assert "You are not permitted to do this." in seat.text


def test_visitors_are_sent_to_sign_in(client, office):
    assert client.get(PAGE).status_code == 302
