"""What a message's link opens: one person's question, alone or on a list of several people.

GET never changes anything: mail scanners follow links. Whoever holds a link sees no name and four
digits of each application number.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation

from accounts import limits
from accounts.errors import SignInRefusal
from appointments import offer_lists, offers
from appointments.errors import Refusal
from appointments.models import Offer, OfferList
from appointments.views.common import by_link


@dataclass(frozen=True)
class Key:
    """An opened link: the question it leads to, and the list through which it was opened."""

    token: str
    offer: Offer
    offer_list: OfferList | None = None

    def url(self, name: str, *args: Any) -> str:
        """The address of a page of this question: `key.url("offer_link_give_up")`."""
        of_list = [self.offer.pk] if self.offer_list else []
        return reverse(f"appointments:{name}", args=[self.token, *of_list, *args])

    @property
    def list_url(self) -> str:
        """Of the page of all people, where this question was opened from there."""
        return reverse("appointments:offer_link", args=[self.token]) if self.offer_list else ""


KeyView = Callable[..., HttpResponse]


def question_page(view: KeyView) -> KeyView:
    """Turn a view of a Key into one of `token` (and `offer_id`, one person of a list)."""

    @by_link
    @wraps(view)
    def opened(
        request: HttpRequest, token: str, offer_id: int | None = None, **kwargs: Any
    ) -> HttpResponse:
        try:
            key = _open(request, token, offer_id)
        except (Refusal, SignInRefusal) as refusal:
            return no_offer(request, refusal)
        with language_of(request, key.offer.appointment.contact[2]):
            return view(request, key, **kwargs)

    return opened


def _open(request: HttpRequest, token: str, offer_id: int | None) -> Key:
    if offer_id is None:
        return Key(token, counted(request, lambda: offers.find(token, now=timezone.now())))
    found = counted(request, lambda: offer_lists.find(token, now=timezone.now()))
    offer = offer_lists.questions(found).filter(pk=offer_id).first()
    if offer is None:
        raise Http404
    return Key(token, offer, found)


def counted(request: HttpRequest, find: Callable[[], Any]) -> Any:
    """Wrong tokens are counted per network, so that guessing ends in a 429."""
    try:
        return find()
    except Refusal as refusal:
        if refusal.code == "offer_not_found":
            limits.take("unknown_link", limits.network_of(request), now=timezone.now())
        raise


def no_offer(
    request: HttpRequest, refusal: Refusal | SignInRefusal, *, back: str = ""
) -> HttpResponse:
    """Unknown, not live yet, or too many tries: the page says which, and where to go."""
    too_many = isinstance(refusal, SignInRefusal)
    status = HTTPStatus.TOO_MANY_REQUESTS if too_many else HTTPStatus.NOT_FOUND
    context = {"refusal": refusal, "too_many": too_many, "back_url": back}
    return page(request, "no_offer", context, status=status)


@contextlib.contextmanager
def language_of(request: HttpRequest, language: str) -> Iterator[None]:
    """The person's language, unless this browser has chosen one on the site."""
    if _has_chosen(request) or request.user.is_authenticated:
        yield
        return
    with translation.override(language):
        yield


def keep_language(request: HttpRequest, response: HttpResponse) -> None:
    """The pages of signing in go on in the language in which the question was read."""
    if not _has_chosen(request):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            translation.get_language() or settings.LANGUAGE_CODE,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )


def _has_chosen(request: HttpRequest) -> bool:
    return request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) in dict(settings.LANGUAGES)


def page(
    request: HttpRequest, name: str, context: dict[str, Any], status: int = HTTPStatus.OK
) -> HttpResponse:
    response = render(request, f"appointments/{name}.html", context, status=status)
    # The middleware knows the browser's language; this page may be in the person's.
    response["Content-Language"] = translation.get_language() or "hi"
    return response
