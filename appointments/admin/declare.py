"""Declare an outage: a form, a table to look at, and the verb. Speed counts here."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from accounts import officers
from appointments import banner_texts, outages
from appointments.admin import two_steps
from appointments.admin.asking import page
from appointments.admin.cut_table import CutForm
from appointments.admin.outage_forms import DeclareForm
from appointments.banner_texts import DaySeats
from appointments.cut_preview import people_in_doubt
from appointments.errors import Refusal
from appointments.models import Outage
from notifications import dates

TITLE = "Declare an outage"
# Ids of the open outages that the officer was shown beside the table.
RIVALS_SEEN = "rivals-seen"


def declare_view(request: HttpRequest, model_admin: admin.ModelAdmin) -> HttpResponse:
    """GET shows the form and changes nothing; the `do` button of the table declares."""
    officer = officers.of(request)
    form = DeclareForm(officer, request.POST if request.method == "POST" else None)
    if not form.own_regions:
        raise PermissionDenied
    step = two_steps.step_of(request)
    if request.method != "POST" or step == two_steps.BACK or not form.is_valid():
        return _form_page(request, model_admin, form)
    table = two_steps.table_of(request, form, step)
    if step == two_steps.DO and table.is_valid():
        _check_rivals(request, form, table)
    if step != two_steps.DO or not table.is_valid():
        return _table_page(request, model_admin, form, table)
    try:
        outage = _declare(request, form, table)
    except Refusal as refusal:
        table.add_error(None, refusal.message)
        return _table_page(request, model_admin, form, table)
    return HttpResponseRedirect(reverse("admin:appointments_outage_change", args=[outage.pk]))


def _rivals(form: DeclareForm) -> QuerySet[Outage]:
    """Open outages that touch the same centres: their cuts and this one add up."""
    touched = [centre.pk for centre in form.touched()]
    others = outages.open_outages_at(touched).exclude(request_key=form.cleaned_data["request_key"])
    return others.select_related("declared_by").order_by("pk")


def _check_rivals(request: HttpRequest, form: DeclareForm, table: CutForm) -> None:
    """A second officer was faster: say so once. Who has seen it and declares again means it."""
    if Outage.objects.filter(request_key=form.cleaned_data["request_key"]).exists():
        return
    seen = request.POST.get(RIVALS_SEEN, "").split(",")
    for rival in _rivals(form):
        if str(rival.pk) not in seen:
            table.add_error(
                None,
                f"{rival.declared_by} declared {rival} at {dates.clock(rival.declared_at, 'en')}, "
                "while you looked at this. Both cuts would add up. Declare again if you mean it.",
            )


def _declare(request: HttpRequest, form: DeclareForm, table: CutForm) -> Outage:
    data = form.cleaned_data
    seen_before = Outage.objects.filter(request_key=data["request_key"]).exists()
    texts = texts_of(form, table)
    outage = outages.declare(
        by=officers.of(request),
        request_key=data["request_key"],
        scope=data["scope"],
        region=data["region"] if data["scope"] == Outage.Scope.REGION else None,
        centres=list(data["centres"]) if data["scope"] == Outage.Scope.CENTRES else [],
        since=data["since"],
        expected_until=data["expected_until"],
        cause=data["cause"],
        text_hi=texts["hi"],
        text_en=texts["en"],
        cuts=table.cuts(),
    )
    if seen_before:
        messages.warning(
            request,
            f"{outage} had been declared with this form before. Nothing was declared a second "
            "time; to change its numbers use “Change the cut”.",
        )
    else:
        messages.success(request, f"{outage} is declared. The banner stands on every page.")
    return outage


def texts_of(form: DeclareForm, table: CutForm) -> dict[str, str]:
    """Both banner texts with their placeholders filled from the form and the table."""
    data = form.cleaned_data
    days = [DaySeats(day.date, day.seats, day.left) for day in table.days()]
    return {
        language: banner_texts.fill(
            data[f"text_{language}"],
            banner_texts.values_of(
                language,
                cause=data["cause"],
                scope=data["scope"],
                region=data["region"],
                centres=form.touched(),
                since=data["since"],
                days=days,
            ),
        )
        for language in ("hi", "en")
    }


def _form_page(
    request: HttpRequest, model_admin: admin.ModelAdmin, form: DeclareForm
) -> HttpResponse:
    carried = two_steps.carried_numbers(request.POST)
    return _answer(request, model_admin, "declare", {"form": form, "carried": carried})


def _table_page(
    request: HttpRequest, model_admin: admin.ModelAdmin, form: DeclareForm, table: CutForm
) -> HttpResponse:
    now = timezone.now()
    table.is_valid()  # a fresh table is unbound, and then has no errors
    data = form.cleaned_data
    context: dict[str, Any] = {
        "form": form,
        "table": table,
        "texts": texts_of(form, table),
        "told": people_in_doubt(
            cuts=table.cuts_as_shown(), centres=form.touched(), since=data["since"], now=now
        ),
        "rivals": (rivals := list(_rivals(form))),
        "rivals_seen": two_steps.Carried(RIVALS_SEEN, ",".join(str(rival.pk) for rival in rivals)),
        "grace": settings.GRACE_MINUTES,
        "shared": data["seats"] == "total",
        "since": data["since"],
        "expected_until": data["expected_until"],
        "days_passed": timezone.localdate(data["since"]) < timezone.localdate(now),
        "carried": two_steps.carried_form(request.POST, form, form.basis()),
    }
    return _answer(request, model_admin, "declare_table", context)


def _answer(
    request: HttpRequest, model_admin: admin.ModelAdmin, name: str, context: dict[str, Any]
) -> HttpResponse:
    context = {**page(request, model_admin, title=TITLE), **context}
    return TemplateResponse(request, f"admin/office/{name}.html", context)
