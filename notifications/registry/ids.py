"""One id, one text: an id that stands for a text stands for no other.

The operators' id (DLT) names one text, whichever gateway it goes through; so the rows of one kind
and language may share it, each for a gateway of its own. An id of a gateway's panel names one text
there: the gateway writes that text itself, and under another text's id people would read the other.

No constraint of the database keeps this. What counts are the versions that speak today or will,
and which ones these are depends on the day and on the versions after them; a replaced version keeps
its id, and a later one of its own text has the same. "The same id but another kind" would be an
exclusion constraint, which SQLite does not have. So the verbs compare under a lock (verbs.py), and
the proof looks at what is there, however it came.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.registry import filling
from notifications.registry.entries import Effect, Entry, Fault, effect, tidied_if_readable
from notifications.registry.models import SmsTemplate

Versions = Sequence[SmsTemplate]  # of one kind, language and gateway, the newest first
Registry = Mapping[filling.Key, Versions]
Other = tuple[str, SmsTemplate]  # an id, and the version of another text that has it
# Which id, at which gateway ("": at any), and the id itself.
Place = tuple[str, str, str]


@dataclass(frozen=True)
class Clash:
    """The entry of this index would let an id stand for two texts.

    `other`: the version that has the id; `other_entry`: the index of the entry that makes it so.
    """

    index: int
    field: str
    other: SmsTemplate
    other_entry: int | None
    # The version that would have the id as well; older than the entry: it would speak again.
    template: SmsTemplate

    def fault(self) -> Fault:
        """In words, for what is filed already."""
        about = {"template": str(self.other), "version": self.template.version}
        if self.field == "valid_from":
            sentence = _(
                "Until that day version %(version)d would speak again, whose id now belongs to"
                " another text: %(template)s."
            )
        else:
            sentence = _("This is the id of another text: %(template)s. An id stands for one text.")
        return Fault(self.field, sentence % about)


def taken(entry: Entry) -> list[Fault]:
    """What keeps this entry from being filed beside all that is filed at this moment."""
    return [clash.fault() for clash in clashes([entry], filling.by_key(), timezone.localdate())]


def clashes(entries: Sequence[Entry], filed: Registry, today: date) -> list[Clash]:
    """What would be wrong if all these were filed at once; what is filed alike is not asked.

    So two may exchange their ids, and what an office has is never refused by itself.
    """
    after = dict(filed)
    index_of: dict[filling.Key, int] = {}
    for index, entry in enumerate(entries):
        key = (entry.kind, entry.language, entry.gateway)
        versions = _with(filed.get(key, ()), entry)
        if versions and key not in index_of:
            after[key], index_of[key] = versions, index
    holders = _holders(after, today)
    found: dict[tuple[int, str], Clash] = {}
    for key, index in index_of.items():
        spoke = in_use(filed.get(key, ()), today)
        for template in in_use(after[key], today):
            if template in spoke:
                continue
            for place, other in _others(template, holders):
                other_entry = index_of.get((other.kind, other.language, other.gateway))
                if other_entry is not None and other_entry > index:
                    continue  # named there
                field = place[0] if template.pk is None else "valid_from"
                clash = Clash(index, field, other, other_entry, template)
                found.setdefault((index, field), clash)
    return list(found.values())


def shared(filed: Registry, today: date) -> dict[int, list[Other]]:
    """By key of each version in use: whose ids, if any, are its own as well."""
    holders = _holders(filed, today)
    found: dict[int, list[Other]] = {}
    for versions in filed.values():
        for template in in_use(versions, today):
            others = [(place[2], other) for place, other in _others(template, holders)]
            if others:
                found[template.pk] = others
    return found


def in_use(versions: Versions, today: date) -> list[SmsTemplate]:
    """Those that speak today or will, as far as is known; see filling.standing."""
    found = []
    for template in versions:
        if filling.never_was(template):
            continue
        if template.valid_from > today:
            if template.withdrawn_at is None:
                found.append(template)
            continue
        if isinstance(filling.standing([template], today), SmsTemplate):
            found.append(template)
        break
    return found


def _with(versions: Versions, entry: Entry) -> list[SmsTemplate]:
    """The versions once this is filed; empty if that changes nothing."""
    newest = versions[0] if versions else None
    does = effect(newest, entry)
    if does == Effect.NOTHING:
        return []
    version = newest.version if newest else 0
    kept = versions[1:] if does == Effect.OTHER_DAYS else versions
    number = version if does == Effect.OTHER_DAYS else version + 1
    return [SmsTemplate(version=number, **vars(tidied_if_readable(entry))), *kept]


def _places(template: SmsTemplate) -> Iterator[Place]:
    yield "template_id", "", template.template_id
    if template.gateway_template_id:
        yield "gateway_template_id", template.gateway, template.gateway_template_id


def _holders(registry: Registry, today: date) -> dict[Place, list[SmsTemplate]]:
    found: dict[Place, list[SmsTemplate]] = {}
    for versions in registry.values():
        for template in in_use(versions, today):
            for place in _places(template):
                found.setdefault(place, []).append(template)
    return found


def _others(
    template: SmsTemplate, holders: Mapping[Place, list[SmsTemplate]]
) -> Iterator[tuple[Place, SmsTemplate]]:
    """Versions of another kind or language that have an id of this one."""
    said = (template.kind, template.language)
    for place in _places(template):
        for other in holders.get(place, ()):
            if (other.kind, other.language) != said:
                yield place, other
