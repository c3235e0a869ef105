"""The longest values that a message may get, for proving that filed SMS texts can carry them."""

import datetime as dt
from functools import lru_cache

from django.apps import apps
from django.conf import settings
from django.urls import reverse

from appointments.tokens import LENGTH
from notifications.dates import INDIA, short_day, short_moment
from notifications.gateways import KNOWN
from notifications.segments import measure

# Any leap year has each weekday in each month with a day of two digits.
YEAR = 2028
# Until an office has loaded its centres.
NO_CENTRE_YET = {"hi": "नर्मदापुरम", "en": "Narmadapuram"}


def longest_values(language: str) -> dict[str, str]:
    """By name, in that language, over all days of a year, and all centres in the database."""
    day, moment = _longest_moment(language)
    return {
        "a4": "0000",
        "d": day,
        "dt": moment,
        "by": moment,
        "psk": _longest_town(language),
        "url": f"{settings.SITE_HOST}/{'x' * LENGTH}",
        # Applications behind one phone; attempts that are left.
        "n": "99",
    }


def longest_values_of_alerts(language: str) -> dict[str, str]:
    """As above, of what officers are told."""
    day, moment = _longest_moment(language)
    return {
        **dict.fromkeys(("plan", "outage"), "99999"),
        **dict.fromkeys(("n", "people", "moved", "waiting"), "999999"),
        **dict.fromkeys(("at", "by", "since", "first"), moment),
        "day": day,
        "gateway": spoken(max(KNOWN, key=len)),
        "today": f"{settings.SITE_HOST}{reverse('admin:index')}",
    }


def spoken(gateway: str) -> str:
    """The name of a gateway in an SMS: variables of operators take letters, digits and spaces."""
    return gateway.replace("_", " ")


@lru_cache
def _longest_moment(language: str) -> tuple[str, str]:
    """A day, and a moment of it."""
    first = dt.datetime(YEAR, 1, 1, 10, 0, tzinfo=INDIA)
    days = [first + dt.timedelta(days=number) for number in range(366)]
    longest = max(days, key=lambda day: measure(short_moment(day, language)).units)
    return short_day(longest, language), short_moment(longest, language)


def _longest_town(language: str) -> str:
    # By name: kinds are registered before models can be imported.
    centres = apps.get_model("appointments", "Centre")._default_manager
    towns: list[str] = list(centres.values_list(f"town_{language}", flat=True))
    return max(towns, key=lambda town: (measure(town).units, town), default=NO_CENTRE_YET[language])
