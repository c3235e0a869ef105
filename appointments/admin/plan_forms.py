"""Approving a plan: the bounds within which it may be applied."""

from typing import Any

from django import forms

from accounts.models import User
from appointments.admin.plan_view import TIER_WORDS, is_alone
from appointments.models import Plan
from appointments.plans import Bounds, suggested_bounds

WHOLE = dict.fromkeys(("required", "invalid", "min_value"), "Give a whole number.")


class ApproveForm(forms.Form):
    """Prefilled with the prepared plan and a little room. `fingerprint`: the plan as seen."""

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

    def bounds(self) -> Bounds:
        given = self.cleaned_data
        return Bounds(
            moved=given["moved"],
            unplaced=given["unplaced"],
            worst_delay_days={tier: given[f"delay_{tier}"] for tier in self.tiers},
        )


class WhyForm(forms.Form):
    why = forms.CharField(label="Why (for the log)", max_length=200, required=False)
