"""Gateways by channel, as settings.MESSAGE_GATEWAYS names them."""

from django.conf import settings
from django.utils.module_loading import import_string

from notifications.gateways.base import Gateway


def gateway_class(channel: str) -> type[Gateway]:
    """ImportError or KeyError if the settings name none; notifications/checks.py says so early."""
    found: type[Gateway] = import_string(settings.MESSAGE_GATEWAYS[channel])
    return found


def gateway_for(channel: str) -> Gateway:
    """A new gateway, not yet open."""
    return gateway_class(channel)()
