"""Prove that every kind can be said, in every language, through every gateway in use.

Each template is filled with the longest values that its messages may get (`Kind.samples`). What is
found wrong is a `Finding`: errors keep messages from leaving, or let them leave by a wrong id;
warnings do not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from notifications import dates, kinds
from notifications.dates import INDIA
from notifications.gateways import gateway_classes, has_template_ids
from notifications.models import Channel
from notifications.registry import filling, ids
from notifications.registry.entries import spoken_kinds
from notifications.registry.errors import Problem
from notifications.registry.models import SmsTemplate
from notifications.registry.notation import Tag, Unreadable, Variable, host_of
from notifications.segments import Size, measure

SOON = timedelta(days=30)
# What a gateway said that it does not know is looked at for so long; while messages wait for it, it
# says so again every few minutes.
UNKNOWN_FOR = timedelta(days=1)
UNKNOWN_ID = _(
    "The gateway answers that it knows no template by the id %(id)s. Messages wait, or leave"
    " through another gateway, until the id or its panel is mended."
)
# The gateway writes the text that it knows by the id; the operators compare with theirs.
SHARED_ID = _(
    "The id %(id)s is that of another text as well: %(other)s. People may get the wrong words, or"
    " nothing: file the right id."
)
# Wrong, but not with the text: such messages may leave all the same.
OF_IDS = (Problem.UNKNOWN, Problem.SHARED_ID)
WARNINGS = (Problem.ENDS_SOON, Problem.COSTS_MORE, Problem.SAYS_LESS, Problem.UNTAGGED)


@dataclass(frozen=True)
class Finding:
    """Something wrong with what is filed for a kind, a language and a gateway."""

    kind: str
    language: str
    gateway: str
    problem: Problem
    sentence: str | Promise
    # The version it is about; None if there is none.
    template: SmsTemplate | None = None

    @property
    def is_error(self) -> bool:
        """Messages of this kind do not leave, or by a wrong id."""
        return self.problem not in WARNINGS

    @property
    def stops(self) -> bool:
        """Messages of this kind do not leave through this gateway, whatever it answers."""
        return self.is_error and self.problem not in OF_IDS

    def __str__(self) -> str:
        gateway = self.gateway or _("every gateway")
        return f"{self.kind} · {self.language} · {gateway}: {self.sentence}"


@dataclass(frozen=True)
class Filled:
    """A variable with the longest value that it may get."""

    variable: Variable
    sample: str
    fault: Problem | None


@dataclass(frozen=True)
class Proof:
    """What would leave. `text` and `size`: with the longest values, as far as they go in."""

    kind: str
    language: str
    gateway: str
    template: SmsTemplate | None = None
    text: str = ""
    size: Size | None = None
    variables: tuple[Filled, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The text in pieces; whether each is the value of a variable."""
        if self.template is None or not self.text:
            return []
        pieces: list[tuple[str, bool]] = [(self.template.reading.fixed[0], False)]
        rest = self.template.reading.fixed[1:]
        for one, fixed in zip(self.variables, rest, strict=True):
            pieces += [(one.sample, True), (fixed, False)]
        return pieces

    @property
    def fails(self) -> bool:
        return any(finding.is_error for finding in self.findings)

    @property
    def stops(self) -> bool:
        return any(finding.stops for finding in self.findings)

    def has(self, problem: str) -> bool:
        return any(finding.problem == problem for finding in self.findings)


def problems(now: datetime) -> list[Finding]:
    """All that is wrong, or will be within 30 days, of the gateways in use; errors first."""
    found = [finding for proof in prove(now) for finding in proof.findings]
    return sorted(found, key=lambda finding: not finding.is_error)


def gateways_in_use() -> list[str]:
    """Names of the SMS gateways in use that take filed texts only, the preferred one first."""
    return [one.name for one in gateway_classes(Channel.SMS) if one.needs_template]


