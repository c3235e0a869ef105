"""From a message to the filed text with its values: what a worker asks before each hand-over."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings

from notifications.dates import INDIA
from notifications.gateways.base import Filed
from notifications.registry.errors import NotFiled, Problem
from notifications.registry.models import SmsTemplate
from notifications.registry.notation import Unreadable

# A turn of a worker asks for one of a hundred templates ten thousand times. What it knows is this
# old at most, so that a template which is withdrawn stops within seconds.
KNOWN_FOR_SECONDS = 3.0

Key = tuple[str, str, str]  # kind, language, gateway


@dataclass
class _Shelf:
    """All templates, as they were when they were read; versions of a key newest first."""

    read_at: float = float("-inf")
    templates: dict[Key, list[SmsTemplate]] = field(default_factory=dict)


_shelf = _Shelf()


def lookup(
    kind: str, language: str, gateway: str, now: datetime, *, by_gateways_id: bool = False
) -> SmsTemplate:
    """The template in which this kind leaves through this gateway now.

    One for the gateway itself goes before one for every gateway. `by_gateways_id`: the gateway
    takes only what it has an id of its own for. NotFiled: there is none (missing, no_gateway_id),
    or none that is valid now (not_yet, expired, withdrawn).
    """
    today = now.astimezone(INDIA).date()
    shelf = _templates()
    places = [shelf.get((kind, language, place), ()) for place in dict.fromkeys((gateway, ""))]
    found = first_standing(places, today, by_gateways_id=by_gateways_id)
    if isinstance(found, SmsTemplate):
        return found
    raise NotFiled(found, kind=kind, language=language, gateway=gateway)


def first_standing(
    places: Sequence[Sequence[SmsTemplate]], today: date, *, by_gateways_id: bool
) -> SmsTemplate | Problem:
    """The template that speaks today, of a gateway's own versions and then of those for every one.

    If none does, why the first place that has any does not.
    """
    problem = Problem.MISSING
    for versions in places:
        found = standing(versions, today)
        if isinstance(found, SmsTemplate):
            if found.gateway_template_id or not by_gateways_id:
                return found
            found = Problem.NO_GATEWAY_ID
        if problem == Problem.MISSING:
            problem = found
    return problem


def standing(versions: Sequence[SmsTemplate], today: date) -> SmsTemplate | Problem:
    """Of the versions of one key, newest first, the one that speaks today, or why none does.

    A version that was withdrawn before its first day has never been.
    """
    passed_over: list[Problem] = []
    for template in versions:
        if never_was(template):
            passed_over.append(Problem.WITHDRAWN)
        elif template.valid_from > today:
            passed_over.append(Problem.NOT_YET)
        elif template.withdrawn_at:
            return Problem.WITHDRAWN
        elif template.valid_until and template.valid_until < today:
            return Problem.EXPIRED
        else:
            return template
    return passed_over[0] if passed_over else Problem.MISSING


def never_was(template: SmsTemplate) -> bool:
    """Whether it was withdrawn before its first day."""
    withdrawn = template.withdrawn_at
    return withdrawn is not None and withdrawn.astimezone(INDIA).date() < template.valid_from


def fill(template: SmsTemplate, values: Mapping[str, Any]) -> tuple[str, Filed]:
    """The filed text with this message's values, and what the operators know it by.

    NotFiled: no value, one too long, one of the wrong tag, a link to a site that is not
    whitelisted, or a text that does not fit its variables (two side by side, for one).
    """
    try:
        reading = template.reading
    except Unreadable:
        raise _refused(template, Problem.UNREADABLE) from None
    hosts = settings.DLT_URL_HOSTS
    filled = []
    for variable in reading.variables:
        value = values.get(variable.value)
        text = "" if value is None else str(value)
        fault = variable.fault(text, hosts)
        if fault:
            raise _refused(template, fault, variable.value)
        filled.append(text)
    return reading.with_values(filled), Filed(
        entity_id=template.entity_id,
        header=template.header,
        template_id=template.template_id,
        variables=tuple(filled),
        gateway_template_id=template.gateway_template_id,
    )


def forget() -> None:
    """Read the templates afresh next time: one has changed."""
    _shelf.read_at = float("-inf")


def by_key() -> dict[Key, list[SmsTemplate]]:
    """All templates from the database, versions of a key newest first."""
    found: dict[Key, list[SmsTemplate]] = {}
    for template in SmsTemplate.objects.order_by("-version"):
        key = (template.kind, template.language, template.gateway)
        found.setdefault(key, []).append(template)
    return found


def _templates() -> dict[Key, list[SmsTemplate]]:
    if time.monotonic() - _shelf.read_at > KNOWN_FOR_SECONDS:
        read_at = time.monotonic()  # before the query: what changes meanwhile is not missed
        _shelf.templates, _shelf.read_at = by_key(), read_at
    return _shelf.templates


def _refused(template: SmsTemplate, problem: Problem, variable: str = "") -> NotFiled:
    return NotFiled(
        problem,
        kind=template.kind,
        language=template.language,
        gateway=template.gateway,
        variable=variable,
    )
