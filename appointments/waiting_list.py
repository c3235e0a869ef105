"""The line for a seat: who is in it, in which order, and who is asked about a seat that is free.

In line are those who wait without a seat and, for seats that have just come free, those whom an
outage has moved to a later date. Decisions: docs/decisions/0021-waiting-list.md.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from appointments import availability, booking, seat_offers, seats
from appointments.errors import Refusal
from appointments.kept import keep, kept
from appointments.models import (
    Application,
    Appointment,
    Centre,
    Offer,
    Plan,
    Slot,
    TimelineEntry,
)
from appointments.outages import lock_regions
from appointments.plan_problem import tiers_of
from appointments.planning.problem import TIERS
from appointments.timeline import entry, role_of
from appointments.verbs import batches, verb

log = logging.getLogger(__name__)

# Offers to those who wait, in one minute and region: more would hold up whoever else needs it.
MOST_AT_ONCE = 500
# Somebody moved by an outage is asked about earlier seats so often; then they know their mind.
EARLIER_OFFERS_EACH = 3

# A place in the line: lower is sooner.
Rank = tuple[object, ...]


# --- Joining ------------------------------------------------------------------------------------


def check_may_join(application: Application, now: datetime) -> None:
    """Refusals: already_booked, visit_done, no_attempts_left."""
    if booking.live_appointment(application) is not None:
        raise Refusal("already_booked")
    booking.check_may_choose_any(application, None, now)


def may_join(application: Application, now: datetime) -> bool:
    try:
        check_may_join(application, now)
    except Refusal:
        return False
    return True


@verb
def join(*, application: Application, by: User) -> Appointment:
    """Wait for a seat by one's own wish: its date will use a visit attempt. Again: the same place.

    Refusals: not_yours, already_booked, visit_done, no_attempts_left.
    """
    now = timezone.now()
    application = Application.objects.select_for_update(no_key=True).get(pk=application.pk)
    booking.check_owner(application, by)
    live = booking.live_appointment(application)
    if live is not None and live.state == Appointment.State.WAITING:
        return live
    check_may_join(application, now)
    appointment = Appointment.objects.create(
        application=application,
        state=Appointment.State.WAITING,
        booked_at=now,
        waiting_since=now,
        joined_waiting=True,
    )
    entry(
        appointment=appointment,
        event=TimelineEntry.Event.JOINED,
        at=now,
        actor=by,
        by=role_of(by),
    ).save()
    return appointment


# --- The line -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """The n-th of all who wait for seats of the same kind in the region."""

    number: int
    of: int


def line(region_ids: Collection[int], now: datetime) -> list[tuple[int, Appointment]]:
    """All who wait in these regions with their tiers, in the order in which they are asked.

    By tier, as plans serve them (plan_problem.tiers_of). Within a tier those who have let
    settings.WAITING_LIST_SILENT offers pass wait behind the others; else first whose seat silence
    freed, then whom an outage put here, then who joined; whoever was promised a date earlier, or
    has waited longer, before the others.
    """
    waiting = list(
        Appointment.objects.with_people()
        .filter(state=Appointment.State.WAITING, application__region__in=region_ids)
        .select_related("application__home_centre")
    )
    tiers = tiers_of([a.application for a in waiting], timezone.localdate(now))
    silent = _silent(waiting)
    ranked = [
        (
            TIERS.index(tiers[a.application_id]),
            silent.get(a.pk, 0) >= settings.WAITING_LIST_SILENT,
            not a.first_in_line,
            a.joined_waiting,
            a.original_date or timezone.localdate(_since(a)),
            _since(a),
            a.pk,
            a,
        )
        for a in waiting
    ]
    ranked.sort(key=lambda row: row[:-1])
    return [(row[0], row[-1]) for row in ranked]


def _since(appointment: Appointment) -> datetime:
    assert appointment.waiting_since is not None  # appointment_slot_fits_state
    return appointment.waiting_since


def _silent(waiting: Sequence[Appointment]) -> dict[int, int]:
    """How many offers each has let pass since they began to wait."""
    counts: dict[int, int] = {}
    for part in batches([a.pk for a in waiting]):
        rows = (
            Offer.objects.filter(
                appointment__in=part,
                kind=Offer.Kind.WAITING,
                state=Offer.State.RELEASED,
                created_at__gte=F("appointment__waiting_since"),
            )
            .values("appointment")
            .annotate(times=Count("pk"))
        )
        counts.update((row["appointment"], row["times"]) for row in rows)
    return counts


# A region's line in its order: each appointment with the quotas whose seats it may take.
Order = tuple[tuple[int, tuple[str, ...]], ...]
ORDER_SECONDS = 60


def places(appointments: Iterable[Appointment], now: datetime) -> dict[int, Place]:
    """By appointment: its place among all who may take a seat of its own quota in its region.

    A minute old at most: on a bad day thousands wait, and look again and again. Whoever has joined
    since is in the line that is worked out for them.
    """
    found: dict[int, Place] = {}
    for appointment in appointments:
        if appointment.state != Appointment.State.WAITING:
            continue
        application = appointment.application
        quota = application.quotas()[0]
        order = _kept_order(application.region_id, appointment.pk, now)
        rivals = [pk for pk, quotas in order if quota in quotas]
        if appointment.pk in rivals:
            found[appointment.pk] = Place(rivals.index(appointment.pk) + 1, len(rivals))
    return found


def _kept_order(region_id: int, appointment_id: int, now: datetime) -> Order:
    key = f"waiting-line:{region_id}"
    order = kept(key, lambda: _order(region_id, now), kind=tuple, seconds=ORDER_SECONDS)
    if any(pk == appointment_id for pk, _quotas in order):
        return order
    return keep(key, _order(region_id, now), seconds=ORDER_SECONDS)


def _order(region_id: int, now: datetime) -> Order:
    return tuple((a.pk, a.application.quotas()) for _tier, a in line([region_id], now))


def place(appointment: Appointment, now: datetime) -> Place | None:
    """Its place in the line; None if it does not wait."""
    return places([appointment], now).get(appointment.pk)


# --- What suits whom ----------------------------------------------------------------------------


class Reach:
    """Which centres of these regions count for whom: the own one, and those near to it."""

    def __init__(self, region_ids: Collection[int]) -> None:
        centres = Centre.objects.filter(region__in=region_ids)
        self._centres = {centre.pk: centre for centre in centres}
        self._km: dict[int, dict[int, int]] = {}

    def km(self, home_id: int, centre_id: int) -> int:
        """From the own centre to another one of the same region."""
        return self._from(home_id)[centre_id]

    def near(self, home_id: int) -> list[Centre]:
        """Within settings.WAITING_LIST_KM, the own centre first, then the nearest."""
        km = self._from(home_id)
        near = [pk for pk, distance in km.items() if distance <= settings.WAITING_LIST_KM]
        near.sort(key=lambda pk: (pk != home_id, km[pk], pk))
        return [self._centres[pk] for pk in near]

    def _from(self, home_id: int) -> dict[int, int]:
        if home_id not in self._km:
            home = self._centres[home_id]
            self._km[home_id] = {
                centre.pk: availability.km_between(home, centre)
                for centre in self._centres.values()
                if centre.region_id == home.region_id
            }
        return self._km[home_id]


@dataclass(frozen=True)
class Rules:
    """What a page says about the line to one person."""

    # Where a seat is offered, the own centre first; and how far from it.
    centres: Sequence[Centre]
    km: int
    # Unanswered offers after which somebody waits behind the others of their group.
    silent: int

    @property
    def home(self) -> Centre:
        return self.centres[0]

    @property
    def others(self) -> Sequence[Centre]:
        return self.centres[1:]


def rules_of(applications: Iterable[Application]) -> dict[int, Rules]:
    """By application, in as many queries for one as for ten."""
    applications = list(applications)
    reach = Reach({a.region_id for a in applications})
    return {
        a.pk: Rules(
            centres=reach.near(a.home_centre_id),
            km=settings.WAITING_LIST_KM,
            silent=settings.WAITING_LIST_SILENT,
        )
        for a in applications
    }


# The days that somebody has refused, or let pass: (centre, date).
Days = frozenset[tuple[int, date]]


@dataclass(frozen=True)
class Asker:
    """Somebody in line, and what would suit them."""

    appointment: Appointment
    kind: Offer.Kind
    rank: Rank
    centres: Sequence[int]
    refused: Days

    def takes(self, slot: Slot, today: date) -> bool:
        """Whether to ask about this slot (that it is free is another matter)."""
        application = self.appointment.application
        fits = slot.centre_id in self.centres and slot.quota in application.quotas()
        if not fits or (slot.centre_id, slot.date) in self.refused:
            return False
        if self.kind == Offer.Kind.EARLIER:
            return _is_earlier(slot, self.appointment)
        travels = application.travel_date
        # A journey that has passed binds nobody (as in plans).
        return travels is None or travels < today or slot.date < travels


def _is_earlier(slot: Slot, appointment: Appointment) -> bool:
    """Earlier than now by what makes it worth asking, and not before the date first promised."""
    assert appointment.slot is not None
    assert appointment.original_date is not None
    latest = appointment.slot.date - timedelta(days=settings.EARLIER_SEAT_DAYS)
    return appointment.original_date <= slot.date <= latest


def wants_earlier(application: Application) -> bool:
    """Nobody has said otherwise: the one place that asks."""
    return application.claimed_by is None or application.claimed_by.earlier_seats


# --- Matching -----------------------------------------------------------------------------------


def offer_seats(*, now: datetime) -> int:
    """Ask those in line about the seats that are free (beat, each minute); returns how many.

    Again, or twice at once: nobody is asked twice. What nobody in line takes goes to the public.
    """
    return sum(_offer_in_region(region_id, now) for region_id in _regions_to_look_at(now))


def _regions_to_look_at(now: datetime) -> list[int]:
    waiting = Appointment.objects.filter(state=Appointment.State.WAITING)
    freed = Slot.objects.filter(line_until__isnull=False)
    regions = {
        *waiting.values_list("application__region", flat=True).distinct(),
        *freed.values_list("region", flat=True).distinct(),
    }
    return sorted(regions)


def _offer_in_region(region_id: int, now: datetime) -> int:
    if in_grace(region_id, now):
        return 0
    freed = Slot.objects.filter(region=region_id, line_until__isnull=False)
    freed_ids = list(freed.values_list("pk", flat=True))
    matches = list(_matches(region_id, now))
    offered = 0
    for asker, slot in matches[:MOST_AT_ONCE]:
        offered += _ask(asker, slot, now)
    if len(matches) <= MOST_AT_ONCE:
        seats.end_first_refusal(slot_ids=freed_ids, now=now)
    return offered


def in_grace(region_id: int, now: datetime) -> bool:
    """A plan may still be undone here: its seats and its people stay as they are until then."""
    applied = Plan.objects.filter(region=region_id, state=Plan.State.APPLIED)
    return applied.filter(Q(live_at__gt=now) | Q(settled_at__isnull=True)).exists()


def _matches(region_id: int, now: datetime) -> Iterator[tuple[Asker, Slot]]:
    """Who is asked about which seat: everybody in turn gets what is best for them of the rest."""
    today = timezone.localdate(now)
    reach = Reach([region_id])
    askers = [*_those_waiting(region_id, reach, now), *_those_moved(region_id, now)]
    free = _FreeSeats(region_id, now, only_freed=not any(_waits(asker) for asker in askers))
    for asker in sorted(askers, key=lambda a: a.rank):
        slot = free.best_for(asker, today, reach)
        if slot is not None:
            free.take(slot)
            yield asker, slot


def _waits(asker: Asker) -> bool:
    return asker.kind == Offer.Kind.WAITING


class _FreeSeats:
    """Seats that may be offered, by centre and quota, soonest first, as they are given away."""

    def __init__(self, region_id: int, now: datetime, *, only_freed: bool) -> None:
        slots = Slot.objects.filter(
            seats.is_free(now, in_line=True),
            region=region_id,
            starts_at__gte=availability.earliest_start(now),
        )
        if only_freed:
            slots = slots.filter(line_until__gt=now)
        self._now = now
        self._left: dict[int, int] = {}
        self._slots: dict[tuple[int, str], list[Slot]] = defaultdict(list)
        for slot in slots.order_by("starts_at", "pk"):
            self._slots[slot.centre_id, slot.quota].append(slot)
            self._left[slot.pk] = slot.seats - slot.closed - slot.taken

    def best_for(self, asker: Asker, today: date, reach: Reach) -> Slot | None:
        """The soonest day, then the nearest centre, then the own quota, then the earlier hour."""
        application = asker.appointment.application
        found = []
        for order, quota in enumerate(application.quotas()):
            for centre_id in asker.centres:
                slot = self._first(asker, centre_id, quota, today)
                if slot is not None:
                    km = reach.km(application.home_centre_id, centre_id)
                    found.append(((slot.date, km, order, slot.starts_at, slot.pk), slot))
        return min(found, key=lambda each: each[0])[1] if found else None

    def _first(self, asker: Asker, centre_id: int, quota: str, today: date) -> Slot | None:
        for slot in self._slots[centre_id, quota]:
            # Earlier seats are offered only where one came free: else the public may choose them.
            if not _waits(asker) and not self._came_free(slot):
                continue
            if self._left[slot.pk] > 0 and asker.takes(slot, today):
                return slot
        return None

    def _came_free(self, slot: Slot) -> bool:
        return slot.line_until is not None and slot.line_until > self._now

    def take(self, slot: Slot) -> None:
        self._left[slot.pk] -= 1
        if self._left[slot.pk] == 0:
            self._slots[slot.centre_id, slot.quota].remove(slot)


def _those_waiting(region_id: int, reach: Reach, now: datetime) -> list[Asker]:
    ranked = line([region_id], now)
    waiting = [appointment for _tier, appointment in ranked]
    asked, refused = _open_offers(waiting), _refused(waiting)
    return [
        Asker(
            appointment=appointment,
            kind=Offer.Kind.WAITING,
            rank=(tier, 0, number),
            centres=[c.pk for c in reach.near(appointment.application.home_centre_id)],
            refused=refused[appointment.pk],
        )
        for number, (tier, appointment) in enumerate(ranked)
        if appointment.pk not in asked
    ]


def _those_moved(region_id: int, now: datetime) -> list[Asker]:
    """Moved furthest first, tier by tier after those of the tier who wait; so many as may be asked
    at once (settings.EARLIER_SEATS_OPEN).
    """
    room = settings.EARLIER_SEATS_OPEN - _open_earlier(region_id)
    freed = Slot.objects.filter(region=region_id, line_until__gt=now)
    centres = set(freed.values_list("centre", flat=True).distinct())
    if room <= 0 or not centres:
        return []
    moved = [a for a in _moved(centres, now) if wants_earlier(a.application)]
    asked, often, refused = _open_offers(moved), _asked_often(moved), _refused(moved)
    moved = [a for a in moved if a.pk not in asked and a.pk not in often]
    tiers = tiers_of([a.application for a in moved], timezone.localdate(now))
    askers = [
        Asker(
            appointment=appointment,
            kind=Offer.Kind.EARLIER,
            rank=(
                TIERS.index(tiers[appointment.application_id]),
                1,
                -_days_moved(appointment),
                appointment.pk,
            ),
            centres=_own_centres(appointment),
            refused=refused[appointment.pk],
        )
        for appointment in moved
    ]
    return sorted(askers, key=lambda a: a.rank)[:room]


def _moved(centres: Collection[int], now: datetime) -> list[Appointment]:
    """Whom an outage has moved so far that an earlier seat at these centres is worth a question."""
    moved = (
        Appointment.objects.with_people()
        .filter(
            Q(slot__centre__in=centres) | Q(application__home_centre__in=centres),
            state=Appointment.State.CONFIRMED,
            moved_count__gt=0,
            slot__date__gt=F("original_date"),
            slot__starts_at__gt=now,
        )
        .order_by("pk")
    )
    return [a for a in moved if _days_moved(a) >= settings.EARLIER_SEAT_DAYS]


def _days_moved(appointment: Appointment) -> int:
    assert appointment.slot is not None
    assert appointment.original_date is not None
    return (appointment.slot.date - appointment.original_date).days


def _own_centres(appointment: Appointment) -> list[int]:
    assert appointment.slot is not None
    return list({appointment.application.home_centre_id, appointment.slot.centre_id})


# --- What they were asked before ----------------------------------------------------------------


def _offers_of(people: Sequence[Appointment]) -> Iterator[QuerySet[Offer]]:
    for part in batches([a.pk for a in people]):
        yield Offer.objects.filter(appointment__in=part)


def _open_offers(people: Sequence[Appointment]) -> set[int]:
    """Who has a question to answer now: one at a time."""
    return {
        pk
        for offers in _offers_of(people)
        for pk in offers.filter(state=Offer.State.OPEN).values_list("appointment", flat=True)
    }


def _open_earlier(region_id: int) -> int:
    return Offer.objects.filter(
        state=Offer.State.OPEN, kind=Offer.Kind.EARLIER, new_slot__region=region_id
    ).count()


def _asked_often(people: Sequence[Appointment]) -> set[int]:
    """Who was asked about an earlier seat often enough."""
    often: set[int] = set()
    for offers in _offers_of(people):
        rows = offers.filter(kind=Offer.Kind.EARLIER).values("appointment")
        counted = rows.annotate(times=Count("pk")).filter(times__gte=EARLIER_OFFERS_EACH)
        often.update(counted.values_list("appointment", flat=True))
    return often


def _refused(people: Sequence[Appointment]) -> dict[int, Days]:
    """Days at a centre to which they have said no, or nothing: they are not asked again."""
    found: dict[int, set[tuple[int, date]]] = defaultdict(set)
    for offers in _offers_of(people):
        passed = offers.filter(
            kind__in=Offer.SEAT_KINDS, state__in=(Offer.State.DECLINED, Offer.State.RELEASED)
        )
        for pk, centre_id, day in passed.values_list(
            "appointment", "new_slot__centre", "new_slot__date"
        ):
            found[pk].add((centre_id, day))
    return defaultdict(frozenset, {pk: frozenset(days) for pk, days in found.items()})


# --- Asking -------------------------------------------------------------------------------------


def _ask(asker: Asker, slot: Slot, now: datetime) -> bool:
    try:
        return ask(asker=asker, slot_id=slot.pk, now=now)
    except Refusal as refusal:  # busy: the next minute tries again, the others go on
        log.warning("appointment %s: %s", asker.appointment.pk, refusal.code)
        return False


@verb
def ask(*, asker: Asker, slot_id: int, now: datetime) -> bool:
    """Keep the seat for this person and ask; False if the two do not meet any more.

    What was matched without a lock is looked at again under the locks.
    """
    region_id = asker.appointment.application.region_id
    lock_regions([region_id])
    if in_grace(region_id, now):
        return False
    application = Application.objects.select_for_update(no_key=True).get(
        pk=asker.appointment.application_id
    )
    appointment, slots = booking.lock_seats(application, slot_id)
    if appointment is None or not _still_in_line(asker, appointment):
        return False
    if not seats.take_in_line(slot_id=slot_id, now=now):
        return False
    appointment.application = application
    seat_offers.make(appointment=appointment, slot=slots[slot_id], kind=asker.kind, now=now)
    return True


def _still_in_line(asker: Asker, appointment: Appointment) -> bool:
    """The same appointment as it was matched, and nothing else to answer meanwhile."""
    then = asker.appointment
    same = (appointment.pk, appointment.state, appointment.slot_id)
    if same != (then.pk, then.state, then.slot_id):
        return False
    return not appointment.offers.filter(state=Offer.State.OPEN).exists()
