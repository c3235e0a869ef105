"""The messages of the demo as the phones and mailboxes that got them would show them."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

# More would make the page heavy; the newest are what somebody is waiting for.
SHOWN_PER_PHONE = 12
STRANGERS_SHOWN = 12


@dataclass(frozen=True)
class Piece:
    """A stretch of a text; `href` where it is a link of this site."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Shown:
    """One message. `lines` of pieces, so that a template needs no unescaped text."""

    at: dt.datetime
    kind: str
    language: str
    subject: str
    lines: list[list[Piece]]


@dataclass
class Phone:
    """What came to one number or address, newest first. `hidden`: older ones left out."""

    address: str
    owner: str
    is_mailbox: bool
    messages: list[Shown] = field(default_factory=list)
    hidden: int = 0


def phones(entries: Iterable[dict[str, Any]], owners: Mapping[str, str]) -> list[Phone]:
    """Group a sink's entries (newest first) by address.

    Owners, the people of the demo, come first and in their order, also those with an empty
    phone; then those strangers who got something last.
    """
    known = {to: Phone(to, owner, is_mailbox="@" in to) for to, owner in owners.items()}
    strangers: dict[str, Phone] = {}
    for entry in entries:
        phone = known.get(entry["to"]) or strangers.setdefault(
            entry["to"], Phone(entry["to"], "", is_mailbox=entry["channel"] == "email")
        )
        if len(phone.messages) < SHOWN_PER_PHONE:
            phone.messages.append(_shown(entry))
        else:
            phone.hidden += 1
    return [*known.values(), *list(strangers.values())[:STRANGERS_SHOWN]]


def _shown(entry: dict[str, Any]) -> Shown:
    return Shown(
        at=entry["at"],
        kind=entry["kind"],
        language=entry["language"],
        subject=entry["subject"],
        lines=[pieces(line) for line in entry["text"].splitlines()],
    )


def pieces(text: str) -> list[Piece]:
    """Cut a text at the links of this site, with or without scheme, and make these relative."""
    link = re.compile(rf"((?:https?://)?{re.escape(settings.SITE_HOST)}(/[\w/-]*))")
    found: list[Piece] = []
    end = 0
    for match in link.finditer(text):
        if match.start() > end:
            found.append(Piece(text[end : match.start()]))
        found.append(Piece(match[1], href=match[2]))
        end = match.end()
    if end < len(text):
        found.append(Piece(text[end:]))
    return found
