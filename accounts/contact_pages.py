"""Changing the mobile number and the email address, and showing before it that it is still you."""

import logging
from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.generic.edit import FormView

from accounts import contacts, limits, proofs
from accounts.account_forms import NewAddressForm, ProofForm
from accounts.errors import SignInRefusal
from accounts.forms import CodeForm
from accounts.models import SignInCode, User
from accounts.pages import account_page, person_of, with_limit

log = logging.getLogger(__name__)

SMS, EMAIL = SignInCode.Channel.SMS, SignInCode.Channel.EMAIL
# Where the session keeps the ids of its codes.
PROOF_KEY = "proof_code"
ADDRESS_KEY = "address_code"


@method_decorator(account_page, name="dispatch")
class _AccountView(FormView):
    """A page of one form, of a signed-in applicant."""

    @property
    def person(self) -> User:
        return person_of(self.request)

    def refuse(self, form: Any, refusal: SignInRefusal) -> HttpResponse:
        """The same page with the reason and what was typed; 429 where a limit said no."""
        log.warning("refused: %s", refusal.code)
        (field,) = form.fields
        form.add_error(field, refusal.message)
        return with_limit(self.render_to_response(self.get_context_data(form=form)), refusal)


class _CodeView(_AccountView, ABC):
    """A code is typed, or another one asked for. What the code does is the subclass's."""

    template_name = "account/code.html"
    form_class = CodeForm
    # Where the session keeps the id of the code.
    key: str
    asked: SignInCode

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = _code_of_session(request, self.key)
        if asked is None:
            return HttpResponseRedirect(self.first_page())
        self.asked = asked
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._send_again() if "again" in request.POST else super().post(request)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        try:
            self.use_code(form.cleaned_data["code"])
        except SignInRefusal as refusal:
            return self.refuse(form, refusal)
        del self.request.session[self.key]
        return HttpResponseRedirect(self.next_page())

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "asked": self.asked, "submit": self.submit()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        by_sms = self.asked.channel == SMS
        return super().get_context_data(by_sms=by_sms, back_url=self.first_page(), **kwargs)

    @abstractmethod
    def submit(self) -> Promise:
        """What the button says."""

    @abstractmethod
    def first_page(self) -> str:
        """Where the code is asked for."""

    @abstractmethod
    def next_page(self) -> str:
        """Where a right code leads."""

    @abstractmethod
    def use_code(self, typed: str) -> None:
        """Do what the code is for. SignInRefusal: it is not right, or does nothing any more."""

    @abstractmethod
    def ask_again(self) -> SignInCode:
        """Send another code to the same number or address."""

    def _send_again(self) -> HttpResponse:
        try:
            asked = self.ask_again()
        except SignInRefusal as refusal:
            messages.error(self.request, refusal.message)
            form = CodeForm(asked=self.asked, submit=self.submit())
            return with_limit(self.render_to_response(self.get_context_data(form=form)), refusal)
        self.request.session[self.key] = str(asked.pk)
        messages.success(self.request, _("We have sent a new code. The one before has ended."))
        return HttpResponseRedirect(self.request.get_full_path())


# --- Still you? ---------------------------------------------------------------------------------


class ProofView(_AccountView):
    """Before a step that could give the account away: where shall the code go?"""

    template_name = "account/proof.html"
    form_class = ProofForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and proofs.is_fresh(request):
            return HttpResponseRedirect(_onwards(request))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "addresses": proofs.addresses(self.person)}

    def form_valid(self, form: ProofForm) -> HttpResponse:
        try:
            _ask_for_proof(self.request, form.cleaned_data["channel"])
        except SignInRefusal as refusal:
            return self.refuse(form, refusal)
        return HttpResponseRedirect(_with_next(self.request, "my_proof_code"))


