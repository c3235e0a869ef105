"""Sign-in for apps: ask for a code, open a token with it, list and revoke one's tokens."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotAuthenticated, NotFound
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import app_tokens, limits, sign_in
from accounts.api import idempotency
from accounts.api.authentication import AppTokenAuthentication, person_of
from accounts.api.idempotency import Idempotent
from accounts.api.pages import Pagination
from accounts.api.serializers import (
    CodeAskedSerializer,
    CodeSentSerializer,
    TokenAskedSerializer,
    TokenOpenedSerializer,
    TokenSerializer,
    problems,
)
from accounts.models import AppToken, SignInCode

KEY_PARAMETER = OpenApiParameter(
    idempotency.HEADER,
    location=OpenApiParameter.HEADER,
    required=True,
    type={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    description="Chosen by the app, new for each request; the same again gets the same answer.",
)
WRITES = problems(400, 406, 409, 413, 415, 422, 429)


class CodeView(Idempotent):
    """Ask for a code by SMS. Whether anybody has this number is not told."""

    authentication_classes: tuple[type, ...] = ()
    throttle_scope = "sign_in"

    @extend_schema(
        operation_id="sign_in_codes_create",
        parameters=[KEY_PARAMETER],
        request=CodeAskedSerializer,
        responses={202: CodeSentSerializer, **WRITES},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        asked = CodeAskedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        code = sign_in.request_code(
            channel=SignInCode.Channel.SMS,
            address=asked.validated_data["phone"],
            network=limits.network_of(idempotency.plain(request)),
            language=asked.validated_data.get("language")
            or get_language()
            or settings.LANGUAGE_CODE,
            now=timezone.now(),
        )
        return Response(CodeSentSerializer(code).data, status=202)


class TokenView(Idempotent, ListAPIView):
    """The tokens of the person who asks; or open a new one with a code."""

    throttle_scope = "sign_in"
    serializer_class = TokenSerializer
    pagination_class = Pagination

    def get_authenticators(self) -> list[Any]:
        # A code is the proof; a token that has just ended must not stand in its way.
        opening = self.request is not None and self.request.method == "POST"
        return [] if opening else [AppTokenAuthentication()]

    def get_queryset(self) -> QuerySet[AppToken]:
        return app_tokens.live_of(_signed_in(self.request), timezone.now())

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "token": self.request.auth}

    @extend_schema(
        operation_id="sign_in_tokens_list",
        responses={200: TokenSerializer(many=True), **problems(400, 401, 406, 429)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The tokens by which something may act for the person now; the newest first."""
        return self.list(request)

    @extend_schema(
        operation_id="sign_in_tokens_create",
        parameters=[KEY_PARAMETER],
        request=TokenAskedSerializer,
        responses={201: TokenOpenedSerializer, **problems(410), **WRITES},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Repeated with the same key it gives the same token, which nobody keeps."""
        asked = TokenAskedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        token = app_tokens.open_with_code(
            code_id=asked.validated_data["code_id"],
            typed=asked.validated_data["code"],
            name=asked.validated_data["name"],
            secret=(secret := _secret(request, asked)),
            now=timezone.now(),
        )
        opened = {"id": token.pk, "token": secret, "expires_at": token.expires_at}
        return Response(TokenOpenedSerializer(opened).data, status=201)

    def kept(self, body: Any) -> Any:
        return {name: value for name, value in body.items() if name != "token"}

    def told_again(self, request: Request, body: Any) -> Any:
        asked = TokenAskedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return {**body, "token": _secret(request, asked)}


class OneTokenView(APIView):
    """Revoke a token of one's own: what used it is out at once."""

    authentication_classes = (AppTokenAuthentication,)

    @extend_schema(
        operation_id="sign_in_tokens_destroy",
        responses={204: None, **problems(401, 404, 406, 429)},
    )
    def delete(self, request: Request, token_id: int) -> Response:
        if not app_tokens.revoke(token_id=token_id, by=_signed_in(request), now=timezone.now()):
            raise NotFound
        return Response(status=204)


class CurrentTokenView(APIView):
    """Sign out: revoke the token with which one asks."""

    authentication_classes = (AppTokenAuthentication,)

    @extend_schema(
        operation_id="sign_in_tokens_current_destroy",
        responses={204: None, **problems(401, 406, 429)},
    )
    def delete(self, request: Request) -> Response:
        person = _signed_in(request)
        assert isinstance(request.auth, AppToken)
        app_tokens.revoke(token_id=request.auth.pk, by=person, now=timezone.now())
        return Response(status=204)


def _secret(request: Request, asked: TokenAskedSerializer) -> str:
    data = asked.validated_data
    return app_tokens.secret_for(
        code_id=data["code_id"], typed=data["code"], retry_key=idempotency.key_of(request)
    )


def _signed_in(request: Request) -> Any:
    if request.auth is None:
        raise NotAuthenticated
    return person_of(request)
