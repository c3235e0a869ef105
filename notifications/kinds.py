"""The registry of message kinds. Each app registers its own in AppConfig.ready."""

import string
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

LANGUAGES = ("hi", "en")
# models.Lane as plain numbers: kinds are registered before models can be imported.
URGENT, OFFERS, REST = 0, 1, 2


@dataclass(frozen=True)
class Kind:
    """What a message says, by channel.

    `sms`: the text in each language, exactly as filed with the operators; str.format fields are
    values of the message, and {brand} is the office's suffix (settings.SMS_BRAND).
    `email_template`: stem of three templates, `<stem>.subject.txt`, `<stem>.txt`, `<stem>.html`.
    `repeat_unknown`: what to do when nobody knows whether the message left. True: say it once
    more, marked as a repeat, because not being told is worse than being told twice. False: an
    officer looks at it.
    `must_reach`: if no channel brings it, somebody has to be told by other means (NotReached).
    `one_by_one`: of a kind said to several people at one number, the dotted name of a function that
    is given a message which did not arrive, and the moment, and returns drafts for each.
    `lane`: who goes first (models.Lane); what is about the next 24 hours is urgent in any lane.
    `secrets`: values which let someone sign in or answer in the recipient's place. They are masked
    in what is kept, and wiped when the message needs them no more.
    """

    code: str
    sms: dict[str, str] = field(default_factory=dict)
    email_template: str = ""
    repeat_unknown: bool = False
    must_reach: bool = True
    one_by_one: str = ""
    lane: int = REST
    secrets: frozenset[str] = frozenset()
    samples: Callable[[str], Mapping[str, str]] | None = field(default=None, compare=False)

    def fields(self, language: str) -> tuple[str, ...]:
        """The values that the SMS needs, in the order of its text."""
        named = [name for _, name, _, _ in string.Formatter().parse(self.sms[language])]
        return tuple(dict.fromkeys(name for name in named if name and name != "brand"))

    def speaks(self, channel: str) -> bool:
        return bool(self.sms if channel == "sms" else self.email_template)


_kinds: dict[str, Kind] = {}
_names: dict[str, str] = {}


def register(kind: Kind) -> None:
    """Add a kind. ValueError: a language is missing, or the code names another kind already."""
    if kind.sms and set(kind.sms) != set(LANGUAGES):
        raise ValueError(f"{kind.code}: an SMS is written in {LANGUAGES}, not {list(kind.sms)}")
    if not kind.sms and not kind.email_template:
        raise ValueError(f"{kind.code}: says nothing on any channel")
    if _kinds.setdefault(kind.code, kind) != kind:
        raise ValueError(f"{kind.code}: another kind has this code")


def get(code: str) -> Kind:
    """The kind of that code; KeyError if none is registered."""
    return _kinds[code]


def all_kinds() -> Collection[Kind]:
    return _kinds.values()


def call_them(names: Mapping[str, str]) -> None:
    """Say what officers call the kinds: the app that registers them knows, and pages here ask."""
    _names.update(names)


def name(code: str) -> str:
    """What officers call a kind; its code if nobody has said so."""
    return _names.get(code, code)
