"""The row that all workers share of a gateway: its bucket (bucket.py), its health (health.py)."""

from datetime import datetime

from notifications.models import GatewayState


def locked(gateway: str, now: datetime, *, tokens: float = 0.0) -> GatewayState:
    """The gateway's row, locked until the caller's transaction ends; made if there is none yet.

    `tokens`: what is in the bucket of a new one.
    """
    waiting = GatewayState.objects.select_for_update()
    found = waiting.filter(name=gateway).first()
    if found:
        return found
    fresh = GatewayState(name=gateway, tokens=tokens, filled_at=now)
    GatewayState.objects.bulk_create([fresh], ignore_conflicts=True)
    return waiting.get(name=gateway)
