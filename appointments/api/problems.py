"""Errors of the API as problem details (RFC 9457): refusals of the domain, and all others."""

from typing import Any

from rest_framework.response import Response

from accounts.api import problems
from appointments.errors import Refusal

# A refusal is a conflict with how things stand, unless it says something else.
STATUS = {
    "application_not_found": 404,
    "slot_not_found": 404,
    "offer_not_found": 404,
    "not_yours": 404,
    "phone_not_verified": 403,
    "not_permitted": 403,
    "hold_expired": 410,
    "appointment_ended": 410,
    "busy": 503,
}
CONFLICT = 409
# Seconds after which a program may try again when too many did the same.
BUSY_SECONDS = 2


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: the code and the sentence that the pages show."""
    if not isinstance(error, Refusal):
        return problems.problem(error, context)
    status = STATUS.get(error.code, CONFLICT)
    headers = {"Retry-After": str(BUSY_SECONDS)} if error.code == "busy" else None
    return problems.problem_response(
        status=status, code=error.code, detail=error.message, headers=headers
    )
