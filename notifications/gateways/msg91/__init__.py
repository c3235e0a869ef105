"""SMS through MSG91, which reports by webhook what became of each (notifications/callbacks.py)."""

from notifications.gateways.msg91.gateway import Msg91Gateway

__all__ = ["Msg91Gateway"]
