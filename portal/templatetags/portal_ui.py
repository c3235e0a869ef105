"""What the pages' small parts need to know: how a state looks, how a date is set.

{% load portal_ui %}
{% date_hero slot.starts_at %}           weekday, day and month large, time below
{{ appointment.state|tone }}             go | act | stop | wait | done
{{ appointment.state|state_icon }}       name of the icon that goes with it
"""

import datetime as dt
from typing import Any

from django import template

from notifications import dates
from portal.language import reader_language

register = template.Library()

# A state of an appointment, an offer or a centre -> (tone, icon). The word comes with the state;
# colour and icon only repeat it. `stop` is for "do not travel", `act` for "act now", nothing else.
LOOKS = {
    "confirmed": ("go", "check"),
    "in_doubt": ("stop", "stop"),
    "waiting": ("wait", "wait"),
    "completed": ("done", "check"),
    "no_show": ("done", "cross"),
    "cancelled": ("done", "cross"),
    "open": ("act", "act"),
    "accepted": ("go", "check"),
    "changed": ("go", "move"),
    "kept": ("go", "check"),
    "given_up": ("done", "cross"),
    "released": ("wait", "wait"),
    "declined": ("done", "cross"),
    "withdrawn": ("done", "cross"),
    "refused": ("act", "act"),
    "held": ("act", "clock"),
    "running": ("go", "check"),
    "outage": ("stop", "stop"),
    "reduced": ("act", "act"),
    "restored": ("go", "back-in-service"),
}


@register.filter
def tone(state: str) -> str:
    return LOOKS.get(str(state), ("done", "info"))[0]


@register.filter
def state_icon(state: str) -> str:
    return LOOKS.get(str(state), ("done", "info"))[1]


@register.filter
def thousands(number: int) -> str:
    """Write 2200 as 2,200."""
    return f"{number:,}"


@register.inclusion_tag("includes/date_hero.html")
def date_hero(moment: dt.datetime | dt.date, struck: bool = False) -> dict[str, Any]:
    """Set a date as the hero of the page; `struck` for one that no longer holds."""
    language = reader_language()
    day, month = dates.day_month(moment, language).split(" ", 1)
    local = moment.astimezone(dates.INDIA) if isinstance(moment, dt.datetime) else moment
    return {
        "iso": local.isoformat(),
        "weekday": dates.weekday(moment, language),
        "day": day,
        "month": month,
        "year": local.year,
        "clock": dates.clock(moment, language) if isinstance(moment, dt.datetime) else "",
        "struck": struck,
    }
