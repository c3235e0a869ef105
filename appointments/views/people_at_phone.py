"""One page for several people behind one phone: who is asked what, each answer, and all at once."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.errors import SignInRefusal
from appointments import offer_lists, offers
from appointments.errors import Refusal
from appointments.models import Appointment, Call, Offer, OfferList, Slot
from appointments.offer_lists import Told
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
    asked = list(offer_lists.questions(found))
    others = offer_lists.others(found, now=timezone.now())
    people = [offer.appointment for offer in asked] + [told.appointment for told in others]
    with language_of(request, _language(people)):
        if request.method == "POST":
            _answer(request, found, asked)
            return redirect("appointments:offer_link", token)
        return _show(request, token, asked, others)


def _language(people: list[Appointment]) -> str:
    """As the SMS: what most of them speak."""
    languages = [appointment.contact[2] for appointment in people] or [settings.LANGUAGE_CODE]
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


def _show(
    request: HttpRequest, token: str, people: list[Offer], others: list[Told]
) -> HttpResponse:
    asked = [offer for offer in people if _asks(offer)]
    context = {
        "token": token,
        "people": [(offer, _asks(offer)) for offer in people],
        "others": [_line(told) for told in others],
        "asked": asked,
        "deadline": min((offer.deadline for offer in asked), default=None),
        "silence": people[0].silence if people else "",
        "in_doubt": Appointment.State.IN_DOUBT,
    }
    return page(request, "offer_list", context)


@dataclass(frozen=True)
class Line:
    """One person whom the list asks nothing: the state by which it is coloured, and the words."""

    appointment: Appointment
    state: str
    label: str | Promise
    visit: Slot | None = None
    # What else to say.
    more: str | Promise = ""


DO_NOT_TRAVEL = gettext_lazy("Uncertain: do not travel, wait for our next message")
STANDS = gettext_lazy("The appointment stands: come on time")
# An offer which another message asks about: its link answers, this one does not.
ASKED_ELSEWHERE = gettext_lazy(
    "An answer is still awaited: open the link in the newest message, or sign in."
)
SAFE = gettext_lazy(
    "The fee and the attempts are safe. We will send a message when a time is found."
)


def _line(told: Told) -> Line:
    appointment, stands = told.appointment, told.stands
    if stands is None:
        return Line(appointment, appointment.state, appointment.get_state_display())
    asked = ASKED_ELSEWHERE if stands.question else ""
    match stands.subject:
        case Call.Subject.IN_DOUBT:
            return Line(appointment, Appointment.State.IN_DOUBT, DO_NOT_TRAVEL, stands.visit)
        case Call.Subject.NO_SEAT | Call.Subject.SEAT_FOUND:
            waits = Appointment.State.WAITING
            return Line(appointment, waits, waits.label, more=asked or SAFE)
        case Call.Subject.MOVED_KEEP | Call.Subject.MOVED_ANSWER:
            return Line(appointment, Offer.State.OPEN, _("New time"), stands.visit, asked)
    return Line(appointment, Appointment.State.CONFIRMED, STANDS, stands.visit, asked)


def _asks(offer: Offer) -> bool:
    """It can be answered: open, and no further cut has put the new time in doubt."""
    return offer.is_open and offer.appointment.state == Appointment.State.CONFIRMED