def prove(now: datetime, gateways: Sequence[str] | None = None) -> list[Proof]:
    """One proof for each kind, language and gateway; `gateways` in place of those in use."""
    names = gateways_in_use() if gateways is None else gateways
    shelf, today = filling.by_key(), now.astimezone(INDIA).date()
    longest, shared = _Longest(), ids.shared(shelf, today)
    return [
        _sharing(_proof(kind, language, gateway, shelf, longest, today), shared)
        for gateway in names
        for kind in spoken_kinds()
        for language in kinds.LANGUAGES
    ]


def prove_one(template: SmsTemplate, now: datetime) -> Proof:
    """The proof of one version, whether it speaks today or not."""
    kind = next((kind for kind in spoken_kinds() if kind.code == template.kind), None)
    if kind is None:
        return Proof(template.kind, template.language, template.gateway, template)
    today = now.astimezone(INDIA).date()
    samples = _Longest().of(kind, template.language)
    proof = _with_template(kind, template.language, template.gateway, template, samples, today)
    return _sharing(proof, ids.shared(filling.by_key(), today))


def _sharing(proof: Proof, shared: Mapping[int, Sequence[ids.Other]]) -> Proof:
    """With what its template's ids stand for besides."""
    template = proof.template
    if template is None or template.pk not in shared:
        return proof
    found = [
        Finding(
            proof.kind,
            proof.language,
            proof.gateway,
            Problem.SHARED_ID,
            SHARED_ID % {"id": number, "other": other},
            template,
        )
        for number, other in shared[template.pk]
    ]
    return replace(proof, findings=(*found, *proof.findings))


