"""From rows to the planner's problem: one region, all who compete and all seats left."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from appointments.models import Application, Appointment, Centre, Region, Slot
from appointments.planning import problem as planning
from appointments.planning.problem import Policy, Problem


@dataclass(frozen=True)
class Situation:
    """The planner's problem, and the rows behind it."""

    problem: Problem
    # Everyone in an over-subscribed slot, by ARN.
    people: Mapping[str, Appointment]
    # In doubt, but their slot has room again (others left it): they keep their seats.
    relieved: Sequence[Appointment]
    # The same in a slot that has begun: no seat to keep, and no rival to compete with.
    passed: Sequence[Appointment]
    slots: Mapping[int, Slot]
    tiers: Mapping[int, str]  # by application id


def situation_of(*, region: Region, policy: Policy, now: datetime) -> Situation:
    """Read a region as it is at this moment. Changes nothing."""
    people = list(_in_oversubscribed_slots(region))
    doubtful = list(_with_room_again(region))
    relieved = [a for a in doubtful if a.slot and a.slot.starts_at > now]
    passed = [a for a in doubtful if a.slot and a.slot.starts_at <= now]
    slots = {
        slot.pk: slot
        for slot in Slot.objects.filter(region=region)
        .filter(_within(policy, now) | Q(pk__in={a.slot_id for a in (*people, *doubtful)}))
        .select_related("centre")
        .order_by("pk")
    }
    tiers = tiers_of([a.application for a in (*people, *doubtful)], timezone.localdate(now))
    problem = Problem(
        now=now,
        policy=policy,
        centres=tuple(_centre(centre, region) for centre in region.centres.order_by("code")),
        slots=tuple(_slot(slot) for slot in slots.values()),
        people=tuple(_person(a, tiers[a.application_id], now) for a in people),
    )
    return Situation(
        problem, {a.application.arn: a for a in people}, relieved, passed, slots, tiers
    )


def ids_of_slots(region: Region, policy: Policy, now: datetime) -> list[int]:
    """What `situation_of` reads, for whoever locks it first."""
    seated = {
        slot_id
        for rows in (_in_oversubscribed_slots(region), _with_room_again(region))
        for slot_id in rows.values_list("slot_id", flat=True)
    }
    within = Slot.objects.filter(region=region).filter(_within(policy, now) | Q(pk__in=seated))
    return list(within.values_list("pk", flat=True))


def ids_of_people(region: Region) -> list[int]:
    """Everyone whom `situation_of` would put into the problem or relieve, in id order."""
    people = (_in_oversubscribed_slots(region), _with_room_again(region))
    return sorted(pk for rows in people for pk in rows.values_list("pk", flat=True))


def _in_oversubscribed_slots(region: Region) -> QuerySet[Appointment]:
    return (
        Appointment.objects.with_people()
        .filter(
            state__in=Appointment.SEATED_STATES,
            slot__region=region,
            slot__taken__gt=F("slot__seats") - F("slot__closed"),
        )
        .order_by("pk")
    )


def _with_room_again(region: Region) -> QuerySet[Appointment]:
    return (
        Appointment.objects.with_people()
        .filter(
            state=Appointment.State.IN_DOUBT,
            slot__region=region,
            slot__taken__lte=F("slot__seats") - F("slot__closed"),
        )
        .order_by("pk")
    )


def _within(policy: Policy, now: datetime) -> Q:
    """Today whole: the reserve of a day counts all its slots, those that have begun too."""
    today = timezone.localdate(now)
    return Q(date__range=(today, today + timedelta(days=policy.horizon_days)))


# --- Tiers --------------------------------------------------------------------------------------


def own_tier(application: Application, today: date) -> str:
    """Urgent travel with accepted proof, Tatkaal, vulnerable, the rest (docs/planning.md)."""
    travels = application.travel_date
    if application.travel_proof_accepted and travels and travels >= today:
        return "urgent"
    if application.service == Application.Service.TATKAAL:
        return "tatkaal"
    return "vulnerable" if application.is_vulnerable(today) else "normal"


def tiers_of(applications: Iterable[Application], today: date) -> dict[int, str]:
    """By application id; a family has the tier of its highest member with a live appointment."""
    applications = list(applications)
    best: dict[UUID, int] = {}
    for member in _families(applications):
        assert member.family is not None
        rank = planning.TIERS.index(own_tier(member, today))
        best[member.family] = min(rank, best.get(member.family, rank))
    tiers = {}
    for application in applications:
        rank = planning.TIERS.index(own_tier(application, today))
        if application.family:
            rank = min(rank, best.get(application.family, rank))
        tiers[application.pk] = planning.TIERS[rank]
    return tiers


def _families(applications: Iterable[Application]) -> list[Application]:
    families = sorted({a.family for a in applications if a.family}, key=str)
    members: list[Application] = []
    for start in range(0, len(families), 500):
        members += Application.objects.filter(
            family__in=families[start : start + 500],
            appointments__state__in=Appointment.LIVE_STATES,
        )
    return members


# --- Rows ---------------------------------------------------------------------------------------


def _centre(centre: Centre, region: Region) -> planning.Centre:
    return planning.Centre(code=centre.code, region=region.code, lat=centre.lat, lon=centre.lon)


def _slot(slot: Slot) -> planning.Slot:
    return planning.Slot(
        id=slot.pk,
        centre=slot.centre.code,
        quota=slot.quota,
        start=slot.starts_at,
        seats=slot.seats,
        closed=slot.closed,
        taken=slot.taken,
    )


def _person(appointment: Appointment, tier: str, now: datetime) -> planning.Person:
    application = appointment.application
    travels = application.travel_date
    return planning.Person(
        arn=application.arn,
        slot=_slot_id(appointment),
        service=planning.QUOTAS[-1] if application.on_hold else application.service,
        tier=tier,
        booked_at=appointment.booked_at,
        # A journey that has passed binds nobody.
        travel_date=travels if travels and travels >= timezone.localdate(now) else None,
        moved_before=appointment.moved_count,
        original=appointment.original_date,
    )


def _slot_id(appointment: Appointment) -> int:
    assert appointment.slot_id is not None  # appointment_slot_fits_state
    return appointment.slot_id
