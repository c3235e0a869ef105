"""Language of each page, and the headers that every answer carries."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from accounts.errors import SignInRefusal, try_again
from accounts.pages import with_limit

OFFICERS_PATH = "/officers/"
API_PATH = "/api/"
LANGUAGE_CODES = frozenset(code for code, _name in settings.LANGUAGES)

GetResponse = Callable[[HttpRequest], HttpResponse]


class LanguageMiddleware:
    """A choice made here, else the signed-in person's language, else Hindi.

    What the browser asks for is ignored: phones in India are mostly set to English, also those
    of people who read Hindi. The officers' pages are in English.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = language_of(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
            # Of a program without a wish it is the person's, known once its token was read.
            response.headers.setdefault("Content-Language", translation.get_language() or language)
        by = "Accept-Language" if request.path_info.startswith(API_PATH) else "Cookie"
        patch_vary_headers(response, [by])
        return response


def language_of(request: HttpRequest) -> str:
    """Return "hi" or "en" for this request."""
    if request.path_info.startswith(OFFICERS_PATH):
        return "en"
    if request.path_info.startswith(API_PATH):
        return _asked(request)
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    if chosen in LANGUAGE_CODES:
        return chosen
    if request.user.is_authenticated and request.user.language in LANGUAGE_CODES:
        return request.user.language
    return settings.LANGUAGE_CODE


def _asked(request: HttpRequest) -> str:
    """What a program asks for: it does so on purpose, unlike a browser."""
    for code, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if code.partition("-")[0] in LANGUAGE_CODES:
            return code.partition("-")[0]
    return settings.LANGUAGE_CODE


class TooManyTriesMiddleware:
    """A limit that no page has put into its own words ends in the page of status 429."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, SignInRefusal) or error.retry_at is None:
            return None
        words = {"wait": try_again(error.retry_at, now=timezone.now())}
        return with_limit(render(request, "429.html", words), error)


class SecurityHeadersMiddleware:
    """Headers that neither Django nor django-csp sets."""

    PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", self.PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers:
            # Phones and cyber-cafe computers are shared: after signing out, the back button must
            # not bring a person's pages back; nor does an app's store keep what a token showed.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response
