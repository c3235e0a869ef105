"""Which messages an officer sees, and a list of them that reads no table of millions."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from operator import itemgetter
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page, Paginator
from django.db.models import (
    BigIntegerField,
    Case,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, StrIndex, Substr
from django.http import HttpRequest

from accounts import officers
from appointments.admin.outbox.words import STATE_WORDS, kind_words
from appointments.admin.scope import posting
from appointments.messages import scope_of
from appointments.models import Application, Appointment, Listed, Outage, Posting
from notifications import kinds
from notifications.models import Message

# A reference names its matter by kind and key: "appointment:17". Other forms are nobody's.
NUMBERED = r"^[a-z_-]+:[0-9]{1,18}$"
THIS = OuterRef("matter")
# Up to so many matters are looked up by their names.
FEW = 1000


# --- Whose ----------------------------------------------------------------------------------------


def messages_seen(request: HttpRequest, rows: QuerySet[Message]) -> QuerySet[Message]:
    """Of a region: what bears its scope; and of what bears none, what is about its people.

    Of a centre: of what bears its region's scope, what is about an appointment there, or of an
    applicant whose home centre it is, alone or in a list with others. What is about nobody's region
    is for superusers.
    """
    if officers.of(request).is_superuser:
        return rows
    own = posting(request)
    if own is None:
        return rows.none()
    scope = scope_of(own.region_id)
    # Row by row, by the matter's key: whoever asks looks at few rows. One CASE of scalar
    # subqueries, because EXISTS joined by OR may be answered by reading the tables behind them.
    whens = [
        When(reference__startswith=f"{kind}:", then=_first(found.filter(**{key: THIS})))
        for kind, (found, key) in _matters(own).items()
    ]
    rows = rows.alias(matter=_key(), found=Case(*whens, output_field=BigIntegerField()))
    if own.centre_id:
        return rows.filter(scope=scope, found__isnull=False)
    return rows.filter(Q(scope=scope) | Q(scope="", found__isnull=False))


# Rows of the officer's own, and which of their fields is the key that references name.
Matters = Mapping[str, tuple[QuerySet[Any], str]]


def _matters(own: Posting) -> Matters:
    """Kind of matter -> those of the officer's, where a message's scope does not say it all."""
    return _of_centre(own) if own.centre_id else _of_region(own.region_id)


def _of_region(region_id: int) -> Matters:
    """What may be of several regions, and of others tomorrow."""
    touched = Q(scope=Outage.Scope.ALL) | Q(region=region_id) | Q(centres__region=region_id)
    return {
        "person": (Application.objects.filter(region=region_id), "claimed_by"),
        "outage": (Outage.objects.filter(touched), "pk"),
    }


def _of_centre(own: Posting) -> Matters:
    """What is about many, or signs somebody in, is not a centre's."""
    centre = own.centre_id
    here = Q(slot__centre=centre) | Q(application__home_centre=centre)
    there = Q(appointment__slot__centre=centre) | Q(appointment__application__home_centre=centre)
    return {
        "appointment": (Appointment.objects.filter(here), "pk"),
        "offer-list": (Listed.objects.filter(there), "offer_list"),
    }


def _key() -> Case:
    """The key in a reference, null in one that has none."""
    digits = Substr("reference", StrIndex("reference", Value(":")) + 1)
    return Case(When(reference__regex=NUMBERED, then=Cast(digits, BigIntegerField())))


def _first(rows: QuerySet[Any]) -> Subquery:
    """The key of the first of the rows, or null."""
    return Subquery(rows.order_by().values("pk")[:1])


# --- The list -------------------------------------------------------------------------------------


def parts_seen(request: HttpRequest, rows: QuerySet[Message]) -> list[QuerySet[Message]]:
    """Rows of `messages_seen` in parts without a row in common, each read by an index.

    No index gives what is of a region and what is without a scope but of its people in the order of
    a list. And where the officer has few matters, their messages are looked up by reference: among
    all others they would be looked for in vain.
    """
    own = posting(request)
    if officers.of(request).is_superuser or own is None:
        return [rows]
    bear = rows.filter(scope=scope_of(own.region_id))
    if own.centre_id:
        return [_narrowed(bear, _matters(own))]
    return [bear, _narrowed(rows.filter(scope=""), _matters(own))]


def _narrowed(rows: QuerySet[Message], matters: Matters) -> QuerySet[Message]:
    """Those about these matters, if they are few enough to be named; else the same rows."""
    names: list[str] = []
    for kind, (found, key) in matters.items():
        known = found.filter(**{f"{key}__isnull": False}).order_by()
        keys = known.values_list(key, flat=True)[: FEW + 1]
        names += [f"{kind}:{key}" for key in keys]
        if len(names) > FEW:
            return rows
    return rows.filter(reference__in=set(names))


class ShortPaginator(Paginator):
    """Counts no further than anybody turns pages, and reads a list part by part (parts_seen)."""

    most = 1000

    def __init__(self, *given: Any, parts: Iterable[QuerySet[Any]] = (), **named: Any) -> None:
        super().__init__(*given, **named)
        rows: Any = self.object_list
        self.rows: QuerySet[Any] = rows
        self.parts = list(parts) or [self.rows]

    @cached_property
    def count(self) -> int:
        found = 0
        for part in self.parts:
            if found < self.most:
                found += part.order_by()[: self.most].count()
        return min(found, self.most)

    def page(self, number: Any) -> Page:
        number = self.validate_number(number)
        last = min(number * self.per_page, self.count)
        return Page(self.first(last)[(number - 1) * self.per_page :], number, self)

    def first(self, last: int) -> QuerySet[Any]:
        """So many rows from the top of the list."""
        if len(self.parts) == 1:
            return self.parts[0][:last]
        keys: list[int] = []
        for part in self.parts:
            if keys and len(keys) >= last and self.rows.query.order_by == ("-id",):
                part = part.filter(pk__gt=keys[-1])  # what is older stands behind all of these
            keys += part.values_list("pk", flat=True)[:last]
        return self.rows.filter(pk__in=keys)[:last]


class MessageList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        """Also what fits on one page comes from the paginator: Django would not ask it."""
        super().get_results(request)
        if not self.multi_page or (self.show_all and self.can_show_all):
            self.result_list = self.paginator.first(self.result_count)


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(STATE_WORDS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class KindFilter(admin.SimpleListFilter):
    """The registered kinds: to ask the table which it has would read all of it."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(
            ((kind.code, kind_words(kind.code)) for kind in kinds.all_kinds()), key=itemgetter(1)
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset
