"""Errors as problem details (RFC 9457), in place of DRF's own shapes."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

MEDIA_TYPE = "application/problem+json"


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: the same status and headers, the body in one shape.

    `code` is DRF's (not_found, invalid, throttled, ...); `errors` names the parameters at fault.
    """
    response = exception_handler(error, context)
    if response is None:
        return None
    detail = response.data
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": response.status_text,
        "status": response.status_code,
        "code": getattr(error, "default_code", "not_found"),
    }
    if isinstance(detail, dict) and "detail" in detail:
        body["detail"] = str(detail["detail"])
    else:
        body["errors"] = detail
    response.data = body
    response.content_type = MEDIA_TYPE
    return response
