"""Seats and people of one fault, its messages, and what the database says in the end."""

import datetime as dt
import json
from pathlib import Path
from uuid import UUID

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import User
from appointments import seats
from appointments.models import Application, Appointment, Slot
from notifications import outbox
from notifications.models import Attempt, Message
from tests.domain.builders import in_days, make_centre, make_slot
from tests.faults.count import Fate
from tests.faults.people import Person

SEATS = 25
SPARE = 1.05  # seats for each person: towards the end most times are full
VALUES = {"a4": "4821", "d": "Fri 26/12", "dt": "Fri 26/12 12:15", "psk": "Vidisha", "url": "h/x"}
TEMPLATES = Path(__file__).resolve().parent.parent.parent / "data/dlt_templates_msg91.csv"
# How long after a message its report may come.
RECEIPT_SECONDS = 15
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def make_people(count: int, *, round_: int) -> list[Person]:
    """Signed-in applicants of the centre, each with one application."""
    now, centre = timezone.now(), make_centre()
    first = round_ * 1_000_000
    with transaction.atomic():
        users = User.objects.bulk_create(
            User(
                phone=f"+9197{first + n:08d}",
                phone_verified=True,
                language="en",
                password="!unusable",
            )
            for n in range(count)
        )
        applications = Application.objects.bulk_create(
            Application(
                region=centre.region,
                home_centre=centre,
                arn=f"26-{first + n:010d}",
                name=f"Applicant {n}",
                date_of_birth=dt.date(1990, 5, 17),
                service=Application.Service.NORMAL,
                phone=user.phone or "",
                claimed_by=user,
                claimed_at=now,
            )
            for n, user in enumerate(users)
        )
        sessions = [_session(user) for user in users]
        Session.objects.bulk_create(sessions)
    return [
        Person(application.pk, session.session_key)
        for application, session in zip(applications, sessions, strict=True)
    ]


def _session(user: User) -> Session:
    store = SessionStore()
    content = {
        "_auth_user_id": str(user.pk),
        "_auth_user_backend": BACKEND,
        "_auth_user_hash": user.get_session_auth_hash(),
    }
    return Session(
        session_key=get_random_string(32),
        session_data=store.encode(content),
        expire_date=timezone.now() + dt.timedelta(days=1),
    )


def make_slots(people: int, *, round_: int) -> list[int]:
    count = max(1, round(people * SPARE / SEATS + 0.5))
    day = in_days(4 + round_)
    with transaction.atomic():
        return [
            make_slot(day=day, hour=9 + n // 30, minute=2 * (n % 30), seats=SEATS).pk
            for n in range(count)
        ]


def enqueue(batch: str, first: int, count: int) -> None:
    """Messages of even number may be repeated after an unknown fate, the others not."""
    now = timezone.now()
    drafts = [
        outbox.Draft(
            kind="VISIT" if number % 2 else "HOLD",
            channel="sms",
            language="en",
            values=VALUES,
            address=f"+9198{number:08d}",
            dedupe_key=f"{batch}:{number}",
            batch=batch,
            urgent_by=now + dt.timedelta(hours=1),
            quiet_ok_from=now,
            expires_at=now + dt.timedelta(days=1),
        )
        for number in range(first, first + count)
    ]
    with transaction.atomic():
        outbox.enqueue(drafts, now=now)


def newest_message() -> int:
    return Message.objects.order_by("pk").values_list("pk", flat=True).last() or 0


def in_hand(after: int) -> int:
    """Messages that still wait or are being sent."""
    return Message.objects.filter(pk__gt=after, state__in=Message.OPEN_STATES).count()


def waits_for_repeat(after: int) -> int:
    """Unknown ones which the next sweep gives their one repeat."""
    waiting = Q(state=Message.State.UNKNOWN, kind="HOLD", repeated=False)
    return Message.objects.filter(waiting, pk__gt=after).count()


def fates(after: int) -> list[Fate]:
    lost = Attempt.objects.filter(message=OuterRef("pk"), outcome=Attempt.Outcome.UNKNOWN)
    found = Message.objects.filter(pk__gt=after).annotate(lost=Exists(lost))
    return [
        Fate(str(public_id), state, ambiguous=lost or repeated)
        for public_id, state, lost, repeated in found.values_list(
            "public_id", "state", "lost", "repeated"
        )
    ]


def read_sink(path: Path) -> list[str]:
    """Ids of messages, one for each line; a line that a kill cut short did not arrive."""
    found = []
    for line in path.read_bytes().split(b"\n") if path.exists() else ():
        try:
            found.append(json.loads(line)["message"])
        except ValueError:
            continue
    return found


def read_log(path: Path) -> list[str]:
    """Our references, one for each message that the simulated gateway took, oldest first."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["client_reference"] for line in lines]


def messages_of(references: list[str]) -> list[str]:
    """Ids of the messages whose attempts carried these references, each as often as it comes."""
    known = dict(Attempt.objects.values_list("client_reference", "message__public_id"))
    return [str(known[UUID(reference)]) for reference in references]


def file_templates() -> None:
    """What the operators and MSG91's panel have on file, as in the demo; the simulator knows it."""
    call_command("load_templates", TEMPLATES, verbosity=0)


def owed_receipts(after: int) -> int:
    """Messages that the gateway took and has not reported on, a moment after it could have."""
    since = timezone.now() - dt.timedelta(seconds=RECEIPT_SECONDS)
    accepted = Message.objects.filter(pk__gt=after, state=Message.State.ACCEPTED)
    return accepted.filter(sent_at__gt=since).count()


def receipts(after: int) -> tuple[int, int]:
    """Messages that arrived, and those that are said not to have: here every such word is false."""
    told = Message.objects.filter(pk__gt=after)
    return (
        told.filter(state=Message.State.DELIVERED).count(),
        told.filter(state=Message.State.UNDELIVERED).count(),
    )


def booked(people: list[Person]) -> set[int]:
    ids = [person.application for person in people]
    confirmed = Appointment.objects.filter(
        application__in=ids, state=Appointment.State.CONFIRMED, slot__isnull=False
    )
    return set(confirmed.values_list("application_id", flat=True))


def oversold() -> int:
    """Slots with more people than seats, or whose counter is not what its rows say."""
    return len(seats.check()) + Slot.objects.filter(taken__gt=F("seats")).count()
