"""One page with every part of the design system in every state, for the tests of the look.

Part of the tests, not of the site: tests/browser/urls.py adds it to the site's addresses.
"""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.utils.translation import gettext_lazy as _

from accounts.fields import DayMonthYearField, HintedLabel, form_helper
from appointments.models.centres import REPORT_BEFORE
from appointments.service import DaySeats
from notifications.dates import INDIA
from portal.banners import Banner, Fact

TEMPLATE = Path(__file__).with_name("specimen.html")


class SpecimenForm(forms.Form):
    """Every kind of input that the form templates know."""

    arn = forms.CharField(label=_("ARN"), help_text=_("Help"))
    born = DayMonthYearField(label=_("Your appointment"), help_text=_("Help"))
    where = forms.ChoiceField(
        label=_("Centres"),
        widget=forms.RadioSelect,
        choices=[("a", HintedLabel("11", hint="12")), ("b", "13")],
    )
    which = forms.MultipleChoiceField(
        label=_("Help"), widget=forms.CheckboxSelectMultiple, choices=[("a", "14"), ("b", "15")]
    )
    select = forms.ChoiceField(label=_("Month"), choices=[("", "-"), ("1", "1")])
    why = forms.CharField(label=_("Help"), widget=forms.Textarea, required=False)
    agree = forms.BooleanField(label=_("Terms of use"))
    key = forms.CharField(widget=forms.HiddenInput, initial="k")


def specimen(request: HttpRequest) -> HttpResponse:
    form = SpecimenForm(request.POST or None)
    form.helper = form_helper(submit=_("Sign out"))
    template = engines["django"].from_string(TEMPLATE.read_text(encoding="utf-8"))
    return HttpResponse(template.render({"form": form, **_parts()}, request))


def _parts() -> dict[str, Any]:
    centre = SimpleNamespace(name="PSK 1", town="1", pin="462011")
    old = _slot(2025, 6, 23, 10, 15, centre, 1)
    new = _slot(2025, 9, 30, 16, 0, SimpleNamespace(name="PSK 2", town="2", pin="452010"), 2)
    return {
        "old": old,
        "new": new,
        "entries": [
            _entry(2025, 6, 22, _("New time"), from_slot=old, to_slot=new),
            _entry(2025, 6, 20, _("No seat"), from_slot=old),
            _entry(2025, 6, 10, _("Appointments"), to_slot=old, why="12"),
        ],
        "states": ["confirmed", "in_doubt", "waiting", "open", "cancelled"],
        "whole_banners": [
            _banner("outage", "1"),
            _banner("reduced", "2", DaySeats(date=dt.date(2025, 6, 23), total=2200, left=600)),
            _banner("restored", "3"),
        ],
        "compact_banners": [_banner("outage", "4"), _banner("reduced", "5")],
    }


def _slot(y: int, m: int, d: int, h: int, minute: int, centre: Any, pk: int) -> SimpleNamespace:
    starts_at = dt.datetime(y, m, d, h, minute, tzinfo=INDIA)
    reports_at = starts_at - REPORT_BEFORE
    return SimpleNamespace(starts_at=starts_at, reports_at=reports_at, centre=centre, centre_id=pk)


def _entry(y: int, m: int, d: int, label: Any, **more: Any) -> SimpleNamespace:
    return SimpleNamespace(at=dt.datetime(y, m, d, 9, 5, tzinfo=INDIA), label=label, **more)


def _banner(state: str, scope: str, capacity: DaySeats | None = None) -> Banner:
    return Banner(
        state=state,
        heading=str(_("Do not travel to the centre")),
        scope=scope,
        text=str(_("Then the last SMS you received holds. Your fee and attempts stay safe.")),
        facts=(Fact(str(_("Where")), scope), Fact(str(_("Since")), "20")),
        changed_at=dt.datetime(2025, 6, 22, 18, 0, tzinfo=INDIA),
        capacity=capacity,
    )
