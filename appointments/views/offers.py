"""The answer to an offer, by the link in the message or signed in.

GET never changes anything: mail scanners follow links. Whoever holds the link sees no name and four
digits of the application number.
"""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation

from accounts import limits
from accounts.errors import SignInRefusal
from accounts.models import User
from accounts.pages import with_limit
from appointments import availability, booking, offers
from appointments.errors import Refusal
from appointments.messages import CAUSE_WORDS
from appointments.models import Appointment, Offer, Outage
from appointments.views import seat_offers
from appointments.views.common import applicant_page, by_link, own_application, person_of, say

# --- By link ------------------------------------------------------------------------------------


@by_link
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Old and new side by side, why, until when, and three choices."""
    try:
        offer = _find(request, token)
    except (Refusal, SignInRefusal) as refusal:
        return _no_offer(request, refusal)
    with _language_of(request, offer):
        if request.method == "POST":
            _answer(request, offer, None)
            return redirect("appointments:offer_link", token)
        return _show(request, offer, _links(token), by_link=True)


@by_link
def link_give_up(request: HttpRequest, token: str) -> HttpResponse:
    """Asked once more, because the seat goes to somebody else at once."""
    try:
        offer = _find(request, token)
    except (Refusal, SignInRefusal) as refusal:
        return _no_offer(request, refusal)
    with _language_of(request, offer):
        page = reverse("appointments:offer_link", args=[token])
        if request.method == "POST":
            _give_up(request, offer.pk, None)
            return redirect(page)
        if not offer.is_open:
            return redirect(page)
        return _ask_give_up(request, offer, back=page)


@by_link
def link_another(request: HttpRequest, token: str) -> HttpResponse:
    """Another time needs a sign-in: with the phone that the link went to, that is all it needs."""
    try:
        offer = _find(request, token)
    except (Refusal, SignInRefusal) as refusal:
        return _no_offer(request, refusal)
    if not offer.is_open:
        return redirect("appointments:offer_link", token)
    if not request.user.is_authenticated:
        return _to_sign_in(request, offer)
    application = offer.appointment.application
    if application.claimed_by != request.user:
        return _link_application(request, offer)
    return redirect("appointments:choose", application.pk)


def _to_sign_in(request: HttpRequest, offer: Offer) -> HttpResponse:
    """The pages of signing in go on in the language in which the question was read."""
    response = redirect_to_login(request.path)
    if request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) not in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            offer.appointment.contact[2],
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )
    return response


def _link_application(request: HttpRequest, offer: Offer) -> HttpResponse:
    """Whoever reads the phone that got the message may link the application: asked by a button."""
    person, application = person_of(request), offer.appointment.application
    if not booking.may_claim_by_link(application, person):
        return _page(request, "other_phone", {"offer": offer}, status=HTTPStatus.FORBIDDEN)
    if request.method != "POST":
        return _page(request, "link_application", {"application": application})
    try:
        booking.claim_by_link(application_id=application.pk, by=person)
    except Refusal as refusal:
        say(request, refusal)
        return redirect("appointments:mine")
    return redirect("appointments:choose", application.pk)


def _links(token: str) -> dict[str, str]:
    return {
        "give_up_url": reverse("appointments:offer_link_give_up", args=[token]),
        "another_url": reverse("appointments:offer_link_another", args=[token]),
    }


def _find(request: HttpRequest, token: str) -> Offer:
    """The offer; wrong tokens are counted per network, so that guessing ends in a 429."""
    now = timezone.now()
    try:
        return offers.find(token, now=now)
    except Refusal as refusal:
        if refusal.code == "offer_not_found":
            limits.take("unknown_link", limits.network_of(request), now=now)
        raise


def _no_offer(request: HttpRequest, refusal: Refusal | SignInRefusal) -> HttpResponse:
    """Unknown, not live yet, or too many tries: the page says which, and where to go."""
    page = _page(request, "no_offer", {"refusal": refusal}, status=HTTPStatus.NOT_FOUND)
    return with_limit(page, refusal) if isinstance(refusal, SignInRefusal) else page


@contextlib.contextmanager
def _language_of(request: HttpRequest, offer: Offer) -> Iterator[None]:
    """The person's language, unless this browser has chosen one on the site."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    if chosen in dict(settings.LANGUAGES) or request.user.is_authenticated:
        yield
        return
    _phone, _email, language = offer.appointment.contact
    with translation.override(language):
        yield


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
    page = reverse("appointments:question", args=[application_id])
    if request.method == "POST":
        _give_up(request, offer.pk, person_of(request))
        return redirect(page)
    if not offer.is_open:
        return redirect(page)
    return _ask_give_up(request, offer, back=page)


