"""File, change and withdraw templates. Pages, the CSV file and commands call these."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications import gates
from notifications.errors import Refusal, require_reason
from notifications.registry import filling, ids
from notifications.registry.entries import (
    Effect,
    Entry,
    Fault,
    Values,
    differences,
    effect,
    faults,
)
from notifications.registry.models import SmsTemplate, SmsTemplateEvent

Verb = SmsTemplateEvent.Verb
GATE = "registry"


class Unfit(Refusal):
    """An entry that may not be filed; `faults` says why, field by field."""

    def __init__(self, found: Sequence[Fault]) -> None:
        super().__init__("unfit", found[0].sentence)
        self.faults = tuple(found)


@dataclass(frozen=True)
class Loaded:
    """What a list of entries did: templates that are new, changed, and the same as before."""

    new: int = 0
    changed: int = 0
    same: int = 0


def file(
    *, entry: Entry, by: str, reason: str = "", based_on: int | None = None
) -> tuple[SmsTemplate, bool]:
    """Make the registry say this; returns the template, and whether anything changed.

    Another text or id is a new version, and the old is kept; other days change in place, as long
    as the version was not withdrawn. The same again changes nothing. `based_on`: the version that
    the officer saw (0: none). Refusal: Unfit (another text's id is one reason), changed_meanwhile,
    no_actor.
    """
    _require_actor(by)
    if found := faults(entry):
        raise Unfit(found)
    entry = entry.tidied()
    with _alone():
        there = _newest(entry)
        if based_on is not None and based_on != (there.version if there else 0):
            raise _changed_meanwhile()
        if found := ids.taken(entry):
            raise Unfit(found)
        return _filed(entry, there, by, reason)


def load(*, entries: Sequence[Entry], by: str, reason: str = "") -> Loaded:
    """File a whole list, or nothing of it. Refusal as in `file`.

    Ids are compared as they are once all is filed: two texts may exchange theirs.
    """
    _require_actor(by)
    for entry in entries:
        if found := faults(entry):
            raise Unfit(found)
    tidied = [entry.tidied() for entry in entries]
    new = changed = 0
    with _alone():
        if clashes := ids.clashes(tidied, filling.by_key(), timezone.localdate()):
            raise Unfit([clash.fault() for clash in clashes])
        for entry in tidied:
            template, did = _filed(entry, _newest(entry), by, reason)
            new += did and template.version == 1
            changed += did and template.version > 1
    return Loaded(new=new, changed=changed, same=len(entries) - new - changed)


def would_change(entry: Entry) -> bool:
    """Whether filing this would change anything at this moment."""
    return effect(newest_of(entry), entry) != Effect.NOTHING


def newest_of(entry: Entry) -> SmsTemplate | None:
    """The newest version of what is filed for the kind, language and gateway of this entry."""
    return _of_place(entry).first()


def not_known(
    *, kind: str, language: str, gateway: str, gateway_template_id: str, now: datetime
) -> None:
    """A gateway says that it has no template by this id: the proof shows it, and so officers hear.

    Written once a minute at most; every message of the kind may bring the same answer.
    """
    lately = Q(unknown_at__gt=now - timedelta(minutes=1), unknown_at__lte=now)
    said_of = SmsTemplate.objects.filter(
        kind=kind, language=language, gateway=gateway, gateway_template_id=gateway_template_id
    )
    said_of.exclude(lately).update(unknown_at=now)


def withdraw(*, template: SmsTemplate, by: str, reason: str) -> SmsTemplate:
    """Let no message leave in this version any more; returns it as it stands then.

    No older version comes back. Again: changes nothing. Refusal: reason_required.
    """
    require_reason(by, reason)
    with transaction.atomic():
        current = SmsTemplate.objects.select_for_update().get(pk=template.pk)
        if current.withdrawn_at is None:
            current.withdrawn_at = timezone.now()
            current.withdrawn_why = reason.strip()[:200]
            current.save()
            _note(current, Verb.WITHDRAWN, by, reason, at=current.withdrawn_at)
            transaction.on_commit(filling.forget)
    return current


@contextmanager
def _alone() -> Iterator[None]:
    """One officer files at a time: an id is compared with all that is filed (ids.py)."""
    try:
        with transaction.atomic():
            gates.hold(GATE, timezone.now())
            yield
            transaction.on_commit(filling.forget)
    except IntegrityError:  # somebody filed the same version at this moment
        raise _changed_meanwhile() from None


def _require_actor(by: str) -> None:
    if not by.strip():
        raise Refusal("no_actor", _("Say who files it."))


def _newest(entry: Entry) -> SmsTemplate | None:
    return _of_place(entry).select_for_update().first()


def _of_place(entry: Entry) -> QuerySet[SmsTemplate]:
    """All versions, the newest first."""
    versions = SmsTemplate.objects.filter(
        kind=entry.kind, language=entry.language, gateway=entry.gateway
    )
    return versions.order_by("-version")


def _filed(
    entry: Entry, newest: SmsTemplate | None, by: str, reason: str
) -> tuple[SmsTemplate, bool]:
    if newest is None:
        return _added(entry, 1, by, reason, ""), True
    changes = _written(differences(Entry.of(newest), entry))
    match effect(newest, entry):
        case Effect.NOTHING:
            return newest, False
        case Effect.OTHER_DAYS:
            return _with_days(newest, entry, by, reason, changes), True
        case Effect.NEW_VERSION:
            return _added(entry, newest.version + 1, by, reason, changes), True


def _added(entry: Entry, version: int, by: str, reason: str, changes: str) -> SmsTemplate:
    template = SmsTemplate.objects.create(version=version, **vars(entry))
    verb = Verb.FILED if version == 1 else Verb.CHANGED
    _note(template, verb, by, reason, changes=changes)
    return template


def _with_days(
    template: SmsTemplate, entry: Entry, by: str, reason: str, changes: str
) -> SmsTemplate:
    template.valid_from, template.valid_until = entry.valid_from, entry.valid_until
    template.save()
    _note(template, Verb.CHANGED, by, reason, changes=changes)
    return template


def _written(differ: Values) -> str:
    """The new text stands in the version itself; short values are named."""
    named = [
        name if name in ("text", "variables") else f"{name}: {was or '-'} -> {now or '-'}"
        for name, (was, now) in differ.items()
    ]
    return "; ".join(named)[:400]


def _note(
    template: SmsTemplate,
    verb: SmsTemplateEvent.Verb,
    by: str,
    reason: str,
    *,
    changes: str = "",
    at: datetime | None = None,
) -> None:
    SmsTemplateEvent.objects.create(
        template=template,
        verb=verb,
        by=by.strip()[:80],
        reason=reason.strip()[:200],
        changes=changes,
        at=at or timezone.now(),
    )


def _changed_meanwhile() -> Refusal:
    return Refusal(
        "changed_meanwhile",
        _("Somebody has changed this template since you opened it. Look at it again."),
    )
