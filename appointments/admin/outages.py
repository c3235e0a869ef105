"""Outages: declared, looked at and steered here. Steps: outage_steps.py."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Min, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone

from accounts import officers
from appointments.admin import figures
from appointments.admin.asking import page
from appointments.admin.base import ReadOnlyAdmin, day, moment
from appointments.admin.declare import declare_view
from appointments.admin.outage_steps import STEPS
from appointments.admin.scope import posting, steerable_regions, steers_all
from appointments.models import Outage, Plan


def outages_seen(request: HttpRequest) -> QuerySet[Outage]:
    """Those that touch the officer's region; an outage of all regions touches it too."""
    rows = Outage.objects.select_related("region", "declared_by").prefetch_related("centres")
    if officers.of(request).is_superuser:
        return rows
    own = posting(request)
    if own is None:
        return rows.none()
    chosen = Outage.centres.through.objects.filter(centre__region=own.region_id)
    return rows.filter(
        Q(scope=Outage.Scope.ALL) | Q(region=own.region_id) | Q(pk__in=chosen.values("outage"))
    )


@admin.register(Outage)
class OutageAdmin(ReadOnlyAdmin):
    list_display = (
        *("number", "state", "where", "began", "expected", "cause", "days_cut"),
        *("plan_count", "declared_by", "declared", "ended"),
    )
    list_filter = ("state", "scope", "cause")
    list_select_related = ("region", "declared_by")
    ordering = ("-declared_at",)
    date_hierarchy = "declared_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Outage]:
        return outages_seen(request).annotate(
            first_cut=Min("cuts__date"),
            last_cut=Max("cuts__date"),
            plans_made=Count("plans", distinct=True),
        )

    # --- Columns ---

    @admin.display(description="outage", ordering="pk")
    def number(self, outage: Outage) -> str:
        return str(outage)

    @admin.display(description="where")
    def where(self, outage: Outage) -> str:
        return figures.scope_of(outage)

    @admin.display(description="since", ordering="since")
    def began(self, outage: Outage) -> str:
        return moment(outage.since)

    @admin.display(description="expected until", ordering="expected_until")
    def expected(self, outage: Outage) -> str:
        return moment(outage.expected_until) if outage.expected_until else "not known"

    @admin.display(description="days cut", ordering="first_cut")
    def days_cut(self, outage: Any) -> str:
        if outage.first_cut == outage.last_cut:
            return day(outage.first_cut)
        return f"{day(outage.first_cut)} to {day(outage.last_cut)}"

    @admin.display(description="plans", ordering="plans_made")
    def plan_count(self, outage: Any) -> int:
        return int(outage.plans_made)

    @admin.display(description="declared", ordering="declared_at")
    def declared(self, outage: Outage) -> str:
        return moment(outage.declared_at)

    @admin.display(description="ended", ordering="ended_at")
    def ended(self, outage: Outage) -> str:
        return moment(outage.ended_at)

    # --- Pages ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return steerable_regions(officers.of(request)).exists()

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return declare_view(request, self)

    def get_urls(self) -> list[Any]:
        steps = [
            path(
                f"<int:outage_id>/{name}/",
                self.admin_site.admin_view(partial(self.step_view, name=name)),
                name=f"appointments_outage_{name}",
            )
            for name in STEPS
        ]
        return steps + list(super().get_urls())

    def step_view(self, request: HttpRequest, outage_id: int, name: str) -> HttpResponse:
        outage = get_object_or_404(self.get_queryset(request), pk=outage_id)
        if not steers_all(request, figures.region_ids_of(outage)) and name != "prepare":
            raise PermissionDenied
        return STEPS[name](request, self, outage)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        outage = get_object_or_404(self.get_queryset(request), pk=int(object_id))
        context = {**page(request, self, title=str(outage)), **self._facts(request, outage)}
        return TemplateResponse(request, "admin/office/outage.html", context)

    def _facts(self, request: HttpRequest, outage: Outage) -> dict[str, Any]:
        now = timezone.now()
        plans = list(
            outage.plans.select_related("region", "prepared_by", "approved_by").order_by("-pk")
        )
        standing = figures.standing(outage)
        applied = [plan for plan in plans if plan.state == Plan.State.APPLIED]
        holds, moves = figures.progress_of([outage], applied)
        days, rows = figures.cut_table(outage)
        own = set(steerable_regions(officers.of(request)).values_list("pk", flat=True))
        regions = figures.region_ids_of(outage)
        return {
            "outage": outage,
            "where": figures.scope_of(outage),
            "plans": plans,
            "standing": standing,
            "days": days,
            "rows": rows,
            "progress": holds[outage.pk],
            "plan_progress": [(plan, moves[plan.pk]) for plan in applied],
            "log": outage.log.select_related("actor", "plan"),
            "next_step": figures.next_step(
                outage, plans, standing.in_doubt, now, told=holds[outage.pk]
            ),
            "untold": figures.untold_people(request, outage, holds[outage.pk]),
            "in_grace": outage.is_open and outage.grace_until > now,
            "may_steer": bool(own) and regions <= own,
            "may_plan": bool(regions & own),
            "own_regions": own,
            "hours": figures.hours_to_come(outage),
        }
