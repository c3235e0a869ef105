"""How a text is filed with the operators, and what each of its variables takes.

A variable stands in the text as its tag, `{#numeric#}`; one that was tagged on a page of its own,
or filed before tags were asked for, as `{#var#}`. Source of the tags: TRAI's direction of
18 November 2025 and the operators' notes on it. Names, towns and dates are alphanumeric: letters
of any script with their signs, digits, and the blanks and marks that stand in a date or a name,
which operators pass over when they compare.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.registry.errors import Problem


class Tag(models.TextChoices):
    NUMERIC = "numeric", _("Digits")
    ALPHANUMERIC = "alphanumeric", _("Letters and digits: names, towns, dates")
    URL = "url", _("Link to a whitelisted site")
    URLOTT = "urlott", _("Link to a whitelisted app")
    CBN = "cbn", _("Telephone number to call back")
    EMAIL = "email", _("Email address")
    VAR = "var", _("Not tagged")


# The most letters that a value may have; an office may file fewer.
LONGEST: Mapping[Tag, int] = {
    Tag.NUMERIC: 30,
    Tag.ALPHANUMERIC: 40,
    Tag.URL: 40,
    Tag.URLOTT: 40,
    Tag.CBN: 15,
    Tag.EMAIL: 40,
    Tag.VAR: 40,
}
# One operator calls digits by another name.
SYNONYMS = {"number": "numeric"}
PLACEHOLDER = re.compile(r"\{#([A-Za-z]+)#\}")
_LINK = re.compile(r"//|\bwww\.|[A-Za-z0-9-]\.[A-Za-z]{2,}/", re.IGNORECASE)
# Letters and digits of any script but Devanagari, whose signs (matras) re does not count as
# letters: of that the whole block, without its full stops. No letter fits both, or a value that
# does not match would be tried in billions of ways.
_LETTERS = r"[^\W_\u0900-\u097F]"
_DEVANAGARI = r"\u0900-\u0963\u0966-\u097F\u200C\u200D"
_HOST = r"(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(?::[0-9]+)?"
_LINKS = rf"(?:https?://)?{_HOST}(?:/[A-Za-z0-9_./~%?=&+#-]*)?"
SHAPES: Mapping[Tag, str] = {
    Tag.NUMERIC: r"[0-9]+",
    Tag.ALPHANUMERIC: rf"(?:{_LETTERS}|[{_DEVANAGARI} ./:,'()&-])+",
    Tag.URL: _LINKS,
    Tag.URLOTT: _LINKS,
    Tag.CBN: r"\+?[0-9][0-9 -]*[0-9]",
    Tag.EMAIL: r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    Tag.VAR: r"[^\n]+",
}
_WHOLE = {tag: re.compile(shape) for tag, shape in SHAPES.items()}


class Unreadable(ValueError):
    """A filed text and its variables do not fit together; the text says why (translated)."""


@dataclass(frozen=True)
class Variable:
    """`value`: the message's value that fills it. `longest`: letters it may have at most."""

    value: str
    tag: Tag
    longest: int

    def fault(self, text: str, hosts: Sequence[str]) -> Problem | None:
        """What keeps this text out of the variable. `hosts`: sites that are whitelisted."""
        if not text:
            return Problem.NO_VALUE
        if len(text) > self.longest:
            return Problem.TOO_LONG
        if not _WHOLE[self.tag].fullmatch(text):
            return Problem.WRONG_TAG
        if self.tag in (Tag.URL, Tag.URLOTT):
            return None if host_of(text) in hosts else Problem.FOREIGN_HOST
        if self.tag == Tag.ALPHANUMERIC and _LINK.search(text):
            return Problem.WRONG_TAG
        return None


@dataclass(frozen=True)
class Reading:
    """A filed text in pieces: the variables stand between those that are `fixed`."""

    fixed: tuple[str, ...]
    variables: tuple[Variable, ...]

    def with_values(self, values: Sequence[str]) -> str:
        pieces = [self.fixed[0]]
        for value, fixed in zip(values, self.fixed[1:], strict=True):
            pieces += (value, fixed)
        return "".join(pieces)

    def pattern(self) -> re.Pattern[str]:
        """What an operator holds a text against: each variable is a group."""
        pieces = [re.escape(self.fixed[0])]
        for variable, fixed in zip(self.variables, self.fixed[1:], strict=True):
            pieces += (f"({SHAPES[variable.tag]})", re.escape(fixed))
        return re.compile("".join(pieces))


def host_of(link: str) -> str:
    """The site of a link, with its port: "appointments.example.in"."""
    return re.split(r"[/?#]", link.partition("://")[2] if "://" in link else link)[0].lower()


def tags_in(text: str) -> list[str]:
    """The tags in the order of the text, by their usual names."""
    return [SYNONYMS.get(tag.lower(), tag.lower()) for tag in PLACEHOLDER.findall(text)]


def read(text: str, variables: Sequence[Variable]) -> Reading:
    """Unreadable: they do not fit together, or two variables stand side by side."""
    tags, fixed = tags_in(text), PLACEHOLDER.split(text)[::2]
    unknown = [tag for tag in tags if tag not in Tag.values]
    if unknown:
        raise Unreadable(
            _("{#%(tag)s#} is no tag. Tags are: %(tags)s.")
            % {"tag": unknown[0], "tags": ", ".join(Tag.values)}
        )
    if any("{#" in piece or "#}" in piece for piece in fixed):
        raise Unreadable(_("A variable is not written as in {#numeric#}."))
    if len(tags) != len(variables):
        raise Unreadable(
            _("Variables in the text: %(in_text)d; named: %(named)d.")
            % {"in_text": len(tags), "named": len(variables)}
        )
    for number, (tag, variable) in enumerate(zip(tags, variables, strict=True), start=1):
        if tag not in (variable.tag, Tag.VAR):
            raise Unreadable(
                _("Variable %(number)d is {#%(tag)s#} in the text, and %(named)s in the list.")
                % {"number": number, "tag": tag, "named": variable.tag.value}
            )
    if any(not piece.strip() for piece in fixed[1:-1]):
        raise Unreadable(
            _("Two variables stand side by side: an operator cannot tell where one ends.")
        )
    return Reading(tuple(fixed), tuple(variables))


# --- Variables as one line: "a4:numeric:4; dt:alphanumeric:16" ------------------------------------


def written(variables: Sequence[Variable]) -> str:
    return "; ".join(f"{one.value}:{one.tag.value}:{one.longest}" for one in variables)


@lru_cache(maxsize=512)
def parsed(line: str) -> tuple[Variable, ...]:
    """The variables of such a line. Unreadable: says which part is wrong."""
    return tuple(_parsed(part.strip()) for part in line.split(";") if part.strip())


def _parsed(part: str) -> Variable:
    value, _colon, rest = part.partition(":")
    name, _colon, longest = rest.partition(":")
    name = SYNONYMS.get(name.strip().lower(), name.strip().lower())
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value.strip()) or name not in Tag.values:
        raise Unreadable(
            _("'%(part)s' is not like a4:numeric:4 (value, tag, most letters).") % {"part": part}
        )
    tag = Tag(name)
    longest = longest.strip() or str(LONGEST[tag])
    if not (longest.isascii() and longest.isdigit() and 1 <= int(longest) <= LONGEST[tag]):
        raise Unreadable(
            _("'%(part)s': a variable tagged %(tag)s has 1 to %(most)d letters.")
            % {"part": part, "tag": tag.value, "most": LONGEST[tag]}
        )
    return Variable(value.strip(), tag, int(longest))
