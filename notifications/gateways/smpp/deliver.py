"""What stands in a deliver_sm: a receipt, or an SMS that somebody sent to us.

The text of a receipt is a habit of SMSCs, not a standard (SMPP 3.4, appendix B); many send the
parameters receipted_message_id and message_state beside it or instead of it.
"""

import re
from dataclasses import dataclass

from django.conf import settings

from notifications.gateways.smpp.parts import UCS_2
from notifications.models import Arrival
from notifications.receipts import Report

RECEIPTED_MESSAGE_ID, MESSAGE_STATE = 0x001E, 0x0427
NETWORK_ERROR_CODE, MESSAGE_PAYLOAD = 0x0423, 0x0424
# Bits 5 to 2 of esm_class. A person's SMS has none of them, so that nobody can forge a receipt by
# writing one.
KIND_OF_MESSAGE, DELIVERY_RECEIPT, INTERMEDIATE = 0b0011_1100, 0x04, 0x20
# The fields before esm_class, registered_delivery, data_coding and so on: how long each is, None
# for a string that a NUL ends.
FIELDS: tuple[tuple[str, int | None], ...] = (
    ("service_type", None),
    ("source_addr_ton", 1),
    ("source_addr_npi", 1),
    ("source_addr", None),
    ("dest_addr_ton", 1),
    ("dest_addr_npi", 1),
    ("destination_addr", None),
    ("esm_class", 1),
    ("protocol_id", 1),
    ("priority_flag", 1),
    ("schedule_delivery_time", None),
    ("validity_period", None),
    ("registered_delivery", 1),
    ("replace_if_present_flag", 1),
    ("data_coding", 1),
    ("sm_default_msg_id", 1),
    ("sm_length", 1),
)
# None: not final. UNKNOWN is none either: silence tells as much.
WORDS: dict[str, Arrival | None] = {
    "DELIVRD": Arrival.DELIVERED,
    "DELIVERED": Arrival.DELIVERED,
    "EXPIRED": Arrival.UNDELIVERED,
    "DELETED": Arrival.UNDELIVERED,
    "UNDELIV": Arrival.UNDELIVERED,
    "UNDELIVERABLE": Arrival.UNDELIVERED,
    "REJECTD": Arrival.UNDELIVERED,
    "REJECTED": Arrival.UNDELIVERED,
    "FAILED": Arrival.UNDELIVERED,
    "ENROUTE": None,
    "ACCEPTD": None,
    "ACCEPTED": None,
    "BUFFRED": None,
    "BUFFERED": None,
    "SCHEDULED": None,
    "UNKNOWN": None,
}
# By the number that message_state gives (SMPP 3.4, 5.2.28).
STATES = (
    *("SCHEDULED", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED"),
    *("UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"),
)
ID = re.compile(r"\bid:\s*([^\s:]+)(?=\s|$)", re.IGNORECASE)
STATE = re.compile(r"\bstat:\s*([a-z]+)", re.IGNORECASE)
ERROR = re.compile(r"\berr:\s*([0-9a-z]{1,8})\b", re.IGNORECASE)
# After it come words of the message itself, which are not ours to read as a receipt.
WORDS_OF_THE_MESSAGE = re.compile(r"\btext:.*", re.IGNORECASE | re.DOTALL)
LONGEST_ID = 64  # SMPP 3.4, 5.2.23
BASES = {"decimal": 10, "hex": 16}


class Garbled(Exception):
    """It cannot be read. The text of this exception holds nothing of what it says."""


@dataclass(frozen=True)
class _Deliver:
    esm_class: int
    text: str
    parameters: dict[int, bytes]


def report(body: bytes) -> Report | None:
    """The receipt in a deliver_sm; None: it is none, but an SMS to us. Garbled."""
    deliver = _read(body)
    if deliver.esm_class & KIND_OF_MESSAGE not in (DELIVERY_RECEIPT, INTERMEDIATE):
        return None
    text = WORDS_OF_THE_MESSAGE.sub("", deliver.text)
    word = _state(deliver, text)
    reference = _reference(deliver, text)
    final = deliver.esm_class & KIND_OF_MESSAGE == DELIVERY_RECEIPT
    return Report(
        arrival=WORDS[word] if final else None,
        gateway_reference=reference,
        detail=f"{word} {_error(deliver, text)}".strip(),
    )


def plain_id(name: str, form: str) -> str:
    """A message id as we keep it, so that operators who write one number in two ways match.

    `form`: text (kept as it is), decimal or hex (kept as a decimal number).
    """
    if form not in BASES or not name.isalnum():
        return name
    try:
        return str(int(name, BASES[form]))
    except ValueError:  # no number after all
        return name


def response_id(body: bytes) -> str:
    """The SMSC's name in a submit_sm_resp; "" if it gave none that can be used."""
    name = body.partition(b"\0")[0].decode("ascii", "replace").strip()
    usable = name.isascii() and name.isprintable() and len(name) <= LONGEST_ID
    return plain_id(name, settings.SMPP_RESPONSE_IDS) if usable else ""


def _read(body: bytes) -> _Deliver:
    fields: dict[str, bytes] = {}
    at = 0
    for name, width in FIELDS:
        end = body.find(b"\0", at) if width is None else at + width
        if end < at or end > len(body):
            raise Garbled("a field is missing")
        fields[name] = body[at:end]
        at = end + (width is None)
    length = int.from_bytes(fields["sm_length"])
    if at + length > len(body):
        raise Garbled("the text is cut short")
    parameters = _parameters(body[at + length :])
    message = body[at : at + length] or parameters.get(MESSAGE_PAYLOAD, b"")
    return _Deliver(
        esm_class=int.from_bytes(fields["esm_class"]),
        text=_text(message, int.from_bytes(fields["data_coding"])),
        parameters=parameters,
    )


def _parameters(rest: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while rest:
        tag, length = int.from_bytes(rest[:2]), int.from_bytes(rest[2:4])
        value, rest = rest[4 : 4 + length], rest[4 + length :]
        if len(value) < length:
            raise Garbled("a parameter is cut short")
        found[tag] = value
    return found


def _text(message: bytes, data_coding: int) -> str:
    """What is looked for is the same in ASCII and in GSM-7, but for the underscore of an id."""
    if data_coding == UCS_2:
        return message.decode("utf-16-be", "replace")
    return message.decode("latin-1").replace("\x11", "_")


def _state(deliver: _Deliver, text: str) -> str:
    state = int.from_bytes(deliver.parameters.get(MESSAGE_STATE, b"") or b"\xff")
    if state < len(STATES):
        return STATES[state]
    found = STATE.search(text)
    word = found[1].upper() if found else ""
    if word not in WORDS:
        raise Garbled("it names no state that is known")
    return word


def _reference(deliver: _Deliver, text: str) -> str:
    """The parameter repeats the id of submit_sm_resp; the text may write it in another form."""
    given = deliver.parameters.get(RECEIPTED_MESSAGE_ID, b"").partition(b"\0")[0]
    name, form = given.decode("ascii", "replace").strip(), settings.SMPP_RESPONSE_IDS
    if not name and (found := ID.search(text)):
        name, form = found[1], settings.SMPP_RECEIPT_IDS
    if not (name and name.isascii() and name.isprintable() and len(name) <= LONGEST_ID):
        raise Garbled("it names no message")
    return plain_id(name, form)


def _error(deliver: _Deliver, text: str) -> str:
    if found := ERROR.search(text):
        return f"err:{found[1]}"
    network = deliver.parameters.get(NETWORK_ERROR_CODE, b"")
    return f"err:{int.from_bytes(network[1:])}" if len(network) == 3 else ""
