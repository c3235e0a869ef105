"""The answer to an offer, by the link in the message or signed in."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.pages import person_of
from appointments import availability, booking, offer_lists, offers, words
from appointments.errors import Refusal
from appointments.messages import CAUSE_WORDS
from appointments.models import Appointment, Offer, Outage, PlanLine
from appointments.views import people_at_phone, seat_offers
from appointments.views.common import applicant_page, by_link, own_application, say
from appointments.views.links import Key, page, question_page

# --- By link ------------------------------------------------------------------------------------


@by_link
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Whatever the token opens: one person's question, or the list of several people's."""
    if people_at_phone.is_list(token):
        return people_at_phone.listed(request, token)
    return _link(request, token)


@question_page
def _link(request: HttpRequest, key: Key) -> HttpResponse:
    """Old and new side by side, why, until when, and three choices."""
    if request.method == "POST":
        _answer(request, key.offer, None)
        return redirect(key.url("offer_link"))
    urls = {
        "give_up_url": key.url("offer_link_give_up"),
        "another_url": key.url("offer_link_another"),
        "back_url": key.list_url,
    }
    return _show(request, key.offer, urls, by_link=True)


link_of_list = _link


@question_page
def link_give_up(request: HttpRequest, key: Key) -> HttpResponse:
    """Asked once more, because the seat goes to somebody else at once."""
    question_url = key.url("offer_link")
    if request.method == "POST":
        _give_up(request, key.offer.pk, None)
        return redirect(question_url)
    if not key.offer.is_open:
        return redirect(question_url)
    return _ask_give_up(request, key.offer, back=question_url)


# --- Signed in ----------------------------------------------------------------------------------


@applicant_page
def question(request: HttpRequest, application_id: int) -> HttpResponse:
    """The same question on the person's own pages."""
    offer = _own_offer(request, application_id)
    if request.method == "POST":
        _answer(request, offer, person_of(request))
        return redirect("appointments:question", application_id)
    urls = {
        "give_up_url": reverse("appointments:give_up", args=[application_id]),
        "another_url": reverse("appointments:choose", args=[application_id]),
        "back_url": reverse("appointments:mine"),
    }
    return _show(request, offer, urls, by_link=False)


@applicant_page
def question_give_up(request: HttpRequest, application_id: int) -> HttpResponse:
    offer = _own_offer(request, application_id)
    question_url = reverse("appointments:question", args=[application_id])
    if request.method == "POST":
        _give_up(request, offer.pk, person_of(request))
        return redirect(question_url)
    if not offer.is_open:
        return redirect(question_url)
    return _ask_give_up(request, offer, back=question_url)


def _own_offer(request: HttpRequest, application_id: int) -> Offer:
    """The newest question of the person's application that is live."""
    application = own_application(request, application_id)
    newest = (
        offers.with_all(Offer.objects)
        .filter(appointment__application=application, live_at__lte=timezone.now())
        .order_by("-pk")
    )
    return get_object_or_404(newest[:1])


# --- Both ---------------------------------------------------------------------------------------


def _answer(request: HttpRequest, offer: Offer, by: User | None) -> None:
    if offer.is_seat_offer:
        return seat_offers.answer(request, offer, by)
    try:
        # Whoever accepts wants no other seat: one that was being chosen is free for others.
        booking.release_choice(offer_id=offer.pk, by=by)
        offers.accept(offer_id=offer.pk, by=by)
    except Refusal as refusal:
        say(request, refusal)


def _give_up(request: HttpRequest, offer_id: int, by: User | None) -> None:
    try:
        offers.give_up(offer_id=offer_id, by=by)
    except Refusal as refusal:
        say(request, refusal)


@dataclass(frozen=True)
class Standing:
    """How a question stands, as its page tells it: a name for the template, and the heading."""

    name: str
    title: str | Promise
    status: int = HTTPStatus.OK


