"""Accounts for superusers: officers are added here, applicants only closed."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import second_factor
from accounts.models import AppToken, User
from accounts.phones import masked
from accounts.token_admin import TokenAdmin

admin.site.register(AppToken, TokenAdmin)


class OfficerCreationForm(BaseUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"] or "").lower()


@admin.register(User)
class AccountAdmin(UserAdmin):
    """Superusers only: who may edit accounts could make themselves anything.

    No search: a number or an address in it would stand in the page's URL.
    """

    add_form = OfficerCreationForm
    list_display = ("label", "is_staff", "is_active", "masked_phone", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ()
    ordering = ("-is_staff", "name", "pk")
    readonly_fields = (
        "masked_phone",
        "phone_verified",
        "email_verified",
        "earlier_seats",
        "email_messages",
        "last_login",
        "date_joined",
        "closed_at",
    )
    fieldsets = (
        (None, {"fields": ("name", "email", "password", "language")}),
        ("Applicant", {"fields": ("masked_phone", "phone_verified", "email_verified")}),
        ("Wants to hear", {"fields": ("earlier_seats", "email_messages")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Times", {"fields": ("last_login", "date_joined", "closed_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)
    filter_horizontal = ("groups",)
    actions = ("reset_second_factor",)

    @admin.display(description="account")
    def label(self, person: User) -> str:
        return str(person)

    @admin.display(description="phone")
    def masked_phone(self, person: User) -> str:
        return masked(person.phone or "")

    @admin.action(description="Forget the second factor (a new one is set up at next sign-in)")
    def reset_second_factor(self, request: HttpRequest, people: QuerySet[User]) -> None:
        by = request.user
        assert isinstance(by, User)
        done = sum(second_factor.reset(officer=officer, by=by) for officer in people)
        self.message_user(request, f"Second factors forgotten: {done}.")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.email = (obj.email or "").lower() or None
        # An address that somebody else typed for an applicant gets no messages until its owner
        # has signed in with a code sent to it.
        if obj.email is None or (not obj.is_staff and "email" in form.changed_data):
            obj.email_verified = False
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Accounts are closed, not deleted: what they did stays in the timelines."""
        return False


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))
