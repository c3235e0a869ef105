"""Data that officers keep: regions, centres, weekly times, holidays, postings."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from accounts import officers
from accounts.models import User
from accounts.phones import NotAMobile, masked, parse_mobile
from appointments import alerts
from appointments.admin.asking import ask
from appointments.admin.base import OfficeAdmin, OwnCentresFilter, attempt
from appointments.admin.scope import posting, seen
from appointments.models import Centre, Holiday, Posting, Region, SlotTemplate
from appointments.roles import post


class AlertsForm(forms.Form):
    phone = forms.CharField(
        label="Mobile number for alerts by SMS (leave empty for none)",
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
    )

    def clean_phone(self) -> str:
        """As the outbox takes it: E.164."""
        typed = self.cleaned_data["phone"]
        try:
            return parse_mobile(typed) if typed else ""
        except NotAMobile as error:
            raise forms.ValidationError(
                "Enter an Indian mobile number with 10 digits.", code=error.code
            ) from error


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
    list_display = ("officer", "role", "region", "centre", "alerts_by_sms")
    list_filter = ("role",)
    list_select_related = ("officer", "region", "centre")
    ordering = ("role", "officer__name")
    fields = ("officer", "role", "region", "centre", "alerts_by_sms")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("officer", "alerts_by_sms") if obj else ("alerts_by_sms",)

    @admin.display(description="alerts by SMS")
    def alerts_by_sms(self, posting: Posting) -> str:
        return masked(posting.alert_phone) or "-"

    def get_urls(self) -> list[Any]:
        own = self.admin_site.admin_view(self.alerts_view)
        return [path("alerts/", own, name="appointments_posting_alerts"), *super().get_urls()]

    def alerts_view(self, request: HttpRequest) -> HttpResponse:
        """Where the officer at work wants alerts: everybody's own, nobody else's."""
        by, own = officers.of(request), posting(request)
        form = AlertsForm(request.POST or None, initial={"phone": own.alert_phone if own else ""})
        back = reverse("admin:index")
        if request.method == "POST" and form.is_valid():
            phone = form.cleaned_data["phone"]
            if attempt(request, lambda: alerts.ask_for_sms(by=by, phone=phone)):
                said = (
                    f"Alerts go to {masked(phone)} too." if phone else "Alerts come by email only."
                )
                messages.success(request, said)
            return HttpResponseRedirect(back)
        says = [
            f"Alerts come by email to {by.email}: a plan that waits for you, an outage past its"
            " expected end, messages or a gateway in trouble, people who could not be told.",
            "By SMS they come from 08:00 to 21:00; at night only if a visit is within 18 hours.",
        ]
        return ask(request, self, title="Alerts", says=says, button="Save", back=back, form=form)

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
