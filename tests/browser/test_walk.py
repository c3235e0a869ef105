"""The README's walk on the demo, as its people do it: two officers, three applicants, their phones.

Declare 2,200 -> 600 for two working days, prepare, approve, apply; read the SMS, accept in Hindi,
choose another time in English, stay silent and keep the seat; restore.
"""

import datetime as dt
from collections.abc import Iterator

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from appointments import offers, plans
from appointments.models import Appointment, Offer, Outage, Plan
from notifications import delivery
from notifications.models import Message
from tests.browser.harness import DESK_WIDTH, Visitor, axe, open_visitor, overflow
from tests.domain.builders import at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Six full days, then ever more free seats: enough to move two days' people to.
DAYS = 16
SUNITA, ARJUN, RAMESH = "+91 98765 43210", "+91 98765 43211", "+91 98765 43212"


@pytest.fixture
def office(live_server: LiveServer, settings, tmp_path) -> Iterator[str]:
    """The demo with its full days, the next morning at half past ten: no SMS waits for the night.

    The grace is off, so that the walk need not wait ten minutes for it.
    """
    settings.DEMO_MODE = True
    settings.GRACE_MINUTES = 0
    settings.SITE_HOST = live_server.url.partition("//")[2]
    settings.MESSAGE_FILE_SINK = tmp_path / "phone.jsonl"
    morning = at(timezone.localdate() + dt.timedelta(days=1), 10, 30)
    with time_machine.travel(morning, tick=True):
        call_command("demo", working_days=DAYS, verbosity=0)
        yield live_server.url


def sound(visitor: Visitor) -> None:
    axe(visitor.page)
    assert overflow(visitor.page) == 0


def press(visitor: Visitor, name: str) -> Page:
    """Press the button or link that says so, and look at the page that opens."""
    named = visitor.page.get_by_role("button", name=name, exact=True)
    target = named if named.count() else visitor.page.get_by_role("link", name=name, exact=True)
    visitor.follow(target.first.click)
    sound(visitor)
    return visitor.page


def messages_leave() -> None:
    """What the worker does, for the people of the walk: thousands of others would take minutes."""
    walkers = [number.replace(" ", "") for number in (SUNITA, ARJUN, RAMESH)]
    others = Message.objects.filter(state=Message.State.QUEUED).exclude(address__in=walkers)
    others.update(state=Message.State.CANCELLED)
    while delivery.run("sms"):
        pass


def officer_signs_in(visitor: Visitor, name: str) -> Page:
    """With what the demo page shows: email, password and the code of this half minute."""
    account = visitor.go("/demo/").locator("article.account", has_text=name)
    email, password, code = account.locator("dd code").all_inner_texts()
    page = visitor.go("/officers/")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(password)
    visitor.follow(lambda: page.keyboard.press("Enter"))
    page.get_by_role("textbox").fill(code)
    visitor.follow(lambda: page.keyboard.press("Enter"))
    assert page.get_by_role("heading", level=1).inner_text() == "Today"
    return page


def applicant_signs_in(visitor: Visitor, number: str) -> Page:
    page = visitor.page
    page.get_by_role("textbox").fill(number)
    visitor.follow(lambda: page.keyboard.press("Enter"))
    messages_leave()
    code = newest_sms(visitor, number)[:6]
    page.get_by_role("textbox").fill(code)
    visitor.follow(lambda: page.keyboard.press("Enter"))
    return page


def newest_sms(visitor: Visitor, number: str) -> str:
    """What the phone page shows last of this number, in a tab of its own."""
    tab = visitor.context.new_page()
    tab.goto(visitor.host + "/demo/phone/")
    words = phone(tab, number).locator(".bubble").first.locator("[lang] p").first.inner_text()
    tab.close()
    return words


def phone(page: Page, number: str):
    return page.locator("section.phone", has=page.get_by_text(number.replace(" ", ""), exact=True))


def open_sms_link(visitor: Visitor, number: str) -> Page:
    page = visitor.go("/demo/phone/")
    link = phone(page, number).locator(".bubble").first.locator("a")
    visitor.follow(link.first.click)
    return visitor.page


