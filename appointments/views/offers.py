"""The answer to an offer, by the link in the message or signed in.

GET never changes anything: mail scanners follow links. Whoever holds the link sees no name and four
digits of the application number.
"""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation

from accounts import limits
from accounts.errors import SignInRefusal
from accounts.models import User
from appointments import booking, offers
from appointments.errors import Refusal
from appointments.messages import CAUSE_WORDS
from appointments.models import Appointment, Offer, Outage
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
            _answer(request, offer.pk, None)
            return redirect("appointments:offer_link", token)
        return _show(request, offer, _links(token))


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
@login_required
def link_another(request: HttpRequest, token: str) -> HttpResponse:
    """Another time needs a sign-in: with the phone that the link went to, that is all it needs."""
    try:
        offer = _find(request, token)
    except (Refusal, SignInRefusal) as refusal:
        return _no_offer(request, refusal)
    application_id = offer.appointment.application_id
    try:
        booking.claim_by_link(application_id=application_id, by=person_of(request))
    except Refusal:
        return render(request, "appointments/other_phone.html", {"offer": offer})
    return redirect("appointments:choose", application_id)


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
    status = {
        "offer_not_found": HTTPStatus.NOT_FOUND,
        "unknown_link": HTTPStatus.TOO_MANY_REQUESTS,
    }.get(refusal.code, HTTPStatus.OK)
    context = {"refusal": refusal}
    return render(request, "appointments/no_offer.html", context, status=status)


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
        _answer(request, offer.pk, person_of(request))
        return redirect("appointments:question", application_id)
    urls = {
        "give_up_url": reverse("appointments:give_up", args=[application_id]),
        "another_url": reverse("appointments:choose", args=[application_id]),
        "back_url": reverse("appointments:mine"),
    }
    return _show(request, offer, urls)


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
        .select_related("appointment__application", "old_slot__centre", "new_slot__centre", "plan")
        .order_by("-pk")
    )
    return get_object_or_404(newest[:1])


# --- Both ---------------------------------------------------------------------------------------


def _answer(request: HttpRequest, offer_id: int, by: User | None) -> None:
    try:
        offers.accept(offer_id=offer_id, by=by)
    except Refusal as refusal:
        say(request, refusal)


def _give_up(request: HttpRequest, offer_id: int, by: User | None) -> None:
    try:
        offers.give_up(offer_id=offer_id, by=by)
    except Refusal as refusal:
        say(request, refusal)


def _show(request: HttpRequest, offer: Offer, urls: dict[str, str]) -> HttpResponse:
    appointment = offer.appointment
    context: dict[str, Any] = {
        "offer": offer,
        "appointment": appointment,
        "in_doubt": appointment.state == Appointment.State.IN_DOUBT,
        "reason": _reason(offer),
        **urls,
    }
    return render(request, "appointments/offer.html", context)


def _reason(offer: Offer) -> str:
    if offer.plan is None:
        return ""
    return str(CAUSE_WORDS[Outage.Cause(offer.plan.outage.cause)])


def _ask_give_up(request: HttpRequest, offer: Offer, *, back: str) -> HttpResponse:
    context = {"offer": offer, "back_url": back}
    return render(request, "appointments/give_up.html", context)
