"""The form of a proof of travel: the day, and the file."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import SignInRefusal
from accounts.fields import DayMonthYearField, DayMonthYearWidget, form_helper
from appointments import proof_files, travel
from appointments.errors import MESSAGES, Refusal
from appointments.proof_files import Document

ACCEPT = "application/pdf,image/jpeg,image/png,image/webp"


class TravelForm(forms.Form):
    """`judge` says what a file is, or why it is refused. `too_large`: a file was dropped for that.

    `proof` comes out as a Document. A browser forgets a chosen file when the page comes back, so
    that is said where the date alone was wrong.
    """

    travel_date = DayMonthYearField(
        label=_("Travel date"),
        help_text=_("The day on which your journey begins: day, month, year."),
        past_only=False,
        widget=DayMonthYearWidget(birthday=False),
        error_messages={
            "not_numbers": _("Write day, month and year as numbers."),
            "short_year": _("Write the year with four digits."),
        },
    )
    proof = forms.FileField(
        label=_("Ticket or visa"),
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
        error_messages={
            "required": MESSAGES["file_missing"],
            "missing": MESSAGES["file_missing"],
            "invalid": MESSAGES["file_missing"],
            "empty": MESSAGES["file_damaged"],
        },
    )

    def __init__(
        self,
        *args: Any,
        judge: Callable[[File], Document],
        too_large: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.judge = judge
        self.helper = form_helper(submit=_("Send the proof"))
        limit = proof_files.too_large()
        self.fields["proof"].help_text = (
            _(
                "A PDF, or a photo in JPEG, PNG or WebP, of at most %(megabytes)s MB. "
                "The applicant's name and the date of travel must be seen."
            )
            % limit.values
        )
        if too_large:
            self.fields["proof"].error_messages["required"] = limit.message

    def clean_travel_date(self) -> date:
        day: date = self.cleaned_data["travel_date"]
        try:
            travel.check_date(day, timezone.localdate())
        except Refusal as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from refusal
        return day

    def clean_proof(self) -> Document:
        try:
            return self.judge(self.cleaned_data["proof"])
        except (Refusal, SignInRefusal) as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from refusal

    def clean(self) -> dict[str, Any]:
        if "proof" in self.cleaned_data and "travel_date" not in self.cleaned_data:
            self.add_error("proof", _("Choose the file again: it was not kept."))
        return self.cleaned_data
