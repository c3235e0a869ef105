"""Choose a time: the nearest ones, or centre, day and time. The seat is then held.

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

from accounts.fields import HintedLabel
from appointments import availability, booking, waiting_list, words
from appointments.errors import Refusal
from appointments.forms import ChoiceForm, Choices
from appointments.models import Application, Appointment, Centre, Slot
from appointments.views.common import (
    applicant_page,
    current,
    go_on,
    held_seat,
    own_application,
    person_of,
    posted,
    row_number,
)
from notifications import dates

ANOTHER = "another"


@applicant_page
def choose_soon(request: HttpRequest, application_id: int) -> HttpResponse:
    """The nearest free times first; most people need no more.

    `?near=`: the slot that somebody else was quicker at, so that what is near it comes first.
    """
    application = own_application(request, application_id)
    if slot_id := _chosen_slot(request):
        return _hold(request, application, slot_id)
    now = timezone.now()
    appointment = current(application)
    if refusal := _may_not_choose(application, appointment, now):
        return go_on(request, refusal, application)
    own = appointment.slot if appointment else None
    around = _wanted_slot(request, application) or own
    nearest = availability.nearest(application, around, now, but=own.pk if own else None)
    if not nearest:
        return redirect("appointments:choose_centre", application.pk)
    form = ChoiceForm(
        posted(request),
        question=_("Which time suits you?"),
        choices=_soon(application, nearest),
        missing=_("Choose one of the times, or another centre, date or time."),
        submit=_("Continue"),
    )
    if request.method == "POST" and form.is_valid():
        return redirect("appointments:choose_centre", application.pk)
    return _page(request, application, form, back=reverse("appointments:mine"))


@applicant_page
def choose_centre(request: HttpRequest, application_id: int) -> HttpResponse:
    application = own_application(request, application_id)
    now = timezone.now()
    if refusal := _may_not_choose(application, current(application), now):
        return go_on(request, refusal, application)
    centres = availability.centres(application, now)
    if not centres:
        context = {
            "application": application,
            "may_join": waiting_list.may_join(application, now),
            "appointment": current(application),
        }
        return render(request, "appointments/no_seats.html", context)
    form = ChoiceForm(
        posted(request),
        question=_("Which centre?"),
        choices=[(c.centre.code, _centre_label(application, c)) for c in centres],
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
    now = timezone.now()
    days = availability.days(application, centre, now)
    if not days:
        messages.info(request, _("No seat is free at this centre now. Choose another one."))
        return redirect("appointments:choose_centre", application.pk)
    form = ChoiceForm(
        posted(request),
        question=_("Which day?"),
        choices=_days(days, timezone.localdate(now)),
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
    if slot_id := _chosen_slot(request):
        return _hold(request, application, slot_id)
    slots = availability.times(application, centre, chosen, timezone.now())
    if not slots:
        messages.info(request, _("No seat is free on this day any more. Choose another day."))
        return redirect("appointments:choose_day", application.pk, code)
    form = ChoiceForm(
        posted(request),
        question=_("What time?"),
        choices=[(str(slot.pk), _time_label(application, slot)) for slot in slots],
        missing=_("Choose a time."),
        submit=_("Continue"),
    )
    form.is_valid()
    back = reverse("appointments:choose_day", args=[application.pk, code])
    return _page(request, application, form, back=back, centre=centre, day=chosen)


# --- Steps --------------------------------------------------------------------------------------


def _chosen_slot(request: HttpRequest) -> int | None:
    """The slot that was chosen, also one that has left the page's list since: the verb judges."""
    return row_number(request.POST.get("choice")) if request.method == "POST" else None


def _wanted_slot(request: HttpRequest, application: Application) -> Slot | None:
    slot_id = row_number(request.GET.get("near"))
    if slot_id is None:
        return None
    slots = Slot.objects.filter(pk=slot_id, region=application.region)
    return slots.select_related("centre").first()


def _may_not_choose(
    application: Application, appointment: Appointment | None, now: datetime
) -> Refusal | None:
    """Said before the person has chosen anything, by the same rules that the verb holds."""
    try:
        booking.check_may_choose_any(application, appointment, now)
    except Refusal as refusal:
        return refusal
    return None


def _hold(request: HttpRequest, application: Application, slot_id: int) -> HttpResponse:
    try:
        booking.hold_seat(application=application, slot_id=slot_id, by=person_of(request))
    except Refusal as refusal:
        return go_on(request, refusal, application, near=slot_id)
    return redirect("appointments:check", application.pk)


def _page(
    request: HttpRequest, application: Application, form: ChoiceForm, **context: Any
) -> HttpResponse:
    context |= {
        "application": application,
        "form": form,
        "appointment": current(application),
        "hold": held_seat(application, timezone.now()),
    }
    return render(request, "appointments/choose.html", context)


def _date_or_404(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise Http404 from None


# --- Words --------------------------------------------------------------------------------------


def _lang() -> str:
    return get_language() or "hi"


def _soon(application: Application, slots: list[Slot]) -> Choices:
    for slot in slots:
        label = dates.long_moment(slot.starts_at, _lang())
        yield str(slot.pk), HintedLabel(label, hint=_where(application, slot))
    yield ANOTHER, HintedLabel(_("Another centre, date or time"))


def _where(application: Application, slot: Slot) -> str:
    parts = [slot.centre.name]
    if slot.centre_id != application.home_centre_id:
        km = availability.km_between(application.home_centre, slot.centre)
        parts.append(words.distance(km))
    return ", ".join([*parts, *_quota(application, slot)])


def _quota(application: Application, slot: Slot) -> list[str]:
    """Named only to those who may choose between two."""
    return [slot.get_quota_display()] if len(application.quotas()) > 1 else []


def _centre_label(application: Application, choice: availability.CentreChoice) -> HintedLabel:
    first = _("first free day: %(day)s") % {"day": dates.long_day(choice.first_date, _lang())}
    parts = [words.free_seats(choice.free), first]
    if choice.centre.pk != application.home_centre_id:
        parts.insert(0, words.distance(choice.km))
    return HintedLabel(choice.centre.name, hint=", ".join(parts))


def _days(days: list[availability.DayChoice], today: date) -> Choices:
    for day in days:
        yield (
            day.date.isoformat(),
            HintedLabel(
                dates.long_day(day.date, _lang()),
                hint=words.free_seats(day.free),
                group=words.week(day.date, today),
            ),
        )


def _time_label(application: Application, slot: Slot) -> HintedLabel:
    hint = ", ".join([*_quota(application, slot), words.free_seats(slot.free)])
    return HintedLabel(dates.clock(slot.starts_at, _lang()), hint=hint)
