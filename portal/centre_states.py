"""How each centre works, in words: normally, partly, or not at all."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appointments import service
from appointments.models import Centre
from appointments.service import DaySeats, State
from appointments.status import CentreStatus, centre_status
from notifications import dates
from portal.language import reader_language

WORDS = {
    State.RUNNING: gettext_lazy("Working normally"),
    State.REDUCED: gettext_lazy("Partial service"),
    State.OUTAGE: gettext_lazy("Interrupted: do not travel"),
}


@dataclass(frozen=True)
class CentreRow:
    """`state`: running, reduced or outage. `word` says it; `more` gives the next day's seats."""

    code: str
    kind: str
    town: str
    name: str
    pin: str
    state: str
    word: str
    more: str
    url: str


def all_centres(now: dt.datetime) -> list[CentreRow]:
    """Every centre with its state on the first day from today on that an open outage cuts."""
    read = service.read(now)
    centres = Centre.objects.select_related("region")
    return [row_of(centre_status(centre, read), centre.region.code) for centre in centres]


def row_of(centre: CentreStatus, region_code: str) -> CentreRow:
    language = reader_language()
    return CentreRow(
        code=centre.code,
        kind=centre.kind,
        town=centre.town.in_language(language),
        name=centre.name.in_language(language),
        pin=centre.pin,
        state=centre.state.value,
        word=str(WORDS[centre.state]),
        more=day_in_words(centre.next_day),
        url=reverse("centre_status", args=[region_code.lower(), centre.code.lower()]),
    )


def by_kind(rows: Iterable[CentreRow]) -> list[tuple[str, list[CentreRow]]]:
    """Passport Seva Kendras first, then those in post offices; by town in each."""
    kinds: dict[str, list[CentreRow]] = {}
    for row in sorted(rows, key=lambda row: (row.kind != Centre.Kind.PSK, row.town)):
        kinds.setdefault(str(Centre.Kind(row.kind).label), []).append(row)
    return list(kinds.items())


def day_in_words(seats: DaySeats | None) -> str:
    """Write "Monday, 23 June 2025: 30 of 100 appointments"; nothing for no day."""
    if seats is None:
        return ""
    return _("%(day)s: %(left)s of %(total)s appointments") % {
        "day": dates.long_day(seats.date, reader_language()),
        "left": f"{seats.left:,}",
        "total": f"{seats.total:,}",
    }
