"""What an officer can do with an open outage: each step says what will happen, then asks."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from accounts import officers
from appointments import outages, plans, untold
from appointments.admin import figures, two_steps
from appointments.admin.asking import ask, page
from appointments.admin.base import attempt
from appointments.admin.cut_table import CutForm
from appointments.admin.outage_forms import ChangeCutForm, PrepareForm
from appointments.admin.scope import steerable_regions
from appointments.errors import MESSAGES, Refusal
from appointments.models import Outage, Plan
from notifications import dates
from notifications.batches import Progress

Step = Callable[[HttpRequest, admin.ModelAdmin, Outage], HttpResponse]


def _page_of(outage: Outage) -> str:
    return reverse("admin:appointments_outage_change", args=[outage.pk])


def _back(request: HttpRequest, outage: Outage, done: Any, words: str) -> HttpResponse:
    """To the outage's page, with what was done; a refusal has left its own message."""
    if done is not None:
        messages.success(request, words)
    return HttpResponseRedirect(_page_of(outage))


def _over(request: HttpRequest, outage: Outage, code: str) -> HttpResponse:
    """The step is not open any more: the page of the outage says why."""
    messages.error(request, str(MESSAGES[code]))
    return HttpResponseRedirect(_page_of(outage))


def send_now(request: HttpRequest, model_admin: admin.ModelAdmin, outage: Outage) -> HttpResponse:
    by = officers.of(request)
    if request.method == "POST":
        done = attempt(request, lambda: outages.send_notices_now(outage_id=outage.pk, by=by))
        return _back(request, outage, done, _what_leaves(figures.hold_progress(outage)))
    if not outage.is_open:
        return _over(request, outage, "outage_not_open")
    notices = figures.hold_progress(outage)
    if notices.written and (notices.is_paused or not notices.to_leave):
        return _nothing_leaves(request, model_admin, outage, notices)
    return ask(
        request,
        model_admin,
        title=f"{outage}: send the notices now",
        says=[
            f"{notices.to_leave:,} messages (“do not travel yet”) leave at once instead of at "
            f"{_clock(outage.grace_until)}.",
            *_taken_back_words(notices),
            "The outage can then no longer be taken back.",
            "At night they wait until 08:00, but for visits of the next morning.",
        ],
        button="Send the notices now",
        back=_page_of(outage),
    )


def _nothing_leaves(
    request: HttpRequest, model_admin: admin.ModelAdmin, outage: Outage, notices: Progress
) -> HttpResponse:
    """Says why, and where it can be mended; the outage can still be taken back meanwhile."""
    return ask(
        request,
        model_admin,
        title=f"{outage}: send the notices now",
        says=[
            *_paused_words(notices),
            *_taken_back_words(notices),
            "Nothing would leave now, so nothing can be sent here.",
        ],
        button="",
        back=_page_of(outage),
        way=reverse("admin:notifications_message_batch", args=[notices.batch]),
        way_words="Open the batch",
    )


def _what_leaves(notices: Progress) -> str:
    """After "send now"."""
    leaving = not notices.is_paused and notices.to_leave
    first = "The notices are leaving." if leaving else "No notice waits to leave."
    held = _paused_words(notices)
    return " ".join([*(held or [first]), *_taken_back_words(notices)])


def _paused_words(notices: Progress) -> list[str]:
    if not (notices.is_paused and notices.to_leave):
        return []
    verb = "message is" if notices.to_leave == 1 else "messages are"
    return [f"{notices.to_leave:,} {verb} held back by a pause until somebody ends it."]


def _taken_back_words(notices: Progress) -> list[str]:
    if not notices.taken_back:
        return []
    verb = "message was" if notices.taken_back == 1 else "messages were"
    return [f"{notices.taken_back:,} {verb} taken back and will not leave."]


