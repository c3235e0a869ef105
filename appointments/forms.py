"""What an applicant fills in: one question a page."""

import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.fields import DayMonthYearField, HintedLabel, form_helper
from accounts.phones import plain_digits

ARN_FORM = re.compile(r"(\d{2})-?(\d{10})")
ARN_ERROR = _("Enter the application number (ARN) as on your receipt, for example 26-1234567890.")


class ClaimForm(forms.Form):
    """`arn` comes out as YY-NNNNNNNNNN, however it was typed."""

    arn = forms.CharField(
        label=_("Application number (ARN)"),
        help_text=_("12 digits, on your receipt, for example 26-1234567890."),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": ARN_ERROR, "max_length": ARN_ERROR},
    )
    date_of_birth = DayMonthYearField(
        label=_("Date of birth of the applicant"), help_text=_("For example 23 6 1985.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(submit=_("Link the application"))

    def clean_arn(self) -> str:
        typed = re.sub(r"\s", "", plain_digits(self.cleaned_data["arn"]))
        found = ARN_FORM.fullmatch(typed)
        if found is None:
            raise ValidationError(ARN_ERROR, code="invalid")
        return "-".join(found.groups())


class AffectedForm(ClaimForm):
    """The same two questions, asked by somebody who does not sign in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(submit=_("See whether it is affected"))


Choices = Iterable[tuple[str, HintedLabel]]


class ChoiceForm(forms.Form):
    """One question with radios. `missing`: said when nothing that is there was chosen."""

    choice = forms.ChoiceField(widget=forms.RadioSelect)

    def __init__(
        self,
        *args: Any,
        question: str,
        choices: Choices,
        missing: str,
        submit: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(submit=submit, label_is_heading=True)
        field = self.fields["choice"]
        assert isinstance(field, forms.ChoiceField)
        field.label = question
        field.choices = list(choices)
        field.error_messages |= {"required": missing, "invalid_choice": missing}
