"""Urgent travel: send a proof, see what became of it, withdraw it."""

from functools import partial

from django.conf import settings
from django.contrib import messages
from django.core.files.base import File
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import limits
from accounts.models import User
from accounts.pages import person_of
from appointments import booking, proof_files, travel, travel_standing, uploads
from appointments.errors import Refusal
from appointments.models import Application
from appointments.proof_files import Document
from appointments.travel_forms import TravelForm
from appointments.views.common import applicant_page, own_application, posted, say


@applicant_page
def standing(request: HttpRequest, application_id: int) -> HttpResponse:
    """What is being checked or counts; whoever has neither is asked for a proof."""
    application = own_application(request, application_id)
    found = travel_standing.of(application, timezone.localdate())
    if not found.accepted_for and not found.waiting:
        return redirect("appointments:travel_send", application_id)
    context = {"application": application, "travel": found}
    return render(request, "appointments/travel.html", context)


@applicant_page
def send(request: HttpRequest, application_id: int) -> HttpResponse:
    application = own_application(request, application_id)
    found = travel_standing.of(application, timezone.localdate())
    if request.method != "POST" and found.waiting:
        return redirect("appointments:travel", application_id)
    if booking.visit_is_done(application):
        say(request, Refusal("visit_done"))
        return redirect("appointments:mine")
    form = TravelForm(
        posted(request),
        request.FILES if request.method == "POST" else None,
        judge=partial(_judge, person_of(request)),
        too_large=uploads.was_too_large(request),
    )
    if form.is_valid():
        return _send(request, application, form)
    context = {
        "application": application,
        "travel": found,
        "form": form,
        "kept_days": settings.PROOF_KEPT_DAYS,
    }
    return render(request, "appointments/travel_send.html", context)


def _judge(person: User, upload: File) -> Document:
    """What the file is; nobody may keep the site busy with judging."""
    limits.take("files_by_account", str(person.pk), now=timezone.now())
    return proof_files.read(upload)


def _send(request: HttpRequest, application: Application, form: TravelForm) -> HttpResponse:
    try:
        travel.state_travel(
            application=application,
            travel_date=form.cleaned_data["travel_date"],
            document=form.cleaned_data["proof"],
            by=person_of(request),
        )
    except Refusal as refusal:
        say(request, refusal)
        return redirect("appointments:mine")
    messages.success(request, _("Your proof has been sent. You need do nothing more now."))
    return redirect("appointments:travel", application.pk)


@applicant_page
def withdraw(request: HttpRequest, application_id: int, proof_id: int) -> HttpResponse:
    """Ask once, then take back."""
    application = own_application(request, application_id)
    proof = get_object_or_404(application.travel_proofs, pk=proof_id)
    if request.method == "POST":
        try:
            travel.withdraw(proof_id=proof.pk, by=person_of(request))
            messages.success(request, _("The proof is withdrawn."))
        except Refusal as refusal:
            say(request, refusal)
        return redirect("appointments:mine")
    if not proof.is_open:
        return redirect("appointments:mine")
    context = {"application": application, "proof": proof, "kept_days": settings.PROOF_KEPT_DAYS}
    return render(request, "appointments/travel_withdraw.html", context)
