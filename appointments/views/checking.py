"""Check your answers, confirm, and what is confirmed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.pages import person_of
from appointments import booking, words
from appointments.errors import Refusal
from appointments.models import Application, Appointment, Slot
from appointments.views.common import (
    applicant_page,
    choose_again,
    chosen_before,
    current,
    go_on,
    held_seat,
    own_application,
    row_number,
    say,
)


@applicant_page
def check(request: HttpRequest, application_id: int) -> HttpResponse:
    """What the seat is, until when it is kept, what it costs."""
    application = own_application(request, application_id)
    if request.method == "POST":
        return _decide(request, application)
    now = timezone.now()
    hold = held_seat(application, now)
    if hold is None:
        return _nothing_held(request, application)
    appointment = current(application)
    context = {
        **_ways_back(application, hold.slot),
        "application": application,
        "appointment": appointment,
        "old": appointment.slot if appointment else None,
        "hold": hold,
        "costs_attempt": booking.costs_attempt(appointment),
        "left_after": words.attempts(max(0, booking.attempts_left(application, now) - 1)),
    }
    return render(request, "appointments/check.html", context)


def _ways_back(application: Application, slot: Slot) -> dict[str, str]:
    """To each question that was answered, with the answer chosen; the seat stays kept meanwhile."""
    code, day = slot.centre.code, slot.date
    times = [code, day.year, day.month, day.day]
    return {
        "back": chosen_before(application, "choose", slot.pk),
        "change_centre_url": chosen_before(application, "choose_centre", code),
        "change_day_url": chosen_before(application, "choose_day", day.isoformat(), code),
        "change_time_url": chosen_before(application, "choose_time", slot.pk, *times),
    }


def _decide(request: HttpRequest, application: Application) -> HttpResponse:
    hold_id = row_number(request.POST.get("hold"))
    if hold_id is None:
        return _nothing_held(request, application)
    near = row_number(request.POST.get("slot"))
    try:
        if "release" in request.POST:
            booking.release_hold(hold_id=hold_id, by=person_of(request))
            return choose_again(application, near)
        booking.confirm(hold_id=hold_id, by=person_of(request))
    except Refusal as refusal:
        return go_on(request, refusal, application, near=near)
    return redirect("appointments:done", application.pk)


def _nothing_held(request: HttpRequest, application: Application) -> HttpResponse:
    """The back button after confirming, or a hold that ran out."""
    ran_out = application.holds.filter(purpose__in=booking.OWN_PURPOSES).first()
    if ran_out:
        say(request, booking.hold_expired())
        return choose_again(application, ran_out.slot_id)
    if current(application):
        now_so = _("Nothing waits to be confirmed. This is how your appointment stands.")
        messages.info(request, now_so)
        return redirect("appointments:mine")
    messages.info(request, _("No seat is kept for you at the moment. Choose a time."))
    return choose_again(application)


@applicant_page
def done(request: HttpRequest, application_id: int) -> HttpResponse:
    application = own_application(request, application_id)
    appointment = current(application)
    if appointment is None or appointment.state != Appointment.State.CONFIRMED:
        return redirect("appointments:mine")
    context = {"application": application, "appointment": appointment}
    return render(request, "appointments/done.html", context)
