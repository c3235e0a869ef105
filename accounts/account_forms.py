"""What an applicant fills in on the pages of the account."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.fields import HintedLabel, form_helper
from accounts.forms import EMAIL_ERROR, EMAIL_LENGTH, PHONE_ERRORS, read_email, read_phone
from accounts.models import Language, SignInCode, User
from accounts.phones import masked

SMS = SignInCode.Channel.SMS
YES, NO = "yes", "no"
ADDRESS_ERRORS = {
    SMS: PHONE_ERRORS["invalid"],
    SignInCode.Channel.EMAIL: EMAIL_ERROR,
}


class LanguageForm(forms.Form):
    language = forms.ChoiceField(
        label=_("In which language shall we write to you?"),
        help_text=_("It holds for these pages and for our messages."),
        # Each in its own words, and said so to screen readers: whoever is lost in one finds the
        # other.
        choices=[
            (code, format_html('<span lang="{}">{}</span>', code, name))
            for code, name in Language.choices
        ],
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose a language.")),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(submit=_("Save the language"), label_is_heading=True)


class NewAddressForm(forms.Form):
    """The number (E.164) or address that a person wants to have from now on."""

    address = forms.CharField(max_length=EMAIL_LENGTH)

    def __init__(self, *args: Any, channel: str, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channel, self.person = channel, person
        self.helper = form_helper(submit=_("Send a code there"), label_is_heading=True)
        field = self.fields["address"]
        codes = ("required", "max_length", "null_characters_not_allowed")
        field.error_messages |= dict.fromkeys(codes, ADDRESS_ERRORS[SignInCode.Channel(channel)])
        kind = "tel" if channel == SMS else "email"
        field.widget.attrs |= {"type": kind, "inputmode": kind, "autocomplete": kind}
        field.label, field.help_text = _question(channel, has_one=bool(self._present()))

    def clean_address(self) -> str:
        typed = self.cleaned_data["address"]
        address = read_phone(typed) if self.channel == SMS else read_email(typed)
        if address == self._present():
            raise ValidationError(_("This is the one that you have now."), code="same")
        return address

    def _present(self) -> str | None:
        """What is verified already; an address that is not can be proven by this very form."""
        if self.channel == SMS:
            return self.person.phone if self.person.phone_verified else None
        return self.person.email if self.person.email_verified else None


def _question(channel: str, *, has_one: bool) -> tuple[Any, Any]:
    if channel == SMS:
        return (
            _("What is your new mobile number?"),
            _("We send a code to it by SMS. When you have typed the code, the new number counts."),
        )
    label = _("What is your new email address?") if has_one else _("What is your email address?")
    return label, _("We send a code to it. When you have typed the code, the address counts.")


class ProofForm(forms.Form):
    """Where the code goes that shows that it is still the same person."""

    channel = forms.ChoiceField(
        label=_("Where shall we send the code?"),
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), _("Choose where we shall send the code.")
        ),
    )

    def __init__(self, *args: Any, addresses: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(submit=_("Send me a code"))
        choices = [(channel, _where(channel, address)) for channel, address in addresses.items()]
        field = self.fields["channel"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        if len(choices) == 1:
            field.initial = choices[0][0]


def _where(channel: str, address: str) -> HintedLabel:
    if channel == SMS:
        return HintedLabel(_("SMS to %(address)s") % {"address": masked(address)})
    return HintedLabel(_("Email to %(address)s") % {"address": masked_email(address)})


def masked_email(address: str) -> str:
    """Write "a•••@example.in": enough for the owner to recognise it."""
    name, _at, host = address.partition("@")
    return f"{name[:1]}•••@{host}"


class WishesForm(forms.Form):
    """The two things that are asked, not told; nothing is chosen beforehand but by the person."""

    email_messages = forms.ChoiceField(
        label=_("Shall we send you messages by email too?"),
        help_text=_("SMS about your appointment come in any case."),
        choices=[(YES, _("Yes, by email too")), (NO, _("No, only by SMS"))],
        widget=forms.RadioSelect,
    )
    earlier_seats = forms.ChoiceField(
        label=_("Shall we offer you earlier seats that become free?"),
        help_text=_("You may always refuse; then nothing changes."),
        choices=[(YES, _("Yes, offer them to me")), (NO, _("No, do not offer me earlier seats"))],
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, submit: str | Promise, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(submit=submit)
        errors = {
            "email_messages": _("Say whether we shall send you emails."),
            "earlier_seats": _("Say whether we shall offer you earlier seats."),
        }
        for name, error in errors.items():
            codes = ("required", "invalid_choice")
            self.fields[name].error_messages |= dict.fromkeys(codes, error)

    def wants(self, name: str) -> bool:
        return bool(self.cleaned_data[name] == YES)
