"""Cancel one's appointment: asked once, said what is lost and what stays."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.pages import person_of
from appointments import booking
from appointments.calendar import last_seat
from appointments.errors import Refusal
from appointments.models import Application, Appointment
from appointments.views.common import (
    applicant_page,
    current,
    own_application,
    row_number,
    say,
)


@applicant_page
def cancel(request: HttpRequest, application_id: int) -> HttpResponse:
    application = own_application(request, application_id)
    if request.method == "POST":
        return _cancel(request, application)
    appointment = current(application)
    if appointment is None:
        return redirect("appointments:mine")
    context = {
        "application": application,
        "appointment": appointment,
        "attempts_left": booking.attempts_left(application, timezone.now()),
    }
    return render(request, "appointments/cancel.html", context)


def _cancel(request: HttpRequest, application: Application) -> HttpResponse:
    """End the appointment that the page showed, and no other: a second tab may have changed it."""
    shown = row_number(request.POST.get("appointment"))
    appointment = application.appointments.filter(pk=shown).first() if shown else None
    if appointment is None:
        return redirect("appointments:cancel", application.pk)
    if appointment.is_live and _slot_shown(request) != appointment.slot_id:
        messages.info(request, _("Your appointment has changed meanwhile. Look at it again."))
        return redirect("appointments:cancel", application.pk)
    try:
        booking.cancel(appointment_id=appointment.pk, by=person_of(request))
    except Refusal as refusal:
        say(request, refusal)
        return redirect("appointments:mine")
    return redirect("appointments:cancelled", application.pk)


def _slot_shown(request: HttpRequest) -> int | None:
    """None: on the waiting list."""
    return row_number(request.POST.get("slot"))


@applicant_page
def cancelled(request: HttpRequest, application_id: int) -> HttpResponse:
    application = own_application(request, application_id)
    latest = application.appointments.order_by("booked_at", "pk").last()
    if latest is None or latest.state != Appointment.State.CANCELLED:
        return redirect("appointments:mine")
    attempts_left = booking.attempts_left(application, timezone.now())
    context = {
        "application": application,
        "attempts_left": attempts_left,
        "in_calendar": last_seat(latest) is not None,
    }
    return render(request, "appointments/cancelled.html", context)
