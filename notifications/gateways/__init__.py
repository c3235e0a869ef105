"""Gateways by channel, in the order in which settings.MESSAGE_GATEWAYS names them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:  # it needs models, and start-up checks come before them
    from notifications.gateways.base import Gateway

# Short names for settings; any other gateway is named by its dotted path.
KNOWN = {
    "file": "notifications.gateways.file.FileGateway",
    "smtp": "notifications.gateways.smtp.SmtpGateway",
    "msg91": "notifications.gateways.msg91.Msg91Gateway",
    "mobile_seva": "notifications.gateways.mobile_seva.MobileSevaGateway",
    "smpp": "notifications.gateways.smpp.SmppGateway",
    "anymail": "notifications.gateways.anymail.AnymailGateway",
}


def gateway_classes(channel: str) -> "list[type[Gateway]]":
    """The gateways of a channel, the preferred one first.

    ImportError or KeyError if the settings name none; notifications/checks.py says so early.
    """
    named = classes(settings.MESSAGE_GATEWAYS[channel])
    if not named:
        raise KeyError(f"no gateway is named for {channel}")
    return named


def classes(named: str | Sequence[str]) -> "list[type[Gateway]]":
    """Gateways by short names or dotted paths. ImportError: there is no such class."""
    names = [named] if isinstance(named, str) else named
    return [import_string(KNOWN.get(name, name)) for name in names]


def has_template_ids(name: str) -> bool:
    """Whether a gateway, in use or not, knows filed texts by ids of its own panel."""
    try:
        return gateway_class(name).has_template_ids
    except KeyError:
        pass
    found: type[Gateway] | None = import_string(KNOWN[name]) if name in KNOWN else None
    return found is not None and found.has_template_ids


def gateway_class(name: str) -> "type[Gateway]":
    """A gateway in use on any channel, by its own name. KeyError: none has it."""
    for channel in settings.MESSAGE_GATEWAYS:
        for found in gateway_classes(channel):
            if found.name == name:
                return found
    raise KeyError(name)
