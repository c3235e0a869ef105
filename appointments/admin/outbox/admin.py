"""Messages: found, looked at one by one, and what an officer decides about them.

Here and not in `notifications`, which knows neither regions nor appointments: who may look, and
what a message is about, is a matter of this room. Addresses are masked: to answer "was the person
told" nobody needs the whole number.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from accounts import officers
from appointments import addresses, message_batches
from appointments.admin.asking import ask, page
from appointments.admin.base import ReadOnlyAdmin, attempt, moment
from appointments.admin.outbox import batch_pages, find, gateways
from appointments.admin.outbox.batch_pages import ReasonForm
from appointments.admin.outbox.causes import cause_of
from appointments.admin.outbox.life import life_of
from appointments.admin.outbox.scope import (
    KindFilter,
    MessageList,
    ShortPaginator,
    StateFilter,
    messages_seen,
    parts_seen,
)
from appointments.admin.outbox.words import (
    LANE_WORDS,
    NOTED_AS_SENT,
    STATE_SENTENCES,
    TONES,
    kind_words,
    state_words,
)
from appointments.admin.scope import seen
from appointments.models import Application
from notifications import decisions
from notifications.errors import Refusal
from notifications.masking import masked_address
from notifications.models import Message

State = Message.State
# Ids of what was found, and by what kind of thing; never the thing.
FOUND = "found-messages"
SHOWN_LOOKS = 20
NUMBER = re.compile(r"[0-9]{1,18}")


TWICE = (
    "Nobody knows whether the first one left: the person may get it twice. The repeat goes "
    "through the same gateway."
)
AS_SENT = "Nothing is sent. From now on {what} as sent."
KNOWN = "Do this only if you know that it arrived: the person said so, or came."


class ReasonAction(ActionForm):
    reason = forms.CharField(max_length=200, required=False, label="Reason")


class SeveralForm(ReasonForm):
    """Asks for the reason of an action, and brings along what was ticked and chosen."""

    action = forms.CharField(widget=forms.HiddenInput)
    select_across = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, given: QueryDict, *, action: str) -> None:
        ticked = given.getlist(ACTION_CHECKBOX_NAME)
        super().__init__(
            {
                "reason": given.get("reason", ""),
                "action": action,
                "select_across": given.get("select_across", ""),
                ACTION_CHECKBOX_NAME: ticked,
            }
        )
        self.fields[ACTION_CHECKBOX_NAME] = forms.MultipleChoiceField(
            choices=[(key, key) for key in ticked], widget=forms.MultipleHiddenInput
        )


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("created", "what", "channel", "to", "stands", "about", "urgent", "why")
    list_filter = (StateFilter, KindFilter, "channel", "repeated")
    show_facets = admin.ShowFacets.NEVER  # each would count all rows
    search_fields = ("reference", "batch", "public_id")  # see get_search_results
    search_help_text = "Whole reference (appointment:17), batch (plan:3), or message id."
    ordering = ("-id",)
    paginator = ShortPaginator
    action_form = ReasonAction
    actions = ("send_again", "treat_as_sent")
    change_list_template = "admin/office/messages.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return messages_seen(request, super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **named: Any) -> type[MessageList]:
        return MessageList

    def get_paginator(
        self, request: HttpRequest, queryset: QuerySet[Message], *given: Any, **named: Any
    ) -> ShortPaginator:
        parts = parts_seen(request, queryset)
        return ShortPaginator(queryset, *given, parts=parts, **named)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        """By the whole of it, so that an index finds it; Django's way reads every row."""
        wanted = find.named(search_term)
        return queryset if wanted is None else queryset.filter(wanted), False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Of the roles that steer a region: rows are otherwise nobody's to change."""
        user: Any = request.user
        return bool(user.has_perm("notifications.change_message"))

    # --- Columns ---

    @admin.display(description="written", ordering="created_at")
    def created(self, message: Message) -> str:
        return moment(message.created_at)

    @admin.display(description="kind", ordering="kind")
    def what(self, message: Message) -> str:
        return kind_words(message.kind)

    @admin.display(description="why", ordering="error")
    def why(self, message: Message) -> str:
        why = cause_of(message)
        if not why.said:
            return why.words or "-"
        return format_html('{} <small class="as-said">{}</small>', why.words, why.said)

    @admin.display(description="to")
    def to(self, message: Message) -> str:
        return masked_address(message)

    @admin.display(description="state", ordering="state")
    def stands(self, message: Message) -> str:
        words = state_words(message.state)
        back = message.cancel_requested and message.state in Message.TROUBLED_STATES
        return f"{words}, and was taken back" if back else words

    @admin.display(description="about", ordering="reference")
    def about(self, message: Message) -> str:
        return message.reference or "-"

    @admin.display(description="visit", ordering="urgent_by")
    def urgent(self, message: Message) -> str:
        return moment(message_batches.concerns(message))

    # --- Several at once ---

    @admin.action(
        description="Send again (reason needed; an unclear one may arrive twice)",
        permissions=["decide"],
    )
    def send_again(self, request: HttpRequest, chosen: QuerySet[Message]) -> HttpResponse | None:
        if _has_reason(request):
            _decide_each(request, chosen, decisions.resend)
            return None
        twice = chosen.filter(state=State.UNKNOWN).exists()
        says = [
            "They go out in the words as they stand now.",
            *([f"Unclear ones: {TWICE}"] if twice else []),
        ]
        return self._ask_why(request, chosen, "send_again", "Send again", says)

    @admin.action(description="Treat as sent (reason needed)", permissions=["decide"])
    def treat_as_sent(self, request: HttpRequest, chosen: QuerySet[Message]) -> HttpResponse | None:
        if _has_reason(request):
            _decide_each(request, chosen, decisions.treat_as_sent)
            return None
        says = [AS_SENT.format(what="those that are unclear count"), KNOWN]
        return self._ask_why(request, chosen, "treat_as_sent", "Treat as sent", says)

    def _ask_why(
        self,
        request: HttpRequest,
        chosen: QuerySet[Message],
        action: str,
        button: str,
        says: list[str],
    ) -> HttpResponse:
        """The reason is missing: asked for once, and neither the ticks nor the action are lost."""
        count = chosen.count()
        return ask(
            request,
            self,
            title=f"{count} message{'' if count == 1 else 's'}: {button.lower()}",
            says=says,
            button=button,
            back=request.get_full_path(),
            form=SeveralForm(request.POST, action=action),
        )

    # --- Pages ---

    def get_urls(self) -> list[Any]:
        return [*self._urls(), *super().get_urls()]

    def _urls(self) -> Iterable[Any]:
        """Those with words before Django's own `<id>/`."""
        batch, one = "batches/<str:name>/", "<int:message_id>/"
        yield self._url("find/", require_POST(self.find_view), "find")
        yield self._url("found/", require_GET(self.found_view), "found")
        yield self._url("gateways/", require_GET(self.gateways_view), "gateways")
        yield self._url("batches/", require_GET(self.batches_view), "batches")
        yield self._url(batch, require_GET(self.batch_view), "batch")
        yield self._url(f"{batch}news/", require_GET(self.news_view), "batch_news")
        for step in batch_pages.STEPS:
            view = partial(self.step_view, step=step)
            yield self._url(f"{batch}{step}/", view, f"batch_{step}")
        yield self._url(f"{batch}resend/", self.resend_batch_view, "batch_resend")
        yield self._url(f"{one}address/", self.address_view, "address")
        yield self._url(f"{one}resend/", self.resend_view, "resend")
        yield self._url(f"{one}treat-as-sent/", self.treat_as_sent_view, "treat_as_sent")

    def _url(self, address: str, view: Callable[..., HttpResponse], name: str) -> Any:
        wrapped = self.admin_site.admin_view(view)
        return path(address, wrapped, name=f"notifications_message_{name}")

    def _check_may_look(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    # --- Find ---

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """By POST; then to a page whose address holds nothing of what was typed."""
        self._check_may_look(request)
        applications = seen(
            request, Application.objects.all(), region="region", centre="home_centre"
        )
        typed = request.POST.get("what", "")
        try:
            wanted = find.understand(typed, applications)
        except find.NotUnderstood as error:
            if batch := batch_pages.shown_as(request, typed):
                here = reverse("admin:notifications_message_batch", args=[batch.name])
                return HttpResponseRedirect(here)
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:notifications_message_changelist"))
        found = self.get_queryset(request).filter(wanted.where).order_by("-pk")
        ids = list(found.values_list("pk", flat=True)[: find.SHOWN + 1])
        request.session[FOUND] = {"by": wanted.by, "ids": ids, "batches": wanted.batches}
        return HttpResponseRedirect(reverse("admin:notifications_message_found"))

    def found_view(self, request: HttpRequest) -> HttpResponse:
        self._check_may_look(request)
        kept = request.session.get(FOUND)
        if not kept:
            return HttpResponseRedirect(reverse("admin:notifications_message_changelist"))
        rows = self.get_queryset(request).filter(pk__in=kept["ids"]).order_by("-pk")
        context = {
            **page(request, self, title="Messages found"),
            "by": kept["by"],
            "batches": batch_pages.seen_of(request, kept.get("batches", ())),
            "rows": rows[: find.SHOWN],
            "more": len(kept["ids"]) > find.SHOWN,
            "shown": find.SHOWN,
        }
        return TemplateResponse(request, "admin/office/found.html", context)

    # --- One message ---

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        if not NUMBER.fullmatch(object_id):
            raise Http404
        return self._show(request, self._message(request, int(object_id)))

    def _message(self, request: HttpRequest, message_id: int) -> Message:
        """Of the officer's own, or 404."""
        self._check_may_look(request)
        rows = self.get_queryset(request).select_related("fallback_for")
        found: Message = get_object_or_404(rows, pk=message_id)
        return found

    def _show(self, request: HttpRequest, message: Message, address: str = "") -> HttpResponse:
        now, user = timezone.now(), request.user
        decides = self.has_decide_permission(request)
        life = life_of(message)
        troubled = message.state in Message.TROUBLED_STATES
        not_again = decisions.why_not_again(message, now)
        context = {
            **page(request, self, title=f"Message {message.pk}"),
            "message": message,
            "concerns": message_batches.concerns(message),
            "state_sentence": NOTED_AS_SENT
            if life.noted_as_sent
            else STATE_SENTENCES[message.state],
            "tone": TONES.get(message.state, ""),
            "lane_words": LANE_WORDS[message.lane],
            "life": life,
            "appointment_id": message_batches.matter_of(message),
            "batch": message_batches.subjects([message.batch]).get(message.batch),
            "is_paused": message.state == State.QUEUED and batch_pages.is_paused(message.batch),
            "may_resend": decides and not_again is None,
            "not_again": not_again.message if troubled and not_again else "",
            "may_treat_as_sent": decides and message.state == State.UNKNOWN,
            "may_see": user.has_perm(addresses.SEE_ADDRESSES),
            "address": address,
            "looks": addresses.looks_at(message.pk)[:SHOWN_LOOKS],
        }
        return TemplateResponse(request, "admin/office/message.html", context)

    def address_view(self, request: HttpRequest, message_id: int) -> HttpResponse:
        """The page with the whole address on it, once; the look is written down.

        By POST. Whoever comes back to its address otherwise is led to the message, masked.
        """
        message = self._message(request, message_id)
        if request.method != "POST":
            here = reverse("admin:notifications_message_change", args=[message.pk])
            return HttpResponseRedirect(here)
        by = officers.of(request)
        address = attempt(request, lambda: addresses.look(message_id=message.pk, by=by))
        if address is None:
            raise PermissionDenied
        return self._show(request, message, address)

    def resend_view(self, request: HttpRequest, message_id: int) -> HttpResponse:
        message = self._message(request, message_id)
        back = "It was taken back: what it says may not be true any more."
        says = [
            *([TWICE] if message.state == State.UNKNOWN else []),
            *([back] if message.cancel_requested else []),
            f"It goes to {masked_address(message)}, in the words as they stand now.",
        ]
        verb = partial(decisions.resend, though_taken_back=True)
        not_so = decisions.why_not_again(message, timezone.now())
        done = "It is queued again."
        return self._decide(request, message, verb, says, "Send again", done, not_so)

    def treat_as_sent_view(self, request: HttpRequest, message_id: int) -> HttpResponse:
        says = [AS_SENT.format(what="the message counts"), KNOWN]
        message = self._message(request, message_id)
        return self._decide(
            request,
            message,
            decisions.treat_as_sent,
            says,
            "Treat as sent",
            "It counts as sent from now on.",
            decisions.why_not_as_sent(message),
        )

    def _decide(
        self,
        request: HttpRequest,
        message: Message,
        verb: Callable[..., Message],
        says: list[str],
        button: str,
        done: str,
        not_so: Refusal | None,
    ) -> HttpResponse:
        """`not_so`: why the verb would refuse it; then the page says so, and asks nothing."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        back = reverse("admin:notifications_message_change", args=[message.pk])
        title = f"Message {message.pk}: {button.lower()}"
        if not_so and request.method != "POST":
            says = [_refused(message, not_so)]
            return ask(request, self, title=title, says=says, button="", back=back)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            by, reason = message_batches.label_of(officers.of(request)), form.cleaned_data["reason"]
            try:
                verb(message=message, by=by, reason=reason)
                messages.success(request, done)
            except Refusal as refusal:
                messages.error(request, _refused(message, refusal))
            return HttpResponseRedirect(back)
        return ask(request, self, title=title, says=says, button=button, back=back, form=form)

    # --- Batches, gateways ---

    def batches_view(self, request: HttpRequest) -> HttpResponse:
        self._check_may_look(request)
        return batch_pages.list_view(request, self)

    def batch_view(self, request: HttpRequest, name: str) -> HttpResponse:
        self._check_may_look(request)
        return batch_pages.batch_view(request, self, name)

    def news_view(self, request: HttpRequest, name: str) -> HttpResponse:
        self._check_may_look(request)
        return batch_pages.news_view(request, self, name)

    def step_view(self, request: HttpRequest, name: str, step: str) -> HttpResponse:
        self._check_may_look(request)
        return batch_pages.step_view(request, self, name, step)

    def resend_batch_view(self, request: HttpRequest, name: str) -> HttpResponse:
        self._check_may_look(request)
        return batch_pages.resend_view(request, self, name)

    def gateways_view(self, request: HttpRequest) -> HttpResponse:
        self._check_may_look(request)
        now = timezone.now()
        context = {
            **page(request, self, title="Gateways"),
            "gateways": gateways.all_figures(now),
            "days": gateways.RECEIPT_DAYS,
            "newest": gateways.NEWEST,
            "now": now,
        }
        return TemplateResponse(request, "admin/office/gateways.html", context)


def _has_reason(request: HttpRequest) -> bool:
    return bool(request.POST.get("reason", "").strip())


def _decide_each(
    request: HttpRequest, chosen: QuerySet[Message], verb: Callable[..., Message]
) -> None:
    """Each message is a decision of its own: one refusal stops none of the others."""
    reason = request.POST.get("reason", "")
    by, done = message_batches.label_of(officers.of(request)), 0
    for message in chosen:
        try:
            verb(message=message, by=by, reason=reason)
            done += 1
        except Refusal as refusal:
            about = f"{kind_words(message.kind)}, {masked_address(message)}"
            messages.error(request, f"{about}: {_refused(message, refusal)}")
    if done:
        messages.success(request, f"Done for {done} message{'s' if done > 1 else ''}.")


def _refused(message: Message, refusal: Refusal) -> str:
    """Of what was taken back also why: that decides what an officer does instead."""
    if message.state != State.CANCELLED or not message.error:
        return str(refusal)
    return f"{refusal} Why: {cause_of(message).words}"
