"""What an officer can do with a plan: approve, give it an hour, apply, undo, put aside."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone

from accounts import officers
from accounts.models import User
from appointments import decide_by, plans
from appointments.admin import figures, plan_view
from appointments.admin.asking import ask
from appointments.admin.base import attempt
from appointments.admin.plan_forms import ApproveForm, ChangeHourForm, WhyForm
from appointments.errors import MESSAGES, Refusal
from appointments.models import OfficeEntry, Plan
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
            messages.success(request, f"{plan} is approved. {_when(form.hour())}")
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


def _when(hour: datetime | None) -> str:
    if hour is None:
        return "Nobody is moved until it is applied."
    return (
        f"It is applied by itself on {dates.long_moment(hour, 'en')}, if the outage is open then."
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
        decide_by=form.hour(),
    )


def change_hour(request: HttpRequest, model_admin: admin.ModelAdmin, plan: Plan) -> HttpResponse:
    """The approver changes or withdraws it; all others who steer may withdraw it."""
    by = officers.of(request)
    if plan.state != Plan.State.APPROVED:
        return _over(request, plan, "hour_needs_approval")
    if plan.approved_by_id != by.pk:
        return _withdraw_hour(request, model_admin, plan)
    form = ChangeHourForm(plan, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            _change_hour(plan, form.hour(), by)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"{plan} stays approved. {_when(form.hour())}")
            return _to_page(plan)
    return ask(
        request,
        model_admin,
        title=f"{plan}: when it is applied",
        says=[
            "At the hour it is worked out afresh and applied in your name, if the outage is still "
            "open and it keeps within the bounds that you approved. If not, nobody is moved, and "
            "the officers of the region are alerted.",
        ],
        button="Save",
        back=_page_of(plan),
        form=form,
        template="admin/office/change_hour.html",
    )


def _change_hour(plan: Plan, hour: datetime | None, by: User) -> None:
    if hour is None:
        decide_by.withdraw_hour(plan_id=plan.pk, by=by)
    else:
        decide_by.set_hour(plan_id=plan.pk, by=by, at=hour)


def _withdraw_hour(request: HttpRequest, model_admin: admin.ModelAdmin, plan: Plan) -> HttpResponse:
    by = officers.of(request)
    if request.method == "POST":  # again, or after somebody else's: it is withdrawn all the same
        done = attempt(request, lambda: decide_by.withdraw_hour(plan_id=plan.pk, by=by))
        if done is not None:
            messages.success(request, f"{plan} stays approved. {_when(None)}")
        return _to_page(plan)
    if plan.decide_by is None:
        return _over(request, plan, "hour_not_yours")
    return ask(
        request,
        model_admin,
        title=f"{plan}: withdraw the hour",
        says=[
            f"{plan} is not applied on {dates.long_moment(plan.decide_by, 'en')}. It stays "
            "approved, and an officer can apply it by hand.",
            f"Only {plan.approved_by}, who approved it, can give it another hour.",
        ],
        button="Withdraw the hour",
        back=_page_of(plan),
        stop=True,
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
            f"As prepared: {_count(total['keep'], 'person keeps', 'people keep')} their seat, "
            f"{_count(total['move'], 'gets', 'get')} a new time, "
            f"{_count(total['unplaced'], 'has', 'have')} no seat yet and "
            f"{'goes' if total['unplaced'] == 1 else 'go'} to the waiting list.",
            _messages_words(plan),
            "It is worked out afresh now, on the data of this moment, and applied at once if it "
            "keeps within the approved bounds. If it does not, nothing is changed.",
            f"{_grace()} of grace follow: no message leaves, and undo puts everything back.",
        ],
        button="Apply the plan",
        back=_page_of(plan),
        takes_long="This takes a few seconds. Please press once and wait.",
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _messages_words(plan: Plan) -> str:
    sms, emails = plan.summary["sms"], plan.summary["emails"]
    asks = plan.silence == Plan.Silence.REQUEUE
    reminders = ", and reminders to whoever does not answer" if asks else ""
    mails = f"{emails:,} email{pluralize(emails)}"
    return (
        f"{sms:,} SMS and {mails} will leave{reminders}. "
        "More than two people behind one phone get one SMS."
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
STEPS: dict[str, Step] = {
    "approve": approve,
    "hour": change_hour,
    "apply": apply,
    "undo": undo,
    "drop": drop,
}

Event = OfficeEntry.Event
CAME_BACK = (Event.OUT_OF_BOUNDS, Event.HELD_BACK)
UNSOLVED = (Plan.HeldBack.APPROVAL, Plan.HeldBack.FAILED, Plan.HeldBack.LATE)


def came_back(plan: Plan) -> dict[str, Any] | None:
    """If it was last tried to be applied and was not: why, and what is different since."""
    last = plan.log.order_by("-pk").first()
    if last is None or last.event not in CAME_BACK:
        return None
    earlier = plan.log.filter(pk__lt=last.pk).order_by("-pk")
    approved = earlier.filter(event=Event.APPROVED).first()
    before = earlier.filter(event__in=(Event.PREPARED, *CAME_BACK)).first()
    return {
        "held_back": last.event == Event.HELD_BACK,
        "hour": plans.hour_of(last.facts),
        "why": last.why,
        "at": last.at,
        # Of what was not solved afresh the figures are the old ones.
        "before": before.facts if before and plan.held_back not in UNSOLVED else None,
        "now": last.facts,
        "since": _changes_of_outage(plan, approved) if approved else [],
    }


def _changes_of_outage(plan: Plan, approved: OfficeEntry) -> list[OfficeEntry]:
    """What officers did to the outage itself after the approval."""
    later = plan.outage.log.filter(pk__gt=approved.pk, plan__isnull=True)
    return list(later.select_related("actor").order_by("pk"))