def tell_again(request: HttpRequest, model_admin: admin.ModelAdmin, outage: Outage) -> HttpResponse:
    """To people in doubt whose notice was taken back."""
    by = officers.of(request)
    if request.method == "POST":
        told = attempt(request, lambda: untold.tell_again(outage_id=outage.pk, by=by))
        return _back(request, outage, told, _told_words(told or 0))
    if not outage.is_open:
        return _over(request, outage, "outage_not_open")
    people = untold.people([outage.pk]).count()
    if not people:
        messages.info(request, _told_words(0))
        return HttpResponseRedirect(_page_of(outage))
    notices = figures.hold_progress(outage)
    whose = "1 person in doubt" if people == 1 else f"{people:,} people in doubt"
    in_grace = outage.grace_until > timezone.now()
    leaves = f"after the grace, at {_clock(outage.grace_until)}" if in_grace else "at once"
    return ask(
        request,
        model_admin,
        title=f"{outage}: send the notices again",
        says=[
            f"No message tells {whose} not to travel yet: theirs was taken back. It is written to "
            "them anew, in the same batch.",
            "It is held until somebody lets the batch go on: that is paused."
            if notices.is_paused
            else f"It leaves {leaves}. At night SMS wait until 08:00, but for visits of the next "
            "morning.",
        ],
        button="Send them again",
        back=_page_of(outage),
    )


def _told_words(people: int) -> str:
    if not people:
        return "Nobody in doubt is left whose notice was taken back."
    whose = "1 person" if people == 1 else f"{people:,} people"
    return f"The notice is written anew to {whose}."


def take_back(request: HttpRequest, model_admin: admin.ModelAdmin, outage: Outage) -> HttpResponse:
    by = officers.of(request)
    if request.method == "POST":
        done = attempt(request, lambda: outages.take_back(outage_id=outage.pk, by=by))
        return _back(request, outage, done, f"{outage} is taken back. Nobody was told of it.")
    if not outage.is_open:
        return _over(request, outage, "outage_not_open")
    if outage.grace_until <= timezone.now():
        return _over(request, outage, "outage_grace_over")
    return ask(
        request,
        model_admin,
        title=f"{outage}: take back",
        says=[
            f"Everything is as before: the seats are open again, and the "
            f"{figures.people_in_doubt(outage):,} people in doubt are confirmed.",
            "The notices that wait are taken back. Nobody hears of it.",
            f"This is possible until {_clock(outage.grace_until)}.",
        ],
        button="Take the outage back",
        back=_page_of(outage),
        stop=True,
    )


def restore(request: HttpRequest, model_admin: admin.ModelAdmin, outage: Outage) -> HttpResponse:
    by = officers.of(request)
    if request.method == "POST":
        done = attempt(request, lambda: outages.restore(outage_id=outage.pk, by=by))
        return _back(request, outage, done, "The service is restored.")
    if not outage.is_open:
        return _over(request, outage, "outage_not_open")
    pending = outage.plans.filter(state__in=Plan.PENDING_STATES)
    told = (
        "People in doubt are told that their appointment stands. Those whose day has passed go to "
        "the waiting list and are told so."
        if outage.grace_until <= timezone.now()
        else "No notice has left yet, so people in doubt are not told anything. Those whose day "
        "has passed go to the waiting list and are told so."
    )
    dropped = ", ".join(str(plan) for plan in pending)
    return ask(
        request,
        model_admin,
        title=f"{outage}: the service is back",
        says=[
            "This outage's cuts are lifted: the seats are open to the public again.",
            f"In doubt now: {figures.people_in_doubt(outage):,}. {told}",
            "People who were moved keep their new time, and can still answer.",
            *([f"Not applied and therefore dropped: {dropped}."] if dropped else []),
            *(f"{words}; that is off then." for words in figures.hours_in_words(outage)),
            "For two days the banner says that the service is back.",
        ],
        button="Restore the service",
        back=_page_of(outage),
    )


# --- Change the cut -----------------------------------------------------------------------------


