"""What is happening now, in words: one banner per outage that is open or has just ended."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Min, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from appointments.models import Appointment, CapacityCut, Outage, Region, Slot
from appointments.outages import centres_of
from notifications import dates
from portal.language import reader_language

# How long the banner says that the service is back.
RESTORED_SHOWN_FOR = dt.timedelta(hours=48)
# More than these are counted, not named; the list of centres shows which.
TOWNS_NAMED = 4


@dataclass(frozen=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True)
class Capacity:
    """Seats of a coming day at the touched centres: how many there were, how many stay."""

    date: dt.date
    total: int
    left: int

    @property
    def total_text(self) -> str:
        return f"{self.total:,}"

    @property
    def left_text(self) -> str:
        return f"{self.left:,}"


@dataclass(frozen=True)
class Banner:
    """What stands at the top of a page. `state`: outage, reduced or restored."""

    state: str
    heading: str
    scope: str
    text: str
    facts: tuple[Fact, ...]
    # When what it says last changed.
    changed_at: dt.datetime
    # The coming day that is cut, with its seats; None where no day is.
    capacity: Capacity | None = None


def banners_for(user: Any) -> list[Banner]:
    """Banners of now, newest outage first.

    A signed-in person with live appointments sees only what touches a centre of theirs, so that
    nobody is alarmed by a fault elsewhere. Everybody else sees all, each naming its centres.
    """
    now = timezone.now()
    outages = list(current_outages(now))
    mine = _centres_of_person(user) if outages else set()
    return [banner_of(o, now) for o in outages if not mine or mine & touched_centre_ids(o)]


def current_outages(now: dt.datetime) -> QuerySet[Outage]:
    """Outages that are open, and those which ended less than RESTORED_SHOWN_FOR ago."""
    just_restored = Q(state=Outage.State.RESTORED, ended_at__gt=now - RESTORED_SHOWN_FOR)
    return (
        Outage.objects.filter(Q(state=Outage.State.OPEN) | just_restored)
        .select_related("region")
        .prefetch_related("centres")
    )


def touched_centre_ids(outage: Outage) -> set[int]:
    return {centre.pk for centre in centres_of(outage)}


def banner_of(outage: Outage, now: dt.datetime) -> Banner:
    """Put one outage into words, in the active language."""
    scope = scope_in_words(outage)
    if not outage.is_open:
        return _restored(outage, scope)
    capacity = next_cut_day(outage, now)
    if capacity and capacity.left:
        return _reduced(outage, scope, capacity)
    return _stopped(outage, scope)


def next_cut_day(outage: Outage, now: dt.datetime) -> Capacity | None:
    """Seats on the first day from today on that the outage cuts; None where it cuts none."""
    cuts = CapacityCut.objects.filter(outage=outage, date__gte=timezone.localdate(now))
    day = cuts.aggregate(first=Min("date"))["first"]
    if day is None:
        return None
    # From the slots, not the cuts: a quota without a cut keeps its seats, and another outage
    # may have closed some of them too.
    slots = Slot.objects.filter(centre__in=centres_of(outage), date=day)
    sums = slots.aggregate(seats=Sum("seats", default=0), closed=Sum("closed", default=0))
    return Capacity(date=day, total=sums["seats"], left=sums["seats"] - sums["closed"])


def scope_in_words(outage: Outage) -> str:
    if outage.scope == Outage.Scope.CENTRES:
        return _towns(sorted(centre.town for centre in outage.centres.all()))
    if outage.scope == Outage.Scope.REGION and outage.region and _has_other_regions(outage.region):
        return _("All centres of the regional passport office, %(region)s") % {
            "region": outage.region.name
        }
    return _("All centres")


def _has_other_regions(region: Region) -> bool:
    return Region.objects.exclude(pk=region.pk).exists()


def _towns(names: list[str]) -> str:
    if len(names) <= TOWNS_NAMED:
        return ", ".join(names)
    return _("%(count)s centres") % {"count": len(names)}


def _stopped(outage: Outage, scope: str) -> Banner:
    return Banner(
        state="outage",
        heading=_("Do not travel to the centre"),
        scope=scope,
        text=outage.text,
        facts=_facts(outage, scope),
        changed_at=outage.declared_at,
    )


def _reduced(outage: Outage, scope: str, capacity: Capacity) -> Banner:
    return Banner(
        state="reduced",
        heading=_("Partial service: come only if your appointment stands"),
        scope=scope,
        text=outage.text,
        facts=_facts(outage, scope),
        changed_at=outage.declared_at,
        capacity=capacity,
    )


def _restored(outage: Outage, scope: str) -> Banner:
    assert outage.ended_at is not None  # a named constraint: not open means ended
    return Banner(
        state="restored",
        heading=_("Service restored"),
        scope=scope,
        text=_(
            "Passport services have been running again since %(moment)s. If you were given a new"
            " time, accept it or choose another date by the time in your SMS."
        )
        % {"moment": _in_words(outage.ended_at)},
        facts=(Fact(label=_("Where"), value=scope),),
        changed_at=outage.ended_at,
    )


def _facts(outage: Outage, scope: str) -> tuple[Fact, ...]:
    until = outage.expected_until
    return (
        Fact(label=_("Where"), value=scope),
        Fact(label=_("Since"), value=_in_words(outage.since)),
        Fact(
            label=_("Expected to last until"),
            value=_in_words(until) if until else _("not known yet"),
        ),
    )


def _in_words(moment: dt.datetime) -> str:
    """Day and time, which may part between them but not inside "शाम 5:10 बजे"."""
    language = reader_language()
    clock = dates.clock(moment, language).replace(" ", "\N{NO-BREAK SPACE}")
    return f"{dates.long_day(moment, language)}, {clock}"


def _centres_of_person(user: Any) -> set[int]:
    """Centres at which a signed-in person has a live seat, or would have one."""
    if user is None or not user.is_authenticated:
        return set()
    live = Appointment.objects.filter(
        application__claimed_by=user, state__in=Appointment.LIVE_STATES
    ).values_list("slot__centre_id", "application__home_centre_id")
    return {seat or home for seat, home in live}
