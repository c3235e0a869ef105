"""The two languages that the HTTP simulator speaks, as their gateways document them.

Written from their documents and not from our gateways, so that one finds the other's mistakes.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs
from uuid import UUID

from notifications.segments import measure
from notifications.simulators.templates import Registry, Rejected, UnknownPanelId

ENTITY = re.compile(r"&#([0-9]{1,7});")
OURS = re.compile(r"[0-9a-f]{32}(?=[.:])")


@dataclass(frozen=True)
class Accounts:
    """What the gateways know the office by. An empty one takes anything."""

    msg91_authkey: str = ""
    mobile_seva_username: str = ""
    mobile_seva_password: str = ""
    mobile_seva_secure_key: str = ""


@dataclass(frozen=True)
class Taken:
    """A message that was accepted, numbers and references as they were given."""

    gateway: str
    gateway_reference: str
    reference: str
    to: str
    template_id: str
    header: str
    text: str

    def entry(self) -> dict[str, Any]:
        """Its line in the log. `client_reference`: our own id, where the gateway carries it.

        Text and parts are the true ones where the text was given, or the templates are known.
        """
        ours = OURS.match(self.reference)
        return {
            "gateway": self.gateway,
            "client_reference": str(UUID(hex=ours[0])) if ours else "",
            "gateway_reference": self.gateway_reference,
            "parts": measure(self.text).parts,
            "to": self.to,
            "template_id": self.template_id,
            "header": self.header,
            "text": self.text,
            "reference": self.reference,
        }


@dataclass(frozen=True)
class Reply:
    """An answer over HTTP."""

    status: int
    body: bytes
    content_type: str


class Refused(Exception):
    """The request is not taken; `reply` says so."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Language(Protocol):
    """What a gateway understands and says."""

    path: str
    # The error that it gives when nothing else is asked for.
    usual_error: str

    def take(self, body: bytes, headers: Mapping[str, str]) -> list[Taken]:
        """The messages of a request. Refused: none is taken."""
        ...

    def success(self, taken: list[Taken]) -> Reply: ...

    def error(self, code: str, status: int = 200) -> Reply: ...


class Msg91:
    """MSG91's flow call. Its template id is that of MSG91's own panel, never the operators'."""

    path = "/api/v5/flow"
    usual_error = "211"
    REFERENCE = re.compile(r"[A-Za-z0-9_.-]{1,80}")
    WORDS = {
        "201": "Invalid authkey",
        "202": "Invalid mobile number",
        "211": "Template and text do not match",
        "400": "Template ID Missing or Invalid Template",
        "418": "IP is not whitelisted",
    }

    def __init__(self, accounts: Accounts, registry: Registry) -> None:
        self._accounts, self._registry = accounts, registry

    def take(self, body: bytes, headers: Mapping[str, str]) -> list[Taken]:
        expected = self._accounts.msg91_authkey
        if expected and headers.get("authkey", "") != expected:
            raise Refused(self.error("201", 401))
        try:
            asked = json.loads(body)
            recipients = [dict(each) for each in asked["recipients"]]
        except (ValueError, TypeError, KeyError):
            raise Refused(self.error("", 400)) from None
        if not asked.get("template_id"):
            raise Refused(self.error("400", 400))
        request_id = secrets.token_hex(12)
        return [self._one(asked["template_id"], each, request_id) for each in recipients]

    def success(self, taken: list[Taken]) -> Reply:
        return _json(200, {"type": "success", "message": taken[0].gateway_reference})

    def error(self, code: str, status: int = 200) -> Reply:
        said = {"type": "error", "message": self.WORDS.get(code, "request refused")}
        return _json(status, {**said, "code": code} if code else said)

    def _one(self, template_id: str, recipient: dict[str, Any], request_id: str) -> Taken:
        number = str(recipient.pop("mobiles", ""))
        reference = str(recipient.pop("CRQID", ""))
        if not re.fullmatch(r"[1-9][0-9]{9,14}", number):
            raise Refused(self.error("202", 400))
        if reference and not self.REFERENCE.fullmatch(reference):
            raise Refused(self.error("", 400))
        try:
            text = self._registry.compose(template_id, _in_order(recipient))
        except UnknownPanelId:
            raise Refused(self.error("400", 400)) from None
        except Rejected as rejected:
            raise Refused(self.error(str(rejected.code), 400)) from None
        return Taken("msg91", request_id, reference, number, template_id, "", text)


