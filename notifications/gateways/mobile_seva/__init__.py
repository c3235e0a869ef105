"""SMS through Mobile Seva, the government's gateway (C-DAC). It has no receipts."""

from notifications.gateways.mobile_seva.gateway import MobileSevaGateway

__all__ = ["MobileSevaGateway"]
