"""Errors as problem details (RFC 9457): one shape for DRF's own, for refusals and for limits."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import JsonResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.errors import SignInRefusal

MEDIA_TYPE = "application/problem+json"
# Refusals of signing in that are no limit (those are 429).
NOT_ALLOWED = 403
STATUS = {
    "wrong_code": 422,
    "no_tries_left": 410,
    "code_expired": 410,
    "code_ended": 410,
}
# What the API itself refuses, whoever asks: code -> status and words. Most are the framework's own
# codes, whose words exist in English only.
OWN: dict[str, tuple[int, Any]] = {
    "not_authenticated": (401, _("Sign in first: this needs the token of an app.")),
    "token_not_valid": (401, _("This token is not valid any more. Sign in again.")),
    "permission_denied": (403, _("You are not permitted to do this.")),
    "not_found": (404, _("There is nothing here, or it is not yours.")),
    "precondition_failed": (412, _("This is no longer how things stand. Read it again.")),
    "method_not_allowed": (405, _("This address does not take such a request.")),
    "not_acceptable": (406, _("This address answers in JSON only.")),
    "too_large": (413, _("The request is too large.")),
    "unsupported_media_type": (415, _("Send the request as JSON.")),
    "parse_error": (400, _("The JSON of the request cannot be read.")),
    "throttled": (429, _("Too many requests. Try again shortly.")),
    "idempotency_key_missing": (
        400,
        _("This request needs an Idempotency-Key header of 1 to 255 visible ASCII letters."),
    ),
    "idempotency_key_reused": (
        422,
        _("This Idempotency-Key was used for another request. Use a new one."),
    ),
    "idempotency_in_progress": (
        409,
        _("The same request is being answered at this moment. Try again shortly."),
    ),
}
TITLES = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


def problem_response(
    *, status: int, code: str, detail: str = "", errors: Any = None, headers: Any = None
) -> Response:
    """`code` is stable; `detail` is for people, in the asked language; `errors` names fields."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
    }
    if detail:
        body["detail"] = detail
    if errors is not None:
        body["errors"] = errors
    return Response(body, status=status, headers=headers, content_type=MEDIA_TYPE)


def own_problem(code: str, headers: Any = None) -> Response:
    """One of OWN, in the asked language."""
    status, words = OWN[code]
    return problem_response(status=status, code=code, detail=str(words), headers=headers)


def plain_problem(code: str) -> JsonResponse:
    """One of OWN, where no view of the framework answers."""
    answer = own_problem(code)
    return JsonResponse(
        answer.data,
        status=answer.status_code,
        content_type=MEDIA_TYPE,
        json_dumps_params={"ensure_ascii": False},
    )


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER for what every API has; None: a fault of ours."""
    if isinstance(error, SignInRefusal):
        return _refused(error)
    if isinstance(error, RequestDataTooBig):
        return own_problem("too_large")
    answer = exception_handler(error, context)
    if answer is None:
        return None
    return _as_problem(error, answer)


def _refused(refusal: SignInRefusal) -> Response:
    if refusal.retry_at is None:
        return problem_response(
            status=STATUS.get(refusal.code, NOT_ALLOWED), code=refusal.code, detail=refusal.message
        )
    return problem_response(
        status=429,
        code=refusal.code,
        detail=refusal.message,
        headers={"Retry-After": str(refusal.seconds_left(now=timezone.now()))},
    )


def _as_problem(error: Exception, answer: Response) -> Response:
    """The same status and headers, the body in one shape."""
    detail, code = answer.data, _code(error)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": answer.status_text,
        "status": answer.status_code,
        "code": code,
    }
    if code in OWN:
        body["detail"] = str(OWN[code][1])
    elif isinstance(detail, dict) and "detail" in detail:
        body["detail"] = str(detail["detail"])
    else:
        body["errors"] = detail if isinstance(detail, dict) else {"body": detail}
    answer.data = body
    answer.content_type = MEDIA_TYPE
    return answer


def _code(error: Exception) -> str:
    if not isinstance(error, APIException):
        return "not_found"
    codes = error.get_codes()
    return codes if isinstance(codes, str) else error.default_code
