"""The language switch: a form, so that following a link changes nothing."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts import languages, people
from accounts.models import User
from portal.middleware import LANGUAGE_CODES


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the language, also with the signed-in person, and go back to the same page."""
    response = HttpResponseRedirect(_next_page(request))
    language = request.POST.get("language", "")
    if language not in LANGUAGE_CODES:
        return response
    if isinstance(request.user, User):
        people.set_language(person=request.user, language=language)
    languages.remember(response, request, language)
    return response


def _next_page(request: HttpRequest) -> str:
    """The page the form stood on, if it is one of ours; else the home page."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return reverse("home")
