"""What the lists of the officers' pages may be asked: what they offer themselves, and no more."""

import re
from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

# No value that a list offers is longer.
LONGEST = 100
# Parts of a day as the links of a date hierarchy write them; the clock ends far later, but what
# databases and Python think of its ends differs.
PARTS_OF_A_DAY = {
    "year": re.compile(r"(19|20)[0-9]{2}"),
    "month": re.compile(r"0?[1-9]|1[0-2]"),
    "day": re.compile(r"0?[1-9]|[12][0-9]|3[01]"),
}


class OwnFiltersOnly(admin.ModelAdmin):
    """Before every page of the site (see OfficeAdminSite.register), third parties' too.

    Django lets the address of a list filter by every field of its model, with every lookup, keys
    of JSON included. Whoever may open the list could so read what no column shows: one letter of
    a code or a phone number after the other, by whether a row is still there.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the list's own links hold. Whatever else is asked ends as a 400."""
        if len(value) > LONGEST or "\x00" in value:
            return False
        if part := self._part_of_a_day(lookup):
            return bool(PARTS_OF_A_DAY[part].fullmatch(value))
        return lookup in self._own_lookups(request)

    def _part_of_a_day(self, lookup: str) -> str:
        """ "year" for "declared_at__year" in a list that has a date hierarchy of this field."""
        field, _underscores, part = lookup.rpartition("__")
        return part if field == self.date_hierarchy and part in PARTS_OF_A_DAY else ""

    def _own_lookups(self, request: HttpRequest) -> set[str]:
        filters = self.get_list_filter(request)
        return {lookup for each in filters for lookup in self._lookups_of(each, request)}

    def _lookups_of(self, list_filter: Any, request: HttpRequest) -> Iterator[str]:
        """Names of the parameters that a filter reads, in any of the ways to write it down."""
        if isinstance(list_filter, type) and issubclass(list_filter, admin.SimpleListFilter):
            yield str(list_filter.parameter_name)
            return
        path, make = list_filter, admin.FieldListFilter.create
        if isinstance(list_filter, list | tuple):
            path, make = list_filter
        field = get_fields_from_path(self.model, path)[-1]
        made = make(field, request, {}, self.model, self, field_path=path)
        yield from (str(name) for name in made.expected_parameters())

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *more: Any, **named: Any
    ) -> HttpResponse | None:
        """Rows are chosen by their keys; what is no key of this table chooses nothing."""
        if all(self._is_key(text) for text in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            return super().response_action(request, queryset, *more, **named)
        messages.warning(request, _("These rows do not exist. Nothing was changed."))
        return None

    def _is_key(self, text: str) -> bool:
        key = self.opts.pk
        try:
            key.run_validators(key.to_python(text))
        except (ValidationError, ValueError):
            return False
        return "\x00" not in text


def guarded(admin_class: type[admin.ModelAdmin]) -> type[admin.ModelAdmin]:
    """The same pages, asked by nothing but their own filters."""
    given = {"__module__": admin_class.__module__, "__doc__": admin_class.__doc__}
    return type(admin_class.__name__, (OwnFiltersOnly, admin_class), given)
