"""Who can sign in to the demo, read from the database: for the console and the demo page."""

from dataclasses import dataclass
from datetime import date

import phonenumbers
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.utils.functional import Promise

from accounts.demo import current_code
from accounts.models import User
from appointments.demo.cast import APPLICANTS, OFFICERS, ApplicantPart, OfficerPart
from appointments.models import Application, Appointment, Posting, Slot


@dataclass(frozen=True, kw_only=True)
class OfficerAccount:
    name: str
    role: str
    centre: str
    email: str
    password: str
    # The six digits of this half minute, as an authenticator app would show them; empty: no app.
    code: str
    is_officer: bool = True


@dataclass(frozen=True, kw_only=True)
class DemoApplication:
    """`arn` and `date_of_birth` in full: whoever tries the demo has to type them."""

    name: str
    arn: str
    date_of_birth: date
    service: str
    claimed: bool
    # The live appointment, if there is one. No slot: on the waiting list.
    appointment: Appointment | None

    @property
    def slot(self) -> Slot | None:
        return self.appointment.slot if self.appointment else None


@dataclass(frozen=True, kw_only=True)
class ApplicantAccount:
    name: str
    phone: str
    # As it is typed and shown: +91 98765 43210.
    phone_shown: str
    language: str
    about: str | Promise
    applications: tuple[DemoApplication, ...]
    is_officer: bool = False


DemoAccount = OfficerAccount | ApplicantAccount


def demo_accounts() -> list[DemoAccount]:
    """Officers, then applicants, as they are in the database; nobody outside demo mode."""
    if not settings.DEMO_MODE:
        return []
    return [*_officers(), *_applicants()]


def _officers() -> list[OfficerAccount]:
    postings = {
        posting.officer.email: posting
        for posting in Posting.objects.filter(
            officer__email__in=[part.email for part in OFFICERS]
        ).select_related("officer", "centre")
    }
    return [_officer(part, postings[part.email]) for part in OFFICERS if part.email in postings]


def _officer(part: OfficerPart, posting: Posting) -> OfficerAccount:
    return OfficerAccount(
        name=posting.officer.name,
        role=posting.get_role_display(),
        centre=posting.centre.name if posting.centre else "",
        email=part.email,
        password=part.password,
        code=_code(posting.officer),
    )


def _code(officer: User) -> str:
    try:
        return current_code(officer)
    except ObjectDoesNotExist:  # a visitor of the demo removed the app
        return ""


def _applicants() -> list[ApplicantAccount]:
    phones = [part.phone for part in APPLICANTS]
    users = {user.phone: user for user in User.objects.filter(phone__in=phones)}
    by_phone: dict[str, list[Application]] = {}
    for application in Application.objects.filter(phone__in=phones).order_by("pk"):
        by_phone.setdefault(application.phone, []).append(application)
    ids = [application.pk for group in by_phone.values() for application in group]
    live = {
        appointment.application_id: appointment
        for appointment in Appointment.objects.filter(
            application_id__in=ids, state__in=Appointment.LIVE_STATES
        ).select_related("slot__centre")
    }
    return [
        _applicant(part, users[part.phone], by_phone.get(part.phone, []), live)
        for part in APPLICANTS
        if part.phone in users
    ]


def _applicant(
    part: ApplicantPart,
    user: User,
    applications: list[Application],
    live: dict[int, Appointment],
) -> ApplicantAccount:
    return ApplicantAccount(
        name=user.name,
        phone=part.phone,
        phone_shown=_shown(part.phone),
        language=user.language,
        about=part.about,
        applications=tuple(
            DemoApplication(
                name=application.name,
                arn=application.arn,
                date_of_birth=application.date_of_birth,
                service=application.get_service_display(),
                claimed=application.claimed_by_id is not None,
                appointment=live.get(application.pk),
            )
            for application in applications
        ),
    )


def _shown(phone: str) -> str:
    number = phonenumbers.parse(phone)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
