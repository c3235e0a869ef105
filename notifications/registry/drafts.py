"""What an office has to file: the kinds' own texts in the operators' notation.

The tag of a variable follows from its longest value: digits are numeric, a link to this
site is a url, all else is alphanumeric. The ids are given by the operators; those of the demo are
invented, and look it.
"""

import re
from collections.abc import Iterator
from datetime import date

from django.conf import settings

from notifications import kinds
from notifications.gateways import has_template_ids
from notifications.registry.entries import Entry, spoken_kinds
from notifications.registry.models import SmsTemplate
from notifications.registry.notation import LONGEST, Tag, Variable, host_of, written

# No operator gives such ids.
INVENTED_ENTITY = "0000000000000000000"
INVENTED_HEADER = "DEMOPS"
FIELD = re.compile(r"\{(\w+)\}")


def invented(valid_from: date, gateway: str = "") -> list[Entry]:
    """All kinds in all languages under invented ids, numbered in order; for every gateway or one.

    For one with template ids of its own these are invented too: 24 digits.
    """
    own_ids = has_template_ids(gateway)
    return [
        Entry(
            kind=kind.code,
            language=language,
            gateway=gateway,
            entity_id=INVENTED_ENTITY,
            header=INVENTED_HEADER,
            template_id=f"{number:019}",
            category=SmsTemplate.Category.SERVICE_IMPLICIT,
            text=filed_text(kind, language),
            variables=written(variables(kind, language)),
            valid_from=valid_from,
            gateway_template_id=f"{number:024}" if own_ids else "",
        )
        for number, (kind, language) in enumerate(_all(), start=1)
    ]


def filed_text(kind: kinds.Kind, language: str) -> str:
    """The kind's own text as it is filed, the office's suffix included."""
    tags = _tags(kind, language)
    text = kind.sms[language].replace("{brand}", settings.SMS_BRAND)
    return FIELD.sub(lambda found: f"{{#{tags[found[1]].value}#}}", text)


def variables(kind: kinds.Kind, language: str) -> list[Variable]:
    """In the order of the text; a value that stands in it twice is named twice."""
    tags = _tags(kind, language)
    names = [name for name in FIELD.findall(kind.sms[language]) if name != "brand"]
    return [Variable(name, tags[name], LONGEST[tags[name]]) for name in names]


def _all() -> Iterator[tuple[kinds.Kind, str]]:
    for kind in spoken_kinds():
        for language in kinds.LANGUAGES:
            yield kind, language


def _tags(kind: kinds.Kind, language: str) -> dict[str, Tag]:
    samples = kind.samples(language) if kind.samples else {}
    return {name: _tag(samples.get(name, "")) for name in kind.fields(language)}


def _tag(sample: str) -> Tag:
    if sample.isascii() and sample.isdigit():
        return Tag.NUMERIC
    own = (settings.SITE_HOST.lower(), *settings.DLT_URL_HOSTS)
    return Tag.URL if host_of(sample) in own else Tag.ALPHANUMERIC
