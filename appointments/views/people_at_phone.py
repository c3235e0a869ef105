"""One page for several people behind one phone: who is asked what, each answer, and all at once."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import SignInRefusal
from appointments import offer_lists, offers
from appointments.errors import Refusal
from appointments.models import Appointment, Offer, OfferList
from appointments.tokens import digest
from appointments.views.common import by_link, row_number
from appointments.views.links import counted, language_of, no_offer, page


def is_list(token: str) -> bool:
    return OfferList.objects.filter(token_hash=digest(token)).exists()


@by_link
def listed(request: HttpRequest, token: str) -> HttpResponse:
    """Everyone on the list: four digits, old and new, how it stands; accept one or all.

    Giving up and other times go person by person, on the pages of that person's question.
    """
    try:
        found = counted(request, lambda: offer_lists.find(token, now=timezone.now()))
    except (Refusal, SignInRefusal) as refusal:
        return no_offer(request, refusal)
    people = list(offer_lists.questions(found))
    with language_of(request, _language(people)):
        if request.method == "POST":
            _answer(request, found, people)
            return redirect("appointments:offer_link", token)
        return _show(request, token, found, people)


def _language(people: list[Offer]) -> str:
    """As the SMS: what most of them speak."""
    languages = [offer.appointment.contact[2] for offer in people]
    return max(sorted(set(languages)), key=languages.count)


def _answer(request: HttpRequest, found: OfferList, people: list[Offer]) -> None:
    if "all" in request.POST:
        _accept_all(request, found)
        return
    wanted = row_number(request.POST.get("accept"))
    offer = next((each for each in people if each.pk == wanted), None)
    if offer is None:
        raise Http404
    try:
        answered = offers.accept(offer_id=offer.pk, by=None)
    except Refusal as refusal:
        _say_refused(request, offer, refusal)
    else:
        if answered.state == Offer.State.ACCEPTED:
            _say_accepted(request, 1)


def _accept_all(request: HttpRequest, found: OfferList) -> None:
    answers = offer_lists.accept_all(list_id=found.pk, by=None)
    if answers.accepted:
        _say_accepted(request, len(answers.accepted))
    for offer, refusal in answers.refused:
        _say_refused(request, offer, refusal)


def _say_accepted(request: HttpRequest, count: int) -> None:
    done = ngettext("%(count)d new time accepted.", "%(count)d new times accepted.", count)
    messages.success(request, done % {"count": count})


def _say_refused(request: HttpRequest, offer: Offer, refusal: Refusal) -> None:
    tail = offer.appointment.application.arn_tail
    why = _("Application ending in %(tail)s: %(reason)s")
    messages.error(request, why % {"tail": tail, "reason": refusal.message})


def _show(request: HttpRequest, token: str, found: OfferList, people: list[Offer]) -> HttpResponse:
    asked = [offer for offer in people if _asks(offer)]
    context = {
        "token": token,
        "people": [(offer, _asks(offer)) for offer in people],
        "asked": asked,
        "deadline": min((offer.deadline for offer in asked), default=None),
        "silence": people[0].silence,
        "in_doubt": Appointment.State.IN_DOUBT,
    }
    return page(request, "offer_list", context)


def _asks(offer: Offer) -> bool:
    """It can be answered: open, and no further cut has put the new time in doubt."""
    return offer.is_open and offer.appointment.state == Appointment.State.CONFIRMED
