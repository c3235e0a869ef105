"""From a kind and its values to the words that leave, in the recipient's language.

An SMS is the kind's own text with its fields filled in or, through a gateway which takes filed
texts only, the text that the office has filed (registry). An email says the same at more length in
both languages, the recipient's first, each half written by the kind's own templates.
"""

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import SafeString

from notifications import dates, kinds
from notifications.errors import RenderError
from notifications.gateways.base import Filed
from notifications.models import Message
from notifications.registry import filling
from notifications.segments import Size, measure

MASK = "•••"
MANY_BLANK_LINES = re.compile(r"\n\s*\n\s*\n+")


class TakesWords(Protocol):
    """A gateway, or its class, as far as words are concerned."""

    @property
    def name(self) -> str: ...

    @property
    def needs_template(self) -> bool: ...

    @property
    def has_template_ids(self) -> bool: ...


@dataclass(frozen=True)
class Rendered:
    """What leaves. `subject`, `html` and `ics` (a calendar entry) are of emails only.

    `size` is of an SMS, `filed` of one through a gateway that needs templates.
    """

    text: str
    subject: str = ""
    html: str = ""
    ics: str = ""
    size: Size | None = None
    filed: Filed | None = None


@dataclass(frozen=True)
class Half:
    """One language of an email."""

    language: str
    text: str
    html: SafeString


def render(message: Message, gateway: TakesWords | None = None) -> Rendered:
    """The words of a message, as this gateway takes them.

    RenderError: unknown kind, missing value, bad moment. registry.errors.NotFiled, which is one
    too: no template is valid, or this message's values do not go into it.
    """
    try:
        kind = kinds.get(message.kind)
    except KeyError:
        raise RenderError(f"no kind {message.kind!r} is registered") from None
    if not kind.speaks(message.channel):
        raise RenderError(f"{kind.code} has no words for {message.channel}")
    if message.channel == "sms":
        return _sms(kind, message, gateway)
    try:
        return _email(kind, message.language, _parsed(message.values))
    except (TemplateDoesNotExist, TemplateSyntaxError, TypeError, ValueError) as error:
        raise RenderError(f"{kind.code}: {error}") from error


def put_into_words(message: Message, gateway: TakesWords | None = None) -> Rendered:
    """As `render`; sets on the row, unsaved, what is kept of the words."""
    rendered = render(message, gateway)
    kept = masked(rendered, message)
    message.subject, message.body, message.body_html = kept.subject, kept.text, kept.html
    return rendered


def masked(rendered: Rendered, message: Message) -> Rendered:
    """The same words without the values that let someone act in the recipient's place.

    Of a link its host stays readable.
    """
    text, subject, html = rendered.text, rendered.subject, rendered.html
    for name in kinds.get(message.kind).secrets:
        secret = str(message.values.get(name) or "")
        if secret:
            host, slash, _ = secret.rpartition("/")
            hidden = f"{host}{slash}{MASK}"
            text, subject, html = (part.replace(secret, hidden) for part in (text, subject, html))
    return Rendered(text=text, subject=subject, html=html)


def _sms(kind: kinds.Kind, message: Message, gateway: TakesWords | None) -> Rendered:
    if gateway is None or not gateway.needs_template:
        text = _fill(kind.sms[message.language], message.values)
        return Rendered(text=text, size=measure(text))
    template = filling.lookup(
        kind.code,
        message.language,
        gateway.name,
        timezone.now(),
        by_gateways_id=gateway.has_template_ids,
    )
    text, filed = filling.fill(template, message.values)
    return Rendered(text=text, size=measure(text), filed=filed)


def _fill(template: str, values: Mapping[str, Any]) -> str:
    known = {**values, "brand": settings.SMS_BRAND}
    for _, name, _, _ in string.Formatter().parse(template):
        if name is not None and known.get(name) in (None, ""):
            raise RenderError(f"the text needs a value for {name!r}")
    return template.format(**known)


def _parsed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with their moments (keys in `_at`, ISO 8601) as aware datetimes.

    A list of dicts is a table (the people of a message): the same holds for each row.
    """
    return {
        name: _moment(value) if name.endswith("_at") and value else _rows(value, _parsed)
        for name, value in values.items()
    }


def _rows(value: Any, each: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if not isinstance(value, list):
        return value
    return [each(row) if isinstance(row, dict) else row for row in value]


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return moment


def _email(kind: kinds.Kind, language: str, values: dict[str, Any]) -> Rendered:
    stem = kind.email_template
    other = next(code for code in kinds.LANGUAGES if code != language)
    halves = [_half(stem, code, values) for code in (language, other)]
    subject = _subject(stem, language, values)
    whole = {"halves": halves, "language": language, "subject": subject}
    text = render_to_string("messages/email/layout.txt", whole).strip()
    return Rendered(
        subject=subject,
        text=MANY_BLANK_LINES.sub("\n\n", text) + "\n",
        html=render_to_string("messages/email/layout.html", whole),
        ics=values.get("ics") or "",
    )


def _subject(stem: str, language: str, values: dict[str, Any]) -> str:
    """One line, as a header is, without the colon before a moment that is absent."""
    with translation.override(language):
        subject = render_to_string(f"{stem}.subject.txt", _context(language, values))
    return " ".join(subject.split()).rstrip(" :")[:200]


def _half(stem: str, language: str, values: dict[str, Any]) -> Half:
    context = _context(language, values)
    with translation.override(language):
        return Half(
            language=language,
            text=render_to_string(f"{stem}.txt", context).strip(),
            html=render_to_string(f"{stem}.html", context),
        )


def _in_language(values: Mapping[str, Any], language: str) -> dict[str, Any]:
    ending = f"_{language}"
    own = {name.removesuffix(ending): v for name, v in values.items() if name.endswith(ending)}
    whole = {**values, **own}
    return {
        name: _rows(value, lambda row: _in_language(row, language)) for name, value in whole.items()
    }


def _context(language: str, values: dict[str, Any]) -> dict[str, Any]:
    """Values for one language: `new_centre_hi` is `new_centre` in Hindi, and so on."""
    own = _in_language(values, language)
    visit_at = values.get("new_at") or values.get("old_at")
    return {
        **own,
        "visit_at": visit_at,
        "visit_centre": own.get("new_centre") or own.get("old_centre"),
        "when": dates.short_moment(visit_at, language) if visit_at else values.get("dt") or "",
        "link": f"{settings.SITE_SCHEME}://{values['url']}" if values.get("url") else "",
        "site_host": settings.SITE_HOST,
        "helpline": settings.HELPLINE,
        "office": settings.OFFICE_NAME_HI if language == "hi" else settings.OFFICE_NAME_EN,
    }
