"""What of the filed texts keeps messages from leaving, in sentences for alerts."""

from datetime import datetime

from django.utils import translation

from notifications.registry.proof import problems


def text_problems(now: datetime) -> list[str]:
    """One line each, in English; what ends soon or costs more is for the page alone."""
    with translation.override("en"):
        return [str(finding) for finding in problems(now) if finding.is_error]
