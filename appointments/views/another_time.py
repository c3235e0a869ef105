"""Another time than the offered one, by the link: choose first, then sign in.

The seat is held while the code is on its way: nobody loses it to a slow SMS. What confirms it is
the sign-in with the phone that got the message, and the page on which one checks it.
"""

from http import HTTPStatus
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts import kept_until, limits
from accounts.errors import SignInRefusal
from accounts.pages import person_of
from appointments import booking
from appointments.errors import Refusal
from appointments.models import Application
from appointments.views import choosing
from appointments.views.common import held_seat, say, with_choice
from appointments.views.links import Key, keep_language, no_offer, page, question_page

# What the page of the question itself explains: no need to say it twice.
EXPLAINED = {"in_doubt", "offer_ended", "offer_not_live"}


class ByLink(choosing.Way):
    """By whoever has opened the link; nothing but a seat for some minutes comes of it."""

    # Pages of choosing -> their names behind a link.
    PAGES = {
        "choose": "offer_link_another",
        "choose_centre": "offer_link_centre",
        "choose_day": "offer_link_day",
        "choose_time": "offer_link_time",
    }

    def __init__(self, request: HttpRequest, key: Key) -> None:
        self.request = request
        self.key = key
        self.application = key.offer.appointment.application
        self.back = key.url("offer_link")
        self.check_url = key.url("offer_link_kept")

    def url(self, name: str, *args: Any) -> str:
        return self.key.url(self.PAGES[name], *args)

    def hold(self, slot_id: int) -> HttpResponse:
        try:
            limits.take("link_hold", str(self.key.offer.pk), now=timezone.now())
            hold = booking.hold_seat_by_link(offer_id=self.key.offer.pk, slot_id=slot_id)
        except SignInRefusal as refusal:
            return no_offer(self.request, refusal, back=self.back)
        except Refusal as refusal:
            return self._not_held(refusal, slot_id)
        kept_until.remember(self.request, hold.expires_at)
        response = redirect(self.check_url)
        keep_language(self.request, response)
        return response

    def _not_held(self, refusal: Refusal, slot_id: int) -> HttpResponse:
        if refusal.code in choosing.ENDS_CHOOSING or refusal.code in EXPLAINED:
            return self.refused(refusal)
        say(self.request, refusal)
        return redirect(f"{self.url('choose')}?near={slot_id}")

    def refused(self, refusal: Refusal) -> HttpResponse:
        if refusal.code not in EXPLAINED:
            say(self.request, refusal)
        return redirect(self.back)

    def render(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        return page(request, name, context | {"by_link": True})


def _may_choose(request: HttpRequest, key: Key) -> HttpResponse | None:
    """Where to go instead: a question that has ended explains itself; the owner has own pages."""
    if not booking.may_hold_by_link(key.offer, timezone.now()):
        return redirect(key.url("offer_link"))
    application = key.offer.appointment.application
    if request.method != "POST" and application.claimed_by == request.user:
        return redirect("appointments:choose", application.pk)
    # Said before they choose: a seat would be kept for nothing.
    return _other_phone(request, key) if _is_stranger(request, application) else None


def _is_stranger(request: HttpRequest, application: Application) -> bool:
    """Signed in, but neither the owner nor with the phone that the message went to."""
    if not request.user.is_authenticated or application.claimed_by == request.user:
        return False
    return not booking.may_claim_by_link(application, person_of(request))


def _other_phone(request: HttpRequest, key: Key) -> HttpResponse:
    """They may sign out and in again; a seat that was chosen before stays kept meanwhile."""
    hold = held_seat(key.offer.appointment.application, timezone.now())
    onwards = key.url("offer_link_kept" if hold else "offer_link_another")
    context = {
        "hold": hold,
        "back_url": key.url("offer_link"),
        "sign_in_url": redirect_to_login(onwards).url,
    }
    return page(request, "other_phone", context, status=HTTPStatus.FORBIDDEN)


@question_page
def soon(request: HttpRequest, key: Key) -> HttpResponse:
    return _may_choose(request, key) or choosing.soon(request, ByLink(request, key))


@question_page
def centre_page(request: HttpRequest, key: Key) -> HttpResponse:
    return _may_choose(request, key) or choosing.centre_page(request, ByLink(request, key))


@question_page
def day_page(request: HttpRequest, key: Key, code: str) -> HttpResponse:
    return _may_choose(request, key) or choosing.day_page(request, ByLink(request, key), code)


@question_page
def time_page(
    request: HttpRequest, key: Key, code: str, year: int, month: int, day: int
) -> HttpResponse:
    way = ByLink(request, key)
    return _may_choose(request, key) or choosing.time_page(request, way, code, (year, month, day))


@question_page
def kept(request: HttpRequest, key: Key) -> HttpResponse:
    """The seat is kept: sign in, link the application where that is missing, then confirm."""
    application = key.offer.appointment.application
    if "release" in request.POST:
        booking.release_choice(offer_id=key.offer.pk, by=None)
        kept_until.forget(request)
        return redirect(key.url("offer_link"))
    if request.user.is_authenticated and application.claimed_by == request.user:
        return redirect("appointments:check", application.pk)
    if not booking.may_hold_by_link(key.offer, timezone.now()):
        return redirect(key.url("offer_link"))
    if _is_stranger(request, application):
        return _other_phone(request, key)
    if request.user.is_authenticated:
        return _link_application(request, key)
    return _ask_to_sign_in(request, key)


def _ask_to_sign_in(request: HttpRequest, key: Key) -> HttpResponse:
    application = key.offer.appointment.application
    hold = held_seat(application, timezone.now())
    if hold is None:
        return _nothing_kept(request, key, application)
    context = {
        "offer": key.offer,
        "appointment": key.offer.appointment,
        "hold": hold,
        "sign_in_url": redirect_to_login(request.path).url,
        "change_url": with_choice(key.url("offer_link_another"), hold.slot_id),
    }
    return page(request, "kept", context)


def _nothing_kept(request: HttpRequest, key: Key, application: Application) -> HttpResponse:
    """It ran out, or was never there: the times nearest to it, with the reason."""
    ran_out = application.holds.filter(purpose__in=booking.OWN_PURPOSES).first()
    another = key.url("offer_link_another")
    if ran_out is None:
        return redirect(another)
    say(request, booking.hold_expired())
    return redirect(f"{another}?near={ran_out.slot_id}")


def _link_application(request: HttpRequest, key: Key) -> HttpResponse:
    """Whoever reads the phone that got the message may link the application: asked by a button."""
    person, application = person_of(request), key.offer.appointment.application
    hold = held_seat(application, timezone.now())
    if request.method != "POST":
        return page(request, "link_application", {"application": application, "hold": hold})
    try:
        booking.claim_by_link(application_id=application.pk, by=person)
    except Refusal as refusal:
        say(request, refusal)
        return redirect("appointments:mine")
    return redirect("appointments:check" if hold else "appointments:choose", application.pk)
