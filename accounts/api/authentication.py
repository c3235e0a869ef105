"""Who asks: `Authorization: Bearer <secret of an app token>`."""

from typing import Any

from django.utils import timezone, translation
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import app_tokens
from accounts.models import AppToken, User


class AppTokenAuthentication(BaseAuthentication):
    """`request.user` is the person, `request.auth` the token."""

    scheme = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, AppToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        # Never told which: unknown, ended, revoked, or of an account that is closed.
        if scheme.lower() != self.scheme.lower():
            raise AuthenticationFailed(code="token_not_valid")
        token = app_tokens.find(secret=secret.strip(), now=timezone.now())
        if token is None:
            raise AuthenticationFailed(code="token_not_valid")
        if "Accept-Language" not in request.headers:
            translation.activate(token.person.language)  # the middleware puts it back
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        return self.scheme


class AppTokenScheme(OpenApiAuthenticationExtension):
    target_class = AppTokenAuthentication
    name = "appToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class IsApplicant(BasePermission):
    """An app that acts for an applicant."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return is_kind(request, AppToken.Kind.APPLICANT)


class IsOfficer(BasePermission):
    """A program that reads for an officer."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return is_kind(request, AppToken.Kind.OFFICER)


def is_kind(request: Request, kind: str) -> bool:
    return isinstance(request.auth, AppToken) and request.auth.kind == kind


def person_of(request: Request) -> User:
    """The person behind a view with one of the permissions above."""
    assert isinstance(request.user, User)
    return request.user