ASKED = Standing("asked", _("Your new time"))
TIME_OVER = Standing("time_over", _("The time to answer is over"))
IN_DOUBT = Standing("in_doubt", _("Please wait for our next message"))
TAKEN_BACK = Standing("taken_back", _("Please wait for our next message"), HTTPStatus.GONE)
ACCEPTED = Standing("accepted", _("You have accepted the new time"))
KEPT = Standing("kept", _("The new time stands"))
MOVED_ON = Standing("moved_on", _("This question has been answered"))
CHANGED = Standing("changed", _("You have chosen another time"))
GIVEN_UP = Standing("given_up", _("The appointment is cancelled"))
RELEASED = Standing("released", _("The time was released"), HTTPStatus.GONE)
WITHDRAWN = Standing("withdrawn", _("This offer has been withdrawn"), HTTPStatus.GONE)
ENDED = {
    Offer.State.CHANGED: CHANGED,
    Offer.State.GIVEN_UP: GIVEN_UP,
    Offer.State.RELEASED: RELEASED,
}


def _standing(offer: Offer) -> Standing:
    appointment = offer.appointment
    in_doubt = appointment.state == Appointment.State.IN_DOUBT
    if offer.is_open:
        if in_doubt:
            return IN_DOUBT
        return ASKED if offer.deadline > timezone.now() else TIME_OVER
    if offer.state == Offer.State.WITHDRAWN:
        return TAKEN_BACK if in_doubt else WITHDRAWN
    if offer.state in (Offer.State.ACCEPTED, Offer.State.KEPT):
        sits_there = appointment.slot_id == offer.new_slot_id
        if not sits_there or appointment.state != Appointment.State.CONFIRMED:
            return MOVED_ON
        return ACCEPTED if offer.state == Offer.State.ACCEPTED else KEPT
    return ENDED.get(Offer.State(offer.state), WITHDRAWN)


def _show(
    request: HttpRequest, offer: Offer, urls: dict[str, str], *, by_link: bool
) -> HttpResponse:
    if offer.is_seat_offer:
        return seat_offers.show(request, offer, urls, by_link=by_link)
    standing = _standing(offer)
    context: dict[str, Any] = {
        "offer": offer,
        "appointment": offer.appointment,
        "standing": standing,
        **urls,
    }
    if standing is ASKED:
        context |= _question(offer)
    if standing is WITHDRAWN:
        context["newer"] = _newer(offer)
    status = standing.status if by_link else HTTPStatus.OK
    return page(request, "offer", context, status=status)


def _question(offer: Offer) -> dict[str, Any]:
    """What the page of an open question tells beside the two times."""
    now = timezone.now()
    return {
        "cause": _cause(offer),
        "why": _why(offer),
        "km": _km(offer),
        "difference": words.moved_by(offer.old_slot, offer.new_slot),
        "time_left": words.time_left(offer.deadline - now),
        "listed": offer.listed.exists(),
        "others": offer_lists.others_at_phone(offer, now=now),
    }


def _newer(offer: Offer) -> bool:
    """A newer question has taken the place of this one."""
    later = Offer.objects.filter(appointment=offer.appointment, pk__gt=offer.pk)
    return later.filter(state=Offer.State.OPEN).exists()


def _cause(offer: Offer) -> str:
    if offer.plan is None:
        return ""
    return str(CAUSE_WORDS[Outage.Cause(offer.plan.outage.cause)])


def _why(offer: Offer) -> str:
    """Why the plan moved this very person, in words."""
    line = PlanLine.objects.filter(plan=offer.plan_id, appointment=offer.appointment_id)
    return words.why(line.values_list("reason", flat=True).first() or "")


def _km(offer: Offer) -> int:
    """From the old centre to the new one."""
    if offer.old_slot is None:
        return 0
    return availability.km_between(offer.old_slot.centre, offer.new_slot.centre)


def _ask_give_up(request: HttpRequest, offer: Offer, *, back: str) -> HttpResponse:
    application = offer.appointment.application
    attempts_left = booking.attempts_left(application, timezone.now())
    context = {"offer": offer, "back_url": back, "attempts_left": attempts_left}
    return page(request, "give_up", context)
