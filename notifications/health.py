"""How a gateway fares: failures within a window make it rest, and the next one takes over.

While it rests its gate is shut (gates.py, under its own name). After that it gets one message; if
that succeeds it has all of them back, if not it rests longer.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from notifications import gates, gateway_states
from notifications.models import GatewayState

# So many failed calls within the window, and such a share of all, and the gateway rests. A few of
# thousands are no reason.
FAILURES = 5
SHARE = 0.2
WINDOW = timedelta(seconds=60)
# First rest; each one after it without a success in between is twice as long, up to the longest.
FIRST_REST = timedelta(seconds=15)
LONGEST_REST = timedelta(minutes=5)


def rests(gateway: str, now: datetime) -> bool:
    """Whether it gets nothing now: it failed, or asked for it."""
    return gates.is_shut(gateway, now)


def failed(gateway: str, *, calls: int, now: datetime) -> bool:
    """Count a call that failed, of so many since the last one; True: too many within the window."""
    with transaction.atomic():
        state = gateway_states.locked(gateway, now)
        since = state.failing_since
        if since is None or not since <= now < since + WINDOW:
            state.failing_since, state.failures, state.calls = now, 0, 0
        state.failures = min(state.failures + 1, 30_000)
        state.calls += calls
        state.save(update_fields=["failures", "calls", "failing_since"])
        return state.failures >= max(FAILURES, SHARE * state.calls)


def rest(gateway: str, *, now: datetime, reason: str, wait: timedelta | None = None) -> timedelta:
    """Shut its gate; returns for how long. `wait`: as long as the gateway itself asked for."""
    with transaction.atomic():
        state = gateway_states.locked(gateway, now)
        longer: timedelta = min(FIRST_REST * 2 ** min(state.rests, 10), LONGEST_REST)
        if wait is None:
            if rests(gateway, now):  # another worker came first
                return timedelta()
            state.rests = min(state.rests + 1, 30_000)
        state.failures, state.calls, state.failing_since = 0, 0, None
        state.save(update_fields=["failures", "calls", "failing_since", "rests"])
    gates.shut(gateway, until=now + (wait or longer), now=now, reason=reason)
    return wait or longer


def works(gateway: str, *, now: datetime) -> None:
    """It took a message: what was held against it is forgotten."""
    gates.reopen(gateway, now)
    ailing = GatewayState.objects.filter(Q(rests__gt=0) | Q(failures__gt=0), name=gateway)
    ailing.update(rests=0, failures=0, calls=0, failing_since=None)
