"""The question about a seat that is kept: for somebody who waits, or an earlier one.

By link and signed in, as the question of a plan (views/offers.py, which leads here).
"""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation

from accounts.models import User
from appointments import availability, booking, offers, words
from appointments.errors import Refusal
from appointments.models import Appointment, Offer
from appointments.views.common import row_number, say

# Of a question that ended without the person; its link leads nowhere any more.
GONE = (Offer.State.WITHDRAWN, Offer.State.RELEASED)


def show(
    request: HttpRequest, offer: Offer, urls: dict[str, str], *, by_link: bool
) -> HttpResponse:
    """The seat, until when it is kept, what silence means, and two choices; or how it ended."""
    appointment, now = offer.appointment, timezone.now()
    waits = appointment.state == Appointment.State.WAITING
    context: dict[str, Any] = {
        "offer": offer,
        "appointment": appointment,
        "earlier": offer.kind == Offer.Kind.EARLIER,
        "km": _km(offer),
        "costs_attempt": waits and booking.costs_attempt(appointment),
        "left_after": words.attempts(
            max(0, booking.attempts_left(appointment.application, now) - 1)
        ),
        "taken": appointment.slot_id == offer.new_slot_id,
        "back_url": urls.get("back_url"),
    }
    status = HTTPStatus.GONE if by_link and offer.state in GONE else HTTPStatus.OK
    response = render(request, "appointments/offer_seat.html", context, status=status)
    # The middleware knows the browser's language; this page may be in the person's.
    response["Content-Language"] = translation.get_language() or "hi"
    return response


def answer(request: HttpRequest, offer: Offer, by: User | None) -> None:
    """Take it, or no thanks; nothing if the page was of another question than this newest one."""
    if row_number(request.POST.get("offer")) != offer.pk:
        return
    verb = offers.decline if "decline" in request.POST else offers.accept
    try:
        verb(offer_id=offer.pk, by=by)
    except Refusal as refusal:
        say(request, refusal)


def _km(offer: Offer) -> int:
    """From the person's own centre."""
    home = offer.appointment.application.home_centre
    return availability.km_between(home, offer.new_slot.centre)
