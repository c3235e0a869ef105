"""What the officers' first page says of SMS templates: {% template_alert as alert %}."""

from dataclasses import dataclass

from django import template
from django.utils import timezone

from notifications.registry import proof
from notifications.registry.errors import Problem

register = template.Library()


@dataclass(frozen=True)
class Alert:
    """How many texts, each language and gateway by itself, do not leave; are filed under an id that
    their gateway does not know, or that is another text's; and warnings."""

    stopped: int
    unknown: int
    shared: int
    warnings: int

    @property
    def errors(self) -> int:
        return self.stopped + self.unknown + self.shared


@register.simple_tag
def template_alert() -> Alert | None:
    """None: nothing is wrong, or no gateway in use needs filed texts."""
    proofs = proof.prove(timezone.now())
    warnings = sum(not finding.is_error for one in proofs for finding in one.findings)
    alert = Alert(
        stopped=sum(one.stops for one in proofs),
        unknown=sum(one.has(Problem.UNKNOWN) for one in proofs),
        shared=sum(one.has(Problem.SHARED_ID) for one in proofs),
        warnings=warnings,
    )
    return alert if alert.errors or alert.warnings else None
