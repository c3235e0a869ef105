"""What an officer may file: one list of rules for the form, the file and the command."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications import kinds
from notifications.gateways import KNOWN, gateway_classes, has_template_ids
from notifications.models import Channel
from notifications.registry import notation
from notifications.registry.models import SmsTemplate
from notifications.registry.notation import Unreadable

# Words of a version: another text or id is another version. The days may change in place.
WORDS = (
    *("entity_id", "header", "template_id", "gateway_template_id"),
    *("category", "text", "variables"),
)
DAYS = ("valid_from", "valid_until")
FIELDS = ("kind", "language", "gateway", *WORDS, *DAYS)

# Field -> what it has to be like, and what to say if it is not.
OPERATORS_ID = r"[0-9]{19}"
FORMS: dict[str, tuple[str, str | Promise]] = {
    "entity_id": (r"[0-9]{1,20}", _("The entity id is digits only, as the operators gave it.")),
    "header": (r"[A-Za-z]{6}", _("The header is six letters.")),
    "template_id": (
        OPERATORS_ID,
        _("The template id is 19 digits. (A spreadsheet rounds such numbers: keep it as text.)"),
    ),
}


@dataclass(frozen=True)
class Entry:
    """A template as it is to be filed; all as text but the days. `variables`: notation.parsed."""

    kind: str
    language: str
    gateway: str
    entity_id: str
    header: str
    template_id: str
    category: str
    text: str
    variables: str
    valid_from: date
    valid_until: date | None = None
    gateway_template_id: str = ""

    @classmethod
    def of(cls, template: SmsTemplate) -> "Entry":
        return cls(**{name: getattr(template, name) for name in FIELDS})

    def tidied(self) -> "Entry":
        """With its variables written as the registry writes them. Unreadable: they are wrong."""
        return replace(self, variables=notation.written(notation.parsed(self.variables)))


@dataclass(frozen=True)
class Fault:
    """What is wrong with an entry; `field` is one of FIELDS."""

    field: str
    sentence: str | Promise


def faults(entry: Entry) -> list[Fault]:
    """All that keeps this entry from being filed; empty if nothing does."""
    unseen = list(_of_letters(entry))
    # One sentence for a field: beside a letter that nobody sees the others would puzzle.
    told = {fault.field for fault in unseen}
    others = [*_of_place(entry), *_of_forms(entry), *_of_gateway_id(entry), *_of_text(entry)]
    return [*unseen, *(fault for fault in others if fault.field not in told)]


Values = dict[str, tuple[str | date | None, str | date | None]]


class Effect(Enum):
    """What filing an entry does to the versions that are there."""

    NOTHING = "nothing"
    OTHER_DAYS = "other days"
    NEW_VERSION = "new version"


def effect(newest: SmsTemplate | None, entry: Entry) -> Effect:
    """`newest`: of the same kind, language and gateway. Nothing comes back into a withdrawn one."""
    if newest is None or newest.withdrawn_at is not None:
        return Effect.NEW_VERSION
    differ = differences(Entry.of(newest), tidied_if_readable(entry))
    if not differ:
        return Effect.NOTHING
    return Effect.NEW_VERSION if any(name in WORDS for name in differ) else Effect.OTHER_DAYS


def differences(before: Entry, after: Entry) -> Values:
    """Field -> (before, after), for those that differ."""
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in (*WORDS, *DAYS)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def tidied_if_readable(entry: Entry) -> Entry:
    """As the registry would write it; as it is if its variables are wrong, which is said apart."""
    try:
        return entry.tidied()
    except Unreadable:
        return entry


def known_gateways() -> list[str]:
    """Names of gateways for which a template may be filed."""
    return sorted({*KNOWN, *(gateway.name for gateway in gateway_classes(Channel.SMS))})


def gateways_with_ids() -> list[str]:
    """Those of them that know each text by an id of their own panel."""
    return [name for name in known_gateways() if has_template_ids(name)]


def spoken_kinds() -> list[kinds.Kind]:
    """The kinds that are said by SMS, by code."""
    return sorted((kind for kind in kinds.all_kinds() if kind.sms), key=lambda kind: kind.code)


def _of_letters(entry: Entry) -> Iterator[Fault]:
    """No control characters: nobody sees them, and PostgreSQL takes no NUL. Lines may break."""
    for name in FIELDS:
        value = str(getattr(entry, name) or "")
        letters = value.replace("\n", "") if name == "text" else value
        unseen = next((x for x in letters if unicodedata.category(x) == "Cc"), None)
        if unseen is not None:
            sentence = _("It has a control character (%(code)s), which nobody sees. Take it out.")
            yield Fault(name, sentence % {"code": f"U+{ord(unseen):04X}"})


def _of_place(entry: Entry) -> Iterator[Fault]:
    if entry.kind not in [kind.code for kind in spoken_kinds()]:
        yield Fault("kind", _("There is no such kind of SMS."))
    if entry.language not in kinds.LANGUAGES:
        yield Fault("language", _("The language is hi or en."))
    if entry.gateway and entry.gateway not in known_gateways():
        yield Fault("gateway", _("There is no such gateway. Leave it empty for every gateway."))
    if entry.valid_until and entry.valid_until < entry.valid_from:
        yield Fault("valid_until", _("The last day is before the first."))


def _of_forms(entry: Entry) -> Iterator[Fault]:
    for name, (form, sentence) in FORMS.items():
        if not re.fullmatch(form, getattr(entry, name), re.ASCII):
            yield Fault(name, sentence)
    if entry.category not in SmsTemplate.Category.values:
        named = ", ".join(SmsTemplate.Category.values)
        yield Fault("category", _("The category is one of: %(named)s.") % {"named": named})


def _of_gateway_id(entry: Entry) -> Iterator[Fault]:
    """A gateway with ids of its own needs one, and nothing that is filed for others has one."""
    given, field = entry.gateway_template_id, "gateway_template_id"
    about = {"gateway": entry.gateway, "named": ", ".join(gateways_with_ids())}
    if not has_template_ids(entry.gateway):
        if given:
            yield Fault(field, _("Only what is filed for one of these has one: %(named)s.") % about)
    elif not given:
        sentence = _("%(gateway)s takes the id of its own panel. Enter it beside the operators'.")
        yield Fault(field, sentence % about)
    elif re.fullmatch(OPERATORS_ID, given, re.ASCII):
        sentence = _(
            "19 digits are an id of the operators. %(gateway)s shows its own in its panel."
        )
        yield Fault(field, sentence % about)
    elif wrong := re.search(r"[^0-9A-Za-z_-]", given):
        sentence = _("Use only A-Z, a-z, 0-9, - and _, 40 at most; %(wrong)s is none of them.")
        yield Fault(field, sentence % {"wrong": f"“{_seen(given, wrong.start())}”"})
    elif len(given) > 40:
        sentence = _("It has %(count)d characters; 40 are the most.")
        yield Fault(field, sentence % {"count": len(given)})


def _seen(text: str, at: int) -> str:
    """The letter there with the vowel signs that stand on it: alone these look like nothing."""
    end = at + 1
    while end < len(text) and unicodedata.category(text[end]).startswith("M"):
        end += 1
    return text[at:end]


def _of_text(entry: Entry) -> Iterator[Fault]:
    if not entry.text.strip():
        yield Fault("text", _("The text is empty."))
        return
    if len(entry.text) > 2000:
        yield Fault("text", _("The text is longer than 2000 letters."))
        return
    try:
        variables = notation.parsed(entry.variables)
    except Unreadable as problem:
        yield Fault("variables", str(problem))
        return
    if len(notation.written(variables)) > 400:
        yield Fault("variables", _("These are too many variables."))
        return
    try:
        notation.read(entry.text, variables)
    except Unreadable as problem:
        yield Fault("text", str(problem))
    yield from _of_values(entry, variables)


def _of_values(entry: Entry, variables: tuple[notation.Variable, ...]) -> Iterator[Fault]:
    """Each variable is filled by a value that every message of this kind has."""
    kind = next((kind for kind in spoken_kinds() if kind.code == entry.kind), None)
    if kind is None or entry.language not in kinds.LANGUAGES:
        return
    named = kind.fields(entry.language)
    for variable in variables:
        if variable.value not in named:
            yield Fault(
                "variables",
                _("Messages of this kind have no value '%(value)s'. They have: %(named)s.")
                % {"value": variable.value, "named": ", ".join(named)},
            )