class MobileSeva:
    """Mobile Seva's form."""

    path = "/esms/sendsmsrequestDLT"
    usual_error = "413"
    UNICODE = frozenset({"unicodemsg", "unicodeotpmsg"})
    PLAIN = frozenset({"singlemsg", "otpmsg"})
    WORDS = {
        "401": "Credentials Error",
        "406": "Invalid mobile number",
        "411": "Sender ID not approved",
        "413": "Suspect Spam",
        "416": "Hash does not match",
        "423": "TEMPLATE_ID is mandatory",
    }

    def __init__(self, accounts: Accounts, registry: Registry) -> None:
        self._accounts, self._registry = accounts, registry

    def take(self, body: bytes, headers: Mapping[str, str]) -> list[Taken]:
        fields = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}

        def field(name: str) -> str:
            return fields.get(name, "").strip()

        self._admit(field("username"), field("password"))
        key = self._key(field("username"), field("senderid"), field("content"))
        if key and not hmac.compare_digest(key, field("key")):
            raise self._refused("416")
        if not re.fullmatch(r"(91)?[1-9][0-9]{9}", field("mobileno")):
            raise self._refused("406")
        if not re.fullmatch(r"[A-Za-z]{6}", field("senderid")):
            raise self._refused("411")
        if not re.fullmatch(r"[0-9]{12,19}", field("templateid")):
            raise self._refused("423")
        text = self._text(field("smsservicetype"), field("content"))
        try:
            self._registry.check(field("templateid"), text, field("senderid"))
        except Rejected as rejected:
            raise self._refused(str(rejected.code)) from None
        msg_id = f"{secrets.randbelow(10**20):020d}msdgsms"
        header, template_id = field("senderid"), field("templateid")
        return [Taken("mobile_seva", msg_id, "", field("mobileno"), template_id, header, text)]

    def success(self, taken: list[Taken]) -> Reply:
        return _text(200, f"402,MsgID = {taken[0].gateway_reference}\r\n")

    def error(self, code: str, status: int = 200) -> Reply:
        return _text(status, f"ERROR : {code} {self.WORDS.get(code, 'refused')}\r\n")

    def _refused(self, code: str) -> Refused:
        return Refused(self.error(code))

    def _admit(self, username: str, password: str) -> None:
        accounts = self._accounts
        expected = hashlib.sha1(
            accounts.mobile_seva_password.encode(), usedforsecurity=False
        ).hexdigest()
        if accounts.mobile_seva_username and username != accounts.mobile_seva_username:
            raise self._refused("401")
        if accounts.mobile_seva_password and password != expected:
            raise self._refused("401")

    def _key(self, username: str, header: str, content: str) -> str:
        secret = self._accounts.mobile_seva_secure_key
        signed = f"{username}{header}{content}{secret}"
        return hashlib.sha512(signed.encode()).hexdigest() if secret else ""

    def _text(self, service: str, content: str) -> str:
        """The text as a phone would show it: only the Unicode services read entities."""
        if service in self.UNICODE:
            return ENTITY.sub(lambda entity: chr(int(entity[1])), content)
        if service in self.PLAIN:
            return content
        raise self._refused("413")


def _in_order(variables: dict[str, Any]) -> list[str]:
    """Values by the number that their names end in."""

    def number(name: str) -> int:
        digits = re.search(r"[0-9]+$", name)
        return int(digits[0]) if digits else 0

    return [str(variables[name]) for name in sorted(variables, key=number)]


def _json(status: int, said: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(said).encode(), "application/json")


def _text(status: int, said: str) -> Reply:
    return Reply(status, said.encode(), "text/plain")
