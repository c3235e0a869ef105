"""What an officer can do with a plan: approve, apply, undo, put aside."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone

from accounts import officers
from appointments import plans
from appointments.admin import figures, plan_view
from appointments.admin.asking import ask
from appointments.admin.base import attempt
from appointments.admin.plan_forms import ApproveForm, WhyForm
from appointments.errors import MESSAGES, Refusal
from appointments.models import Plan
from notifications import dates

Step = Callable[[HttpRequest, admin.ModelAdmin, Plan], HttpResponse]


def _grace() -> str:
    minutes = settings.GRACE_MINUTES
    return f"{minutes} minute{pluralize(minutes)}"


def _page_of(plan: Plan) -> str:
    return reverse("admin:appointments_plan_change", args=[plan.pk])


def _to_page(plan: Plan) -> HttpResponse:
    return HttpResponseRedirect(_page_of(plan))


def _over(request: HttpRequest, plan: Plan, code: str) -> HttpResponse:
    messages.error(request, str(MESSAGES[code]))
    return _to_page(plan)


def approve(request: HttpRequest, model_admin: admin.ModelAdmin, plan: Plan) -> HttpResponse:
    officer = officers.of(request)
    if plan.state != Plan.State.PREPARED:
        return _over(request, plan, "plan_not_prepared")
    if plan_view.is_alone(plan, officer) and not plan.region.lone_approval:
        return _over(request, plan, "lone_not_allowed")
    form = ApproveForm(plan, officer, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            _approved(request, plan, form)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"{plan} is approved. Nobody is moved until it is applied.")
            return _to_page(plan)
    return ask(
        request,
        model_admin,
        title=f"{plan}: approve",
        says=[
            "You approve the policy and these bounds. When the plan is applied it is worked out "
            "afresh on the data of that moment; outside these bounds it comes back to you.",
            *(_alone_words() if form.alone else []),
        ],
        button="Approve alone" if form.alone else "Approve",
        back=_page_of(plan),
        form=form,
        template="admin/office/approve.html",
        plan=plan,
        tiers=plan_view.tier_rows(plan.summary),
    )


def _alone_words() -> list[str]:
    wait = int(plans.LONE_WAIT.total_seconds() // 60)
    return [
        f"You prepared this plan yourself. It may be applied {wait} minutes after your approval "
        "at the earliest, and all other officers of the region are alerted now, with your name.",
        "A lone approval is marked in every list.",
    ]


def _approved(request: HttpRequest, plan: Plan, form: ApproveForm) -> None:
    plans.approve(
        plan_id=plan.pk,
        by=officers.of(request),
        bounds=form.bounds(),
        fingerprint=form.cleaned_data["fingerprint"],
        reason=form.cleaned_data.get("reason", ""),
    )


def apply(request: HttpRequest, model_admin: admin.ModelAdmin, plan: Plan) -> HttpResponse:
    by = officers.of(request)
    if request.method == "POST":
        done = attempt(request, lambda: plans.apply(plan_id=plan.pk, by=by))
        if done is not None and done.state == Plan.State.APPLIED:
            messages.success(request, f"{plan} is applied.")
        elif done is not None:
            messages.warning(request, str(MESSAGES["plan_out_of_bounds"]))
        return _to_page(plan)
    if plan.state != Plan.State.APPROVED:
        return _over(request, plan, "plan_not_approved")
    if plan.not_before and plan.not_before > timezone.now():
        at = timezone.localtime(plan.not_before).strftime("%H:%M")
        messages.error(request, str(MESSAGES["plan_waits"]).format(at=at))
        return _to_page(plan)
    total = plan.summary["total"]
    return ask(
        request,
        model_admin,
        title=f"{plan}: apply",
        says=[
            f"As prepared: {total['keep']:,} people keep their seat, {total['move']:,} get a new "
            f"time, {total['unplaced']:,} have no seat yet and go to the waiting list.",
            f"{plan.summary['sms']:,} SMS and {plan.summary['emails']:,} emails will leave.",
            "It is worked out afresh now, on the data of this moment, and applied at once if it "
            "keeps within the approved bounds. If it does not, nothing is changed.",
            f"{_grace()} of grace follow: no message leaves, and undo puts everything back.",
        ],
        button="Apply the plan",
        back=_page_of(plan),
        takes_long="This takes a few seconds. Please press once and wait.",
    )


def undo(request: HttpRequest, model_admin: admin.ModelAdmin, plan: Plan) -> HttpResponse:
    by = officers.of(request)
    form = WhyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        why = form.cleaned_data["why"]
        done = attempt(request, lambda: plans.undo(plan_id=plan.pk, by=by, why=why))
        if done is not None:
            messages.success(request, f"{plan} is undone. Everyone is back where they were.")
        return _to_page(plan)
    live = plan.live_at
    if plan.state != Plan.State.APPLIED or live is None or live <= timezone.now():
        return _over(request, plan, "plan_not_undoable")
    waiting = figures.plan_progress(plan).counts["queued"]
    return ask(
        request,
        model_admin,
        title=f"{plan}: undo",
        says=[
            f"Everyone whom {plan} moved is back at the old seat, in doubt as before. Whoever has "
            "cancelled or chosen a time meanwhile stays there.",
            f"{waiting:,} messages that wait are taken back; the links in them never become live.",
            f"This is possible until {dates.clock(live, 'en')}.",
        ],
        button="Undo the plan",
        back=_page_of(plan),
        form=form,
        stop=True,
    )


def drop(request: HttpRequest, model_admin: admin.ModelAdmin, plan: Plan) -> HttpResponse:
    by = officers.of(request)
    form = WhyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        why = form.cleaned_data["why"]
        done = attempt(request, lambda: plans.drop(plan_id=plan.pk, by=by, why=why))
        if done is not None:
            messages.success(request, f"{plan} is put aside.")
        return _to_page(plan)
    if plan.state not in Plan.PENDING_STATES:
        return _over(request, plan, "plan_not_prepared")
    return ask(
        request,
        model_admin,
        title=f"{plan}: put aside",
        says=["The plan can then not be applied any more. Nobody has been moved by it."],
        button="Put the plan aside",
        back=_page_of(plan),
        form=form,
        stop=True,
    )


# Last part of the address -> step.
STEPS: dict[str, Step] = {"approve": approve, "apply": apply, "undo": undo, "drop": drop}


def came_back(plan: Plan) -> dict[str, Any] | None:
    """If the last attempt to apply went out of bounds: why, and the figures before and after."""
    last = plan.log.order_by("-at", "-pk").first()
    if last is None or last.event != "out_of_bounds":
        return None
    before = plan.log.filter(event="prepared").order_by("-at").first()
    return {"why": last.why, "at": last.at, "before": before and before.facts, "now": last.facts}
