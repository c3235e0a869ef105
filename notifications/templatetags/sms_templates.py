"""What the officers' first page says of SMS templates: {% template_alert as alert %}."""

from dataclasses import dataclass

from django import template
from django.utils import timezone

from notifications.registry import proof

register = template.Library()


@dataclass(frozen=True)
class Alert:
    """How many kinds, each language and gateway by itself, do not leave; and warnings."""

    errors: int
    warnings: int


@register.simple_tag
def template_alert() -> Alert | None:
    """None: nothing is wrong, or no gateway in use needs filed texts."""
    proofs = proof.prove(timezone.now())
    warnings = sum(not finding.is_error for one in proofs for finding in one.findings)
    alert = Alert(errors=sum(one.fails for one in proofs), warnings=warnings)
    return alert if alert.errors or alert.warnings else None
