"""The outbox as officers see it: messages, batches, gateways."""

from appointments.admin.outbox import admin

__all__ = ["admin"]
