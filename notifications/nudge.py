"""Nudges: "there is work" for the workers of a channel. They may be lost without harm.

The broker carries nothing else, so publishing one is best effort: it never raises, never holds a
web request longer than two seconds, and the sweeper finds what no nudge announced.
"""

import logging
import time

from celery import current_app
from django.core.cache import cache
from kombu import Connection
from kombu.pools import producers

logger = logging.getLogger(__name__)

DELIVER = "notifications.tasks.deliver"
QUEUE, URGENT_QUEUE = "messages", "urgent"
# A nudge is as good as the next while none has been picked up: one waits at a time, so that a
# rush of bookings does not fill the broker. If it is lost, the next may be sent after this.
WAITING_SECONDS = 5
# An older nudge is of no use: the sweeper has sent another.
EXPIRES_SECONDS = 30
# After a failure nobody waits for the broker again for so long.
REST_SECONDS = 10
# Kombu would try for ever; the cache has its own limit (settings.CACHES).
IMPATIENT = {"max_retries": 0, "socket_timeout": 1, "socket_connect_timeout": 1}

_rests_until = 0.0


def publish(channel: str, *, urgent: bool = False) -> bool:
    """Tell a worker that messages of the channel are due; False if the broker is not there.

    `urgent`: those of the urgent lane, which have a worker of their own.
    """
    global _rests_until
    if time.monotonic() < _rests_until:
        return False
    try:
        if not cache.add(_key(channel, urgent), 1, WAITING_SECONDS):
            return True  # one is on its way
        _send(channel, urgent)
    except Exception as error:  # whatever a broker or a cache may raise
        _rests_until = time.monotonic() + REST_SECONDS
        logger.warning("no nudge for %s: %s", channel, type(error).__name__)
        return False
    return True


def picked_up(channel: str, *, urgent: bool = False) -> None:
    """A worker begins: what is committed from now on needs a new nudge."""
    try:
        cache.delete(_key(channel, urgent))
    except Exception as error:  # the key ends by itself soon
        logger.warning("nudge of %s stays marked: %s", channel, type(error).__name__)


def _key(channel: str, urgent: bool) -> str:
    return f"nudge:{channel}:{'urgent' if urgent else 'all'}"


def _send(channel: str, urgent: bool) -> None:
    with producers[_connection()].acquire(block=True, timeout=1) as producer:
        current_app.send_task(
            DELIVER,
            args=[channel, urgent],
            queue=URGENT_QUEUE if urgent else QUEUE,
            producer=producer,
            retry=False,
            ignore_result=True,
            expires=EXPIRES_SECONDS,
        )


def _connection() -> Connection:
    # Only describes the broker; kombu keeps one open connection for equal descriptions.
    return current_app.connection_for_write(transport_options=IMPATIENT, connect_timeout=1)
