"""Mobile Seva's form of a single SMS: https://mgov.gov.in/msdp_sms_push.jsp

The text stands in the request, signed with the department's key. It knows no reference of ours.
"""

import hashlib
import re
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings

from notifications.gateways.base import Filed, GatewayDown, Outcome, Outgoing
from notifications.gateways.over_http import HttpGateway, address_problems, operators_refusal
from notifications.models import Attempt

PATH = "/esms/sendsmsrequestDLT"
INDIAN_NUMBER = re.compile(r"\+91([1-9][0-9]{9})")
TAKEN = re.compile(r"402\s*,\s*MsgID\s*=\s*(\S{1,100})")
REFUSED = re.compile(r"(?:ERROR\s*:?\s*)?([0-9]{3})\b", re.I)

# Codes of Mobile Seva, in our words.
IN_TROUBLE = {
    401: "user or password not known",
    403: "no credits left",
    410: "internal limit reached",
    415: "no secure key",
    416: "key does not match",
    418: "daily limit reached",
    425: "no secure key",
}
# Something broke behind the desk: whether the message was passed on, it does not say. 409 even says
# that it will be.
NOT_KNOWN = {
    404: "internal database error",
    405: "internal network error",
    407: "network error at the operator",
    408: "network error at the operator",
    409: "the operator did not answer in time",
}
FOR_GOOD = {
    406: "no such number",
    411: "header not approved",
    412: "header not approved",
    413: "taken for spam",
    414: "rejected by the operator",
    417: "too many numbers",
    422: "entity id not valid",
    423: "template id not valid",
}


class MobileSevaGateway(HttpGateway):
    """Hands SMS to Mobile Seva at settings.MOBILE_SEVA_URL."""

    name = "mobile_seva"
    reports = False
    needs_template = True
    has_template_ids = False
    window = 1

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        number = INDIAN_NUMBER.fullmatch(message.address)
        if not number:
            return Outcome(Attempt.Outcome.PERMANENT, error="no Indian number")
        if message.filed is None:
            return Outcome(Attempt.Outcome.PERMANENT, error="no filed template")
        return self._hand_over(
            settings.MOBILE_SEVA_URL.rstrip("/") + PATH,
            urlencode(_form(message, message.filed, number[1])).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
            read=read,
        )

    @classmethod
    def problems(cls) -> list[str]:
        needed = ("MOBILE_SEVA_USERNAME", "MOBILE_SEVA_PASSWORD", "MOBILE_SEVA_SECURE_KEY")
        missing = [f"{name} is empty." for name in needed if not getattr(settings, name)]
        return [*address_problems("MOBILE_SEVA_URL", settings.MOBILE_SEVA_URL), *missing]


def read(body: bytes) -> Outcome | None:
    """An answer of Mobile Seva. None: it is none. GatewayDown: it does not want us."""
    text = body.decode(errors="replace").strip()
    taken = TAKEN.fullmatch(text)
    if taken:
        return Outcome(Attempt.Outcome.ACCEPTED, gateway_reference=taken[1])
    refused = REFUSED.match(text)
    return _refusal(int(refused[1])) if refused else None


def entities(text: str) -> str:
    """The text with each letter outside of ASCII written as `&#NNNN;`, its number in Unicode."""
    return "".join(letter if letter.isascii() else f"&#{ord(letter)};" for letter in text)


def _form(message: Outgoing, filed: Filed, number: str) -> dict[str, str]:
    # The gateway trims what it is given before it compares the keys.
    content = entities(message.text.strip())
    username = settings.MOBILE_SEVA_USERNAME
    signed = username + filed.header + content + settings.MOBILE_SEVA_SECURE_KEY
    password = settings.MOBILE_SEVA_PASSWORD.encode()
    return {
        "username": username,
        # The form that the gateway asks for; what protects it is the connection.
        "password": hashlib.sha1(password, usedforsecurity=False).hexdigest(),
        "senderid": filed.header,
        "content": content,
        "smsservicetype": _service(message),
        "mobileno": number,
        "templateid": filed.template_id,
        "key": hashlib.sha512(signed.encode()).hexdigest(),
    }


def _service(message: Outgoing) -> str:
    """Codes go by a lane of their own, on which nothing else is delivered."""
    unicode = "" if message.text.isascii() else "unicode"
    if message.kind in settings.MOBILE_SEVA_CODE_KINDS:
        return f"{unicode}otpmsg"
    return f"{unicode}msg" if unicode else "singlemsg"


def _refusal(code: int) -> Outcome | None:
    if code in IN_TROUBLE:
        raise GatewayDown(f"{code} {IN_TROUBLE[code]}")
    if code in NOT_KNOWN:
        return Outcome(Attempt.Outcome.UNKNOWN, error=f"{code} {NOT_KNOWN[code]}")
    why = operators_refusal(code) or (f"{code} {FOR_GOOD[code]}" if code in FOR_GOOD else "")
    return Outcome(Attempt.Outcome.PERMANENT, error=why) if why else None
