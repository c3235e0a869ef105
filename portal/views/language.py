"""The language switch: a form, so that following a link changes nothing."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts import languages, people
from accounts.models import User
from portal.middleware import LANGUAGE_CODES
from portal.views.errors import csrf_failure


@csrf_exempt
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the language, also with the signed-in person, and go back to the same page.

    Its form stands on pages that proxies keep for everybody, so it carries no secret; what another
    site's page sends is refused by where it comes from, which browsers say with every POST.
    """
    if not _from_here(request):
        return csrf_failure(request, "language")
    response = HttpResponseRedirect(_next_page(request))
    language = request.POST.get("language", "")
    if language not in LANGUAGE_CODES:
        return response
    if isinstance(request.user, User):
        people.set_language(person=request.user, language=language)
    languages.remember(response, request, language)
    return response


def _from_here(request: HttpRequest) -> bool:
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.get_host()


def _next_page(request: HttpRequest) -> str:
    """The page the form stood on, if it is one of ours; else the home page."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return reverse("home")
