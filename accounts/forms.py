"""What an applicant types to sign in: a number or an address, then the code."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import codes
from accounts.fields import form_helper
from accounts.models import SignInCode
from accounts.phones import NotAMobile, parse_mobile, plain_digits, readable

EMAIL_LENGTH = 254
PHONE_ERRORS = {
    "invalid": _("Enter a mobile number with 10 digits, for example 98765 43210."),
    "foreign": _(
        "Only Indian mobile numbers get our SMS. With another number, sign in by email instead."
    ),
    "landline": _("This is a landline, which gets no SMS. Enter a mobile number."),
}
SIGN_IN = _("Sign in")
EMAIL_ERROR = _("Enter an email address in full, for example name@example.com.")


class ContactForm(forms.Form):
    """`channel` and `address` of what was typed, once the form is valid.

    An address typed where the number is asked for is understood, and the other way round.
    """

    contact = forms.CharField(max_length=EMAIL_LENGTH)

    channel = ""
    address = ""

    def __init__(self, *args: Any, by: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.helper = form_helper(submit=_("Send me a code"), label_is_heading=True)
        field = self.fields["contact"]
        field.error_messages |= self._empty_errors()
        if by == SignInCode.Channel.SMS:
            field.label = _("What is your mobile number?")
            field.help_text = _("We send you a code by SMS. No password is needed.")
            field.widget.attrs |= {"type": "tel", "inputmode": "tel", "autocomplete": "tel"}
        else:
            field.label = _("What is your email address?")
            field.help_text = _(
                "We send a code if an account has this address. If you have not used this portal "
                "before, sign in with your mobile number."
            )
            field.widget.attrs |= {"type": "email", "inputmode": "email", "autocomplete": "email"}

    def clean_contact(self) -> str:
        typed = self.cleaned_data["contact"]
        if "@" in typed:
            self.channel, self.address = SignInCode.Channel.EMAIL, read_email(typed)
        elif self.by == SignInCode.Channel.EMAIL and not any(ch.isdigit() for ch in typed):
            raise ValidationError(EMAIL_ERROR, code="invalid_email")
        else:
            self.channel, self.address = SignInCode.Channel.SMS, read_phone(typed)
        return str(typed)

    def _empty_errors(self) -> dict[str, Any]:
        empty = PHONE_ERRORS["invalid"] if self.by == SignInCode.Channel.SMS else EMAIL_ERROR
        codes = ("required", "max_length", "null_characters_not_allowed")
        return dict.fromkeys(codes, empty)


class CodeForm(forms.Form):
    """The code from the message: six digits of any script, spaces do not matter."""

    code = forms.CharField(
        label=_("What is the code?"),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "class": "input-short",
            }
        ),
    )

    def __init__(
        self,
        *args: Any,
        asked: SignInCode,
        submit: str | Promise = SIGN_IN,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(submit=submit, label_is_heading=True)
        self.fields["code"].help_text = _where_it_went(asked)
        error = _("Enter the code from the message: 6 digits.")
        codes = ("required", "max_length", "null_characters_not_allowed", "invalid")
        self.fields["code"].error_messages |= dict.fromkeys(codes, error)

    def clean_code(self) -> str:
        """A code of another length is a slip and costs no try."""
        typed = re.sub(r"[\s.-]", "", plain_digits(self.cleaned_data["code"]))
        if len(typed) != codes.DIGITS or not typed.isdecimal():
            raise ValidationError(self.fields["code"].error_messages["invalid"], code="invalid")
        return typed


def _where_it_went(asked: SignInCode) -> str:
    """Of a mail address nobody may learn whether an account has it."""
    if asked.channel == SignInCode.Channel.SMS:
        text = _("We have sent 6 digits by SMS to %(address)s. They are valid for 10 minutes.")
        return text % {"address": readable(asked.address)}
    if asked.purpose != SignInCode.Purpose.SIGN_IN:
        text = _("We have sent 6 digits by email to %(address)s. They are valid for 10 minutes.")
        return text % {"address": asked.address}
    text = _("If an account has the address %(address)s, 6 digits are on their way to it.")
    return text % {"address": asked.address}


def read_phone(typed: str) -> str:
    """E.164 of a mobile number as typed. ValidationError says what is wrong with it."""
    try:
        return parse_mobile(typed)
    except NotAMobile as wrong:
        raise ValidationError(PHONE_ERRORS[wrong.code], code=wrong.code) from wrong


def read_email(typed: str) -> str:
    """An address in lower case. ValidationError: it is none."""
    address = typed.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise ValidationError(EMAIL_ERROR, code="invalid_email") from None
    return address
