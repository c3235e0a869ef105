"""The language that a browser has chosen, kept in a cookie (docs/decisions/0003)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


def remember(response: HttpResponseBase, request: HttpRequest, language: str) -> None:
    """Let this browser read the site in this language ("hi" or "en") from now on."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        path=settings.LANGUAGE_COOKIE_PATH,
        domain=settings.LANGUAGE_COOKIE_DOMAIN,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
