"""Filters that write dates and times in the active language: {{ slot.starts_at|long_moment }}.

A language may be named where a page shows both: {{ slot.starts_at|long_moment:"en" }}. Nothing is
written for a value that is absent.
"""

import datetime as dt

from django import template
from django.conf import settings
from django.utils import translation

from notifications import dates

register = template.Library()


@register.filter
def short_day(moment: dt.date | dt.datetime | None, language: str = "") -> str:
    return dates.short_day(moment, _language(language)) if moment else ""


@register.filter
def short_moment(moment: dt.datetime | None, language: str = "") -> str:
    return dates.short_moment(moment, _language(language)) if moment else ""


@register.filter
def dated_day(moment: dt.date | dt.datetime | None, language: str = "") -> str:
    return dates.dated_day(moment, _language(language)) if moment else ""


@register.filter
def dated_moment(moment: dt.datetime | None, language: str = "") -> str:
    return dates.dated_moment(moment, _language(language)) if moment else ""


@register.filter
def weekday(moment: dt.date | dt.datetime | None, language: str = "") -> str:
    return dates.weekday(moment, _language(language)) if moment else ""


@register.filter
def day_month(moment: dt.date | dt.datetime | None, language: str = "") -> str:
    return dates.day_month(moment, _language(language)) if moment else ""


@register.filter
def long_day(moment: dt.date | dt.datetime | None, language: str = "") -> str:
    return dates.long_day(moment, _language(language)) if moment else ""


@register.filter
def clock(moment: dt.datetime | None, language: str = "") -> str:
    return dates.clock(moment, _language(language)) if moment else ""


@register.filter
def day_part(moment: dt.datetime | None, language: str = "") -> str:
    return dates.day_part(moment, _language(language)) if moment else ""


@register.filter
def long_moment(moment: dt.datetime | None, language: str = "") -> str:
    return dates.long_moment(moment, _language(language)) if moment else ""


def _language(named: str) -> str:
    # get_language() is None where translations are switched off (management commands).
    active = named or translation.get_language() or settings.LANGUAGE_CODE
    return active.split("-")[0]
