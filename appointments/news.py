"""One thing that one person has to hear, before it becomes messages."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from appointments.models import Appointment, Offer, Outage, Slot

BOTH = ("sms", "email")
# The path that asks who it is, and then shows all that is theirs.
SIGN_IN = "my"
# The night rule: an SMS may ring at night if the earlier visit to come starts within this time.
NIGHT_RING = timedelta(hours=18)
# How long a message without a visit ahead is worth sending.
AFTERLIFE = timedelta(days=3)


@dataclass(frozen=True, kw_only=True)
class News:
    """What messages.tell turns into one message for each channel, or shares with a phone's others.

    `old`, `new`: the seat before and after, or the one that it is about. `send_after`: not before.
    `own_action`: the answer to what the person just did, which may ring at any hour. `extra`: more
    values for the words.
    """

    kind: str
    appointment: Appointment
    # What changed; with kind and channel it makes the dedupe key.
    key: str
    # The notice that it is a part of, where that is not its own.
    notice: str = ""
    old: Slot | None = None
    new: Slot | None = None
    # The question that it asks, or reminds of.
    offer: Offer | None = None
    deadline: datetime | None = None
    # Path after the host: a token, or this.
    path: str = SIGN_IN
    own_action: bool = False
    send_after: datetime | None = None
    batch: str = ""
    outage: Outage | None = None
    # Why a plan did so with this person: a code of words.WHY.
    why: str = ""
    channels: tuple[str, ...] = BOTH
    # End of life, where it is not the visit.
    until: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def leaves(self, now: datetime) -> datetime:
        """When it leaves, if nothing holds it up: a reminder is written days before."""
        return max(now, self.send_after or now)

    def visits(self, now: datetime) -> list[datetime]:
        """The visits that it is about and that are still to come when it leaves."""
        return self._after(self.leaves(now))

    def _after(self, moment: datetime) -> list[datetime]:
        return [slot.starts_at for slot in (self.old, self.new) if slot and slot.starts_at > moment]

    def urgent_by(self, now: datetime) -> datetime:
        """The soonest visit; one that begins while it waits counts only where none is left then.

        It may be sent at once, and whoever is on the way must be the first to hear.
        """
        visits = self.visits(now) or self._after(now)
        return min(visits, default=self.leaves(now) + AFTERLIFE)

    def rings_from(self, now: datetime) -> datetime | None:
        """From when on an SMS of it may ring at night; None: never."""
        if self.own_action:
            return now
        visits = self.visits(now)
        return min(visits) - NIGHT_RING if visits else None

    def expires_at(self, now: datetime) -> datetime:
        """End of life: the last visit, where there is none a while; an hour at least."""
        leaves = self.leaves(now)
        last_visit = max(self.visits(now), default=leaves + AFTERLIFE)
        return self.until or max(last_visit, leaves + timedelta(hours=1))
