"""Proofs of travel: the work list of those who check them, the document, and the decision."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import officers
from appointments import private_files, proof_files, travel
from appointments.admin.asking import page
from appointments.admin.base import OwnCentresFilter, ReadOnlyAdmin, attempt, day, moment
from appointments.admin.scope import masked_arn, masked_name, sees_names
from appointments.errors import Refusal
from appointments.models import Appointment, TravelProof
from appointments.permissions import may_review_travel

# The document comes from a stranger: it may load nothing, run nothing, and be framed by nobody.
DOCUMENT_POLICY = "default-src 'none'; img-src 'self'; frame-ancestors 'none'; sandbox"
SHOWN_VIEWS = 20


class StateFilter(admin.SimpleListFilter):
    """The work list unless something else is asked for: those that wait."""

    title = "state"
    parameter_name = "state"
    everything = "all"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rest = [(state.value, str(state.label)) for state in TravelProof.State]
        return [*rest, (self.everything, "All")]

    def choices(self, changelist: Any) -> Any:
        chosen = self.value() or TravelProof.State.WAITING
        for value, words in self.lookup_choices:
            yield {
                "selected": value == chosen,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": words,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value() or TravelProof.State.WAITING
        return queryset if asked == self.everything else queryset.filter(state=asked)


class HomeCentreFilter(OwnCentresFilter):
    path = "application__home_centre"


class RefuseForm(forms.Form):
    reason = forms.ChoiceField(
        label="Why not?",
        help_text="The applicant reads this sentence, in their language.",
        choices=TravelProof.Reason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a reason: the applicant has to know what to send."},
    )


@admin.register(TravelProof)
class TravelProofAdmin(ReadOnlyAdmin):
    region_path = "application__region"
    centre_path = "application__home_centre"
    list_filter = (StateFilter, HomeCentreFilter)
    list_select_related = ("application__home_centre",)
    ordering = ("uploaded_at", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        live = Appointment.objects.filter(state__in=Appointment.LIVE_STATES)
        visits = Prefetch("application__appointments", live.select_related("slot__centre"))
        return super().get_queryset(request).prefetch_related(visits)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        person = ("arn", "name") if sees_names(request) else ("masked_arn", "masked_name")
        return ("number", "sent", *person, "centre", "travels", "visit", "state")

    # --- Columns ---

    @admin.display(description="proof", ordering="pk")
    def number(self, proof: TravelProof) -> str:
        return f"Proof {proof.pk}"

    @admin.display(description="sent", ordering="uploaded_at")
    def sent(self, proof: TravelProof) -> str:
        return moment(proof.uploaded_at)

    @admin.display(description="ARN")
    def arn(self, proof: TravelProof) -> str:
        return proof.application.arn

    @admin.display(description="name")
    def name(self, proof: TravelProof) -> str:
        return proof.application.name

    @admin.display(description="ARN")
    def masked_arn(self, proof: TravelProof) -> str:
        return masked_arn(proof.application.arn)

    @admin.display(description="name")
    def masked_name(self, proof: TravelProof) -> str:
        return masked_name(proof.application.name)

    @admin.display(description="home centre", ordering="application__home_centre__name_en")
    def centre(self, proof: TravelProof) -> str:
        return proof.application.home_centre.name_en

    @admin.display(description="travels", ordering="travel_date")
    def travels(self, proof: TravelProof) -> str:
        return day(proof.travel_date)

    @admin.display(description="appointment")
    def visit(self, proof: TravelProof) -> str:
        live = _live(proof)
        return moment(live.slot.starts_at if live and live.slot else None)

    # --- Pages ---

    def get_urls(self) -> list[Any]:
        steps = {
            "document": require_GET(self.document_view),
            "accept": require_POST(self.accept_view),
            "refuse": require_POST(self.refuse_view),
        }
        return [
            path(
                f"<int:proof_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"appointments_travelproof_{name}",
            )
            for name, view in steps.items()
        ] + list(super().get_urls())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        return self._show(request, self._proof(request, int(object_id)), RefuseForm())

    def _proof(self, request: HttpRequest, proof_id: int) -> TravelProof:
        """Of the officer's own lists, or 404."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related(
            "application__home_centre", "application__region", "reviewed_by"
        )
        proof: TravelProof = get_object_or_404(rows, pk=proof_id)
        return proof

    def _show(self, request: HttpRequest, proof: TravelProof, form: RefuseForm) -> HttpResponse:
        application = proof.application
        decidable = proof.state not in TravelProof.ENDED and bool(proof.stored_as)
        may_review = may_review_travel(officers.of(request), application)
        context = {
            **page(request, self, title=f"Proof {proof.pk}"),
            "proof": proof,
            "application": application,
            "appointment": _live(proof),
            "age": application.age_on(timezone.localdate()),
            "may_decide": decidable and may_review,
            "may_open": bool(proof.stored_as) and may_review,
            "past": proof.travel_date <= timezone.localdate(),
            "form": form,
            "others": application.travel_proofs.exclude(pk=proof.pk).select_related("reviewed_by"),
            "views": proof.views.select_related("officer")[:SHOWN_VIEWS],
        }
        return TemplateResponse(request, "admin/office/travel_proof.html", context)

    def accept_view(self, request: HttpRequest, proof_id: int) -> HttpResponse:
        self._proof(request, proof_id)
        by, seen = officers.of(request), request.POST.get("seen", "")
        if attempt(request, lambda: travel.accept(proof_id=proof_id, by=by, seen=seen)):
            messages.success(request, f"Proof {proof_id} accepted: plans put this person first.")
            return _to_list()
        return _to_proof(proof_id)

    def refuse_view(self, request: HttpRequest, proof_id: int) -> HttpResponse:
        proof = self._proof(request, proof_id)
        form = RefuseForm(request.POST)
        if not form.is_valid():
            return self._show(request, proof, form)
        by, seen = officers.of(request), request.POST.get("seen", "")
        reason = form.cleaned_data["reason"]
        if attempt(
            request, lambda: travel.refuse(proof_id=proof_id, reason=reason, by=by, seen=seen)
        ):
            messages.success(request, f"Proof {proof_id} not accepted. The applicant reads why.")
            return _to_list()
        return _to_proof(proof_id)

    def document_view(self, request: HttpRequest, proof_id: int) -> HttpResponse:
        """The file, for those who may decide about it; each look is written down."""
        self._proof(request, proof_id)
        try:
            proof, name = travel.open_document(proof_id=proof_id, by=officers.of(request))
        except Refusal as refusal:
            if refusal.code == "not_permitted":
                raise PermissionDenied from refusal
            messages.error(request, refusal.message)
            return _to_proof(proof_id)
        content = private_files.read(name, sha256=proof.sha256)
        if content is None:
            messages.error(request, "The file cannot be read. Ask the applicant for another one.")
            return _to_proof(proof_id)
        return _document(proof, content)


def _document(proof: TravelProof, content: bytes) -> HttpResponse:
    """A photo is shown; a PDF is handed over, as browsers show none inside a sandbox."""
    response = HttpResponse(content, content_type=proof.content_type)
    way = "inline" if proof.content_type == TravelProof.Kind.PHOTO else "attachment"
    response["Content-Disposition"] = f'{way}; filename="{proof_files.file_name(proof)}"'
    response["Content-Security-Policy"] = DOCUMENT_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _live(proof: TravelProof) -> Appointment | None:
    return next(iter(proof.application.appointments.all()), None)


def _to_list() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:appointments_travelproof_changelist"))


def _to_proof(proof_id: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:appointments_travelproof_change", args=[proof_id]))
