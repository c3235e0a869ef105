"""The status of a region as JSON. Fields are stable within `version`; docs/status.md lists them."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from appointments.service import DaySeats
from appointments.status import CentreStatus, HistoryEntry, OutageStatus, Status, Words
from portal.status_words import EVENTS, forecast_in_words, scope_of

VERSION = 1


def as_json(status: Status, *, site: str) -> dict[str, Any]:
    """`site`: scheme and host that addresses begin with."""
    code = status.region_code.lower()
    return {
        "version": VERSION,
        "region": {"code": status.region_code, "name": _words(status.region)},
        "state": status.state.value,
        "updated_at": _moment(status.changed_at),
        "outages": [_outage(outage, status) for outage in status.outages],
        "centres": [_centre(centre, code, site) for centre in status.centres],
        "days": [_day(day) for day in status.days],
        "forecast": {
            "outlook": status.forecast.outlook.value,
            "day": status.forecast.day.isoformat() if status.forecast.day else None,
            "text": _both(lambda: forecast_in_words(status.forecast)),
        },
        "history": [_happening(entry) for entry in status.history],
        "links": {
            "page": site + reverse("region_status", args=[code]),
            **{
                f"atom_{language}": site + reverse("region_feed", args=[code, language])
                for language, _name in settings.LANGUAGES
            },
        },
    }


def _outage(outage: OutageStatus, status: Status) -> dict[str, Any]:
    return {
        "id": outage.id,
        "state": outage.state,
        "scope": _both(lambda: scope_of(outage, status)),
        "centres": list(outage.centres),
        "since": _moment(outage.since),
        "expected_until": _moment(outage.expected_until),
        "ended_at": _moment(outage.ended_at),
        "updated_at": _moment(outage.changed_at),
        "text": _words(outage.text),
    }


def _centre(centre: CentreStatus, region_code: str, site: str) -> dict[str, Any]:
    page = reverse("centre_status", args=[region_code, centre.code.lower()])
    return {
        "code": centre.code,
        "kind": centre.kind,
        "name": _words(centre.name),
        "town": _words(centre.town),
        "state": centre.state.value,
        "next_day": _day(centre.next_day) if centre.next_day else None,
        "page": site + page,
    }


def _day(day: DaySeats) -> dict[str, Any]:
    return {"date": day.date.isoformat(), "seats": day.total, "seats_left": day.left}


def _happening(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "at": _moment(entry.at),
        "event": entry.event.value,
        "outage": entry.outage.id,
        "text": _both(lambda: str(EVENTS[entry.event])),
    }


def _words(words: Words) -> dict[str, str]:
    return {"hi": words.hi, "en": words.en}


def _both(say: Callable[[], str]) -> dict[str, str]:
    said = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            said[language] = say()
    return said


def _moment(moment: Any) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None
