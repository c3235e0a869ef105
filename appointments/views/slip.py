"""The slip for the gate, the calendar file, and the page that the slip's code opens."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from appointments import slips
from appointments.calendar import entry_as_it_stands
from appointments.models import Application, Appointment, Offer
from appointments.views.common import applicant_page, by_link, current, own_application


@applicant_page
def slip(request: HttpRequest, application_id: int) -> HttpResponse:
    """One sheet of paper for a confirmed appointment, in both languages.

    The whole ARN stands on it, unlike on other pages: at the gate and at the counter the person is
    found by it, and the page belongs to whoever holds the application's phone.
    """
    application = own_application(request, application_id)
    appointment = current(application)
    if appointment is None or appointment.state != Appointment.State.CONFIRMED:
        messages.info(request, _("There is a slip only while an appointment is confirmed."))
        return redirect("appointments:mine")
    question = appointment.offers.filter(state=Offer.State.OPEN).first()
    if question is not None:
        return _answer_first(request, application, question)
    context = {
        "application": application,
        "appointment": appointment,
        "slot": appointment.slot,
        "code": slips.qr_code(slips.check_url(appointment)),
        "now": timezone.now(),
        "offices": {"hi": settings.OFFICE_NAME_HI, "en": settings.OFFICE_NAME_EN},
    }
    return render(request, "appointments/slip.html", context)


def _answer_first(request: HttpRequest, application: Application, question: Offer) -> HttpResponse:
    """What is printed must not be taken back by a silence, or by the office's undo."""
    if question.live_at > timezone.now():
        soon = _("The office is changing appointments at this moment. Look again in a few minutes.")
        messages.info(request, soon)
        return redirect("appointments:mine")
    messages.info(request, _("Answer first whether the new time suits you. Then print the slip."))
    return redirect("appointments:question", application.pk)


@applicant_page
def calendar_file(request: HttpRequest, application_id: int) -> HttpResponse:
    """What the person's calendar should hold now; after a cancellation, that there is no visit."""
    application = own_application(request, application_id)
    appointment = current(application) or _cancelled(application)
    language = get_language() or settings.LANGUAGE_CODE
    entry = appointment and entry_as_it_stands(appointment, now=timezone.now(), language=language)
    if not entry:
        raise Http404
    method = "PUBLISH" if "\r\nMETHOD:PUBLISH\r\n" in entry else "CANCEL"
    content_type = f"text/calendar; charset=utf-8; method={method}"
    response = HttpResponse(entry, content_type=content_type)
    response["Content-Disposition"] = 'attachment; filename="appointment.ics"'
    return response


def _cancelled(application: Application) -> Appointment | None:
    """The last appointment, if it was cancelled. One that took place stays in the calendar."""
    latest = application.appointments.order_by("booked_at", "pk").last()
    return latest if latest and latest.state == Appointment.State.CANCELLED else None


@by_link
def check_slip(request: HttpRequest, reference: str) -> HttpResponse:
    """An officer goes on to the appointment; everybody else reads that officers can check it.

    True and made-up codes look alike to everybody else.
    """
    if getattr(request.user, "is_staff", False):
        return redirect("admin:appointments_appointment_slip", reference)
    return render(request, "appointments/check_slip.html", {"reference": reference})