def _own_offer(request: HttpRequest, application_id: int) -> Offer:
    """The newest question of the person's application that is live."""
    application = own_application(request, application_id)
    newest = (
        Offer.objects.filter(appointment__application=application, live_at__lte=timezone.now())
        .select_related(
            "appointment__application", "old_slot__centre", "new_slot__centre", "plan__outage"
        )
        .order_by("-pk")
    )
    return get_object_or_404(newest[:1])


# --- Both ---------------------------------------------------------------------------------------


def _answer(request: HttpRequest, offer: Offer, by: User | None) -> None:
    if offer.is_seat_offer:
        return seat_offers.answer(request, offer, by)
    try:
        offers.accept(offer_id=offer.pk, by=by)
    except Refusal as refusal:
        say(request, refusal)


def _give_up(request: HttpRequest, offer_id: int, by: User | None) -> None:
    try:
        offers.give_up(offer_id=offer_id, by=by)
    except Refusal as refusal:
        say(request, refusal)


def _show(
    request: HttpRequest, offer: Offer, urls: dict[str, str], *, by_link: bool
) -> HttpResponse:
    if offer.is_seat_offer:
        return seat_offers.show(request, offer, urls, by_link=by_link)
    appointment = offer.appointment
    context: dict[str, Any] = {
        "offer": offer,
        "appointment": appointment,
        "in_doubt": appointment.state == Appointment.State.IN_DOUBT,
        "newer": offer.state == Offer.State.WITHDRAWN and _newer(offer),
        "reason": _reason(offer),
        "km": _km(offer),
        **urls,
    }
    gone = by_link and offer.state in (Offer.State.WITHDRAWN, Offer.State.RELEASED)
    return _page(request, "offer", context, status=HTTPStatus.GONE if gone else HTTPStatus.OK)


def _newer(offer: Offer) -> bool:
    """A newer question has taken the place of this one."""
    later = Offer.objects.filter(appointment=offer.appointment, pk__gt=offer.pk)
    return later.filter(state=Offer.State.OPEN).exists()


def _reason(offer: Offer) -> str:
    if offer.plan is None:
        return ""
    return str(CAUSE_WORDS[Outage.Cause(offer.plan.outage.cause)])


def _km(offer: Offer) -> int:
    """From the old centre to the new one."""
    if offer.old_slot is None:
        return 0
    return availability.km_between(offer.old_slot.centre, offer.new_slot.centre)


def _ask_give_up(request: HttpRequest, offer: Offer, *, back: str) -> HttpResponse:
    application = offer.appointment.application
    attempts_left = booking.attempts_left(application, timezone.now())
    context = {"offer": offer, "back_url": back, "attempts_left": attempts_left}
    return _page(request, "give_up", context)


def _page(
    request: HttpRequest, name: str, context: dict[str, Any], status: int = HTTPStatus.OK
) -> HttpResponse:
    response = render(request, f"appointments/{name}.html", context, status=status)
    # The middleware knows the browser's language; this page may be in the person's.
    response["Content-Language"] = translation.get_language() or "hi"
    return response
