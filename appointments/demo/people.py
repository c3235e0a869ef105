"""Invented people of the register: alone or as a family, with the contacts they gave."""

import random
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from appointments.demo.names import NameBook
from appointments.models import Application

# +91 50 is no Indian mobile series and no area code: should somebody wire a real gateway to a
# demo by mistake, no message reaches a stranger.
PHONE_PREFIX = "+9150"
MAIL_DOMAIN = "example.com"  # reserved (RFC 2606)

HINDI = 0.75
# How people can be reached: both, phone alone, mail alone, not at all.
CONTACTS = {"both": 45, "phone": 49, "email": 3, "none": 3}
KNOWN_PHONE = 0.04  # another ARN behind a phone of the same centre (relatives, a cyber café)
PHONES_REMEMBERED = 40
TRAVELS = {"tatkaal": 0.07, "normal": 0.03, "pcc": 0.04}
PROOF_ACCEPTED = 0.6
DISABLED, MEDICAL = 0.012, 0.01
# From another district than the centre's: Tatkaal is given at two centres only.
FROM_AWAY = {"tatkaal": 0.35, "normal": 0.03, "pcc": 0.03}

# Ages of those who come alone: (from, to, weight).
AGES_ALONE = ((1, 14, 3), (15, 17, 3), (18, 35, 50), (36, 59, 38), (60, 79, 6))
PARENT = (27, 48)
CHILD = (1, 17)
ELDERS = (60, 78)
ELDERS_SHARE = 0.25


@dataclass(frozen=True)
class Contact:
    phone: str
    email: str
    language: str


@dataclass(frozen=True)
class Wish:
    """What a party came for."""

    centre_id: int
    service: str
    visit: date | None
    booked_at: datetime


class People:
    """Makes unsaved applications. One instance for a whole build: it keeps numbers unique."""

    def __init__(
        self,
        rng: random.Random,
        *,
        region_id: int,
        centre_ids: list[int],
        today: date,
        names: NameBook,
    ) -> None:
        self.rng = rng
        self.region_id = region_id
        self.centre_ids = centre_ids
        self.today = today
        self.names = names
        self._numbers: set[tuple[str, int]] = set()
        self._phones: dict[int, list[str]] = defaultdict(list)

    # --- Numbers ---------------------------------------------------------------------------------

    def arn(self, applied: date) -> str:
        """YY-NNNNNNNNNN, unique in this build."""
        year = f"{applied:%y}"
        return f"{year}-1{self._unique(year, 10**9):09}"

    def _unique(self, kind: str, below: int) -> int:
        number = self.rng.randrange(below)
        while (kind, number) in self._numbers:
            number = self.rng.randrange(below)
        self._numbers.add((kind, number))
        return number

    def born(self, youngest: int, oldest: int) -> date:
        """A birth date of somebody between these ages, in full years."""
        age = self.rng.randint(youngest, oldest)
        return self.today - timedelta(days=age * 365.25 + self.rng.randrange(1, 365))

    # --- Contacts --------------------------------------------------------------------------------

    def contact(self, centre_id: int, name: str) -> Contact:
        kind = self.rng.choices(list(CONTACTS), weights=list(CONTACTS.values()))[0]
        language = "hi" if self.rng.random() < HINDI else "en"
        phone = self._phone(centre_id) if kind in ("both", "phone") else ""
        email = self._email(name) if kind in ("both", "email") else ""
        return Contact(phone, email, language)

    def _phone(self, centre_id: int) -> str:
        known = self._phones[centre_id]
        if known and self.rng.random() < KNOWN_PHONE:
            return self.rng.choice(known[-PHONES_REMEMBERED:])
        phone = f"{PHONE_PREFIX}{self._unique('phone', 10**8):08}"
        known.append(phone)
        return phone

    def _email(self, name: str) -> str:
        local = "".join(letter for letter in name.lower() if letter.isalpha() or letter == " ")
        return f"{local.replace(' ', '.')}{self.rng.randrange(10, 9999)}@{MAIL_DOMAIN}"

    # --- Parties ---------------------------------------------------------------------------------

    def party(self, size: int, wish: Wish) -> list[Application]:
        """`size` people who come together: one surname, one phone, one wish to travel."""
        community = self.names.community(self.rng)
        surname = self.names.surname(self.rng, community)
        members = [
            (f"{self.names.given(self.rng, community, gender)} {surname}", born)
            for gender, born in self._family(size)
        ]
        contact = self.contact(wish.centre_id, members[0][0])
        family = uuid.UUID(int=self.rng.getrandbits(128), version=4) if size > 1 else None
        home = self._home(wish)
        travel, proof = self._travel(wish)
        return [
            Application(
                region_id=self.region_id,
                arn=self.arn(wish.booked_at.date() - timedelta(days=3)),
                name=name,
                date_of_birth=born,
                service=wish.service,
                home_centre_id=home,
                phone=contact.phone,
                email=contact.email,
                language=contact.language,
                family=family,
                disability=self.rng.random() < DISABLED,
                medical=self.rng.random() < MEDICAL,
                travel_date=travel,
                travel_proof_accepted=proof,
            )
            for name, born in members
        ]

    def _family(self, size: int) -> list[tuple[str, date]]:
        """Gender and birth date of each: alone, a couple or a parent and child, then children."""
        if size == 1:
            return [self._alone()]
        if size == 2 and self.rng.random() < ELDERS_SHARE:
            return [("m", self.born(*ELDERS)), ("f", self.born(*ELDERS))]
        father, mother = ("m", self.born(*PARENT)), ("f", self.born(*PARENT))
        if size == 2 and self.rng.random() < 0.5:
            return [mother, self._child()]
        return [father, mother, *(self._child() for _ in range(size - 2))]

    def _alone(self) -> tuple[str, date]:
        youngest, oldest, _weight = self.rng.choices(
            AGES_ALONE, weights=[weight for *_ages, weight in AGES_ALONE]
        )[0]
        return self.rng.choice("fm"), self.born(youngest, oldest)

    def _child(self) -> tuple[str, date]:
        return self.rng.choice("fm"), self.born(*CHILD)

    def _home(self, wish: Wish) -> int:
        if self.rng.random() < FROM_AWAY[wish.service]:
            return self.rng.choice(self.centre_ids)
        return wish.centre_id

    def _travel(self, wish: Wish) -> tuple[date | None, bool]:
        """A journey some days after the visit, and whether its proof was accepted."""
        if wish.visit is None or self.rng.random() >= TRAVELS[wish.service]:
            return None, False
        leaves = wish.visit + timedelta(days=self.rng.randint(4, 50))
        return leaves, self.rng.random() < PROOF_ACCEPTED