class _Longest:
    """The longest values of kinds; those that give the same are asked once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, str], Mapping[str, str]] = {}

    def of(self, kind: kinds.Kind, language: str) -> dict[str, str]:
        """By name, of the values that every message of this kind has."""
        key = (kind.samples, language)
        if key not in self._known:
            self._known[key] = kind.samples(language) if kind.samples else {}
        return {name: self._known[key].get(name, "") for name in kind.fields(language)}


def _proof(
    kind: kinds.Kind,
    language: str,
    gateway: str,
    shelf: dict[filling.Key, list[SmsTemplate]],
    longest: _Longest,
    today: date,
) -> Proof:
    keys = [(kind.code, language, place) for place in dict.fromkeys((gateway, ""))]
    places = [shelf[key] for key in keys if key in shelf]
    newest = places[0][0] if places else None
    by_gateways_id = has_template_ids(gateway)
    found = filling.first_standing(places, today, by_gateways_id=by_gateways_id)
    if isinstance(found, SmsTemplate):
        samples = longest.of(kind, language)
        return _with_template(kind, language, gateway, found, samples, today)
    finding = Finding(kind.code, language, gateway, found, _why_none(found, newest), newest)
    if newest is None:
        return Proof(kind.code, language, gateway, findings=(finding,))
    # What was filed is shown all the same, so that officers see what they have to renew.
    shown = _with_template(kind, language, gateway, newest, longest.of(kind, language), today)
    return replace(shown, findings=(finding, *shown.findings))


def _why_none(problem: Problem, newest: SmsTemplate | None) -> str | Promise:
    if newest and problem == Problem.NOT_YET:
        day = _day(newest.valid_from)
        return _("The template is valid only from %(day)s.") % {"day": day}
    if newest and newest.valid_until and problem == Problem.EXPIRED:
        day = _day(newest.valid_until)
        return _("The template ended on %(day)s.") % {"day": day}
    if newest and newest.withdrawn_why and problem == Problem.WITHDRAWN:
        return _("The template was withdrawn: %(why)s") % {"why": newest.withdrawn_why}
    return Problem(problem).label


def _with_template(
    kind: kinds.Kind,
    language: str,
    gateway: str,
    template: SmsTemplate,
    samples: Mapping[str, str],
    today: date,
) -> Proof:
    findings: list[Finding] = []

    def find(problem: Problem, sentence: str | Promise) -> None:
        findings.append(Finding(kind.code, language, gateway, problem, sentence, template))

    try:
        reading = template.reading
    except Unreadable as error:
        find(Problem.UNREADABLE, str(error))
        return Proof(kind.code, language, gateway, template, findings=tuple(findings))
    filled = tuple(_filled(variable, samples) for variable in reading.variables)
    if template.unknown_at and _day_in_india(template.unknown_at) >= today - UNKNOWN_FOR:
        named = {"id": template.gateway_template_id or template.template_id}
        find(Problem.UNKNOWN, UNKNOWN_ID % named)
    for problem, sentence in _of_values(filled):
        find(problem, sentence)
    text = reading.with_values([one.sample for one in filled])
    size = measure(text)
    for problem, sentence in _warnings(kind, language, template, size, samples, today):
        find(problem, sentence)
    return Proof(kind.code, language, gateway, template, text, size, filled, tuple(findings))


def _filled(variable: Variable, samples: Mapping[str, str]) -> Filled:
    sample = samples.get(variable.value, "")
    return Filled(variable, sample, variable.fault(sample, settings.DLT_URL_HOSTS))


def _of_values(filled: Sequence[Filled]) -> Iterator[tuple[Problem, str | Promise]]:
    for number, one in enumerate(filled, start=1):
        facts = {
            "number": number,
            "value": one.variable.value,
            "tag": one.variable.tag.value,
            "longest": one.variable.longest,
            "length": len(one.sample),
            "host": host_of(one.sample),
        }
        if one.fault:
            yield one.fault, FAULTS[one.fault] % facts
        if one.variable.tag == Tag.VAR:
            yield Problem.UNTAGGED, _("Variable %(number)d (%(value)s) has no tag.") % facts


FAULTS: dict[Problem, Promise] = {
    Problem.NO_VALUE: _("Messages of this kind have no value %(value)s for variable %(number)d."),
    Problem.TOO_LONG: _(
        "Variable %(number)d (%(value)s) takes %(longest)d letters; the longest value has"
        " %(length)d."
    ),
    Problem.WRONG_TAG: _(
        "Variable %(number)d (%(value)s) is tagged %(tag)s, and its values are not like that."
    ),
    Problem.FOREIGN_HOST: _(
        "Variable %(number)d (%(value)s) links to %(host)s, which is not whitelisted"
        " (DLT_URL_HOSTS)."
    ),
}


def _warnings(
    kind: kinds.Kind,
    language: str,
    template: SmsTemplate,
    size: Size,
    samples: Mapping[str, str],
    today: date,
) -> Iterator[tuple[Problem, str | Promise]]:
    if template.valid_until and today <= template.valid_until <= today + SOON:
        day = _day(template.valid_until)
        yield Problem.ENDS_SOON, _("The template ends on %(day)s.") % {"day": day}
    own = _own_size(kind, language, samples)
    if own and size.parts > own.parts:
        facts = {"parts": size.parts, "own": own.parts}
        yield (
            Problem.COSTS_MORE,
            _("With the longest values it costs %(parts)d SMS; the kind's own text %(own)d.")
            % facts,
        )
    said = {variable.value for variable in template.ordered_variables}
    left_out = [name for name in kind.fields(language) if name not in said]
    if left_out:
        names = ", ".join(left_out)
        yield Problem.SAYS_LESS, _("The filed text does not say: %(names)s.") % {"names": names}


def _day_in_india(moment: datetime) -> date:
    return moment.astimezone(INDIA).date()


def _day(day: date) -> str:
    return dates.long_day(day, (get_language() or "en").split("-")[0])


def _own_size(kind: kinds.Kind, language: str, samples: Mapping[str, str]) -> Size | None:
    """Of the kind's own text with the same values; None if a value is not known."""
    if not all(samples.values()):
        return None
    return measure(kind.sms[language].format(**samples, brand=settings.SMS_BRAND))
