"""Join the waiting list: what it means, then one button."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.pages import person_of
from appointments import availability, booking, waiting_list, words
from appointments.errors import Refusal
from appointments.models import Application, Appointment
from appointments.views.common import applicant_page, current, go_on, own_application


@applicant_page
def join(request: HttpRequest, application_id: int) -> HttpResponse:
    application = own_application(request, application_id)
    if request.method == "POST":
        return _join(request, application)
    now = timezone.now()
    appointment = current(application)
    if appointment and appointment.state == Appointment.State.WAITING:
        return redirect("appointments:mine")
    try:
        waiting_list.check_may_join(application, now)
    except Refusal as refusal:
        return go_on(request, refusal, application)
    context = {
        "application": application,
        "rules": waiting_list.rules_of([application])[application.pk],
        "left_after": words.attempts(booking.attempts_left(application, now) - 1),
        "seats_free": availability.for_application(application, now).exists(),
    }
    return render(request, "appointments/join.html", context)


def _join(request: HttpRequest, application: Application) -> HttpResponse:
    try:
        waiting_list.join(application=application, by=person_of(request))
    except Refusal as refusal:
        return go_on(request, refusal, application)
    messages.success(request, _("You are on the waiting list."))
    return redirect("appointments:mine")
