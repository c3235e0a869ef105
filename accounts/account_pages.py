"""The account's own pages: what there is, language, notice, devices, apps."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts import app_tokens, consents, devices, languages, people
from accounts.account_forms import LanguageForm, WishesForm
from accounts.models import Consent, Device
from accounts.pages import account_page, person_of

# Names are names, in every language; the rest is said in words.
BROWSERS: dict[str, Any] = {
    "chrome": "Chrome",
    "edge": "Edge",
    "firefox": "Firefox",
    "opera": "Opera",
    "safari": "Safari",
    "samsung": "Samsung Internet",
    "uc": "UC Browser",
    "": gettext_lazy("a browser"),
}
SYSTEMS: dict[str, Any] = {
    "android": gettext_lazy("Android phone or tablet"),
    "chromeos": gettext_lazy("Chromebook"),
    "ipad": "iPad",
    "iphone": "iPhone",
    "kaios": gettext_lazy("phone with keys"),
    "linux": gettext_lazy("Linux computer"),
    "mac": gettext_lazy("Mac computer"),
    "windows": gettext_lazy("Windows computer"),
    "": gettext_lazy("Device not recognised"),
}


@dataclass(frozen=True)
class DeviceLine:
    """One device as its owner would call it."""

    device: Device
    is_this: bool

    @property
    def system(self) -> str:
        return str(SYSTEMS.get(self.device.system, SYSTEMS[""]))

    @property
    def browser(self) -> str:
        return str(BROWSERS.get(self.device.browser, BROWSERS[""]))


@account_page
def overview(request: HttpRequest) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    context = {
        "device_count": devices.live_of(person, now).count(),
        "app_count": app_tokens.live_of(person, now).count(),
    }
    return render(request, "account/overview.html", context)


@account_page
def language(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    posted = request.POST if request.method == "POST" else None
    form = LanguageForm(posted, initial={"language": person.language})
    if posted is not None and form.is_valid():
        chosen = form.cleaned_data["language"]
        people.set_language(person=person, language=chosen)
        with translation.override(chosen):
            messages.success(request, _("Pages and messages are in English now."))
        response = redirect("my_account")
        languages.remember(response, request, chosen)
        return response
    return render(request, "account/language.html", {"form": form})


@account_page
def notice(request: HttpRequest) -> HttpResponse:
    """The consent notice, item by item. Nothing waits for it: docs/decisions/0020-account.md."""
    person = person_of(request)
    is_due = consents.notice_is_due(person)
    posted = request.POST if request.method == "POST" and is_due else None
    form = WishesForm(posted, submit=gettext_lazy("I have read this: save my answers"))
    if posted is not None and form.is_valid():
        wanted = {item for item, switch in consents.SWITCHES.items() if form.wants(switch)}
        consents.answer_notice(person=person, wanted=wanted, now=timezone.now())
        messages.success(
            request, _("Your answers are saved. You can change them in your account at any time.")
        )
        return redirect(settings.LOGIN_REDIRECT_URL)
    read = consents.standing(person).filter(item=Consent.Item.NOTICE).first()
    context = {"form": form, "is_due": is_due, "read": read, "version": consents.NOTICE_VERSION}
    return render(request, "account/notice.html", context)


@account_page
def device_list(request: HttpRequest) -> HttpResponse:
    key, now = request.session.session_key, timezone.now()
    live = devices.live_of(person_of(request), now)
    lines = [DeviceLine(device, is_this=device.session_key == key) for device in live]
    # This one first: what follows are the others.
    lines.sort(key=lambda line: not line.is_this)
    return render(request, "account/devices.html", {"lines": lines, "others": len(lines) > 1})


@require_POST
@account_page
def end_device(request: HttpRequest, device_id: int) -> HttpResponse:
    if not devices.end(device_id=device_id, by=person_of(request)):
        # Signed out there meanwhile, or somebody else's: the list shows what is.
        return redirect("my_devices")
    messages.success(request, _("You are signed out on that device."))
    return redirect("my_devices")


@require_POST
@account_page
def end_other_devices(request: HttpRequest) -> HttpResponse:
    devices.end_others(by=person_of(request), but=request.session.session_key)
    messages.success(request, _("You are signed out on all other devices."))
    return redirect("my_devices")


@account_page
def app_list(request: HttpRequest) -> HttpResponse:
    apps = app_tokens.live_of(person_of(request), timezone.now())
    return render(request, "account/apps.html", {"apps": apps})


@require_POST
@account_page
def end_app(request: HttpRequest, token_id: int) -> HttpResponse:
    if not app_tokens.revoke(token_id=token_id, by=person_of(request), now=timezone.now()):
        raise Http404
    messages.success(request, _("The app can no longer act for you."))
    return redirect("my_apps")