def change_cut(request: HttpRequest, model_admin: admin.ModelAdmin, outage: Outage) -> HttpResponse:
    """The same two steps as a declaration."""
    if not outage.is_open:
        return _over(request, outage, "outage_not_open")
    posted = request.method == "POST"
    form = ChangeCutForm(outage, request.POST if posted else None)
    step = two_steps.step_of(request)
    if not posted or step == two_steps.BACK or not form.is_valid():
        carried = two_steps.carried_numbers(request.POST)
        return _cut_page(request, model_admin, outage, "cut", form=form, carried=carried)
    table = two_steps.table_of(request, form, step)
    if step == two_steps.DO and table.is_valid() and _changed(request, outage, form, table):
        messages.success(request, "The cut is changed.")
        return HttpResponseRedirect(_page_of(outage))
    table.is_valid()
    carried = two_steps.carried_form(request.POST, form, form.basis())
    lifted = sorted({cell[1] for cell in form.in_force} - set(table.dates))
    return _cut_page(
        request,
        model_admin,
        outage,
        "cut_table_page",
        form=form,
        table=table,
        carried=carried,
        lifted=lifted,
    )


def _changed(
    request: HttpRequest, outage: Outage, form: ChangeCutForm, table: CutForm
) -> Outage | None:
    try:
        return outages.change_cut(
            outage_id=outage.pk,
            cuts=table.cuts(),
            by=officers.of(request),
            expected_until=form.cleaned_data["expected_until"],
        )
    except Refusal as refusal:
        table.add_error(None, refusal.message)
        return None


def _cut_page(
    request: HttpRequest,
    model_admin: admin.ModelAdmin,
    outage: Outage,
    name: str,
    **context: Any,
) -> HttpResponse:
    title = f"{outage}: change the cut"
    return TemplateResponse(
        request,
        f"admin/office/{name}.html",
        {
            **page(request, model_admin, title=title),
            "outage": outage,
            "back": _page_of(outage),
            "in_grace": outage.grace_until > timezone.now(),
            "hours": figures.hours_in_words(outage),
            **context,
        },
    )


# --- Prepare a plan -----------------------------------------------------------------------------


def prepare(request: HttpRequest, model_admin: admin.ModelAdmin, outage: Outage) -> HttpResponse:
    """An officer of one touched region plans for it, though the outage may touch others."""
    by = officers.of(request)
    regions = steerable_regions(by).filter(pk__in=figures.region_ids_of(outage))
    if not regions.exists():
        raise PermissionDenied
    if not outage.is_open:
        return _over(request, outage, "outage_not_open")
    form = PrepareForm(regions, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            plan = _prepared(request, outage, form)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"{plan} is prepared. Nobody has been moved.")
            return HttpResponseRedirect(reverse("admin:appointments_plan_change", args=[plan.pk]))
    waiting = outage.plans.filter(state__in=Plan.PENDING_STATES)
    replaced = ", ".join(str(plan) for plan in waiting)
    return ask(
        request,
        model_admin,
        title=f"{outage}: prepare a plan",
        says=[
            "Everyone in an over-subscribed slot competes for all seats left, their own included. "
            "Urgent travel comes first, then Tatkaal, vulnerable people, and the rest.",
            "The plan is worked out and shown to you; nobody is moved or told by this.",
            *([f"The new plan takes the place of {replaced}."] if replaced else []),
            *(f"{words}; a new plan ends that." for words in figures.hours_in_words(outage)),
        ],
        button="Prepare the plan",
        back=_page_of(outage),
        form=form,
        takes_long="This takes a few seconds. Please press once and wait.",
    )


def _prepared(request: HttpRequest, outage: Outage, form: PrepareForm) -> Plan:
    return plans.prepare(
        outage_id=outage.pk,
        region_id=form.cleaned_data["region"].pk,
        by=officers.of(request),
        silence=form.cleaned_data["silence"],
        policy=form.policy(),
    )


def _clock(moment: Any) -> str:
    return dates.clock(moment, "en")


# Last part of the address -> step.
STEPS: dict[str, Step] = {
    "send": send_now,
    "take-back": take_back,
    "tell": tell_again,
    "cut": change_cut,
    "prepare": prepare,
    "restore": restore,
}
