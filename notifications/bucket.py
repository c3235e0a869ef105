"""How fast a gateway may be given messages: a token bucket that all workers share.

A token is one SMS part, or one email. The bucket holds what flows in within a second; a part of it
is kept for the urgent lane, so that a code does not wait behind ten thousand notices.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from notifications import gateway_states
from notifications.models import GatewayState

# The share of the bucket that only the urgent lane may take.
RESERVED = 0.2
ROUNDING = 1e-6


@dataclass(frozen=True)
class Grant:
    """`tokens` taken out; if none, there may be some in `wait` seconds."""

    tokens: int
    wait: float = 0.0


def rate(gateway: str) -> float | None:
    """Tokens a second, as settings.GATEWAY_RATES says; None is without limit."""
    found: float | None = settings.GATEWAY_RATES.get(gateway)
    return found


def take(gateway: str, *, least: int, most: int, urgent: bool, now: datetime) -> Grant:
    """Take between `least` and `most` tokens, or none.

    A message of more parts than the bucket holds gets them when it is full: the bucket then owes.
    """
    per_second = rate(gateway)
    if per_second is None:
        return Grant(most)
    holds = max(per_second, 1.0)
    kept = 0.0 if urgent else min(holds * RESERVED, holds - 1)
    with transaction.atomic():
        state = gateway_states.locked(gateway, now, tokens=holds)
        there = min(holds, state.tokens + per_second * _seconds_since(state.filled_at, now))
        free = there - kept + ROUNDING
        needed = min(float(least), holds - kept)
        tokens = max(least, min(most, int(free))) if free >= needed else 0
        state.tokens, state.filled_at = there - tokens, now
        state.save(update_fields=["tokens", "filled_at"])
    return Grant(tokens) if tokens else Grant(0, (needed - free) / per_second)


def put_back(gateway: str, tokens: int) -> None:
    """Return what was taken and not used."""
    if tokens <= 0 or rate(gateway) is None:
        return
    with transaction.atomic():
        state = GatewayState.objects.select_for_update().filter(name=gateway).first()
        if state:
            state.tokens += tokens  # too much flows over when somebody takes next
            state.save(update_fields=["tokens"])


def _seconds_since(moment: datetime, now: datetime) -> float:
    """0 if a clock was set back."""
    return max(0.0, (now - moment).total_seconds())
