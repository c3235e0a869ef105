"""Celery's way in. A task carries a channel and a lane; the database holds the messages."""

from celery import shared_task

from notifications import delivery, nudge
from notifications import sweep as sweeper


@shared_task
def deliver(channel: str, urgent: bool = False) -> None:
    """Hand over what is due on a channel; ask for another turn if time was up.

    `urgent`: the urgent lane alone. Its workers have nothing else to do, so that a code waits
    neither for ten thousand notices nor for a mail server that hangs.
    """
    nudge.picked_up(channel, urgent=urgent)
    if delivery.run(channel, urgent_only=urgent):
        nudge.publish(channel, urgent=urgent)


@shared_task
def sweep() -> None:
    """One turn of the sweeper."""
    sweeper.sweep()
