"""Celery's way in. A task carries a channel; the database holds the messages."""

from celery import shared_task

from notifications import delivery, nudge
from notifications import sweep as sweeper


@shared_task
def deliver(channel: str) -> None:
    """Hand over what is due on a channel; ask for another turn if time was up."""
    nudge.picked_up(channel)
    if delivery.run(channel):
        nudge.publish(channel)


@shared_task
def sweep() -> None:
    """One turn of the sweeper."""
    sweeper.sweep()
