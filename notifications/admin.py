"""The officers' view of the outbox: read, search, and decide about what is in trouble.

Addresses are masked: to answer "was the person told" nobody needs the whole number. Nothing is
edited here; the two actions call decisions.py.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from notifications import decisions
from notifications.errors import Refusal
from notifications.models import Attempt, Channel, Decision, Gate, Message


def masked_address(message: Message) -> str:
    """Of a number the last four digits stay, of an email address the domain."""
    if message.channel == Channel.EMAIL:
        return "••••@" + message.address.rpartition("@")[2]
    return "••••••" + message.address[-4:]


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AttemptInline(ReadOnlyInline):
    model = Attempt
    fields = (
        *("number", "gateway", "is_repeat", "claimed_at", "started_at", "ended_at"),
        *("outcome", "gateway_reference", "error"),
    )


class DecisionInline(ReadOnlyInline):
    model = Decision
    fields = ("verb", "by", "reason", "at")


class ReasonForm(ActionForm):
    reason = forms.CharField(max_length=200, required=False, label=_("Reason"))


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    list_display = ("created_at", "kind", "channel", "to", "state", "urgent_by", "error")
    list_filter = ("state", "kind", "channel", "language", "repeated")
    search_fields = ("=reference", "=batch", "=public_id")
    search_help_text = _("Whole reference (appointment:17), batch (plan:3), or message id.")
    show_full_result_count = False  # counting a table of millions is what slows a list down
    ordering = ("-id",)
    action_form = ReasonForm
    actions = ("send_again", "treat_as_sent")
    inlines = (AttemptInline, DecisionInline)
    fields = (
        *("public_id", "kind", "channel", "to", "language", "reference", "batch"),
        *("state", "error", "repeated", "cancel_requested", "created_at", "urgent_by"),
        *("next_attempt_at", "quiet_ok_from", "expires_at", "lease_until", "sent_at"),
        *("subject", "body"),
    )
    readonly_fields = fields

    @admin.display(description=_("To"))
    def to(self, message: Message) -> str:
        return masked_address(message)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The list and its actions need it; a single message is only looked at.
        return obj is None and super().has_change_permission(request)

    @admin.action(description=_("Send again (reason needed)"), permissions=["change"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[Message]) -> None:
        self._decide(request, chosen, decisions.resend)

    @admin.action(description=_("Treat as sent (reason needed)"), permissions=["change"])
    def treat_as_sent(self, request: HttpRequest, chosen: QuerySet[Message]) -> None:
        self._decide(request, chosen, decisions.treat_as_sent)

    def _decide(
        self, request: HttpRequest, chosen: QuerySet[Message], verb: Callable[..., Message]
    ) -> None:
        """Each message is a decision of its own: one refusal stops none of the others."""
        reason, by = request.POST.get("reason", ""), f"officer {request.user.pk}"
        done = 0
        for message in chosen:
            try:
                verb(message=message, by=by, reason=reason)
                done += 1
            except Refusal as refusal:
                text = f"{message.kind} {masked_address(message)}: {refusal}"
                self.message_user(request, text, level=messages.ERROR)
        if done:
            self.message_user(request, _("Done for %(count)d messages.") % {"count": done})


@admin.register(Gate)
class GateAdmin(admin.ModelAdmin):
    """Why a channel rests: its gateway is down, or has asked us to wait."""

    list_display = ("name", "shut_until", "reason")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
