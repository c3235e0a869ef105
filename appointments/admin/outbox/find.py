"""Find messages by whatever an officer has: a number, an address, an ARN, a name of ours.

By POST, and what was typed goes no further than this request: the ids of what was found are kept
in the session, so that the page of results has an address without a person's number in it.
"""

import re
import uuid
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.phones import NotAMobile, parse_mobile, plain_digits
from appointments import listing
from appointments.messages import hold_batch
from appointments.models import Application, Appointment, Listed

# The newest ones; an officer who looks for more has a reference.
SHOWN = 50
# As on a receipt, as people read it out, or with its name before it; 91 begins a mobile number.
ARN = re.compile(r"(?:ARN)?[\s.:#-]*(?!91)(\d{2})[\s-]*(\d{10})", re.IGNORECASE)
NAMED = re.compile(r"[a-z]+(?:-[a-z]+)*:\d{1,18}")
NUMBER = re.compile(r"\d{1,8}")
# As the pages call them: "Message 11472", "Outage 1", "Plan 3".
MESSAGE = re.compile(r"(?:message\s*(?:no\.?)?\s*#?|#)\s*(\d{1,18})", re.IGNORECASE)
SPOKEN = re.compile(r"(appointment|outage|plan|offer)\s+(?:no\.?\s*)?#?(\d{1,18})")


class NotUnderstood(Exception):
    """The text says to the officer why nothing can be looked for."""


@dataclass(frozen=True)
class Wanted:
    """`by`: what kind of thing was typed; it stands on the page of results, the thing does not.

    `batches`: names of batches that may be meant."""

    by: str
    where: Q
    batches: tuple[str, ...] = ()


def understand(text: str, applications: QuerySet[Application]) -> Wanted:
    """What is looked for. `applications`: those of the officer, among which an ARN is looked up."""
    typed = plain_digits(text)
    if not typed:
        raise NotUnderstood("Type a mobile number, an email address, an ARN or a reference.")
    if "@" in typed:
        return Wanted("an email address", Q(address__in={typed, typed.lower()}))
    if arn := arn_in(typed):
        return Wanted("an ARN", _about(applications.filter(arn=arn)))
    name = SPOKEN.sub(r"\1:\2", typed.lower())
    if NAMED.fullmatch(name):
        return _named(name)
    if numbered := MESSAGE.fullmatch(typed):
        return Wanted(f"message {int(numbered[1])}", Q(pk=int(numbered[1])))
    if NUMBER.fullmatch(typed):
        number = int(typed)
        either = Q(pk=number) | Q(reference=f"appointment:{number}")
        return Wanted(f"message or appointment {number}", either)
    if identity := _uuid(typed):
        return Wanted("a message's id", Q(public_id=identity))
    try:
        return Wanted("a mobile number", Q(address=parse_mobile(typed)))
    except NotAMobile as error:
        raise NotUnderstood(WHY_NOT[error.code]) from error


def _named(name: str) -> Wanted:
    """Of an outage also what it told everybody: that batch has a name of its own."""
    kind, _colon, number = name.partition(":")
    names = (name, hold_batch(int(number))) if kind == "outage" else (name,)
    return Wanted(f"“{name}”", Q(reference=name) | Q(batch__in=names), batches=names)


def named(text: str) -> Q | None:
    """What bears this reference, batch or id; None: nothing is looked for."""
    name = text.strip().lower()
    if not name or "\x00" in name:
        return None
    identity = _uuid(name)
    return Q(reference=name) | Q(batch=name) | (Q(public_id=identity) if identity else Q())


WHY_NOT = {
    "foreign": "This is a number of another country: no SMS goes there.",
    "landline": "This is a landline: no SMS goes there.",
    "invalid": "This is neither a mobile number, an email address, an ARN, a reference nor the "
    "name of a batch in the list of batches.",
}


def arn_in(text: str) -> str:
    """ "26-1000480394" for an ARN in any notation ("ARN 26 1000480394"), "" for anything else."""
    found = ARN.fullmatch(plain_digits(text))
    return "-".join(found.groups()) if found else ""


def mentions_arn(text: str) -> bool:
    """Whether an ARN stands somewhere in it, in digits of any script."""
    return bool(ARN.search(plain_digits(text)))


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _about(applications: QuerySet[Application]) -> Q:
    """Messages about any appointment of these, alone or in a list with others."""
    appointments = list(
        Appointment.objects.filter(application__in=applications).values_list("pk", flat=True)
    )
    lists = Listed.objects.filter(appointment__in=appointments)
    references = [
        *(f"appointment:{pk}" for pk in appointments),
        *(listing.reference(pk) for pk in lists.values_list("offer_list", flat=True).distinct()),
    ]
    return Q(reference__in=references)
