"""Numbers in words for applicants' pages, in the active language, which has plurals of its own."""

from datetime import date, timedelta
from typing import Any

from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from appointments.models import Centre, Slot, TravelProof
from appointments.planning.reasons import Reason
from notifications import dates

# Why a plan moved somebody or found no seat, or a proof was refused, as the person reads it.
WHY: dict[str, Any] = {
    Reason.SLOT_PAST: gettext_lazy("Your old time had already passed."),
    Reason.SLOT_CLOSED: gettext_lazy("Your old time was cancelled by the outage."),
    Reason.NEARER_DATE: gettext_lazy("A seat closer to your first date was free."),
    Reason.SLOT_FULL: gettext_lazy(
        "Fewer seats were left at your old time; people with urgent travel and earlier bookings "
        "came first."
    ),
    Reason.SEATS_TAKEN: gettext_lazy("All free seats went to people who came first."),
    Reason.NONE_BEFORE_TRAVEL: gettext_lazy("No seat was free before your date of travel."),
    Reason.NONE_IN_REACH: gettext_lazy("No seat of your kind was free at the centres in reach."),
    **{reason.value: reason.label for reason in TravelProof.Reason},
}


def why(code: str) -> str:
    """The reason in words; nothing for a remark that is not meant for applicants."""
    return str(WHY.get(code, ""))


# Beyond this many the exact number helps nobody to choose.
COUNTED_SEATS = 99


def free_seats(count: int) -> str:
    if count > COUNTED_SEATS:
        return _("more than %(count)d seats free") % {"count": COUNTED_SEATS}
    return ngettext("%(count)d seat free", "%(count)d seats free", count) % {"count": count}


def attempts(count: int) -> str:
    """How many dates may still be chosen under the fee."""
    if count == 0:
        return _("No attempt left")
    return ngettext("%(count)d attempt left", "%(count)d attempts left", count) % {"count": count}


def distance(km: int) -> str:
    return _("%(km)d km from your centre") % {"km": km}


def address(centre: Centre) -> str:
    """The centre and where it is, in one line."""
    return f"{centre.name}, {place(centre)}"


def place(centre: Centre) -> str:
    """Town and PIN code; the district only where it is not the town."""
    where = f"{centre.town} {centre.pin}"
    if centre.district == centre.town:
        return where
    return _("%(town)s, district %(district)s") % {"town": where, "district": centre.district}


def time_left(left: timedelta) -> str:
    """How long something may still be done, rounded down: "2 days", "5 hours", "40 minutes"."""
    hours = int(left.total_seconds()) // 3600
    if hours >= 48:
        days = hours // 24
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if hours >= 1:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    minutes = max(1, int(left.total_seconds()) // 60)
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


def moved_by(old: Slot | None, new: Slot) -> str:
    """By how much a visit moved: "4 days later", "1 day earlier"; the hours of one day in words."""
    if old is None:
        return ""
    days = (new.date - old.date).days
    if days > 0:
        return ngettext("%(count)d day later", "%(count)d days later", days) % {"count": days}
    if days < 0:
        earlier = ngettext("%(count)d day earlier", "%(count)d days earlier", -days)
        return earlier % {"count": -days}
    if new.starts_at == old.starts_at:
        return _("same day and time")
    return _("same day, later") if new.starts_at > old.starts_at else _("same day, earlier")


def week(day: date, today: date) -> str:
    """In which week a day lies, as seen from today; weeks begin on Monday."""
    monday = day - timedelta(days=day.weekday())
    weeks = (monday - today + timedelta(days=today.weekday())).days // 7
    if weeks == 0:
        return _("This week")
    if weeks == 1:
        return _("Next week")
    return _("Week from %(day)s") % {"day": dates.day_month(monday, get_language() or "hi")}
