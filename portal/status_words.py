"""What a status page says, in the active language."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appointments.backlog import Forecast, Outlook
from appointments.service import State
from appointments.status import Event, OutageStatus, Status
from notifications import dates
from portal.banners import Fact, facts_while_open, in_words, scope_in_words
from portal.language import reader_language

EVENTS = {
    Event.BEGAN: gettext_lazy("The fault began"),
    Event.DECLARED: gettext_lazy("The office announced it"),
    Event.CUT_CHANGED: gettext_lazy("The office changed how many appointments there are"),
    Event.PLANNED: gettext_lazy("Those affected were given new times, or a place in the line"),
    Event.RESTORED: gettext_lazy("Service restored"),
}


def heading_of(status: Status) -> str:
    """One sentence for the whole place."""
    if status.centre:
        return {
            State.RUNNING: _("This centre works normally"),
            State.REDUCED: _("Partial service at this centre"),
            State.OUTAGE: _("Service interrupted: do not travel"),
        }[status.state]
    return {
        State.RUNNING: _("All centres work normally"),
        State.REDUCED: _("Partial service"),
        State.OUTAGE: _("Service interrupted: do not travel"),
    }[status.state]


def scope_of(outage: OutageStatus, status: Status) -> str:
    language = reader_language()
    return scope_in_words(
        scope=outage.scope,
        region=outage.region.in_language(language) if outage.region else "",
        towns=[town.in_language(language) for town in outage.towns],
        has_regions=status.has_regions,
    )


def facts_of(outage: OutageStatus, status: Status) -> tuple[Fact, ...]:
    scope = scope_of(outage, status)
    if outage.ended_at is None:
        return facts_while_open(
            scope=scope, since=outage.since, until=outage.expected_until, now=status.read_at
        )
    return (
        Fact(_("Where"), scope),
        Fact(_("Since"), in_words(outage.since)),
        Fact(_("Restored"), in_words(outage.ended_at)),
    )


@dataclass(frozen=True)
class Happening:
    """One line of the history, as includes/timeline.html shows it."""

    at: datetime
    label: str
    why: str


def history_of(status: Status) -> list[Happening]:
    return [
        Happening(entry.at, str(EVENTS[entry.event]), scope_of(entry.outage, status))
        for entry in status.history
    ]


def forecast_in_words(forecast: Forecast) -> str:
    if forecast.outlook is Outlook.NONE:
        return _("Nobody is waiting because of a fault.")
    if forecast.day is not None:
        return _("By %(day)s, if no more appointments are lost.") % {
            "day": dates.long_day(forecast.day, reader_language())
        }
    if forecast.outlook is Outlook.END_UNKNOWN:
        return _("Not known yet: nobody can say when the fault will end.")
    return _("Not known yet: more people are waiting than there are free appointments so far.")
