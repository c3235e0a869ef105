"""Choose a time: the nearest ones, or centre, day and time. The seat is then held.

Booking, changing and choosing from the waiting list are the same pages: the verb knows which. So
are those behind a message link (views/another_time.py): a `Way` says who chooses and where.
`?chosen=` on a page is what was chosen there before, so that going back loses nothing.
"""

from abc import ABC, abstractmethod
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
from accounts.pages import person_of
from appointments import availability, booking, waiting_list, words
from appointments.errors import Refusal
from appointments.forms import ChoiceForm, Choices
from appointments.models import Application, Appointment, Centre, Hold, Slot
from appointments.views.common import (
    NEXT_STEP,
    applicant_page,
    current,
    go_on,
    held_seat,
    own_application,
    posted,
    row_number,
    with_choice,
)
from notifications import dates

ANOTHER = "another"
# Refusals that say: no time at all may be chosen.
ENDS_CHOOSING = NEXT_STEP.keys()


class Way(ABC):
    """Who chooses, where the pages of choosing are, and what follows."""

    application: Application
    # Where the first page leads back to.
    back: str
    # Where a seat that is kept is confirmed.
    check_url: str

    @abstractmethod
    def url(self, name: str, *args: Any) -> str:
        """The address of a page of choosing: choose, choose_centre, choose_day, choose_time."""

    @abstractmethod
    def hold(self, slot_id: int) -> HttpResponse:
        """Keep the seat and go on, or say why not and lead to what can be done."""

    @abstractmethod
    def refused(self, refusal: Refusal) -> HttpResponse:
        """The person may choose no time at all: say why, and lead on."""

    def render(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        return render(request, f"appointments/{name}.html", context)


class SignedIn(Way):
    """By the owner of the application."""

    def __init__(self, request: HttpRequest, application_id: int) -> None:
        self.request = request
        self.application = own_application(request, application_id)
        self.back = reverse("appointments:mine")
        self.check_url = self.url("check")

    def url(self, name: str, *args: Any) -> str:
        return reverse(f"appointments:{name}", args=[self.application.pk, *args])

    def hold(self, slot_id: int) -> HttpResponse:
        try:
            booking.hold_seat(
                application=self.application, slot_id=slot_id, by=person_of(self.request)
            )
        except Refusal as refusal:
            return go_on(self.request, refusal, self.application, near=slot_id)
        return redirect(self.check_url)

    def refused(self, refusal: Refusal) -> HttpResponse:
        return go_on(self.request, refusal, self.application)


@applicant_page
def choose_soon(request: HttpRequest, application_id: int) -> HttpResponse:
    return soon(request, SignedIn(request, application_id))


@applicant_page
def choose_centre(request: HttpRequest, application_id: int) -> HttpResponse:
    return centre_page(request, SignedIn(request, application_id))


@applicant_page
def choose_day(request: HttpRequest, application_id: int, code: str) -> HttpResponse:
    return day_page(request, SignedIn(request, application_id), code)


@applicant_page
def choose_time(
    request: HttpRequest, application_id: int, code: str, year: int, month: int, day: int
) -> HttpResponse:
    return time_page(request, SignedIn(request, application_id), code, (year, month, day))


# --- The four questions -------------------------------------------------------------------------


def soon(request: HttpRequest, way: Way) -> HttpResponse:
    """The nearest free times first; most people need no more.

    `?near=`: the slot that somebody else was quicker at, so that what is near it comes first.
    """
    if slot_id := _chosen_slot(request):
        return way.hold(slot_id)
    now = timezone.now()
    application, appointment = way.application, current(way.application)
    if refusal := _may_not_choose(application, appointment, now):
        return way.refused(refusal)
    own = appointment.slot if appointment else None
    around = _wanted_slot(request, application) or own
    nearest = availability.nearest(application, around, now, but=own.pk if own else None)
    held = held_seat(application, now)
    if not nearest and held is None:
        return redirect(way.url("choose_centre"))
    form = ChoiceForm(
        posted(request),
        question=_("Which time suits you?"),
        choices=_soon(application, _with_held(nearest, held), around),
        missing=_("Choose one of the times, or another centre, date or time."),
        submit=_("Continue"),
        initial=_chosen_before(request),
    )
    if request.method == "POST" and form.is_valid():
        return redirect(way.url("choose_centre"))
    return _page(request, way, form, back=way.back, appointment=appointment, hold=held)


def centre_page(request: HttpRequest, way: Way) -> HttpResponse:
    application = way.application
    now = timezone.now()
    if refusal := _may_not_choose(application, current(application), now):
        return way.refused(refusal)
    centres = availability.centres(application, now)
    if not centres:
        context = {
            "application": application,
            "appointment": current(application),
            "may_join": waiting_list.may_join(application, now),
            "again_url": way.url("choose_centre"),
            "back": way.back,
        }
        return way.render(request, "no_seats", context)
    form = ChoiceForm(
        posted(request),
        question=_("Which centre?"),
        choices=[(c.centre.code, _centre_label(application, c)) for c in centres],
        missing=_("Choose a centre."),
        submit=_("Continue"),
        initial={"choice": application.home_centre.code} | _chosen_before(request),
    )
    if request.method == "POST" and form.is_valid():
        return redirect(way.url("choose_day", form.cleaned_data["choice"]))
    back = with_choice(way.url("choose"), ANOTHER)
    return _page(request, way, form, back=back)


def day_page(request: HttpRequest, way: Way, code: str) -> HttpResponse:
    application = way.application
    centre = get_object_or_404(Centre, code=code, region=application.region)
    now = timezone.now()
    if refusal := _may_not_choose(application, current(application), now):
        return way.refused(refusal)
    days = availability.days(application, centre, now)
    if not days:
        messages.info(request, _("No seat is free at this centre now. Choose another one."))
        return redirect(way.url("choose_centre"))
    form = ChoiceForm(
        posted(request),
        question=_("Which day?"),
        choices=_days(days, timezone.localdate(now)),
        missing=_("Choose a day."),
        submit=_("Continue"),
        initial=_chosen_before(request),
    )
    if request.method == "POST" and form.is_valid():
        day = date.fromisoformat(form.cleaned_data["choice"])
        return redirect(way.url("choose_time", code, day.year, day.month, day.day))
    back = with_choice(way.url("choose_centre"), code)
    return _page(request, way, form, back=back, centre=centre)


def time_page(
    request: HttpRequest, way: Way, code: str, year_month_day: tuple[int, int, int]
) -> HttpResponse:
    application = way.application
    centre = get_object_or_404(Centre, code=code, region=application.region)
    chosen = _date_or_404(*year_month_day)
    if slot_id := _chosen_slot(request):
        return way.hold(slot_id)
    now = timezone.now()
    if refusal := _may_not_choose(application, current(application), now):
        return way.refused(refusal)
    held = held_seat(application, now)
    here = held if held and (held.slot.centre_id, held.slot.date) == (centre.pk, chosen) else None
    slots = _with_held(availability.times(application, centre, chosen, now), here)
    if not slots:
        messages.info(request, _("No seat is free on this day any more. Choose another day."))
        return redirect(way.url("choose_day", code))
    form = ChoiceForm(
        posted(request),
        question=_("What time?"),
        choices=[(str(slot.pk), _time_label(application, slot)) for slot in slots],
        missing=_("Choose a time."),
        submit=_("Continue"),
        initial=_chosen_before(request),
    )
    form.is_valid()
    back = with_choice(way.url("choose_day", code), chosen.isoformat())
    return _page(request, way, form, back=back, centre=centre, day=chosen)


# --- Steps --------------------------------------------------------------------------------------


def _chosen_slot(request: HttpRequest) -> int | None:
    """The slot that was chosen, also one that has left the page's list since: the verb judges."""
    return row_number(request.POST.get("choice")) if request.method == "POST" else None


def _chosen_before(request: HttpRequest) -> dict[str, str]:
    """What the person chose on this page before; what is not on it any more chooses nothing."""
    chosen = request.GET.get("chosen")
    return {"choice": chosen} if chosen else {}


def _with_held(slots: list[Slot], held: Hold | None) -> list[Slot]:
    """With the seat that is kept for the person: it may have been the last of its slot."""
    if held is None or held.slot_id in {slot.pk for slot in slots}:
        return slots
    return sorted([*slots, held.slot], key=lambda slot: (slot.starts_at, slot.pk))


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


def _page(request: HttpRequest, way: Way, form: ChoiceForm, **context: Any) -> HttpResponse:
    if "hold" not in context:
        context["appointment"] = current(way.application)
        context["hold"] = held_seat(way.application, timezone.now())
    context |= {"application": way.application, "form": form, "check_url": way.check_url}
    return way.render(request, "choose", context)


def _date_or_404(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise Http404 from None


# --- Words --------------------------------------------------------------------------------------


def _lang() -> str:
    return get_language() or "hi"


def _soon(application: Application, slots: list[Slot], around: Slot | None) -> Choices:
    """Those at the centre of `around` (the home centre) first, then other centres, the nearest
    first. Named as groups where there are both."""
    centre = around.centre if around else application.home_centre
    here = [slot for slot in slots if slot.centre_id == centre.pk]
    there = [slot for slot in slots if slot.centre_id != centre.pk]
    there.sort(key=lambda slot: availability.km_between(centre, slot.centre))
    for slots_of, group in ((here, centre.name), (there, _("Other centres nearby"))):
        for slot in slots_of:
            label = dates.long_moment(slot.starts_at, _lang())
            hint = _where(application, slot)
            yield str(slot.pk), HintedLabel(label, hint=hint, group=group if there else "")
    group = _("None of these") if there else ""
    yield ANOTHER, HintedLabel(_("Another centre, date or time"), group=group)


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
