"""Cancel one's appointment: asked once, said what is lost and what stays."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from appointments import booking, words
from appointments.errors import Refusal
from appointments.views.common import applicant_page, current, own_application, person_of, say


@applicant_page
def cancel(request: HttpRequest, application_id: int) -> HttpResponse:
    application = own_application(request, application_id)
    left = words.attempts(booking.attempts_left(application, timezone.now()))
    if request.method == "POST":
        return _cancel(request, application_id)
    appointment = current(application)
    if appointment is None:
        return redirect("appointments:mine")
    context = {"application": application, "appointment": appointment, "attempts": left}
    return render(request, "appointments/cancel.html", context)


def _cancel(request: HttpRequest, application_id: int) -> HttpResponse:
    application = own_application(request, application_id)
    appointment = current(application)
    if appointment is not None:
        try:
            booking.cancel(appointment_id=appointment.pk, by=person_of(request))
        except Refusal as refusal:
            say(request, refusal)
            return redirect("appointments:mine")
    left = words.attempts(booking.attempts_left(application, timezone.now()))
    context = {"application": application, "attempts": left}
    return render(request, "appointments/cancelled.html", context)
