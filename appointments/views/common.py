"""What several pages of an applicant need: whose it is, where to go on, what a refusal leads to."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.pages import person_of
from appointments import booking
from appointments.errors import Refusal
from appointments.models import Application, Appointment, Hold

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
# Of a row's number: more do not fit the column, and the database would complain.
MOST_DIGITS = 18


def applicant_page(view: View[P]) -> View[P]:
    """For signed-in people only, and never kept by a cache."""
    return login_required(never_cache(view))


def own_application(request: HttpRequest, application_id: int) -> Application:
    """The person's own application, or 404: nobody learns which numbers exist."""
    return get_object_or_404(
        Application.objects.select_related("home_centre", "region"),
        pk=application_id,
        claimed_by=person_of(request),
    )


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form was filled in with; None while the page is only looked at."""
    return request.POST if request.method == "POST" else None


def say(request: HttpRequest, refusal: Refusal) -> None:
    messages.error(request, refusal.message)


def row_number(text: str | None) -> int | None:
    """A row's number from a form or an address; None for anything that cannot be one."""
    return int(text) if text and text.isdecimal() and len(text) <= MOST_DIGITS else None


def current(application: Application) -> Appointment | None:
    return booking.live_appointment(application)


def held_seat(application: Application, now: datetime) -> Hold | None:
    """The seat that is kept while the person decides."""
    held = application.holds.filter(purpose__in=booking.OWN_PURPOSES, expires_at__gt=now)
    return held.select_related("slot__centre").first()


# What a refusal leads to, so that nobody is left without a next step.
NEXT_STEP = {
    "in_doubt": "appointments:mine",
    "no_attempts_left": "appointments:mine",
    "appointment_started": "appointments:mine",
    "appointment_ended": "appointments:mine",
    "not_yours": "appointments:mine",
    "visit_done": "appointments:mine",
    "already_booked": "appointments:mine",
}


def go_on(
    request: HttpRequest, refusal: Refusal, application: Application, *, near: int | None = None
) -> HttpResponseRedirect:
    """Say why not, and lead to the page where the person can do something about it.

    `near`: the slot that was wanted, for the times nearest to it.
    """
    say(request, refusal)
    if refusal.code in NEXT_STEP:
        return redirect(NEXT_STEP[refusal.code])
    return choose_again(application, near)


def choose_again(application: Application, near: int | None = None) -> HttpResponseRedirect:
    query = f"?near={near}" if near else ""
    return redirect(reverse("appointments:choose", args=[application.pk]) + query)


def with_choice(url: str, chosen: object) -> str:
    """A page of choosing on which this is chosen already: going back loses nothing."""
    return f"{url}?{urlencode({'chosen': chosen})}"


def chosen_before(application: Application, name: str, chosen: object, *args: Any) -> str:
    """The address of a page of choosing of an application, with what was chosen on it."""
    return with_choice(reverse(f"appointments:{name}", args=[application.pk, *args]), chosen)


def by_link(view: Callable[..., Any]) -> Callable[..., Any]:
    """Headers of a page that a link alone opens: nothing keeps it, passes it on or lists it."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> HttpResponse:
        response = never_cache(view)(*args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        # Not "no-referrer": browsers then send `Origin: null` with the answer, which the protection
        # against forged forms must refuse. Of this page's address only the host is passed on.
        response["Referrer-Policy"] = "strict-origin"
        response["X-Robots-Tag"] = "noindex"
        return response

    return guarded
