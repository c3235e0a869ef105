"""Sign-in of applicants: ask for a code, type it, be where one wanted to go."""

import logging
import time
from typing import Any

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.utils import (
    get_login_redirect_url,
    get_next_redirect_url,
    passthrough_next_redirect_url,
)
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.edit import FormView

from accounts import kept_until, limits, people, proofs, sign_in
from accounts.errors import SignInRefusal
from accounts.forms import CodeForm, ContactForm
from accounts.models import SignInCode, User
from accounts.pages import with_limit

log = logging.getLogger(__name__)

# Every answer to an address takes at least this long.
EMAIL_SECONDS = 0.15
# Where the session keeps the id of its code.
CODE_KEY = "sign_in_code"


class _EntranceView(FormView):
    """A page for those who are not signed in; the others are where they wanted to go."""

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters())
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return HttpResponseRedirect(get_login_redirect_url(request))
        return super().dispatch(request, *args, **kwargs)

    def refuse(self, form: Any, refusal: SignInRefusal) -> HttpResponse:
        """The same page with the reason; 429 with Retry-After where a limit said no."""
        (field,) = form.fields
        form.add_error(field, refusal.message)
        response = self.render_to_response(self.get_context_data(form=form))
        return with_limit(response, refusal)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        urls = {
            "phone_url": _onwards(self.request, "account_request_login_code"),
            "email_url": _onwards(self.request, "account_request_login_code_by_email"),
        }
        kept = kept_until.kept_until(self.request)
        return super().get_context_data(**urls, kept_until=kept, **kwargs)


class RequestCodeView(_EntranceView):
    """One question: the number (or, on its own page, the email address)."""

    template_name = "account/request_login_code.html"
    form_class = ContactForm
    by: str = SignInCode.Channel.SMS

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "by": self.by}

    def form_valid(self, form: ContactForm) -> HttpResponse:
        try:
            _ask_for_code(self.request, form.channel, form.address)
        except SignInRefusal as refusal:
            return self.refuse(form, refusal)
        return HttpResponseRedirect(_onwards(self.request, "account_confirm_login_code"))


class ConfirmCodeView(_EntranceView):
    """The code from the message, or another one to the same number."""

    template_name = "account/confirm_login_code.html"
    form_class = CodeForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.asked = _code_of_session(request)
        if self.asked is None and not request.user.is_authenticated:
            return HttpResponseRedirect(_onwards(request, "account_request_login_code"))
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._send_again() if "again" in request.POST else super().post(request)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        assert self.asked is not None
        typed = form.cleaned_data["code"]
        try:
            person = sign_in.check_code(code_id=self.asked.pk, typed=typed, now=timezone.now())
        except SignInRefusal as refusal:
            return self.refuse(form, refusal)
        del self.request.session[CODE_KEY]
        return _let_in(self.request, person)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "asked": self.asked}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        assert self.asked is not None
        by_sms = self.asked.channel == SignInCode.Channel.SMS
        return super().get_context_data(by_sms=by_sms, **kwargs)

    def _send_again(self) -> HttpResponse:
        assert self.asked is not None
        try:
            _ask_for_code(self.request, self.asked.channel, self.asked.address)
        except SignInRefusal as refusal:
            messages.error(self.request, refusal.message)
            page = self.render_to_response(self.get_context_data(form=CodeForm(asked=self.asked)))
            return with_limit(page, refusal)
        messages.success(self.request, _("We have sent a new code. The one before has ended."))
        return HttpResponseRedirect(_onwards(self.request, "account_confirm_login_code"))


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Addresses that sign-up and sign-in have elsewhere; here both are one page."""
    return HttpResponseRedirect(_onwards(request, "account_request_login_code"))


def _ask_for_code(request: HttpRequest, channel: str, address: str) -> None:
    """Ask for a code and tie it to this session; the one that it had before ends."""
    before, started = _code_of_session(request), time.perf_counter()
    try:
        asked = sign_in.request_code(
            channel=channel,
            address=address,
            network=limits.network_of(request),
            language=get_language() or settings.LANGUAGE_CODE,
            now=timezone.now(),
            replaces=before.pk if before else None,
        )
    except SignInRefusal as refusal:
        log.warning("no code was sent: %s", refusal.code)
        raise
    request.session[CODE_KEY] = str(asked.pk)
    if channel == SignInCode.Channel.EMAIL:
        # Writing a message takes a moment longer than writing none, and would tell by a clock
        # which addresses have accounts.
        time.sleep(max(0.0, EMAIL_SECONDS - (time.perf_counter() - started)))


def _code_of_session(request: HttpRequest) -> SignInCode | None:
    code_id = request.session.get(CODE_KEY)
    return SignInCode.objects.filter(pk=code_id).first() if code_id else None


def _let_in(request: HttpRequest, person: User) -> HttpResponse:
    """Sign in. A language that was chosen before is now the person's, in messages too."""
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
        people.set_language(person=person, language=get_language() or "")
    proofs.record(request, person)
    next_page = get_next_redirect_url(request)
    return perform_login(request, Login(user=person, redirect_url=next_page))


def _onwards(request: HttpRequest, name: str) -> str:
    """The address of that page, with where to go after signing in."""
    return passthrough_next_redirect_url(request, reverse(name), REDIRECT_FIELD_NAME)
