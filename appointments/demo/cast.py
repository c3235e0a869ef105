"""The few people of the demo who can sign in, and the officers.

Their numbers and passwords stand in the source and are shown to everybody: `build` refuses
outside demo mode, and `accounts.demo_accounts` names nobody there.
"""

import random
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.demo import create_officer
from accounts.models import User
from appointments import roles
from appointments.demo.crowd import Day
from appointments.demo.people import People
from appointments.demo.records import Records
from appointments.models import Application, Centre, Posting, Region, Slot
from appointments.slots import local_moment

# --- Officers ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfficerPart:
    email: str
    password: str
    name: str
    role: Posting.Role
    totp_secret: str
    centre: str = ""


OFFICERS = (
    OfficerPart(
        email="region@demo.example",
        password="region-officer-demo",  # noqa: S106 - shown on the demo page
        name="Meera Kulkarni",
        role=Posting.Role.REGION,
        totp_secret="REGIONREGIONREGIONREGIONREGION22",  # noqa: S106
    ),
    OfficerPart(
        email="approver@demo.example",
        password="approving-officer-demo",  # noqa: S106
        name="Rajiv Nair",
        role=Posting.Role.APPROVER,
        totp_secret="APPROVEAPPROVEAPPROVEAPPROVE2345",  # noqa: S106
    ),
    OfficerPart(
        email="centre@demo.example",
        password="centre-officer-demo",  # noqa: S106
        name="Salma Qureshi",
        role=Posting.Role.CENTRE,
        totp_secret="CENTRECENTRECENTRECENTRECENTRE22",  # noqa: S106
        centre="BPL",
    ),
)


def create_officers(region: Region) -> None:
    """The three officers, posted, with password and second factor. Again: changes nothing."""
    for part in OFFICERS:
        officer = create_officer(
            email=part.email,
            password=part.password,
            name=part.name,
            totp_secret=part.totp_secret,
        )
        centre = Centre.objects.get(code=part.centre) if part.centre else None
        roles.post(officer=officer, role=part.role, region=region, centre=centre)


# --- Applicants ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class PersonPart:
    """One application. `ahead` 0: no appointment yet; else working days from today."""

    name: str
    age: int
    centre: str
    service: str
    ahead: int = 0
    travels: bool = False
    email: str = ""


@dataclass(frozen=True)
class ApplicantPart:
    """Who signs in with this phone, and what they are there to show."""

    phone: str
    language: str
    about: Promise
    people: tuple[PersonPart, ...]
    claimed: bool = True


APPLICANTS = (
    ApplicantPart(
        phone="+919876543210",
        language="hi",
        about=_("Tatkaal at Bhopal on the next working day. Accepts the new time."),
        people=(PersonPart("Sunita Verma", 34, "BPL", "tatkaal", ahead=1),),
    ),
    ApplicantPart(
        phone="+919876543211",
        language="en",
        about=_("Tatkaal at Indore on the next working day. Chooses another time."),
        people=(PersonPart("Arjun Mehta", 29, "IDR", "tatkaal", ahead=1),),
    ),
    ApplicantPart(
        phone="+919876543212",
        language="hi",
        about=_("At Bhopal in two working days. Stays silent and keeps the new time."),
        people=(PersonPart("Ramesh Yadav", 41, "BPL", "normal", ahead=2),),
    ),
    ApplicantPart(
        phone="+919876543213",
        language="hi",
        about=_("A family of four behind one phone, at Indore in two working days."),
        people=(
            PersonPart("Anil Patel", 38, "IDR", "normal", ahead=2),
            PersonPart("Rekha Patel", 36, "IDR", "normal", ahead=2),
            PersonPart("Harshit Patel", 9, "IDR", "normal", ahead=2),
            PersonPart("Palak Patel", 6, "IDR", "normal", ahead=2),
        ),
    ),
    ApplicantPart(
        phone="+919876543214",
        language="hi",
        about=_("Urgent travel with accepted proof: first in every plan."),
        people=(PersonPart("Kamla Sahu", 67, "BPL", "tatkaal", ahead=1, travels=True),),
    ),
    ApplicantPart(
        phone="+919876543215",
        language="en",
        about=_("Has an appointment, but has not linked it to the phone yet."),
        people=(PersonPart("Imran Siddiqui", 45, "BPL", "normal", ahead=2),),
        claimed=False,
    ),
    ApplicantPart(
        phone="+919876543216",
        language="hi",
        about=_("Two applications to link and to book: nothing is booked yet."),
        people=(
            PersonPart("Pooja Ahirwar", 26, "BPL", "normal"),
            PersonPart("Lakhan Ahirwar", 58, "BPL", "tatkaal"),
        ),
        claimed=False,
    ),
    ApplicantPart(
        phone="+919876543217",
        language="en",
        about=_("A police clearance at Jabalpur, reached by SMS and email."),
        people=(
            PersonPart("Manpreet Bhatia", 31, "JBP", "pcc", ahead=5, email="manpreet@example.com"),
        ),
    ),
)


