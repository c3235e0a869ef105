"""Messages, batches, gateways in a real browser: wide and narrow, live, by keyboard, no script."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts import demo
from accounts.models import User
from appointments import messages, outages
from appointments.cuts import spread_total
from appointments.models import Appointment, Centre, Outage, Posting, Region, Slot
from appointments.roles import post
from notifications.models import (
    Attempt,
    Decision,
    Gate,
    Message,
    NotReached,
    Part,
    Receipt,
    ReceiptCount,
)
from tests.browser.harness import DESK_WIDTH, PHONE_WIDTH, Visitor, axe, overflow
from tests.domain.builders import at, in_days, make_application

pytestmark = pytest.mark.browser
LIST = "/officers/notifications/message/"
State = Message.State


@pytest.fixture
def officer(office, settings) -> User:
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
def batch(officer) -> str:
    """Notices of an outage on a day with 60 people; they have left in every way that there is."""
    day = in_days(1)
    centre = Centre.objects.first()
    slot = Slot.objects.create(
        centre=centre,
        region=centre.region,
        quota="normal",
        starts_at=at(day, 10),
        date=day,
        seats=60,
        taken=60,
    )
    Appointment.objects.bulk_create(
        Appointment(
            application=make_application(centre=centre), slot=slot, booked_at=timezone.now()
        )
        for _ in range(60)
    )
    outage = outages.declare(
        by=officer,
        request_key=uuid.uuid4(),
        scope=Outage.Scope.REGION,
        region=centre.region,
        since=timezone.now(),
        cause=Outage.Cause.SERVER,
        text_en="The server is down.",
        text_hi="सर्वर बंद है।",
        cuts=spread_total(total_per_day=0, centres=[centre], dates=[day]),
    )
    name = messages.hold_batch(outage.pk)
    _spread(name)
    return name


def _spread(name: str) -> None:
    now = timezone.now()
    ids = list(Message.objects.filter(batch=name).order_by("pk").values_list("pk", flat=True))
    Message.objects.filter(pk__in=ids).update(next_attempt_at=now - dt.timedelta(minutes=1))
    for state, first, last in (
        *((State.DELIVERED, 0, 20), (State.ACCEPTED, 20, 30), (State.UNDELIVERED, 30, 33)),
        *((State.FAILED, 33, 36), (State.UNKNOWN, 36, 38)),
    ):
        taken = state in (State.DELIVERED, State.ACCEPTED, State.UNDELIVERED)
        Message.objects.filter(pk__in=ids[first:last]).update(
            state=state,
            sent_at=now if taken else None,
            delivered_at=now if state == State.DELIVERED else None,
            parts=2 if taken else 0,
            body="आपके 27/11 के अपॉइंटमेंट पर संशय है। अभी यात्रा न करें।",
            error="" if taken else "DLT: no such template for this header (code 630)",
        )
    NotReached.objects.create(
        notice="n:1", batch=name, kind="HOLD", urgent_by=now, since=now, why="both channels failed"
    )


@pytest.fixture
def long_life(batch, officer) -> Message:
    """A message with everything that can happen to one."""
    now = timezone.now()
    message = Message.objects.filter(batch=batch, state=State.UNDELIVERED).first()
    Message.objects.filter(pk=message.pk).update(notice="n:1")
    for number, outcome in enumerate(["unknown", "accepted"], 1):
        attempt = Attempt.objects.create(
            message=message,
            number=number,
            lease_token=uuid.uuid4(),
            gateway="msg91",
            is_repeat=number == 2,
            claimed_at=now,
            started_at=now,
            ended_at=now + dt.timedelta(seconds=number),
            outcome=outcome,
            gateway_reference="376a6f7a6f616a6d7a6f616a6d7a6f616a6d7a6f" if number == 2 else "",
            error="read timed out" if number == 1 else "",
            receipt="undelivered" if number == 2 else "",
            receipt_at=now + dt.timedelta(minutes=2) if number == 2 else None,
        )
    for number, arrival in enumerate(["delivered", "undelivered"], 1):
        Part.objects.create(
            attempt=attempt, number=number, gateway="msg91", reference=f"part-{number}"
        )
        Receipt.objects.create(
            attempt=attempt,
            gateway="msg91",
            key=f"part-{number}",
            gateway_reference=f"part-{number}",
            arrival=arrival,
            detail="1: DELIVRD" if number == 1 else "16: rejected by the operator",
            received_at=now + dt.timedelta(minutes=number),
        )
    Message.objects.create(
        dedupe_key="mail",
        kind="HOLD",
        channel="email",
        address="sunita@mail.example",
        language="hi",
        reference=message.reference,
        scope=message.scope,
        batch=batch,
        notice="n:1",
        fallback_for=message,
        state=State.FAILED,
        urgent_by=now,
        next_attempt_at=now,
        expires_at=now + dt.timedelta(days=1),
        created_at=now + dt.timedelta(minutes=3),
        error="550 no such mailbox",
    )
    Decision.objects.create(
        message=message, verb="resend", by=f"officer {officer.pk}", reason="phone is on", at=now
    )
    return message


def sound(visitor: Visitor) -> None:
    axe(visitor.page)
    assert overflow(visitor.page) == 0


def press(visitor: Visitor, name: str) -> None:
    visitor.follow(visitor.page.get_by_role("button", name=name, exact=True).click)


@pytest.mark.parametrize(
    ("width", "dark"), [(DESK_WIDTH, False), (PHONE_WIDTH, True), (PHONE_WIDTH, False)]
)
def test_every_page_about_messages_is_accessible(visit, officer, batch, long_life, width, dark):
    now = timezone.now()
    Gate.objects.create(name="file", shut_until=now + dt.timedelta(minutes=5), reason="503 Busy")
    ReceiptCount.objects.create(gateway="msg91", day=now.date(), verdict="forged", count=12)
    visitor = visit("en", width=width, dark=dark)
    visitor.sign_in(officer)
    for path in (
        *("", "batches/", "gateways/", f"batches/{batch}/", f"{long_life.pk}/change/"),
        *(f"batches/{batch}/{step}/" for step in ("pause", "resume", "cancel", "resend")),
        *(f"{long_life.pk}/resend/", f"{long_life.pk}/treat-as-sent/"),
    ):
        visitor.go(LIST + path)
        sound(visitor)
    visitor.go(LIST).get_by_label("Find messages by").fill("appointment:1")
    press(visitor, "Find")
    sound(visitor)
    visitor.go(f"{LIST}batches/{batch}/pause/")
    press(visitor, "Pause")  # no reason: an error
    sound(visitor)
    visitor.go(f"{LIST}{long_life.pk}/change/")
    press(visitor, "Show the whole address")
    assert long_life.address in visitor.page.content()
    sound(visitor)


def test_progress_of_an_open_page_follows_by_itself_and_keeps_the_focus(
    visit, officer, batch, settings
):
    settings.BATCH_POLL_SECONDS = 1
    visitor = visit("en", width=DESK_WIDTH)
    visitor.sign_in(officer)
    page = visitor.go(f"{LIST}batches/{batch}/")
    to_leave = page.locator("#news .figures dd").first
    assert to_leave.inner_text() == "22"
    page.locator("#pause").focus()
    Message.objects.filter(batch=batch, state=State.QUEUED).update(
        state=State.ACCEPTED, sent_at=timezone.now()
    )
    # By then only taking the rest back is gone: what can still be done keeps the focus.
    expect(to_leave).to_have_text("0")
    assert page.evaluate("document.activeElement.id") == "pause"


@pytest.mark.parametrize("scripts", [True, False])
def test_batch_is_paused_and_goes_on_by_keyboard(visit, officer, batch, scripts):
    visitor = visit("en", width=PHONE_WIDTH, scripts=scripts)
    visitor.sign_in(officer)
    page = visitor.go(f"{LIST}batches/{batch}/")
    for link, button in (("Pause", "Pause"), ("Let it go on", "Let it go on")):
        page.get_by_role("link", name=link, exact=True).focus()
        visitor.follow(lambda: page.keyboard.press("Enter"))
        page.get_by_label("Reason").fill("wrong words")
        visitor.follow(lambda: page.keyboard.press("Enter"))
        assert page.url.endswith(f"batches/{batch}/"), button
    assert "The batch goes on." in page.content()
    assert overflow(page) == 0
    visitor.follow(page.get_by_role("link", name="Look again").click)


def test_found_page_can_be_read_again_and_left_and_come_back_to(visit, officer, batch):
    message = Message.objects.filter(batch=batch).first()
    visitor = visit("en", width=DESK_WIDTH)
    visitor.sign_in(officer)
    page = visitor.go(LIST)
    page.get_by_label("Find messages by").fill(message.address.removeprefix("+91"))
    visitor.follow(lambda: page.keyboard.press("Enter"))
    assert page.url.endswith("/found/")
    visitor.follow(page.reload)
    visitor.follow(page.locator(".sheet tbody a").first.click)
    visitor.follow(page.go_back)
    assert "By a mobile number" in page.content()


def test_actions_of_the_list_can_be_read_and_pressed_on_a_phone(visit, officer, batch):
    visitor: Visitor = visit("en", width=PHONE_WIDTH)
    visitor.sign_in(officer)
    page = visitor.go(LIST)
    for name in ("action", "reason"):
        box = page.locator(f"#changelist-form .actions [name={name}]").bounding_box()
        assert box is not None
        assert box["width"] >= 250
        assert box["height"] >= 44
    assert overflow(page) == 0
