"""MSG91's "flow" call, version 5: a template of theirs, a number, and the values in order.

The template is the one of MSG91's panel, which names the operators' (DLT): the registry holds both
ids, and this call takes the panel's. docs/delivery.md says what is known of it, and from where. Our
signed reference goes along as CRQID, which comes back in the receipts.
"""

import json
import re
from uuid import UUID

from django.conf import settings

from notifications.gateways.base import GatewayDown, Outcome, Outgoing
from notifications.gateways.msg91 import references
from notifications.gateways.over_http import HttpGateway, address_problems, operators_refusal
from notifications.models import Attempt

PATH = "/api/v5/flow"
NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")
REQUEST_ID = re.compile(r"[0-9A-Za-z_-]{1,100}")

# Codes of MSG91, and what they say in our words: theirs may quote number and text.
IN_TROUBLE = {
    106: "no authkey",
    201: "authkey not known",
    207: "authkey not known",
    208: "our address is barred",
    301: "no balance left",
    302: "account expired",
    303: "account barred",
    401: "authkey not known",
    403: "not allowed",
    418: "our address is not on its list",
}
BUSY = {311: "the same text to the same number within 10 seconds"}
NOT_KNOWN = {506: "internal error"}
REFUSED = {
    101: "no number",
    202: "no such number",
    203: "no such sender",
    310: "too long",
}
# The panel has no template by the id, or none that may be used: what is filed has to be mended, not
# the message.
TEMPLATE_UNKNOWN = {
    211: "template not as its panel has it",
    400: "template id not known to its panel",
}
# Errors that come without a code.
TROUBLE_WORDS = re.compile(r"auth|unauthori[sz]ed|ip.?block|whitelist|balance|credit", re.I)
TEMPLATE_WORDS = re.compile(r"template|flow.?id", re.I)
UNSURE_WORDS = re.compile(r"internal|try again|went wrong|timed? ?out", re.I)


class Msg91Gateway(HttpGateway):
    """Hands SMS to MSG91 at settings.MSG91_URL."""

    name = "msg91"
    reports = True
    needs_template = True
    has_template_ids = True
    window = 1

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        if not NUMBER.fullmatch(message.address):
            return Outcome(Attempt.Outcome.PERMANENT, error="no number that can be called")
        if message.filed is None or not message.filed.gateway_template_id:
            return Outcome(Attempt.Outcome.PERMANENT, error="no filed template")
        return self._hand_over(
            settings.MSG91_URL.rstrip("/") + PATH,
            json.dumps(_request(message)).encode(),
            {"authkey": settings.MSG91_AUTHKEY, "Content-Type": "application/json"},
            read=read,
        )

    @classmethod
    def problems(cls) -> list[str]:
        missing = [] if settings.MSG91_AUTHKEY else ["MSG91_AUTHKEY is empty."]
        return [*address_problems("MSG91_URL", settings.MSG91_URL), *missing]


def read(body: bytes) -> Outcome | None:
    """An answer of MSG91. None: it is none. GatewayDown: it does not want us."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    words = said.get("message")
    if said.get("type") == "success":
        return _taken(words)
    if said.get("type") == "error":
        return _refusal(_code(said), words if isinstance(words, str) else "")
    return None


def _request(message: Outgoing) -> dict[str, object]:
    assert message.filed is not None
    values = {
        f"{settings.MSG91_VARIABLE}{number}": value
        for number, value in enumerate(message.filed.variables, start=1)
    }
    recipient = {
        "mobiles": message.address.removeprefix("+"),
        "CRQID": references.outward(message.signed_reference),
        **values,
    }
    return {
        "template_id": message.filed.gateway_template_id,
        "short_url": "0",  # our links are short, and others would be no part of the filed text
        "realTimeResponse": "1",  # what it refuses, it refuses now
        "recipients": [recipient],
    }


def _taken(request_id: object) -> Outcome | None:
    if not isinstance(request_id, str) or not REQUEST_ID.fullmatch(request_id):
        return None
    return Outcome(Attempt.Outcome.ACCEPTED, gateway_reference=request_id)


def _code(said: dict[str, object]) -> int:
    """The error's code, which stands in a field of its own or is all that is said; else 0."""
    for name in ("code", "apiError", "message"):
        text = str(said.get(name, "")).strip()
        if re.fullmatch(r"[0-9]{3}", text):
            return int(text)
    return 0


def _refusal(code: int, words: str) -> Outcome:
    if code in IN_TROUBLE:
        raise GatewayDown(f"{code} {IN_TROUBLE[code]}")
    if not code and TROUBLE_WORDS.search(words):
        raise GatewayDown("it does not want us, without a code")
    if code in BUSY:
        return Outcome(Attempt.Outcome.TRANSIENT, error=f"{code} {BUSY[code]}")
    if code in TEMPLATE_UNKNOWN or (not code and TEMPLATE_WORDS.search(words)):
        why = f"{code} {TEMPLATE_UNKNOWN[code]}" if code else "template not known, without a code"
        return Outcome(Attempt.Outcome.TRANSIENT, error=why, template_unknown=True)
    if code in NOT_KNOWN or (not code and UNSURE_WORDS.search(words)):
        why = f"{code} {NOT_KNOWN[code]}" if code else "an error of its own, without a code"
        return Outcome(Attempt.Outcome.UNKNOWN, error=why)
    why = operators_refusal(code) or f"{code} {REFUSED.get(code, 'refused')}"
    return Outcome(Attempt.Outcome.PERMANENT, error=why if code else "refused, without a code")
