"""Data that officers keep: regions, centres, weekly times, holidays, postings."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts import officers
from accounts.models import User
from appointments.admin.base import OfficeAdmin, OwnCentresFilter
from appointments.admin.scope import posting, seen
from appointments.models import Centre, Holiday, Posting, Region, SlotTemplate
from appointments.roles import post


def _is_superuser(request: HttpRequest) -> bool:
    return officers.of(request).is_superuser


class OwnRegionForms(OfficeAdmin):
    """Forms that offer the officer's own region and its centres only."""

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest | None, **kwargs: Any
    ) -> Any:
        assert request is not None
        if db_field.name == "region":
            kwargs["queryset"] = seen(request, Region.objects.order_by("name_en"), region="pk")
        if db_field.name == "centre":
            kwargs["queryset"] = seen(request, Centre.objects.all(), region="region", centre="pk")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Region)
class RegionAdmin(OfficeAdmin):
    region_path = "pk"
    list_display = ("name_en", "name_hi", "code", "lone_approval")
    fields = ("code", "name_en", "name_hi", "lone_approval")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Whether one officer alone may approve is not for that officer to decide."""
        fixed = ("code",) if obj else ()
        return fixed if _is_superuser(request) else (*fixed, "lone_approval")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Centre)
class CentreAdmin(OwnRegionForms):
    region_path = "region"
    centre_path = "pk"
    list_display = ("name_en", "name_hi", "code", "kind", "town_en", "region")
    list_filter = ("kind",)
    list_select_related = ("region",)
    search_fields = ("name_en", "name_hi", "town_en", "code")
    fields = (
        *("region", "code", "kind", ("name_en", "name_hi"), ("town_en", "town_hi")),
        *(("district_en", "district_hi"), "pin", ("lat", "lon")),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("region", "code") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SlotTemplate)
class SlotTemplateAdmin(OwnRegionForms):
    """What opens each working day from the next opening on; open slots stay as they are."""

    region_path = "centre__region"
    centre_path = "centre"
    list_display = ("centre", "quota", "on", "start_time", "seats")
    list_filter = (OwnCentresFilter, "quota")
    list_select_related = ("centre",)
    ordering = ("centre__name_en", "quota", "start")

    @admin.display(description="weekday", ordering="weekday")
    def on(self, template: SlotTemplate) -> str:
        names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
        return "Monday to Friday" if template.weekday is None else names[template.weekday]

    @admin.display(description="start", ordering="start")
    def start_time(self, template: SlotTemplate) -> str:
        return f"{template.start:%H:%M}"


@admin.register(Holiday)
class HolidayAdmin(OwnRegionForms):
    """Everybody sees the days off everywhere; only superusers change those."""

    list_display = ("date", "name_en", "name_hi", "where")
    list_select_related = ("region",)
    date_hierarchy = "date"
    ordering = ("date",)
    fields = ("date", "name_en", "name_hi", "region")

    @admin.display(description="where", ordering="region__name_en")
    def where(self, holiday: Holiday) -> str:
        return str(holiday.region) if holiday.region else "Everywhere"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Holiday]:
        rows: QuerySet[Holiday] = super().get_queryset(request)
        if _is_superuser(request):
            return rows
        own = posting(request)
        return rows.filter(Q(region=own.region if own else None) | Q(region__isnull=True))

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest | None, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        assert request is not None
        field.required = not _is_superuser(request)
        return field

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_own(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_own(request, obj)

    def _is_own(self, request: HttpRequest, holiday: Holiday | None) -> bool:
        return holiday is None or holiday.region_id is not None or _is_superuser(request)

    def get_actions(self, request: HttpRequest) -> Any:
        # The stock action would delete days off everywhere as well.
        return {}


@admin.register(Posting)
class PostingAdmin(OfficeAdmin):
    """Who serves where. Superusers change it: a posting is a right."""

    region_path = "region"
    list_display = ("officer", "role", "region", "centre")
    list_filter = ("role",)
    list_select_related = ("officer", "region", "centre")
    ordering = ("role", "officer__name")
    fields = ("officer", "role", "region", "centre")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("officer",) if obj else ()

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest | None, **kwargs: Any
    ) -> Any:
        assert request is not None
        if db_field.name == "officer":
            kwargs["queryset"] = User.objects.filter(is_staff=True).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Posting, form: Any, change: bool) -> None:
        """Through roles.post, so that the rights follow the role."""
        saved = post(
            officer=obj.officer,
            role=Posting.Role(obj.role),
            region=obj.region,
            centre=obj.centre,
        )
        obj.pk = saved.pk

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An officer who leaves has the account closed; what they did stays theirs."""
        return False
