"""A filter by the day of the visit, which looks ahead (Django's own looks back)."""

from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone


class DayFilter(admin.SimpleListFilter):
    """For rows with a `date`; SlotDayFilter for rows with a slot."""

    title = "day"
    parameter_name = "day"
    path = "date"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("today", "Today"),
            ("tomorrow", "Tomorrow"),
            ("week", "Next 7 days"),
            ("yesterday", "Yesterday"),
            ("past", "Before today"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        span = _spans(timezone.localdate()).get(self.value() or "")
        if span is None:
            return queryset
        first, last = span
        return queryset.filter(**{f"{self.path}__gte": first, f"{self.path}__lte": last})


class SlotDayFilter(DayFilter):
    path = "slot__date"


def _spans(today: date) -> dict[str, tuple[date, date]]:
    one = timedelta(days=1)
    return {
        "today": (today, today),
        "tomorrow": (today + one, today + one),
        "week": (today, today + 7 * one),
        "yesterday": (today - one, today - one),
        "past": (date.min, today - one),
    }
