"""Applications and appointments: to look at, to find, and to mark a visit."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts import officers
from accounts.phones import masked
from appointments import slips, visits
from appointments.admin.asking import ask
from appointments.admin.base import (
    OwnCentresFilter,
    ReadOnlyAdmin,
    ReadOnlyInline,
    SlotCentreFilter,
    attempt,
    day,
    moment,
)
from appointments.admin.days import SlotDayFilter
from appointments.admin.outbox.find import arn_in
from appointments.admin.scope import masked_arn, masked_name, sees_names
from appointments.errors import Refusal
from appointments.messages import reference
from appointments.models import Application, Appointment, TimelineEntry
from appointments.permissions import may_mark_visits

MARKS = {"completed": visits.mark_completed, "no-show": visits.mark_no_show}


class HomeCentreFilter(OwnCentresFilter):
    path = "home_centre"


class AppointmentInline(ReadOnlyInline):
    model = Appointment
    verbose_name_plural = "appointments"
    fields = ("number", "state", "visit", "centre", "first_promised", "moved_count", "told")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        rows: QuerySet[Appointment] = super().get_queryset(request)
        return rows.select_related("slot__centre").order_by("-pk")

    @admin.display(description="appointment")
    def number(self, appointment: Appointment) -> Any:
        url = reverse("admin:appointments_appointment_change", args=[appointment.pk])
        return format_html('<a href="{}">Appointment {}</a>', url, appointment.pk)

    @admin.display(description="messages")
    def told(self, appointment: Appointment) -> Any:
        url = reverse("admin:notifications_message_changelist")
        return format_html('<a href="{}?q={}">Its messages</a>', url, reference(appointment))

    @admin.display(description="visit")
    def visit(self, appointment: Appointment) -> str:
        return moment(appointment.slot.starts_at if appointment.slot else None)

    @admin.display(description="centre")
    def centre(self, appointment: Appointment) -> Any:
        return appointment.slot.centre if appointment.slot else "-"

    @admin.display(description="first promised")
    def first_promised(self, appointment: Appointment) -> str:
        return day(appointment.original_date)


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    """No search box: an ARN or a name in it would stand in the page's address and in logs."""

    region_path = "region"
    centre_path = "home_centre"
    list_filter = (
        "service",
        "on_hold",
        ("claimed_by", admin.EmptyFieldListFilter),
        HomeCentreFilter,
    )
    list_select_related = ("home_centre",)
    ordering = ("-pk",)
    inlines = (AppointmentInline,)
    change_list_template = "admin/office/applications.html"
    fields = (
        *("arn", "name", "date_of_birth", "service", "on_hold", "home_centre"),
        *("phone_shown", "email_shown", "language", "family_members"),
        *("disability", "medical", "travel_date", "travel_proof_accepted", "claimed"),
    )
    readonly_fields = ("phone_shown", "email_shown", "family_members", "claimed")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        person = ("arn", "name") if sees_names(request) else ("masked_arn", "masked_name")
        return ("number", *person, "service", "home_centre", "travel", "notes")

    def get_urls(self) -> list[Any]:
        find = self.admin_site.admin_view(require_POST(self.find_view))
        return [path("find/", find, name="appointments_application_find"), *super().get_urls()]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """To the page of an ARN. By POST, so that the number stands in no address and no log."""
        if not self.has_view_permission(request):
            raise Http404
        arn = arn_in(request.POST.get("arn", ""))
        found = self.get_queryset(request).filter(arn=arn).first()
        if found is None:
            messages.error(request, "No application with this number in your lists.")
            return HttpResponseRedirect(reverse("admin:appointments_application_changelist"))
        return HttpResponseRedirect(
            reverse("admin:appointments_application_change", args=[found.pk])
        )

    @admin.display(description="application", ordering="pk")
    def number(self, application: Application) -> int:
        return application.pk

    @admin.display(description="ARN")
    def masked_arn(self, application: Application) -> str:
        return masked_arn(application.arn)

    @admin.display(description="name")
    def masked_name(self, application: Application) -> str:
        return masked_name(application.name)

    @admin.display(description="travels", ordering="travel_date")
    def travel(self, application: Application) -> str:
        return day(application.travel_date)

    @admin.display(description="to note")
    def notes(self, application: Application) -> str:
        signs = (
            (application.travel_proof_accepted, "travel proof accepted"),
            (application.is_vulnerable(timezone.localdate()), "vulnerable"),
            (application.on_hold, "on hold"),
            (application.family is not None, "family"),
        )
        return ", ".join(words for applies, words in signs if applies) or "-"

    @admin.display(description="phone")
    def phone_shown(self, application: Application) -> str:
        return masked(application.phone) or "none"

    @admin.display(description="email")
    def email_shown(self, application: Application) -> str:
        return "••••@" + application.email.rpartition("@")[2] if application.email else "none"

    @admin.display(description="booked together with")
    def family_members(self, application: Application) -> str:
        if application.family is None:
            return "nobody"
        others = Application.objects.filter(family=application.family).exclude(pk=application.pk)
        return ", ".join(f"application {other.pk}" for other in others) or "nobody"

    @admin.display(description="linked to an account")
    def claimed(self, application: Application) -> str:
        return f"since {moment(application.claimed_at)}" if application.claimed_at else "no"


