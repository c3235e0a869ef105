"""The officers' pages of SMS templates: what is filed, the proof, and changing it by verbs."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications import kinds
from notifications.dates import INDIA
from notifications.errors import Refusal
from notifications.registry import csv_files, filling, proof, verbs, withdrawal
from notifications.registry.entries import Entry, spoken_kinds
from notifications.registry.errors import Problem
from notifications.registry.forms import EntryForm, ImportForm, WithdrawForm
from notifications.registry.models import SmsTemplate

LIST = "admin:notifications_smstemplate_changelist"
# State of a version -> (tone of its mark in officer.css, words).
STATES: dict[str, tuple[str, Promise]] = {
    "valid": ("applied", _("valid")),
    "replaced": ("", _("replaced")),
    Problem.NOT_YET: ("prepared", _("not yet valid")),
    Problem.EXPIRED: ("open", _("ended")),
    Problem.WITHDRAWN: ("open", _("withdrawn")),
}


class VersionFilter(admin.SimpleListFilter):
    """The newest version of each unless all are asked for."""

    title = _("version")
    parameter_name = "versions"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("all", _("All versions"))]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("The newest"),
        }
        yield {
            "selected": self.value() == "all",
            "query_string": changelist.get_query_string({self.parameter_name: "all"}),
            "display": _("All versions"),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() == "all" else _newest(queryset)


class GatewayFilter(admin.SimpleListFilter):
    """Those filed for one gateway, or for every one: Django's own filter has no word for these."""

    title = _("gateway")
    parameter_name = "for"
    every = "every"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        named = SmsTemplate.objects.exclude(gateway="").order_by("gateway")
        names = named.values_list("gateway", flat=True).distinct()
        return [(self.every, _("every gateway")), *((name, name) for name in names)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(gateway="" if value == self.every else value)


class KindFilter(admin.SimpleListFilter):
    """By what officers call the kinds, not by their codes."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        # What is filed may be of a kind that this version no longer knows.
        filed = SmsTemplate.objects.order_by("kind").values_list("kind", flat=True).distinct()
        codes = {*filed, *(kind.code for kind in spoken_kinds())}
        return sorted(((code, kinds.name(code)) for code in codes), key=itemgetter(1))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


def _newer() -> QuerySet[SmsTemplate]:
    """Later versions of a row of the query around this one."""
    place = {name: OuterRef(name) for name in ("kind", "language", "gateway")}
    return SmsTemplate.objects.filter(**place, version__gt=OuterRef("version"))


def _newest(templates: QuerySet[SmsTemplate]) -> QuerySet[SmsTemplate]:
    return templates.filter(~Exists(_newer()))


@admin.register(SmsTemplate)
class SmsTemplateAdmin(admin.ModelAdmin):
    change_list_template = "admin/office/templates.html"
    list_display = (
        *("what", "language", "state", "where", "template_id", "own_id"),
        *("header", "last_day", "version"),
    )
    list_filter = (VersionFilter, "language", GatewayFilter, KindFilter)
    search_fields = ("template_id", "gateway_template_id", "kind", "text")
    search_help_text = _("Template id, kind, or words of the text.")
    list_per_page = 100
    show_full_result_count = False
    actions = None

    # --- Columns ---

    @admin.display(description=_("kind"), ordering="kind")
    def what(self, template: SmsTemplate) -> str:
        return kinds.name(template.kind)

    @admin.display(description=_("gateway"), ordering="gateway")
    def where(self, template: SmsTemplate) -> Any:
        return template.gateway or _("every gateway")

    # Its field's name is as wide as two columns.
    @admin.display(description=_("gateway's id"), ordering="gateway_template_id", empty_value="-")
    def own_id(self, template: SmsTemplate) -> str:
        return template.gateway_template_id

    @admin.display(description=_("valid until"), ordering="valid_until")
    def last_day(self, template: SmsTemplate) -> str:
        return f"{template.valid_until:%d/%m/%Y}" if template.valid_until else "-"

    @admin.display(description=_("state"))
    def state(self, template: Any) -> Any:
        return STATES["replaced" if template.is_replaced else _state(template)][1]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SmsTemplate]:
        templates: QuerySet[SmsTemplate] = super().get_queryset(request)
        begun = _newer().filter(valid_from__lte=timezone.localdate())
        never_was = Q(withdrawn_at__date__lt=F("valid_from"))
        return templates.annotate(is_replaced=Exists(begun.exclude(never_was)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Kinds are found by their code, and by what the list calls them."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        words = search_term.strip().casefold()
        codes = [kind.code for kind in spoken_kinds() if words in kinds.name(kind.code).casefold()]
        if not words or not codes:
            return found, may_repeat
        return queryset.filter(Q(pk__in=found.values("pk")) | Q(kind__in=codes)), may_repeat

    # --- Rights: whoever may change a template may withdraw it; nobody deletes one ---

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _may_file(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_change_permission(request)

    # --- Pages ---

    def get_urls(self) -> list[Any]:
        pages: dict[str, Callable[..., HttpResponse]] = {
            "proof": self.proof_view,
            "import": self.import_view,
            "export": self.export_view,
            "<int:template_id>/edit": self.edit_view,
            "<int:template_id>/withdraw": self.withdraw_view,
        }
        return [
            path(
                f"{address}/",
                self.admin_site.admin_view(view),
                name=f"notifications_smstemplate_{address.rpartition('/')[2]}",
            )
            for address, view in pages.items()
        ] + list(super().get_urls())

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        extra = {**(extra_context or {}), "may_file": self._may_file(request)}
        return super().changelist_view(request, extra)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self._may_file(request):
            raise PermissionDenied
        form = EntryForm(request.POST if request.method == "POST" else None)
        return self._file(request, form, title=_("File a template"), back=reverse(LIST))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """To look at; what changes a template has a page of its own."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        template = self._template(request, int(object_id))
        versions = list(_versions(template))
        state = _state(template, versions)
        is_newest = versions[0].pk == template.pk
        context = {
            "template": template,
            "state": state,
            "tone": STATES[state][0],
            "state_words": STATES[state][1],
            "proof": proof.prove_one(template, timezone.now()),
            "versions": versions,
            "events": template.events.all(),
            "may_edit": is_newest and self._may_edit(request, template),
            "may_withdraw": template.withdrawn_at is None and self.has_change_permission(request),
        }
        return self._page(request, "template", title=str(template), **context)

    def edit_view(self, request: HttpRequest, template_id: int) -> HttpResponse:
        template = self._template(request, template_id)
        if not self._may_edit(request, template):
            raise PermissionDenied
        newest = _versions(template)[0]
        old = {} if newest.pk == template.pk else {"newest": newest, "in_force": _in_force(newest)}
        if old and request.method != "POST":
            title = _("%(template)s is an old version") % {"template": template}
            return self._page(request, "template_old", title=title, template=template, **old)
        form = EntryForm(request.POST if request.method == "POST" else None, fixed=template)
        title = _("Change %(template)s") % {"template": template}
        return self._file(request, form, title=title, back=_url(template), template=template, **old)

    def withdraw_view(self, request: HttpRequest, template_id: int) -> HttpResponse:
        template = self._template(request, template_id)
        if not self.has_change_permission(request):
            raise PermissionDenied
        form = WithdrawForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            try:
                verbs.withdraw(template=template, by=_label(request), reason=reason)
            except Refusal as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, _("Withdrawn. No message leaves in these words."))
            return HttpResponseRedirect(_url(template))
        return self._page(
            request,
            "template_withdraw",
            title=_("Withdraw %(template)s") % {"template": template},
            template=template,
            form=form,
            effects=withdrawal.effects(template, timezone.now()),
            back=_url(template),
        )

    def import_view(self, request: HttpRequest) -> HttpResponse:
        if not self._may_file(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                loaded = verbs.load(
                    entries=form.entries,
                    by=_label(request),
                    reason=form.cleaned_data["reason"],
                )
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                words = _("%(new)d new, %(changed)d changed, %(same)d as they were.")
                messages.success(request, words % vars(loaded))
                return HttpResponseRedirect(reverse(LIST))
        if form.content:  # no browser keeps a chosen file: what was in it comes back as text
            form.data = request.POST.copy()
            form.data["text"] = form.content
        return self._page(
            request, "template_import", title=_("Import templates"), form=form, back=reverse(LIST)
        )

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """The newest version of each that was not withdrawn."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        kept = _newest(SmsTemplate.objects.filter(withdrawn_at=None)).order_by(
            "kind", "language", "gateway"
        )
        # With its mark, so that spreadsheets read the Hindi.
        content = "\ufeff" + csv_files.write(Entry.of(template) for template in kept)
        response = HttpResponse(content, content_type="text/csv; charset=utf-8")
        name = f"sms-templates-{timezone.localdate().isoformat()}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def proof_view(self, request: HttpRequest) -> HttpResponse:
        """Of the gateways in use; where none needs templates, of what is filed for every one."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        in_use = proof.gateways_in_use()
        proofs = proof.prove(timezone.now(), in_use or [""])
        findings = [finding for one in proofs for finding in one.findings]
        context = {
            "in_use": in_use,
            "proofs": proofs,
            "codes": [kind.code for kind in spoken_kinds()],
            "stopped": [finding for finding in findings if finding.stops],
            "of_ids": [one for one in findings if one.is_error and not one.stops],
            "warnings": [finding for finding in findings if not finding.is_error],
            "proved": sum(not one.fails for one in proofs),
        }
        return self._page(request, "template_proof", title=_("Proof of templates"), **context)

    # --- Steps ---

    def _file(
        self,
        request: HttpRequest,
        form: EntryForm,
        *,
        title: str | Promise,
        back: str,
        template: SmsTemplate | None = None,
        **context: Any,
    ) -> HttpResponse:
        if form.is_valid():
            try:
                filed, changed = verbs.file(
                    entry=form.entry(),
                    by=_label(request),
                    reason=form.cleaned_data["reason"],
                    based_on=form.cleaned_data["based_on"],
                )
            except Refusal as refusal:
                form.add_error(None, str(refusal))
                if template is None:
                    form.there = verbs.newest_of(form.entry())
            else:
                said = _("Filed: %(template)s.") if changed else _("%(template)s: as it was.")
                messages.success(request, said % {"template": filed})
                return HttpResponseRedirect(_url(filed))
        return self._page(
            request,
            "template_form",
            title=title,
            form=form,
            back=back,
            template=template,
            **context,
        )

    def _template(self, request: HttpRequest, template_id: int) -> SmsTemplate:
        if not self.has_view_permission(request):
            raise PermissionDenied
        template: SmsTemplate = get_object_or_404(SmsTemplate, pk=template_id)
        return template

    def _may_edit(self, request: HttpRequest, template: SmsTemplate) -> bool:
        spoken = template.kind in [kind.code for kind in spoken_kinds()]
        return spoken and self.has_change_permission(request)

    def _page(
        self, request: HttpRequest, name: str, *, title: str | Promise, **context: Any
    ) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        return TemplateResponse(request, f"admin/office/{name}.html", {**frame, **context})


def _versions(template: SmsTemplate) -> QuerySet[SmsTemplate]:
    """All versions, the newest first."""
    place = {name: getattr(template, name) for name in ("kind", "language", "gateway")}
    return SmsTemplate.objects.filter(**place).order_by("-version")


def _in_force(template: SmsTemplate) -> SmsTemplate | None:
    """The version of the same place that speaks today."""
    found = filling.standing(list(_versions(template)), timezone.now().astimezone(INDIA).date())
    return found if isinstance(found, SmsTemplate) else None


def _state(template: SmsTemplate, versions: Sequence[SmsTemplate] = ()) -> str:
    """A key of STATES. `versions`: all of the same place, newest first."""
    today = timezone.now().astimezone(INDIA).date()
    speaks = filling.standing(versions, today)
    if isinstance(speaks, SmsTemplate) and speaks.version > template.version:
        return "replaced"
    alone = filling.standing([template], today)
    return "valid" if isinstance(alone, SmsTemplate) else alone


def _url(template: SmsTemplate) -> str:
    return reverse("admin:notifications_smstemplate_change", args=[template.pk])


def _label(request: HttpRequest) -> str:
    return f"officer {request.user.pk}"
