"""Choose a time: soonest times, or centre, day and time; then check, then confirm.

Booking, changing and choosing from the waiting list are the same pages: the verb knows which.
"""

from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from appointments import availability, booking, words
from appointments.errors import Refusal
from appointments.forms import ChoiceForm
from appointments.models import Application, Appointment, Centre, Hold, Slot
from appointments.views.common import (
    applicant_page,
    current,
    go_on,
    own_application,
    person_of,
    posted,
)
from notifications import dates

ANOTHER = "another"


@applicant_page
def choose_soon(request: HttpRequest, application_id: int) -> HttpResponse:
    """The nearest free times first; most people need no more."""
    application = own_application(request, application_id)
    now = timezone.now()
    refusal = _may_not_choose(application, now)
    if refusal:
        return go_on(request, refusal, application)
    nearest = availability.nearest(application, _around(application), now)
    if not nearest:
        return redirect("appointments:choose_centre", application.pk)
    form = ChoiceForm(
        posted(request),
        question=_("Which time suits you?"),
        choices=[
            *((str(slot.pk), _moment(slot), _where(application, slot)) for slot in nearest),
            (ANOTHER, _("Another centre, date or time"), ""),
        ],
        missing=_("Choose one of the times, or another centre, date or time."),
        submit=_("Continue"),
    )
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["choice"] == ANOTHER:
            return redirect("appointments:choose_centre", application.pk)
        return _hold(request, application, int(form.cleaned_data["choice"]))
    return _page(request, application, form, back=reverse("appointments:mine"))


@applicant_page
def choose_centre(request: HttpRequest, application_id: int) -> HttpResponse:
    application = own_application(request, application_id)
    now = timezone.now()
    centres = availability.centres(application, now)
    if not centres:
        return render(request, "appointments/no_seats.html", {"application": application})
    form = ChoiceForm(
        posted(request),
        question=_("Which centre?"),
        choices=[(c.centre.code, c.centre.name, _centre_hint(application, c)) for c in centres],
        missing=_("Choose a centre."),
        submit=_("Continue"),
        initial={"choice": application.home_centre.code},
    )
    if request.method == "POST" and form.is_valid():
        return redirect("appointments:choose_day", application.pk, form.cleaned_data["choice"])
    back = reverse("appointments:choose", args=[application.pk])
    return _page(request, application, form, back=back)


@applicant_page
def choose_day(request: HttpRequest, application_id: int, code: str) -> HttpResponse:
    application = own_application(request, application_id)
    centre = get_object_or_404(Centre, code=code, region=application.region)
    days = availability.days(application, centre, timezone.now())
    if not days:
        messages.info(request, _("No seat is free at this centre now. Choose another one."))
        return redirect("appointments:choose_centre", application.pk)
    form = ChoiceForm(
        posted(request),
        question=_("Which day?"),
        choices=[
            (d.date.isoformat(), dates.long_day(d.date, _lang()), words.free_seats(d.free))
            for d in days
        ],
        missing=_("Choose a day."),
        submit=_("Continue"),
    )
    if request.method == "POST" and form.is_valid():
        day = date.fromisoformat(form.cleaned_data["choice"])
        return redirect(
            "appointments:choose_time", application.pk, code, day.year, day.month, day.day
        )
    back = reverse("appointments:choose_centre", args=[application.pk])
    return _page(request, application, form, back=back, centre=centre)


@applicant_page
def choose_time(
    request: HttpRequest, application_id: int, code: str, year: int, month: int, day: int
) -> HttpResponse:
    application = own_application(request, application_id)
    centre = get_object_or_404(Centre, code=code, region=application.region)
    chosen = _date_or_404(year, month, day)
    slots = availability.times(application, centre, chosen, timezone.now())
    if not slots:
        messages.info(request, _("No seat is free on this day any more. Choose another day."))
        return redirect("appointments:choose_day", application.pk, code)
    form = ChoiceForm(
        posted(request),
        question=_("What time?"),
        choices=[(str(s.pk), dates.clock(s.starts_at, _lang()), _seats(s)) for s in slots],
        missing=_("Choose a time."),
        submit=_("Continue"),
    )
    if request.method == "POST" and form.is_valid():
        return _hold(request, application, int(form.cleaned_data["choice"]))
    back = reverse("appointments:choose_day", args=[application.pk, code])
    return _page(request, application, form, back=back, centre=centre, day=chosen)


