"""What is happening now, in words: one banner per outage that is open or has just ended."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from appointments import service
from appointments.models import Appointment, Outage
from appointments.service import DaySeats, Service
from notifications import dates
from portal.language import reader_language

# More than these are counted, not named; the list of centres shows which.
TOWNS_NAMED = 4


@dataclass(frozen=True)
class Fact:
    label: str
    value: str


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
    capacity: DaySeats | None = None


def banners_for(user: Any) -> list[Banner]:
    """Banners of now, newest outage first.

    A signed-in person with live appointments sees only what touches a centre of theirs, so that
    nobody is alarmed by a fault elsewhere. Everybody else sees all, each naming its centres.
    """
    state = service.read(timezone.now())
    mine = _centres_of_person(user) if state.outages else set()
    return [
        banner_of(outage, state)
        for outage in state.outages
        if not mine or mine & state.touched_by(outage)
    ]


def banner_of(outage: Outage, state: Service) -> Banner:
    """Put one outage into words, in the active language."""
    scope = scope_in_words(
        scope=outage.scope,
        region=outage.region.name if outage.region else "",
        towns=[centre.town for centre in outage.centres.all()],
        has_regions=state.has_regions,
    )
    if not outage.is_open:
        return _restored(outage, scope)
    capacity = state.next_cut_day(outage)
    runs_partly = capacity is not None and capacity.left > 0
    return Banner(
        state="reduced" if runs_partly else "outage",
        heading=_("Partial service: come only if your appointment stands")
        if runs_partly
        else _("Do not travel to the centre"),
        scope=scope,
        text=outage.text,
        facts=facts_while_open(
            scope=scope, since=outage.since, until=outage.expected_until, now=state.now
        ),
        changed_at=state.changed_at(outage),
        capacity=capacity if runs_partly else None,
    )


def scope_in_words(*, scope: str, region: str, towns: list[str], has_regions: bool) -> str:
    """Where an outage is: its towns, its region where there are several, or everywhere."""
    if scope == Outage.Scope.CENTRES:
        return _towns(sorted(towns))
    if region and has_regions:
        return _("All centres of the regional passport office, %(region)s") % {"region": region}
    return _("All centres")


def _towns(names: list[str]) -> str:
    if len(names) <= TOWNS_NAMED:
        return ", ".join(names)
    return _("%(count)s centres") % {"count": len(names)}


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
        % {"moment": in_words(outage.ended_at)},
        facts=(Fact(label=_("Where"), value=scope),),
        changed_at=outage.ended_at,
    )


def facts_while_open(
    *, scope: str, since: dt.datetime, until: dt.datetime | None, now: dt.datetime
) -> tuple[Fact, ...]:
    """`until`: when the office expects the service back. It says more then, or sooner."""
    if until is None:
        end, update = _("not known yet"), _("as soon as the office knows more")
    elif until <= now:
        end = _("not known yet (%(moment)s was expected)") % {"moment": in_words(until)}
        update = _("as soon as the office knows more")
    else:
        end, update = in_words(until), _("by %(moment)s") % {"moment": in_words(until)}
    return (
        Fact(label=_("Where"), value=scope),
        Fact(label=_("Since"), value=in_words(since)),
        Fact(label=_("Expected to last until"), value=end),
        Fact(label=_("Next update"), value=update),
    )


def in_words(moment: dt.datetime) -> str:
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