class TimelineInline(ReadOnlyInline):
    model = TimelineEntry
    verbose_name_plural = "what happened"
    fields = ("when", "event", "who", "why", "from_time", "to_time")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[TimelineEntry]:
        rows: QuerySet[TimelineEntry] = super().get_queryset(request)
        return rows.select_related("actor", "from_slot__centre", "to_slot__centre")

    @admin.display(description="when")
    def when(self, written: TimelineEntry) -> str:
        return moment(written.at)

    @admin.display(description="by")
    def who(self, written: TimelineEntry) -> str:
        return f"{written.by} ({written.actor})" if written.actor else written.by

    @admin.display(description="from")
    def from_time(self, written: TimelineEntry) -> str:
        return _place(written.from_slot)

    @admin.display(description="to")
    def to_time(self, written: TimelineEntry) -> str:
        return _place(written.to_slot)


def _place(slot: Any) -> str:
    return f"{moment(slot.starts_at)}, {slot.centre}" if slot else "-"


@admin.register(Appointment)
class AppointmentAdmin(ReadOnlyAdmin):
    # A person on the waiting list has no slot: the application says where they belong.
    region_path = "application__region"
    centre_path = "slot__centre"
    list_filter = (SlotDayFilter, "state", SlotCentreFilter, "slot__quota")
    list_select_related = ("application", "slot__centre")
    search_fields = ("=id",)
    search_help_text = "Number of an appointment. To find a person by ARN, use Applications."
    ordering = (F("slot__starts_at").asc(nulls_last=True), "pk")
    actions = ("mark_completed", "mark_no_show")
    inlines = (TimelineInline,)
    change_form_template = "admin/office/appointment.html"
    fields = (
        *("application", "state", "visit", "centre", "quota", "booked_at"),
        *("first_promised", "moved_count", "waiting_since", "first_in_line", "joined_waiting"),
    )
    readonly_fields = ("visit", "centre", "quota", "first_promised")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        person = ("arn", "name") if sees_names(request) else ("masked_arn", "masked_name")
        return (
            *("number", "visit", "centre", "quota", "state", *person),
            *("first_promised", "moved_count"),
        )

    def get_urls(self) -> list[Any]:
        marks = [
            path(
                f"<int:appointment_id>/{mark}/",
                self.admin_site.admin_view(partial(self.mark_view, mark=mark)),
                name=f"appointments_appointment_{mark}",
            )
            for mark in MARKS
        ]
        slip = path(
            "slip/<str:reference>/",
            self.admin_site.admin_view(self.slip_view),
            name="appointments_appointment_slip",
        )
        return [*marks, slip, *super().get_urls()]

    # --- A slip shown at the gate ---

    def slip_view(self, request: HttpRequest, reference: str) -> HttpResponse:
        """Say whether the printed time stands, and show the appointment. Changes nothing."""
        printed = slips.read(reference)
        own = self.get_queryset(request).select_related("slot__centre")
        found = own.filter(pk=printed.appointment_id).first() if printed else None
        if printed is None or found is None or not self.has_view_permission(request, found):
            unknown = "This code belongs to no appointment in your lists. Ask for the ARN."
            messages.error(request, unknown)
            return HttpResponseRedirect(reverse("admin:appointments_appointment_changelist"))
        if slips.holds(printed, found):
            messages.success(request, f"The slip holds: {_place(found.slot)}.")
        elif found.is_live and found.slot_id != printed.slot_id:
            messages.warning(
                request, "This slip is out of date: the appointment has changed since it was made."
            )
        else:
            state = found.get_state_display().lower()
            messages.warning(request, f"This slip does not hold: the appointment is {state}.")
        return HttpResponseRedirect(
            reverse("admin:appointments_appointment_change", args=[found.pk])
        )

    # --- Columns ---

    @admin.display(description="appointment", ordering="pk")
    def number(self, appointment: Appointment) -> int:
        return appointment.pk

    @admin.display(description="visit", ordering="slot__starts_at")
    def visit(self, appointment: Appointment) -> str:
        return moment(appointment.slot.starts_at if appointment.slot else None)

    @admin.display(description="centre", ordering="slot__centre__name_en")
    def centre(self, appointment: Appointment) -> Any:
        return appointment.slot.centre if appointment.slot else "-"

    @admin.display(description="quota", ordering="slot__quota")
    def quota(self, appointment: Appointment) -> str:
        return appointment.slot.get_quota_display() if appointment.slot else "-"

    @admin.display(description="ARN")
    def arn(self, appointment: Appointment) -> str:
        return appointment.application.arn

    @admin.display(description="name")
    def name(self, appointment: Appointment) -> str:
        return appointment.application.name

    @admin.display(description="ARN")
    def masked_arn(self, appointment: Appointment) -> str:
        return masked_arn(appointment.application.arn)

    @admin.display(description="name")
    def masked_name(self, appointment: Appointment) -> str:
        return masked_name(appointment.application.name)

    @admin.display(description="first promised", ordering="original_date")
    def first_promised(self, appointment: Appointment) -> str:
        return day(appointment.original_date)

    # --- Marking a visit ---

    def has_mark_permission(self, request: HttpRequest) -> bool:
        """The verb decides for each one; a list is offered to whoever sees it."""
        return self.has_view_permission(request)

    @admin.action(description="Mark as completed", permissions=["mark"])
    def mark_completed(self, request: HttpRequest, chosen: QuerySet[Appointment]) -> None:
        self._mark(request, chosen, "completed")

    @admin.action(description="Mark as: did not come", permissions=["mark"])
    def mark_no_show(self, request: HttpRequest, chosen: QuerySet[Appointment]) -> None:
        self._mark(request, chosen, "no-show")

    def _mark(self, request: HttpRequest, chosen: QuerySet[Appointment], mark: str) -> None:
        """Each by itself: one refusal stops none of the others."""
        by, done = officers.of(request), 0
        for pk in chosen.order_by("pk").values_list("pk", flat=True):
            try:
                MARKS[mark](appointment_id=pk, by=by)
                done += 1
            except Refusal as refusal:
                messages.error(request, f"Appointment {pk}: {refusal.message}")
        if done:
            messages.success(request, f"Marked: {done}.")

    def mark_view(self, request: HttpRequest, appointment_id: int, mark: str) -> HttpResponse:
        """Ask once more, then mark."""
        appointment = get_object_or_404(
            self.get_queryset(request).select_related("slot__centre", "application"),
            pk=appointment_id,
        )
        back = reverse("admin:appointments_appointment_change", args=[appointment_id])
        if request.method == "POST":
            by = officers.of(request)
            if attempt(request, lambda: MARKS[mark](appointment_id=appointment_id, by=by)):
                messages.success(request, "Marked.")
            return HttpResponseRedirect(back)
        words = {"completed": "The person was seen.", "no-show": "Nobody came."}[mark]
        return ask(
            request,
            self,
            title=f"Appointment {appointment_id}: {words}",
            says=[
                f"Visit: {_place(appointment.slot)}.",
                "The appointment ends. This cannot be taken back.",
            ],
            button="Mark as completed" if mark == "completed" else "Mark as: did not come",
            back=back,
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return super().change_view(
            request,
            object_id,
            form_url,
            {**(extra_context or {}), "may_mark": self._may_mark(request, object_id)},
        )

    def _may_mark(self, request: HttpRequest, object_id: str) -> bool:
        if not object_id.isdecimal():
            return False
        found = self.get_queryset(request).select_related("slot__centre").filter(pk=object_id)
        appointment = found.first()
        if appointment is None or appointment.slot is None or not appointment.is_live:
            return False
        today = timezone.localdate() >= appointment.slot.date
        return today and may_mark_visits(officers.of(request), appointment.slot.centre)