def test_walk_from_declaration_to_restoration(browser, office, capsys):
    visitors = []

    def visit(language, width=360):
        visitors.append(open_visitor(browser, office, language=language, width=width))
        return visitors[-1]

    # 1. The region officer declares: 600 of 2,200 seats on the next two working days.
    first = visit("en", DESK_WIDTH)
    officer_signs_in(first, "Meera Kulkarni")
    sound(first)
    press(first, "Declare an outage")
    first.page.get_by_label("Seats a day").fill("600")
    press(first, "Show whom it touches")
    assert "Nothing is declared yet" in first.page.content()
    press(first, "Declare the outage")
    outage = Outage.objects.get()
    assert sum(c.seats_left for c in outage.cuts.all()) == 1200
    assert Appointment.objects.filter(state="in_doubt").count() > 4000

    # The banner stands at once, in both languages; the notices leave.
    reader = visit("hi")
    assert "600" in reader.go("/").locator("#now").inner_text()
    sound(reader)
    assert "600" in visit("en").go("/").locator("#now").inner_text()
    messages_leave()
    assert "अनिश्चित" in newest_sms(reader, SUNITA)

    # 2. Prepare a plan; 3. a second officer approves and applies it.
    first.go(f"/officers/appointments/outage/{outage.pk}/change/")
    sound(first)
    press(first, "Prepare a plan")
    first.follow(first.page.locator("form.ask button.act").click)
    sound(first)
    plan = Plan.objects.get()
    second = visit("en", DESK_WIDTH)
    officer_signs_in(second, "Rajiv Nair")
    second.go(f"/officers/appointments/plan/{plan.pk}/change/")
    press(second, "Approve")
    second.follow(second.page.locator("form.ask button.act").click)
    press(second, "Apply")
    second.follow(second.page.locator("form.ask button.act").click)
    sound(second)
    plan.refresh_from_db()
    assert plan.state == Plan.State.APPLIED
    plans.settle(now=timezone.now())

    # 4. The SMS arrives; 5. Sunita opens the link and accepts in Hindi.
    messages_leave()
    sunita = visit("")
    assert "नया समय" in newest_sms(sunita, SUNITA)
    page = open_sms_link(sunita, SUNITA)
    assert page.locator("html").get_attribute("lang") == "hi"
    sound(sunita)
    press(sunita, "नया समय स्वीकार करें")
    assert page.get_by_role("heading", level=1).inner_text() == "आपने नया समय स्वीकार कर लिया है"

    # 6. Arjun chooses another time, in English, kept while the code comes to the same phone.
    arjun = visit("en")
    page = open_sms_link(arjun, ARJUN)
    visitor_word = page.get_by_role("link", name="Choose another time")
    arjun.follow(visitor_word.click)
    page.get_by_role("radio").first.check()
    press(arjun, "Continue")
    assert "This seat is kept for you until" in page.content()
    arjun.follow(page.get_by_role("link", name="Sign in and confirm").click)
    applicant_signs_in(arjun, ARJUN)
    assert "This date uses no attempt." in page.content()
    press(arjun, "Confirm the new time")
    assert page.get_by_role("heading", level=1).inner_text() == "Your appointment is confirmed"

    # 7. Ramesh stays silent: when the time to answer has passed, the new time stands.
    silent = Offer.objects.get(
        appointment__application__phone=RAMESH.replace(" ", ""), state=Offer.State.OPEN
    )
    offers.close_silent_together(offer_ids=[silent.pk], now=silent.deadline)
    silent.refresh_from_db()
    assert silent.state == "kept"
    assert silent.appointment.slot == silent.new_slot

    # 8. The service is back.
    first.go(f"/officers/appointments/outage/{outage.pk}/change/")
    press(first, "Service is back")
    first.follow(first.page.locator("form.ask button.act").click)
    sound(first)
    assert "600" not in reader.go("/").locator("#now").inner_text()

    states = dict(
        Offer.objects.filter(appointment__application__claimed_by__isnull=False).values_list(
            "appointment__application__phone", "state"
        )
    )
    assert states[SUNITA.replace(" ", "")] == "accepted"
    assert states[ARJUN.replace(" ", "")] == "changed"
    assert not Message.objects.filter(state__in=["failed", "unknown"]).exists()
    call_command("check_seats")
    assert "counters agree" in capsys.readouterr().out
    troubles = [trouble for visitor in visitors for trouble in visitor.witness.troubles]
    for visitor in visitors:
        visitor.context.close()
    assert troubles == []
