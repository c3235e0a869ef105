"""Approving a plan: the bounds within which it may be applied, and when."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import User
from appointments.admin.fields import clock_field, day_field, moment_of
from appointments.admin.plan_view import TIER_WORDS, is_alone
from appointments.errors import Refusal
from appointments.models import Plan
from appointments.plans import LONE_WAIT, Bounds, check_hour, suggested_bounds

WHOLE = dict.fromkeys(("required", "invalid", "min_value"), "Give a whole number.")
BY_HAND, AT_HOUR = "hand", "hour"


class HourForm(forms.Form):
    """Whether an approval carries an hour, and which. Indian time."""

    when = forms.ChoiceField(
        label="When it is applied",
        choices=[
            (BY_HAND, "When an officer presses “Apply”"),
            (AT_HOUR, "By itself at an hour, if the outage is still open then"),
        ],
        widget=forms.RadioSelect,
        initial=BY_HAND,
        error_messages={"required": "Say when it is applied."},
    )
    hour_date = day_field("Date", required=False)
    hour_time = clock_field("Time (India)", required=False)

    def not_before(self) -> datetime | None:
        """What a lone approval has to wait for."""
        return None

    def hour(self) -> datetime | None:
        """After is_valid()."""
        hour: datetime | None = self.cleaned_data["decide_by"]
        return hour

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("when") == BY_HAND and {"hour_date", "hour_time"} & set(self.changed_data):
            # Silently left out, it would be waited for in vain.
            self.add_error("when", "You typed an hour: choose “By itself”, or empty its fields.")
        data["decide_by"] = self._clean_hour(data) if data.get("when") == AT_HOUR else None
        return data

    def _clean_hour(self, data: dict[str, Any]) -> datetime | None:
        at = moment_of(data.get("hour_date"), data.get("hour_time"))
        if at is None:
            for name, what in (("hour_date", "date"), ("hour_time", "time")):
                if data.get(name) is None and name not in self.errors:
                    self.add_error(name, f"Give the {what}, or leave it to an officer to apply it.")
            return None
        try:
            check_hour(at, now=timezone.now(), not_before=self.not_before())
        except Refusal as refusal:
            self.add_error(
                "hour_date" if refusal.code == "hour_far" else "hour_time", str(refusal.message)
            )
        return at


class ChangeHourForm(HourForm):
    """Of an approved plan: another hour, or none."""

    def __init__(self, plan: Plan, data: Any = None) -> None:
        at = plan.decide_by and timezone.localtime(plan.decide_by)
        start = {"hour_date": at and at.date(), "hour_time": at and at.time()}
        super().__init__(data, initial={**start, "when": AT_HOUR if at else BY_HAND})
        self.plan = plan

    def not_before(self) -> datetime | None:
        return self.plan.not_before


class ApproveForm(HourForm):
    """Prefilled with the prepared plan and a little room. `fingerprint`: the plan as seen."""

    HOUR_FIELDS = ("when", "hour_date", "hour_time")
    fingerprint = forms.CharField(widget=forms.HiddenInput)
    moved = forms.IntegerField(label="People moved, at most", min_value=0, error_messages=WHOLE)
    unplaced = forms.IntegerField(
        label="People without a seat, at most", min_value=0, error_messages=WHOLE
    )

    def __init__(self, plan: Plan, officer: User, data: Any = None) -> None:
        bounds = suggested_bounds(plan)
        start = {"fingerprint": plan.fingerprint, "moved": bounds.moved}
        super().__init__(data, initial={**start, "unplaced": bounds.unplaced})
        self.tiers = list(bounds.worst_delay_days)
        for tier, worst in bounds.worst_delay_days.items():
            self.fields[f"delay_{tier}"] = forms.IntegerField(
                label=f"{TIER_WORDS[tier]}: days of delay, at most",
                min_value=0,
                initial=max(0, worst),
                error_messages=WHOLE,
            )
        self.alone = is_alone(plan, officer)
        if self.alone:
            self.fields["reason"] = forms.CharField(
                label="Why no second officer can approve",
                max_length=300,
                widget=forms.Textarea(attrs={"rows": 3}),
                error_messages={"required": "Give a reason. All other officers will read it."},
            )

    def not_before(self) -> datetime | None:
        return timezone.now() + LONE_WAIT if self.alone else None

    def about_bounds(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name not in self.HOUR_FIELDS]

    def bounds(self) -> Bounds:
        given = self.cleaned_data
        return Bounds(
            moved=given["moved"],
            unplaced=given["unplaced"],
            worst_delay_days={tier: given[f"delay_{tier}"] for tier in self.tiers},
        )


class WhyForm(forms.Form):
    why = forms.CharField(label="Why (for the log)", max_length=200, required=False)
