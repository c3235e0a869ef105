"""What the officers' list and detail pages have in common."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from appointments.admin.scope import seen
from appointments.errors import Refusal
from appointments.models import Centre
from notifications import dates
from notifications.errors import Refusal as MessageRefusal

T = TypeVar("T")


class OfficeAdmin(admin.ModelAdmin):
    """Rows of the officer's own region or centre, in short pages."""

    # Lookups from a row to its region and centre; empty: the rows are everybody's.
    region_path = ""
    centre_path = ""
    list_per_page = 50
    # Counting a table of millions is what slows a list down.
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return seen(request, rows, region=self.region_path, centre=self.centre_path)


class ReadOnlyAdmin(OfficeAdmin):
    """For rows whose state belongs to verbs: looked at, never edited, added or deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False
    template = "admin/office/rows.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OwnCentresFilter(admin.SimpleListFilter):
    """The centres that the officer's lists show; `path` is the lookup from a row."""

    title = "centre"
    parameter_name = "centre"
    path = "centre"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        centres = seen(request, Centre.objects.all(), region="region", centre="pk")
        return [(str(centre.pk), centre.name_en) for centre in centres]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value or not value.isdecimal():
            return queryset
        offered = {str(key) for key, _name in self.lookup_choices}
        # Any other is no number that a database need understand.
        return queryset.filter(**{self.path: int(value)}) if value in offered else queryset.none()


class SlotCentreFilter(OwnCentresFilter):
    path = "slot__centre"


def moment(value: Any) -> str:
    """A moment for a dense table: "Fri 26/12 12:15", Indian time; a dash for none."""
    return dates.short_moment(value, "en") if value else "-"


def day(value: Any) -> str:
    return dates.short_day(value, "en") if value else "-"


def attempt(request: HttpRequest, verb: Callable[[], T]) -> T | None:
    """Call a verb; a refusal becomes a message on the next page, and None is returned."""
    try:
        return verb()
    except (Refusal, MessageRefusal) as refusal:
        messages.error(request, str(refusal.message))
        return None