class ProofCodeView(_CodeView):
    key = PROOF_KEY

    def submit(self) -> Promise:
        return _("Continue")

    def first_page(self) -> str:
        return _with_next(self.request, "my_proof")

    def next_page(self) -> str:
        return _onwards(self.request)

    def use_code(self, typed: str) -> None:
        proofs.confirm(person=self.person, code_id=self.asked.pk, typed=typed, now=timezone.now())
        proofs.record(self.request, self.person)

    def ask_again(self) -> SignInCode:
        return _ask_for_proof(self.request, self.asked.channel)


def to_proof(request: HttpRequest) -> HttpResponseRedirect:
    """To show first that it is still the same person, and from there back to this page."""
    return HttpResponseRedirect(f"{reverse('my_proof')}?{urlencode({'next': request.path})}")


def _ask_for_proof(request: HttpRequest, channel: str) -> SignInCode:
    before = _code_of_session(request, PROOF_KEY)
    asked = proofs.ask(
        person=person_of(request),
        channel=channel,
        network=limits.network_of(request),
        now=timezone.now(),
        replaces=before.pk if before else None,
    )
    request.session[PROOF_KEY] = str(asked.pk)
    return asked


# --- A new number or address --------------------------------------------------------------------


class NewAddressView(_AccountView):
    """One question: the new number, or on its own page the address."""

    template_name = "account/new_address.html"
    form_class = NewAddressForm
    channel: str = SMS

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if user.is_authenticated and not user.is_staff and not proofs.is_fresh(request):
            return to_proof(request)
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "channel": self.channel, "person": self.person}

    def form_valid(self, form: NewAddressForm) -> HttpResponse:
        try:
            _ask_for_address(self.request, self.channel, form.cleaned_data["address"])
        except SignInRefusal as refusal:
            return self.refuse(form, refusal)
        return redirect("my_phone_code" if self.channel == SMS else "my_email_code")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(by_sms=self.channel == SMS, **kwargs)


class AddressCodeView(_CodeView):
    """The code that went to the new number or address makes it the account's."""

    key = ADDRESS_KEY
    channel: str = SMS

    def submit(self) -> Promise:
        return _("Use this number") if self.channel == SMS else _("Use this address")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = _code_of_session(request, self.key)
        if asked is not None and asked.channel != self.channel:
            return HttpResponseRedirect(self.first_page())
        return super().dispatch(request, *args, **kwargs)

    def first_page(self) -> str:
        return reverse("my_phone" if self.channel == SMS else "my_email")

    def next_page(self) -> str:
        return reverse("my_account")

    def use_code(self, typed: str) -> None:
        contacts.confirm(
            person=self.person,
            code_id=self.asked.pk,
            typed=typed,
            session=self.request.session.session_key,
            now=timezone.now(),
        )
        if self.channel == SMS:
            said = _(
                "Your new mobile number counts now. All other devices and apps are signed out."
            )
        else:
            said = _("Your email address counts now.")
        messages.success(self.request, said)

    def ask_again(self) -> SignInCode:
        return _ask_for_address(self.request, self.channel, self.asked.address)


def _ask_for_address(request: HttpRequest, channel: str, address: str) -> SignInCode:
    before = _code_of_session(request, ADDRESS_KEY)
    asked = contacts.ask(
        person=person_of(request),
        channel=channel,
        address=address,
        network=limits.network_of(request),
        now=timezone.now(),
        replaces=before.pk if before else None,
    )
    request.session[ADDRESS_KEY] = str(asked.pk)
    return asked


# --- Both ---------------------------------------------------------------------------------------


def _code_of_session(request: HttpRequest, key: str) -> SignInCode | None:
    code_id = request.session.get(key)
    return SignInCode.objects.filter(pk=code_id).first() if code_id else None


def _onwards(request: HttpRequest) -> str:
    """The page of this site that was wanted, else the account."""
    wanted = request.GET.get("next", "")
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return reverse("my_account")


def _with_next(request: HttpRequest, name: str) -> str:
    return f"{reverse(name)}?{urlencode({'next': _onwards(request)})}"
