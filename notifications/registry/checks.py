"""Whether templates are filed for all that the gateways in use have to say.

The registry is in the database, so the whole proof runs where the database may be asked:
`manage.py check --deploy --database default`, or `manage.py check_templates`.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from django.utils import timezone
from django.utils.translation import override

from notifications.registry import proof
from notifications.registry.models import SmsTemplate


@register()
def check_own_site_is_whitelisted(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Every link in a message leads to this site."""
    try:
        in_use = proof.gateways_in_use()
    except (ImportError, KeyError, AttributeError):  # notifications.E001 says so
        return []
    if not in_use or settings.SITE_HOST.lower() in settings.DLT_URL_HOSTS:
        return []
    return [
        Error(
            "DLT_URL_HOSTS does not name this site, so that no SMS with a link may leave.",
            hint="Have SITE_HOST whitelisted by the operators, then add it to DLT_URL_HOSTS.",
            id="notifications.E020",
        )
    ]


@register(Tags.database, deploy=True)
def check_templates(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Every kind, language and gateway in use has a template that carries the longest values."""
    if "default" not in (databases or ()):
        return []
    tables = connections["default"].introspection.table_names()
    if SmsTemplate._meta.db_table not in tables:
        return []
    with override("en"):
        return [
            Error(str(finding), hint="See 'Proof of templates'.", id="notifications.E021")
            if finding.is_error
            else Warning(str(finding), id="notifications.W021")
            for finding in proof.problems(timezone.now())
        ]
