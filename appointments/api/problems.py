"""Errors of the API as problem details (RFC 9457): refusals of the domain, and all others."""

from typing import Any

from rest_framework.response import Response

from accounts.api import problems
from appointments.errors import Refusal

# Of every refusal; 409: a conflict with how things stand.
STATUS = {
    "application_not_found": 404,
    "application_claimed": 409,
    "phone_not_verified": 403,
    "not_yours": 404,
    "in_doubt": 409,
    "no_attempts_left": 409,
    "visit_done": 409,
    "slot_not_found": 404,
    "slot_full": 409,
    "slot_paused": 409,
    "slot_too_soon": 409,
    "wrong_quota": 409,
    "wrong_region": 409,
    "same_slot": 409,
    "hold_expired": 410,
    "appointment_started": 409,
    "appointment_ended": 410,
    "offer_not_found": 404,
    "offer_not_live": 409,
    "offer_needs_another_answer": 409,
    "already_booked": 409,
    "offer_ended": 410,
    "outage_not_open": 409,
    "outage_ends_before_it_began": 409,
    "outage_grace_over": 409,
    "notices_paused": 409,
    "notices_taken_back": 409,
    "outage_has_plan": 409,
    "plan_in_grace": 409,
    "cut_invalid": 409,
    "scope_empty": 409,
    "not_permitted": 403,
    "plan_not_prepared": 409,
    "plan_not_approved": 409,
    "plan_changed": 409,
    "plan_out_of_bounds": 409,
    "plan_waits": 409,
    "plan_not_undoable": 409,
    "plan_nobody": 409,
    "planning_failed": 409,
    "lone_reason_missing": 409,
    "lone_not_allowed": 409,
    "hour_past": 409,
    "hour_far": 409,
    "hour_before_wait": 409,
    "hour_not_yours": 403,
    "hour_needs_approval": 409,
    "visit_too_early": 409,
    "visit_without_seat": 409,
    "visit_in_doubt": 409,
    "busy": 503,
    "bounds_too_small": 409,
    "travel_date_passed": 422,
    "travel_date_far": 422,
    "proof_waiting": 409,
    "proof_not_found": 404,
    "proof_ended": 410,
    "proof_decided": 409,
    "call_not_needed": 410,
    "call_taken": 409,
    "call_not_taken": 409,
    "call_changed": 409,
    "call_back_when": 409,
    "call_back_at_night": 409,
    "call_back_after_visit": 409,
    "call_no_number": 409,
    "file_missing": 422,
    "file_too_large": 422,
    "file_kind": 422,
    "file_damaged": 422,
    "file_mixed": 422,
    "photo_too_large": 422,
    "pdf_locked": 422,
    "pdf_too_long": 422,
    "pdf_active": 422,
}
# Seconds after which a program may try again when too many did the same.
BUSY_SECONDS = 2


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: the code and the sentence that the pages show."""
    if not isinstance(error, Refusal):
        return problems.problem(error, context)
    status = STATUS[error.code]
    headers = {"Retry-After": str(BUSY_SECONDS)} if error.code == "busy" else None
    return problems.problem_response(
        status=status, code=error.code, detail=error.message, headers=headers
    )
