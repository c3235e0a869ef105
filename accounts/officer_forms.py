"""What officers type: email address and password, codes of their app, their password again."""

from typing import Any

from allauth.account.forms import ReauthenticateForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as MfaReauthenticateForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import limits, officers, second_factor
from accounts.errors import MESSAGES, SignInRefusal
from accounts.fields import form_helper
from accounts.models import User
from accounts.phones import plain_digits

CODE_ATTRS = {"autocomplete": "one-time-code", "inputmode": "numeric", "class": "input-short"}
APP_CODE_MISSING = _("Enter the 6 digits that your app shows.")
CODE_MISSING = _("Enter the 6 digits that your app shows, or a recovery code.")


class OfficerLoginForm(forms.Form):
    email = forms.CharField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        error_messages={"required": _("Enter your email address.")},
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Enter your password.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(submit=_("Continue"))


class _CodeOfApp(forms.Form):
    """Mixin: the code field in our words, checked by accounts.second_factor."""

    user: Any
    submit: Any = _("Continue")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(submit=self.submit)
        field = self.fields["code"] = forms.CharField(
            label=_("Code from your app"),
            max_length=40,
            widget=forms.TextInput(attrs=CODE_ATTRS),
            error_messages={"required": CODE_MISSING, "max_length": CODE_MISSING},
        )
        field.help_text = _("6 digits. Without your phone, type one of your recovery codes.")

    def clean_code(self) -> str:
        typed = str(self.cleaned_data["code"])
        try:
            self.authenticator = second_factor.check(
                officer=self.user, typed=typed, now=timezone.now()
            )
        except SignInRefusal as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from refusal
        self.authenticator.user = self.user
        return typed


class SecondFactorForm(_CodeOfApp, AuthenticateForm):
    """Second step of an officer's sign-in."""


class SecondFactorAgainForm(_CodeOfApp, MfaReauthenticateForm):
    """The same question within a session."""


class SetUpAppForm(forms.Form):
    """The first code of a new app: proves that it holds the secret of this page.

    allauth's own form would leave the secret in clear in the session.
    """

    code = forms.CharField(
        label=_("Code that the app shows now"),
        help_text=_("6 digits."),
        max_length=40,
        widget=forms.TextInput(attrs=CODE_ATTRS),
        error_messages={"required": APP_CODE_MISSING, "max_length": APP_CODE_MISSING},
    )

    step: int

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.helper = form_helper(submit=_("Use this app from now on"))
        self.secret = second_factor.offered_secret(context.request, renew=not self.is_bound)

    def clean_code(self) -> str:
        now, typed = timezone.now(), plain_digits(self.cleaned_data["code"]).replace(" ", "")
        whom = str(self.user.pk)
        try:
            limits.take("second_factor", whom, now=now)
        except SignInRefusal as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from refusal
        step = second_factor.matching_step(self.secret, typed, now)
        if step is None:
            raise ValidationError(str(MESSAGES["wrong_second_factor"]), code="wrong_second_factor")
        limits.give_back("second_factor", whom, now=now)
        self.step = step
        return typed


class PasswordAgainForm(ReauthenticateForm):
    """The officer's password, before something that matters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_helper(submit=_("Continue"))
        field = self.fields["password"] = forms.CharField(
            label=_("Your password"),
            max_length=1000,
            strip=False,
            widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
            error_messages={"required": _("Enter your password.")},
        )
        field.required = True

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        request = context.request
        try:
            person = officers.check_password(
                request,
                email=self.user.email,
                password=password,
                network=limits.network_of(request),
                now=timezone.now(),
            )
        except SignInRefusal as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from refusal
        if person.pk != self.user.pk:
            raise ValidationError(str(MESSAGES["wrong_password"]), code="wrong_password")
        return password
