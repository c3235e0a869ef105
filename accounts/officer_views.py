"""Sign-in of officers and the pages of their second factor, all under /officers/."""

import logging
from http import HTTPStatus
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import perform_password_login, record_authentication
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as MfaReauthenticateView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import TemplateView
from django.views.generic.edit import FormView

from accounts import limits, officers, second_factor
from accounts.errors import SignInRefusal
from accounts.officer_forms import OfficerLoginForm, SetUpAppForm
from accounts.pages import with_limit

log = logging.getLogger(__name__)


@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class OfficerLoginView(FormView):
    """First step: email address and password. The second factor follows."""

    template_name = "account/officer_login.html"
    form_class = OfficerLoginForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if officers.has_second_factor(request):
            return HttpResponseRedirect(get_next_redirect_url(request) or reverse("admin:index"))
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: OfficerLoginForm) -> HttpResponse:
        email = form.cleaned_data["email"].strip().lower()
        try:
            officer = officers.check_password(
                self.request,
                email=email,
                password=form.cleaned_data["password"],
                network=limits.network_of(self.request),
                now=timezone.now(),
            )
        except SignInRefusal as refusal:
            return self._refuse(form, refusal)
        # Whoever was signed in here goes first: an applicant's session must not become an
        # officer's, and allauth asks no second factor of a session that is signed in.
        logout(self.request)
        login = Login(user=officer, redirect_url=get_next_redirect_url(self.request))
        return perform_password_login(self.request, {"email": email}, login)

    def _refuse(self, form: OfficerLoginForm, refusal: SignInRefusal) -> HttpResponse:
        log.warning("officer's sign-in refused: %s", refusal.code)
        form.add_error("email", refusal.message)
        return with_limit(self.render_to_response(self.get_context_data(form=form)), refusal)


class _CodePage:
    """Mixin: 429 where the limit of wrong codes said no."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        if form.has_error("code", "second_factor"):
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        return response


@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class SecondFactorView(_CodePage, AuthenticateView):
    """Second step. allauth keeps in the session whose password was right."""

    def _build_forms(self) -> Any:
        # allauth takes a request without "code" for a security key, which is not offered here.
        data = self.request.POST if self.request.method == "POST" else None
        self.webauthn_form = None
        self.auth_form = self.get_form_class()(user=self.stage.login.user, data=data)
        return self.auth_form

    def form_valid(self, form: Any) -> HttpResponse:
        log.info("officer %s signed in", form.user.pk)
        return super().form_valid(form)


@method_decorator(never_cache, name="dispatch")
class SecurityView(TemplateView):
    """What the officer has set up."""

    template_name = "mfa/index.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        left = second_factor.recovery_codes_left(officers.of(self.request))
        return super().get_context_data(recovery_codes_left=left, **kwargs)


@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class SetUpAppView(_CodePage, ActivateTOTPView):
    """Connect an app; also a new one in the place of the old."""

    @method_decorator(reauthentication_required(app="allauth.mfa"))
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Past ActivateTOTPView's own dispatch, which would send to the page that turns it off.
        return FormView.dispatch(self, request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        secret = context["form"].secret
        groups = (secret[at : at + 4] for at in range(0, len(secret), 4))
        return {**context, "secret_in_groups": " ".join(groups)}

    def form_valid(self, form: SetUpAppForm) -> HttpResponse:
        officer = officers.of(self.request)
        with transaction.atomic():
            second_factor.forget_app(officer=officer)
            response = super().form_valid(form)
            app = second_factor.remember_first_code(officer=officer, step=form.step)
        record_authentication(
            self.request, officer, method=officers.SECOND_FACTOR, id=app.pk, type=app.type
        )
        self.request.session.pop(second_factor.OFFERED_KEY, None)
        self.request.session.cycle_key()
        log.warning("officer %s set up an app", officer.pk)
        return response


@method_decorator(never_cache, name="dispatch")
class RecoveryCodesView(ViewRecoveryCodesView):
    """The codes, once; later only how many are left."""


@method_decorator(never_cache, name="dispatch")
class NewRecoveryCodesView(GenerateRecoveryCodesView):
    """Replace all recovery codes by new ones."""


@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class PasswordAgainView(ReauthenticateView):
    """The officer's password, before something that matters."""


@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class SecondFactorAgainView(_CodePage, MfaReauthenticateView):
    """The second factor within a session; it also lifts one that was opened without."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        self.request.session.cycle_key()
        return response
