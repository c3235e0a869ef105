"""The officers' admin site, behind password and second factor."""

from typing import Any

from allauth.account.utils import get_next_redirect_url
from django.contrib import admin
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import officers
from accounts.middleware import turned_away
from portal.admin_lists import guarded

# Tables of allauth that nobody may browse: secrets of second factors, and addresses it does not
# use here.
HIDDEN = {"mfa.authenticator", "account.emailaddress", "account.emailconfirmation"}


class OfficeAdminSite(admin.AdminSite):
    site_header = "Passport office"
    site_title = "Passport office"
    index_title = "Today"
    # The way around stands at the top of each page (templates/admin/base_site.html).
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        is_one = isinstance(model_or_iterable, type)
        models: list[Any] = [model_or_iterable] if is_one else list(model_or_iterable)
        shown = [model for model in models if model._meta.label_lower not in HIDDEN]
        super().register(shown, guarded(admin_class or admin.ModelAdmin), **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """As the middleware says; asked again here, so that neither stands alone."""
        return super().has_permission(request) and officers.has_second_factor(request)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Never Django's own page, which would let in by password alone."""
        onwards = get_next_redirect_url(request) or reverse("admin:index")
        return turned_away(request) or HttpResponseRedirect(onwards)

    @method_decorator(never_cache)
    @method_decorator(require_POST)
    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        logout(request)
        return HttpResponseRedirect(reverse("officer_login"))
