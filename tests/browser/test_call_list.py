"""The call list in a real browser: narrow and wide, with and without scripts, by keyboard."""

import pytest

from accounts import demo
from appointments.models import Call, Centre, NumberView, Posting, Region
from appointments.roles import post
from tests.appointments.call_worlds import in_doubt, moved, not_reached, without_seat
from tests.browser.harness import DESK_WIDTH, PHONE_WIDTH, axe, overflow
from tests.domain.builders import in_days, make_slot

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/officers/appointments/call/"
PHONE = "+919812345678"


# Days from today and minutes past five of the slots.
PLACES = [(1, 0), (1, 10), (3, 0), (2, 0), (6, 20), (6, 30)]


@pytest.fixture
def officer(office, settings):
    settings.DEMO_MODE = True
    person = demo.create_officer(
        email="meera@office.example",
        password="a long pass phrase",
        name="Meera",
        totp_secret="REGIONREGIONREGIONREGIONREGION22",
    )
    post(officer=person, role=Posting.Role.REGION, region=Region.objects.get())
    return person


@pytest.fixture
def people(office):
    """A family, somebody in doubt, somebody without a seat, somebody without a number."""
    bhopal, sagar = Centre.objects.get(code="BPL"), Centre.objects.get(code="SGR")
    slots = [make_slot(centre=bhopal, day=in_days(d), hour=17, minute=m) for d, m in PLACES]
    found = [
        moved(old=slots[0], new=slots[4], name="Sunita Verma", phone=PHONE, silence="requeue"),
        moved(old=slots[1], new=slots[5], name="Rakesh Verma", phone=PHONE, silence="requeue"),
        in_doubt(slots[2], name="Arjun Rao", language="en"),
        in_doubt(slots[3], name="Noor Bano", phone=""),
    ]
    for person in found[:3]:
        not_reached(person)
    without_seat(old=make_slot(centre=sagar, day=in_days(4), hour=17), name="Kamla Bai")
    return found


def sound(visitor, scripts=True):
    if scripts:
        axe(visitor.page)
        assert overflow(visitor.page) == 0


def press(visitor, name):
    visitor.follow(visitor.page.get_by_role("button", name=name).first.click)


@pytest.mark.parametrize(
    ("width", "dark", "scripts"),
    [(DESK_WIDTH, False, True), (PHONE_WIDTH, True, True), (PHONE_WIDTH, False, False)],
)
def test_call_from_the_list_to_the_next_person(visit, officer, people, width, dark, scripts):
    visitor = visit("en", width=width, dark=dark, scripts=scripts)
    visitor.sign_in(officer)
    page = visitor.go(LIST)
    sound(visitor, scripts)
    press(visitor, "Call the next person")
    assert "Sunita Verma" in page.locator("h1").inner_text()
    sound(visitor, scripts)
    press(visitor, "Show the number")
    assert page.locator(f'a[href="tel:{PHONE}"]').is_visible()
    assert NumberView.objects.filter(officer=officer).count() == 2
    press(visitor, "Save, next person")  # without an outcome
    assert page.get_by_role("alert").is_visible()
    sound(visitor, scripts)
    page.get_by_label("Reached and told").check()
    press(visitor, "Save, next person")
    assert "Arjun Rao" in page.locator("h1").inner_text()
    assert page.locator(".call-script").first.get_attribute("lang") == "en"
    assert Call.objects.filter(outcome="reached").count() == 2
    page.get_by_label("No answer").check()
    press(visitor, "Save, back to the list")
    assert page.url.endswith(LIST)
    sound(visitor, scripts)


def test_call_is_made_with_the_keyboard_alone(visit, officer, people):
    visitor = visit("en", width=DESK_WIDTH)
    visitor.sign_in(officer)
    page = visitor.go(LIST)
    page.get_by_role("button", name="Call the next person").focus()
    visitor.follow(lambda: page.keyboard.press("Enter"))
    page.get_by_role("button", name="Show the number").focus()
    visitor.follow(lambda: page.keyboard.press("Enter"))
    page.get_by_label("Reached and told").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    visitor.follow(lambda: page.keyboard.press("Enter"))  # saves, and opens the next
    assert "Arjun Rao" in page.locator("h1").inner_text()
    assert set(Call.objects.values_list("outcome", flat=True)) == {"no_answer"}
