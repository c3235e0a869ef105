"""An officer's own tokens: made here behind the second factor, told once, ended here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.views.decorators.debug import sensitive_variables

from accounts import app_tokens, officers
from accounts.models import AppToken

RANDOM_LETTERS = 40


class TokenForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="What the program is for, to know it by.")


class TokenAdmin(admin.ModelAdmin):
    """Each officer sees and ends only their own; a superuser too."""

    list_display = ("name", "created_at", "last_used_at", "expires_at", "revoked_at")
    fields = list_display
    ordering = ("-pk",)
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppToken]:
        return AppToken.objects.filter(person=officers.of(request), kind=AppToken.Kind.OFFICER)

    @sensitive_variables("secret")
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The secret stands only in the answer to the form: in no session, log or table."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = TokenForm(request.POST or None)
        context = {
            **self.admin_site.each_context(request),
            "title": "Issue a token for me",
            "form": form,
            "says": ["It lets a program read what you may read, and change nothing."],
            "button": "Issue a token for me",
            "back": reverse("admin:accounts_apptoken_changelist"),
        }
        if request.method == "POST" and form.is_valid():
            token, secret = app_tokens.issue_to_officer(
                officer=officers.of(request),
                name=form.cleaned_data["name"],
                random_part=get_random_string(RANDOM_LETTERS),
                now=timezone.now(),
            )
            self.log_addition(request, token, "Issued.")
            context |= {"token": token, "secret": secret}
        response = TemplateResponse(request, "admin/accounts/token.html", context)
        response.headers["Cache-Control"] = "private, no-store"
        return response

    @admin.action(description="Revoke: what uses it is out at once")
    def revoke(self, request: HttpRequest, tokens: QuerySet[AppToken]) -> None:
        now, by = timezone.now(), officers.of(request)
        done = sum(app_tokens.revoke(token_id=token.pk, by=by, now=now) for token in tokens)
        self.message_user(request, f"Tokens revoked: {done}.")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return officers.has_second_factor(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return officers.has_second_factor(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return officers.has_second_factor(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Revoked, not deleted: when it ended stays known for a month."""
        return False
