"""The planning problem as plain data: policy, centres, slots and people.

Rules and meaning of every number: docs/planning.md. Nothing here knows of Django; the caller
builds a `Problem` from a scenario file (scenario.py) or from database rows.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo

# Days, dates and minutes of the day are the applicants', whatever the zone of a datetime.
LOCAL_ZONE = ZoneInfo("Asia/Kolkata")

# In the order in which they are served.
TIERS = ("urgent", "tatkaal", "vulnerable", "normal")
QUOTAS = ("normal", "tatkaal", "pcc", "on_hold")
SERVICES = QUOTAS


@dataclass(frozen=True, slots=True)
class Policy:
    """What the office weighs. Costs are whole numbers without a unit; only their ratio counts."""

    max_km: int = 0
    """Another centre of the region may be offered up to this distance, whole kilometres."""
    reserve_share: Fraction = Fraction(1, 10)
    """Share (0 to 1) of the seats of untouched slots that the plan leaves to the public."""
    horizon_days: int = 40
    """Last day that may be offered, counted from the day of `now`."""
    lead_hours: int = 18
    """A new slot starts at least this long after `now`."""
    per_day: int = 100
    """Cost of each day of delay."""
    per_day_squared: int = 5
    """Cost of each squared day of delay, so that long delays are shared out."""
    per_move: int = 300
    """Cost of any change of slot."""
    centre_change: int = 200
    """Cost of a change of centre."""
    per_km: int = 1
    """Cost of each kilometre between the two centres."""
    per_hour: int = 5
    """Cost of each hour by which the time of day changes."""
    moved_before_factor: int = 1
    """How many times `per_move` each earlier move adds."""

    def reserved(self, seats: int) -> int:
        """How many of `seats` stay with the public: the share, rounded down, exactly."""
        return seats * self.reserve_share.numerator // self.reserve_share.denominator


@dataclass(frozen=True, slots=True)
class Centre:
    code: str
    """Unique in the problem."""
    region: str
    """People are moved between centres of one region only."""
    lat: float
    """Degrees north."""
    lon: float
    """Degrees east."""


@dataclass(frozen=True)
class Slot:
    id: int
    """Unique in the problem; of equal slots the lower id is filled first."""
    centre: str
    """Code of a centre of the problem."""
    quota: str
    """One of QUOTAS."""
    start: datetime
    """Aware, any zone."""
    seats: int
    """Seats it was opened with."""
    closed: int
    """Of these, closed by outages; 0 to seats."""
    taken: int
    """Appointments in it and live holds on it; 0 to seats."""

    @property
    def over_subscribed(self) -> bool:
        """More people than seats left: somebody must move."""
        return self.taken > self.seats - self.closed

    @cached_property
    def day(self) -> date:
        """Local date."""
        return self.start.astimezone(LOCAL_ZONE).date()

    @cached_property
    def minute(self) -> int:
        """Minute of the local day, 0 to 1439."""
        local = self.start.astimezone(LOCAL_ZONE)
        return local.hour * 60 + local.minute


@dataclass(frozen=True, slots=True)
class Person:
    """An appointment that holds a seat of its slot."""

    arn: str
    """Application reference number, unique in the problem."""
    slot: int
    """Id of the slot that the person has now (the own slot)."""
    service: str
    """One of SERVICES; `tatkaal` may also take seats of quota `normal`."""
    tier: str
    """One of TIERS."""
    booked_at: datetime
    """Aware. Who booked earlier ranks first among people in the same position."""
    travel_date: date | None = None
    """The new visit must be on an earlier day than this."""
    moved_before: int = 0
    """How often outages have moved the person already."""
    original: date | None = None
    """Day first promised, before any outage moved the person; None: the own slot's day."""


@dataclass(frozen=True)
class Problem:
    """One re-planning problem.

    `people` holds everyone in an over-subscribed slot; it may hold others, who only count as
    listed in their slots. Seats of an over-subscribed slot taken by nobody listed are holds.
    """

    now: datetime
    """Aware: the moment the plan is made for."""
    policy: Policy
    centres: tuple[Centre, ...]
    slots: tuple[Slot, ...]
    people: tuple[Person, ...]

    @cached_property
    def today(self) -> date:
        return self.now.astimezone(LOCAL_ZONE).date()

    @cached_property
    def centre_of(self) -> Mapping[str, Centre]:
        return {centre.code: centre for centre in self.centres}

    @cached_property
    def slot_of(self) -> Mapping[int, Slot]:
        return {slot.id: slot for slot in self.slots}

    @cached_property
    def listed(self) -> Mapping[int, int]:
        """Slot id -> how many of `people` are in it."""
        return Counter(person.slot for person in self.people)

    @cached_property
    def pool(self) -> tuple[Person, ...]:
        """Those to be planned for: everyone in an over-subscribed slot. Nobody else is touched."""
        over = {slot.id for slot in self.slots if slot.over_subscribed}
        return tuple(person for person in self.people if person.slot in over)

    def offer(self, slot: Slot) -> int:
        """Seats of `slot` that the plan may give out (before the reserve of its day)."""
        if not slot.over_subscribed:
            return slot.seats - slot.closed - slot.taken
        holds = slot.taken - self.listed.get(slot.id, 0)
        return max(0, slot.seats - slot.closed - holds)

    def original_of(self, person: Person) -> date:
        return person.original or self.slot_of[person.slot].day

    def by_region(self) -> dict[str, "Problem"]:
        """The problem cut into independent ones, a region each, in order of the region's name.

        Regions without anybody to plan for are left out.
        """
        region_of = {centre.code: centre.region for centre in self.centres}
        slots: dict[str, list[Slot]] = defaultdict(list)
        for slot in self.slots:
            slots[region_of[slot.centre]].append(slot)
        people: dict[str, list[Person]] = defaultdict(list)
        for person in self.people:
            people[region_of[self.slot_of[person.slot].centre]].append(person)
        parts = {
            region: replace(
                self,
                centres=tuple(centre for centre in self.centres if centre.region == region),
                slots=tuple(slots[region]),
                people=tuple(people[region]),
            )
            for region in sorted(people)
        }
        return {region: part for region, part in parts.items() if part.pool}
