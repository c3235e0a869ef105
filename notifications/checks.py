"""Start-up checks: gateways that exist and are configured, and times that fit together."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from notifications.gateways import gateway_classes
from notifications.models import Channel


@register()
def check_gateways(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every channel has gateways that can be imported and have what they need."""
    found: list[CheckMessage] = []
    for channel in Channel.values:
        try:
            problems = [text for each in gateway_classes(channel) for text in each.problems()]
        except (ImportError, KeyError, AttributeError) as error:
            named = settings.MESSAGE_GATEWAYS.get(channel)
            found.append(
                Error(
                    f"The gateway {named!r} of {channel} cannot be used: {error}",
                    id="notifications.E001",
                )
            )
        else:
            found += [Error(f"{channel}: {text}", id="notifications.E002") for text in problems]
    return found


@register()
def check_times(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A lease outlasts a turn's last call, and a turn with its last call Celery's limit."""
    found: list[CheckMessage] = []
    run, call = settings.MESSAGE_RUN_SECONDS, settings.MESSAGE_CALL_SECONDS
    if 2 * call >= settings.MESSAGE_LEASE_SECONDS:
        found.append(
            Error(
                "MESSAGE_LEASE_SECONDS must be more than twice MESSAGE_CALL_SECONDS: else a"
                " message is taken from a worker that is still handing it over.",
                id="notifications.E003",
            )
        )
    if run + call >= settings.CELERY_TASK_SOFT_TIME_LIMIT:
        found.append(
            Error(
                "MESSAGE_RUN_SECONDS and MESSAGE_CALL_SECONDS together must be less than"
                " CELERY_TASK_SOFT_TIME_LIMIT: else Celery ends a worker in the middle of a call.",
                id="notifications.E004",
            )
        )
    return found
