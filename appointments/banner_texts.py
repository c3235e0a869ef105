"""The office's standing wording for an outage, in both languages.

Placeholders are filled when the declaration is made, so that the words say what was declared:
{cause}, {scope}, {since} and {days}. A paragraph with {days} is left out when no seat remains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from string import Formatter

from appointments.models import Centre, Outage, Region
from notifications import dates

PLACEHOLDERS = ("cause", "scope", "since", "days")
# More towns than these are counted, not named.
TOWNS_NAMED = 6

HINDI = (
    "{cause} के कारण {scope} के पासपोर्ट सेवा केंद्रों पर सेवाएँ {since} से बाधित हैं। प्रभावित "
    "अपॉइंटमेंट पुनर्निर्धारित किए जाएँगे और सूचना SMS से दी जाएगी। नई सूचना मिलने तक केंद्र न जाएँ। "
    "शुल्क एवं अवसर सुरक्षित रहेंगे। असुविधा के लिए खेद है।\n\n"
    "सेवाएँ आंशिक रूप से चालू हैं: {days}। केवल वे ही केंद्र पहुँचें जिनका अपॉइंटमेंट 'यथावत' है। "
    "अपनी स्थिति एआरएन से देखें।"
)
ENGLISH = (
    "Because of {cause}, services at the Passport Seva Kendras of {scope} have been disrupted "
    "since {since}. Affected appointments will be rescheduled and you will be told by SMS. Do not "
    "travel to the centre until a new notice reaches you. Your fee and attempts are safe. We are "
    "sorry for the inconvenience.\n\n"
    "Services are running in part: {days}. Come only if your appointment stands. See its status "
    "with your ARN."
)

_CAUSES = {
    "hi": {
        Outage.Cause.SERVER: "तकनीकी खराबी",
        Outage.Cause.NETWORK: "नेटवर्क में खराबी",
        Outage.Cause.POWER: "बिजली की खराबी",
        Outage.Cause.OTHER: "सेवा में बाधा",
    },
    "en": {
        Outage.Cause.SERVER: "a technical fault",
        Outage.Cause.NETWORK: "a fault of the network",
        Outage.Cause.POWER: "a power failure",
        Outage.Cause.OTHER: "a disturbance of the service",
    },
}


@dataclass(frozen=True)
class DaySeats:
    """What a day has, and what of it remains."""

    date: date
    seats: int
    left: int


def problem_of(text: str) -> str:
    """What is wrong with the placeholders of a text; empty if nothing is."""
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError:
        return "A brace { or } stands alone."
    unknown = sorted({name for name in names if name not in PLACEHOLDERS})
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        return f"Nothing is known for {{{unknown[0]}}}. Known are {known}."
    return ""


def fill(text: str, values: dict[str, str]) -> str:
    """Put the values into a text without problems (`problem_of`)."""
    paragraphs = [part for part in text.strip().replace("\r\n", "\n").split("\n\n") if part]
    kept = [part for part in paragraphs if values["days"] or "{days}" not in part]
    return "\n\n".join(part.format(**values) for part in kept)


def values_of(
    language: str,
    *,
    cause: str,
    scope: str,
    region: Region | None,
    centres: Sequence[Centre],
    since: datetime,
    days: Sequence[DaySeats],
) -> dict[str, str]:
    """The placeholders in words. `days` is empty when no seat remains on any of them."""
    remains = any(day.left for day in days)
    return {
        "cause": _CAUSES[language][Outage.Cause(cause)],
        "scope": _scope(language, scope, region, centres),
        "since": dates.long_moment(since, language),
        "days": "; ".join(_day(language, day) for day in days) if remains else "",
    }


def _scope(language: str, scope: str, region: Region | None, centres: Sequence[Centre]) -> str:
    if scope == Outage.Scope.ALL:
        return "सभी क्षेत्रों" if language == "hi" else "all regions"
    if scope == Outage.Scope.REGION and region:
        office = "क्षेत्रीय पासपोर्ट कार्यालय" if language == "hi" else "the Regional Passport Office"
        return f"{office}, {region.name_in(language)}"
    towns = sorted({centre.town_in(language) for centre in centres})
    if len(towns) > TOWNS_NAMED:
        return f"{len(towns)} नगरों" if language == "hi" else f"{len(towns)} towns"
    if len(towns) == 1:
        return towns[0]
    last = "एवं" if language == "hi" else "and"
    return f"{', '.join(towns[:-1])} {last} {towns[-1]}"


def _day(language: str, day: DaySeats) -> str:
    when = f"{dates.weekday(day.date, language)}, {dates.day_month(day.date, language)}"
    if language == "hi":
        return f"{when} को {day.seats:,} के स्थान पर {day.left:,} अपॉइंटमेंट"
    return f"{day.left:,} instead of {day.seats:,} appointments on {when}"
