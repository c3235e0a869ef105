"""What a gateway, or a program, says of a message, in words that an officer can use.

The rows keep what was said; a page shows the words first and what was said in small print. What
stands in no line here is shown as it is: it may be what an officer wrote.
"""

import re
from dataclasses import dataclass

from django.utils import translation

from appointments.admin.outbox.words import LANGUAGE_WORDS, kind_words
from appointments.leaving import NO_ADDRESS
from notifications.models import Message
from notifications.registry.errors import Problem

DOES_NOT_EXIST = "The number or address does not exist, or cannot be used."
NO_ANSWER = "The gateway did not answer in time."
NOT_AS_FILED = "The text or its sender is not as it is filed with the operators."
NOT_IN_PANEL = "The gateway does not know this text by the id that is filed: see SMS templates."
ACCOUNT = "The gateway does not accept our account: ask the provider."
USED_UP = "The account with the provider is used up or has ended: ask the provider."
BARRED = "The operator, or the mail server, bars this message."
NOT_SECURE = "The connection to the gateway is not secure, so nothing was sent."
UNREACHABLE = "The gateway cannot be reached."
BROKE_OFF = "The connection to the gateway broke off before it answered."
BUSY = "The gateway is busy and asks us to wait."
TROUBLE = "The gateway has trouble of its own."
REFUSED = "The gateway refused it."
LOST = "The operator could not deliver it: the phone may be off, or its mailbox full."
DOWN = "The gateway does not work at this moment."
BROKE = "Something broke while the message was handed over."
# The first that is found in what was said; from the more telling to the vague.
CAUSES: tuple[tuple[str, str], ...] = (
    (r"\d+ of \d+ parts taken", "The gateway took only some parts of this long SMS."),
    (r"no receipt came", "The gateway took it, but no receipt came."),
    (r"could not leave for half an hour", "It waited for half an hour, and no gateway took it."),
    (r"does not exist|no (such|indian) (number|mailbox)|no number\b", DOES_NOT_EXIST),
    (r"no phone number|user unknown|\b5\.1\.\d|INVDSTADR", DOES_NOT_EXIST),
    (r"template (id )?not (known|as its panel)", NOT_IN_PANEL),
    (r"no filed template|template|header not approved|no such sender|entity id", NOT_AS_FILED),
    (r"authkey|secure key|key does not match|password not known|\b535\b", ACCOUNT),
    (r"not on its list|our address is barred|account barred|not allowed", ACCOUNT),
    (r"no balance|no credits|daily limit|account expired|internal limit", USED_UP),
    (r"spam|ndnc|blocked|rejected|\b5\.7\.\d", BARRED),
    (r"^550\b", DOES_NOT_EXIST),
    (r"certificate|SSL", NOT_SECURE),
    (r"ConnectError|ConnectTimeout|ConnectionRefused|NewConnection|gaierror", UNREACHABLE),
    (r"connection refused|cannot connect|NameResolution", UNREACHABLE),
    (r"timed? ?out|ReadTimeout|TimeoutError|WriteTimeout|took too long", NO_ANSWER),
    (r"did not answer", NO_ANSWER),
    (r"ReadError|WriteError|RemoteProtocolError|LocalProtocolError|Disconnected", BROKE_OFF),
    (r"ConnectionReset|BrokenPipe|IncompleteRead|ConnectionAborted|without an answer", BROKE_OFF),
    (r"HTTP 429|throttl|queue is full|\bbusy\b|\b421\b|\b450\b|\b451\b", BUSY),
    (r"HTTP 5\d\d|internal (database |network )?error|network error", TROUBLE),
    (r"HTTP 4\d\d|refused|says: (invalid|failed)", REFUSED),
    (r"^\d+ failed|UNDELIV|EXPIRED|says that it did not arrive", LOST),
    (r"^gateway down", DOWN),
    (r"^[A-Z]\w+(Error|Exception|Timeout|Refused)\b", BROKE),
)
# Why the portal itself takes a message back, by what the row keeps.
TAKEN_BACK: dict[str, str] = {
    "the person has chosen since": "The applicant has chosen a time since, and is told of that.",
    "cancelled by the person": "The applicant has cancelled since.",
    "in doubt again": "An outage has put the visit in doubt again.",
    "no longer in doubt about this visit": "The visit is no longer in doubt.",
    "offer withdrawn": "The time that it offers was withdrawn.",
    "offer accepted": "The applicant has accepted the time that it asks about.",
    "offer changed": "The applicant has chosen another time.",
    "offer given_up": "The applicant has given the time up.",
    "offer kept": "No answer came: the new time stands.",
    "offer released": "No answer came: the time was released.",
    "offer declined": "The applicant has declined the time that it offers.",
    "the visit has changed": "The visit that it reminds of has changed.",
    "visit completed": "The applicant has come to the visit.",
    "visit no_show": "The visit is over: the applicant did not come.",
    "plan undone": "The plan was undone.",
    "account closed": "The applicant has closed the account.",
    NO_ADDRESS: "The applicant has removed this number or address.",
}
# Words of a filed text that does not fit: see registry.errors.NotFiled.
FILED = re.compile(
    r"(?P<kind>[A-Z][A-Z_]*) (?P<language>hi|en)(?: (?P<gateway>\S+))?:"
    r" (?P<problem>[a-z_]+)(?: \((?P<variable>\w+)\))?"
)


@dataclass(frozen=True)
class Cause:
    """`said`: what was said in a program's words; "" if `words` are the very same."""

    words: str
    said: str = ""


def cause(said: str) -> Cause:
    """In plain words why a message did not get there, or why a gateway rests."""
    filed = FILED.fullmatch(said)
    if filed and filed["problem"] in Problem.values:
        return Cause(_of_filed(filed), said)
    for pattern, words in CAUSES:
        if re.search(pattern, said, re.IGNORECASE):
            return Cause(words, said)
    return Cause(said)


def cause_of(message: Message) -> Cause:
    """Why a message is where it is. What the portal did not take back, an officer did, and wrote
    why."""
    if message.state == Message.State.CANCELLED:
        words = TAKEN_BACK.get(message.error)
        return Cause(words, message.error) if words else Cause(message.error)
    return cause(message.error)


def _of_filed(filed: re.Match[str]) -> str:
    language = LANGUAGE_WORDS[filed["language"]]
    with translation.override("en"):  # as the sentence around it
        label = str(Problem(filed["problem"]).label)
    return f"{label} SMS “{kind_words(filed['kind'])}” in {language}."