@applicant_page
def check(request: HttpRequest, application_id: int) -> HttpResponse:
    """Check your answers: what the seat is, until when it is kept, what it costs."""
    application = own_application(request, application_id)
    if request.method == "POST":
        return _decide(request, application)
    now = timezone.now()
    hold = _hold_of(application, now)
    if hold is None:
        return _nothing_held(request, application)
    appointment = current(application)
    context = {
        "application": application,
        "appointment": appointment,
        "old": appointment.slot if appointment else None,
        "hold": hold,
        "costs_attempt": booking.costs_attempt(appointment),
        "left_after": words.attempts(max(0, booking.attempts_left(application, now) - 1)),
    }
    return render(request, "appointments/check.html", context)


def _decide(request: HttpRequest, application: Application) -> HttpResponse:
    hold_id = request.POST.get("hold", "")
    if not hold_id.isdecimal() or len(hold_id) > 18:
        return _nothing_held(request, application)
    try:
        if "release" in request.POST:
            booking.release_hold(hold_id=int(hold_id), by=person_of(request))
            return redirect("appointments:choose", application.pk)
        booking.confirm(hold_id=int(hold_id), by=person_of(request))
    except Refusal as refusal:
        return go_on(request, refusal, application)
    return redirect("appointments:done", application.pk)


def _nothing_held(request: HttpRequest, application: Application) -> HttpResponse:
    """Back button after confirming, or a hold that ran out."""
    if current(application) and application.appointments.filter(confirmed_hold__gt=0).exists():
        return redirect("appointments:mine")
    messages.info(request, _("No seat is kept for you at the moment. Choose a time."))
    return redirect("appointments:choose", application.pk)


@applicant_page
def done(request: HttpRequest, application_id: int) -> HttpResponse:
    application = own_application(request, application_id)
    appointment = current(application)
    if appointment is None or appointment.state != Appointment.State.CONFIRMED:
        return redirect("appointments:mine")
    context = {"application": application, "appointment": appointment}
    return render(request, "appointments/done.html", context)


# --- Steps --------------------------------------------------------------------------------------


def _may_not_choose(application: Application, now: datetime) -> Refusal | None:
    """Said before the person has chosen anything, by the same rules that the verb holds."""
    try:
        booking.check_may_choose_any(application, current(application), now)
    except Refusal as refusal:
        return refusal
    return None


def _hold(request: HttpRequest, application: Application, slot_id: int) -> HttpResponse:
    try:
        booking.hold_seat(application=application, slot_id=slot_id, by=person_of(request))
    except Refusal as refusal:
        return go_on(request, refusal, application)
    return redirect("appointments:check", application.pk)


def _hold_of(application: Application, now: datetime) -> Hold | None:
    return (
        application.holds.filter(
            purpose__in=[Hold.Purpose.BOOKING, Hold.Purpose.CHANGE], expires_at__gt=now
        )
        .select_related("slot__centre")
        .first()
    )


def _around(application: Application) -> Slot | None:
    """The seat that the person has: near it is where another time is looked for."""
    appointment = current(application)
    return appointment.slot if appointment else None


def _page(
    request: HttpRequest, application: Application, form: ChoiceForm, **context: Any
) -> HttpResponse:
    appointment = current(application)
    context |= {"application": application, "form": form, "appointment": appointment}
    return render(request, "appointments/choose.html", context)


# --- Words --------------------------------------------------------------------------------------


def _lang() -> str:
    return get_language() or "hi"


def _moment(slot: Slot) -> str:
    return dates.long_moment(slot.starts_at, _lang())


def _seats(slot: Slot) -> str:
    return words.free_seats(slot.free)


def _where(application: Application, slot: Slot) -> str:
    km = availability.km_between(application.home_centre, slot.centre)
    name = slot.centre.name
    return f"{name}, {words.distance(km)}" if slot.centre_id != application.home_centre_id else name


def _centre_hint(application: Application, choice: availability.CentreChoice) -> str:
    first = _("first free day: %(day)s") % {"day": dates.long_day(choice.first_date, _lang())}
    if choice.centre.pk == application.home_centre_id:
        return first
    return f"{words.distance(choice.km)}, {first}"


def _date_or_404(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise Http404 from None
