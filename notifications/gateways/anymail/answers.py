"""What a provider's answer, or the lack of one, says about the fate of an email."""

from typing import Any

import requests
from anymail.exceptions import AnymailAPIError, AnymailError
from anymail.message import AnymailStatus
from django.utils import timezone
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from notifications.gateways.base import GatewayDown, Outcome
from notifications.gateways.over_http import BUSY_REST, NOT_READ, UNWANTED, retry_after
from notifications.models import Attempt

BUSY = (429, 503)
# Accounts' troubles that come under a status which otherwise is about the message: field of the
# answer, and its values. (Postmark: API error codes; Brevo: error codes.)
TROUBLES_OF_ACCOUNT: dict[str, tuple[str, frozenset[object]]] = {
    "Postmark": ("ErrorCode", frozenset({400, 401, 405, 412, 413})),
    "Brevo": (
        "code",
        frozenset({"unauthorized", "not_enough_credits", "permission_denied", "account_blocked"}),
    ),
}
ACCEPTED, PERMANENT = Attempt.Outcome.ACCEPTED, Attempt.Outcome.PERMANENT
TRANSIENT, UNKNOWN = Attempt.Outcome.TRANSIENT, Attempt.Outcome.UNKNOWN
KIND_OF_STATUS = {
    "sent": ACCEPTED,
    "queued": ACCEPTED,
    "rejected": PERMANENT,
    "invalid": PERMANENT,
    "failed": PERMANENT,
}


def of_status(status: AnymailStatus) -> Outcome:
    """Of a call that was answered: what the provider says of our one recipient."""
    [said] = status.status or {None}
    kind = KIND_OF_STATUS.get(said or "", UNKNOWN)
    if kind == UNKNOWN and getattr(status.esp_response, "status_code", 200) // 100 == 4:
        kind = PERMANENT  # it says no, if not to whom
    name = status.message_id if isinstance(status.message_id, str) else ""
    if kind == ACCEPTED:
        return Outcome(kind, gateway_reference=name, parts=(name,) if name else ())
    return Outcome(kind, gateway_reference=name, error=f"the provider says: {said or 'nothing'}")


def of_error(error: AnymailError, provider: str) -> Outcome:
    """Of a call that did not go well. GatewayDown: nothing was handed over, and it is not us."""
    if isinstance(error, requests.RequestException) and error.response is None:
        return _of_broken_call(error)
    status = error.status_code
    if status is None:
        if isinstance(error, AnymailAPIError):
            return Outcome(UNKNOWN, error=_words(error))
        if isinstance(error, ValueError | TypeError):  # an address, or what cannot be written
            return Outcome(PERMANENT, error=_words(error))
        raise GatewayDown(_words(error)) from error
    if status in UNWANTED or _is_trouble_of_account(error, provider):
        raise GatewayDown(_words(error)) from error
    if status in (*NOT_READ, *BUSY):
        return _not_now(error)
    if 400 <= status < 500:
        return Outcome(PERMANENT, error=_words(error))
    # 5xx: it broke down over the message, before or after it had taken it; 2xx: no readable yes.
    return Outcome(UNKNOWN, error=_words(error))


def _of_broken_call(error: AnymailError) -> Outcome:
    """No answer. Only what broke before a connection stood has certainly not left."""
    words = f"{type(error.__cause__).__name__} without an answer"
    if isinstance(error, requests.TooManyRedirects):
        raise GatewayDown("it sends us to another address") from error
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error.__cause__):
        raise GatewayDown(words) from error
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        raise GatewayDown("the provider's address in the settings cannot be read") from error
    return Outcome(UNKNOWN, error=words)


def _never_connected(cause: BaseException | None) -> bool:
    """Refused, not found, or not who it should be by its certificate."""
    reason = getattr(cause.args[0], "reason", None) if cause and cause.args else None
    certificate = "CERTIFICATE_VERIFY_FAILED" in str(reason)
    return certificate or isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _is_trouble_of_account(error: AnymailError, provider: str) -> bool:
    name, troubles = TROUBLES_OF_ACCOUNT.get(provider, ("", frozenset()))
    answer = _json(error.response)
    return bool(name) and isinstance(answer, dict) and answer.get(name) in troubles


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _not_now(error: AnymailError) -> Outcome:
    """It has not taken the message, and may later."""
    wait = retry_after(error.response.headers.get("Retry-After", ""), timezone.now())
    if error.status_code == 503 and not wait:
        raise GatewayDown(_words(error)) from error
    if error.status_code == 429:
        wait = wait or BUSY_REST
    return Outcome(TRANSIENT, error=_words(error), retry_after=wait)


def _words(error: AnymailError) -> str:
    """What went wrong, in a line; whole, because it may quote the address (delivery.py)."""
    return " ".join(str(error).split())
