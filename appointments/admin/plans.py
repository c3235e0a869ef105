"""Plans: looked at, approved, applied and undone here. Steps: plan_steps.py."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html

from accounts import officers
from appointments.admin import figures, plan_view
from appointments.admin.asking import page
from appointments.admin.base import ReadOnlyAdmin, moment
from appointments.admin.plan_steps import STEPS, came_back
from appointments.admin.plan_view import PeopleQuery
from appointments.admin.scope import sees_names, steers_all
from appointments.models import Centre, Plan


class AloneFilter(admin.SimpleListFilter):
    title = "approval"
    parameter_name = "approval"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("alone", "By one officer alone"), ("second", "By a second officer")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "alone":
            return queryset.exclude(lone_reason="")
        if self.value() == "second":
            return queryset.filter(lone_reason="", approved_by__isnull=False)
        return queryset


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    region_path = "region"
    list_display = (
        *("number", "state", "outage", "region", "people", "moved", "unplaced"),
        *("prepared_by", "prepared", "approval", "hour", "applied", "silence"),
    )
    list_filter = ("state", AloneFilter, "silence", "outage__state")
    list_select_related = ("outage", "region", "prepared_by", "approved_by")
    ordering = ("-prepared_at",)

    # --- Columns ---

    @admin.display(description="plan", ordering="pk")
    def number(self, plan: Plan) -> str:
        return str(plan)

    @admin.display(description="people")
    def people(self, plan: Plan) -> str:
        return f"{plan.summary['total']['people']:,}"

    @admin.display(description="moved")
    def moved(self, plan: Plan) -> str:
        return f"{plan.summary['total']['move']:,}"

    @admin.display(description="no seat")
    def unplaced(self, plan: Plan) -> str:
        return f"{plan.summary['total']['unplaced']:,}"

    @admin.display(description="prepared", ordering="prepared_at")
    def prepared(self, plan: Plan) -> str:
        return moment(plan.prepared_at)

    @admin.display(description="approved by", ordering="approved_by__name")
    def approval(self, plan: Plan) -> Any:
        if not plan.approved_by:
            return "-"
        if plan.lone_reason:
            return format_html('{} <span class="flag">alone</span>', plan.approved_by)
        return str(plan.approved_by)

    @admin.display(description="by itself on", ordering="decide_by")
    def hour(self, plan: Plan) -> Any:
        if plan.held_back:
            return format_html('<span class="flag">{}</span>', "held back")
        return moment(plan.decide_by)

    @admin.display(description="applied", ordering="applied_at")
    def applied(self, plan: Plan) -> str:
        return moment(plan.applied_at)

    # --- Pages ---

    def get_urls(self) -> list[Any]:
        steps = [
            path(
                f"<int:plan_id>/{name}/",
                self.admin_site.admin_view(partial(self.step_view, name=name)),
                name=f"appointments_plan_{name}",
            )
            for name in STEPS
        ]
        return steps + list(super().get_urls())

    def step_view(self, request: HttpRequest, plan_id: int, name: str) -> HttpResponse:
        plan = get_object_or_404(
            self.get_queryset(request).select_related("outage", "region"), pk=plan_id
        )
        if not steers_all(request, [plan.region_id]):
            raise PermissionDenied
        return STEPS[name](request, self, plan)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        rows = self.get_queryset(request).select_related(
            "outage__region", "region", "prepared_by", "approved_by", "applied_by", "undone_by"
        )
        plan = get_object_or_404(rows, pk=int(object_id))
        context = {**page(request, self, title=str(plan)), **self._facts(request, plan)}
        return TemplateResponse(request, "admin/office/plan.html", context)

    def _facts(self, request: HttpRequest, plan: Plan) -> dict[str, Any]:
        now = timezone.now()
        applied = plan.state == Plan.State.APPLIED
        return {
            "plan": plan,
            "where": figures.scope_of(plan.outage),
            "tiers": plan_view.tier_rows(plan.summary),
            "quotas": plan_view.quota_rows(plan.summary),
            "centres": plan_view.centre_rows(plan.summary),
            "clear_day": plan_view.clear_day(plan.summary),
            "policy": plan_view.policy_words(plan.policy),
            "bounds_delay": [
                (plan_view.TIER_WORDS.get(tier, tier), days)
                for tier, days in plan.bounds.get("worst_delay_days", {}).items()
            ],
            "may_steer": steers_all(request, [plan.region_id]),
            "alone": plan_view.is_alone(plan, officers.of(request)),
            "waits": bool(plan.not_before and plan.not_before > now),
            "in_grace": bool(applied and plan.live_at and plan.live_at > now),
            "came_back": came_back(plan) if plan.state in Plan.PENDING_STATES else None,
            "own_regions": {plan.region_id} if steers_all(request, [plan.region_id]) else set(),
            "progress": figures.plan_progress(plan) if plan.applied_at else None,
            "answers": figures.answers(plan.offers.all()) if applied else None,
            "log": plan.log.select_related("actor"),
            **self._people(request, plan),
        }

    def _people(self, request: HttpRequest, plan: Plan) -> dict[str, Any]:
        named = sees_names(request)
        asked = PeopleQuery.read(request.GET)
        found = plan_view.page_of(asked.lines(plan), request.GET.get("page"))
        people = plan_view.people_of(plan)
        unplaced = people.filter(outcome="unplaced")[: plan_view.NAMED]
        not_reached = plan_view.unreachable(people)[: plan_view.NAMED]
        return {
            "unplaced": plan_view.rows_of(unplaced, named=named),
            "unreachable": plan_view.rows_of(not_reached, named=named),
            "asked": asked,
            "found": found,
            "people": plan_view.rows_of(found, named=named),
            "shown": plan_view.SHOWN,
            "tier_words": plan_view.TIER_WORDS,
            "all_centres": Centre.objects.filter(region=plan.region_id),
        }