def _same_family(part: ApplicantPart) -> bool:
    """Booked together: all of one party have the same surname and the same day."""
    return len(part.people) > 1 and part.claimed


class Cast:
    """Seats the applicants of APPLICANTS and makes their accounts."""

    def __init__(
        self,
        rng: random.Random,
        people: People,
        *,
        today: date,
        days: list[Day],
        centres: dict[str, int],
    ) -> None:
        self.rng = rng
        self.people = people
        self.today = today
        self.days = {day.ahead: day for day in days}
        self.centres = centres
        # Booked last of all, one minute after the other: within its class a plan moves them first.
        self._minute = 0

    def join(self, records: Records) -> Counter[int]:
        """Adds all of them; returns the seats that they take, by slot id."""
        reserved: Counter[int] = Counter()
        for part in APPLICANTS:
            account = self._account(part)
            family = uuid.UUID(int=self.rng.getrandbits(128), version=4)
            for person in part.people:
                application = self._application(part, person, account)
                application.family = family if _same_family(part) else None
                records.apply([application])
                if person.ahead:
                    slot = self._slot(person, reserved)
                    reserved[slot.pk] += 1
                    records.book(application, slot, self._last_moment())
        return reserved

    def _account(self, part: ApplicantPart) -> User:
        first = part.people[0]
        return User.objects.create_user(
            phone=part.phone,
            phone_verified=True,
            language=part.language,
            name=first.name,
            date_joined=local_moment(self.today, time(0)),
        )

    def _application(self, part: ApplicantPart, person: PersonPart, account: User) -> Application:
        born = self.people.born(person.age, person.age)
        applied = self.today - timedelta(days=self.rng.randint(8, 20))
        return Application(
            region_id=self.people.region_id,
            arn=self.people.arn(applied),
            name=person.name,
            date_of_birth=born,
            service=person.service,
            home_centre_id=self.centres[person.centre],
            phone=part.phone,
            email=person.email,
            language=part.language,
            travel_date=self._visit(person) + timedelta(days=12) if person.travels else None,
            travel_proof_accepted=person.travels,
            claimed_by=account if part.claimed else None,
            claimed_at=local_moment(applied, time(19)) if part.claimed else None,
        )

    def _visit(self, person: PersonPart) -> date:
        return self.days[person.ahead].date

    def _slot(self, person: PersonPart, reserved: Counter[int]) -> Slot:
        """The second start of the day where there is room, else the first that has."""
        centre_id = self.centres[person.centre]
        slots = [
            slot
            for slot in self.days[person.ahead].slots
            if (slot.centre_id, slot.quota) == (centre_id, person.service)
        ]
        return next(slot for slot in [*slots[1:], *slots] if reserved[slot.pk] < slot.seats)

    def _last_moment(self) -> datetime:
        """Yesterday from 21:00 on: later than anybody of the crowd (demo/crowd.py)."""
        self._minute += 1
        return local_moment(self.today - timedelta(days=1), time(21, self._minute))
