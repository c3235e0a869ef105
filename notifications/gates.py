"""Named gates, shut until a moment. See models.Gate.

"sweep" lets one sweeper through at a time. A gate with a gateway's name is shut while that rests:
it is down, or has asked us to wait. "alert:..." keeps an hour between two alerts on a topic,
"alerts:..." some minutes between two looks that take long. "registry" is held by who files SMS
templates.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from notifications.models import Gate

# No gate is shut for longer. One that seems to be was shut by a clock which has been set back.
LONGEST = timedelta(hours=1)
# Two rests with so little between them are one: a message that waits tries again as often.
GAP = timedelta(minutes=6)


def shut(name: str, *, until: datetime, now: datetime, reason: str) -> None:
    """Keep everybody out, an hour at most. Since when goes on if it was shut a moment ago.

    One that is shut for longer stays so: a worker may bring the answer of an earlier moment.
    """
    with transaction.atomic():
        Gate.objects.bulk_create([Gate(name=name, shut_until=now)], ignore_conflicts=True)
        gate = Gate.objects.select_for_update().get(name=name)
        if gate.reason and until < gate.shut_until <= now + LONGEST:
            return
        if not _goes_on(gate, now):
            gate.shut_at = now
        gate.shut_until, gate.reason = min(until, now + LONGEST), reason[:200]
        gate.save(update_fields=["shut_until", "shut_at", "reason"])


def _goes_on(gate: Gate, now: datetime) -> bool:
    """Whether a rest that begins now belongs to the last one: nothing has worked since then.

    After a longer gap nobody knows: there was nothing to do.
    """
    if not gate.reason or gate.shut_at is None:
        return False
    return gate.shut_at <= now <= gate.shut_until + GAP


def is_shut(name: str, now: datetime) -> bool:
    """Whether nobody passes now; a gate that was never shut is open."""
    return Gate.objects.filter(_is_shut(now), name=name).exists()


def reopen(name: str, now: datetime) -> None:
    """What kept the gate shut is over: forget why, unless it has been shut again."""
    Gate.objects.filter(name=name, shut_until__lte=now).exclude(reason="").update(reason="")


def pass_alone(name: str, *, now: datetime, until: datetime) -> bool:
    """Pass and shut the gate behind oneself until a moment; False: another is inside."""
    Gate.objects.bulk_create([Gate(name=name, shut_until=now)], ignore_conflicts=True)
    return Gate.objects.filter(name=name).exclude(_is_shut(now)).update(shut_until=until) == 1


def leave(name: str, *, now: datetime, until: datetime) -> None:
    """Open the gate that `pass_alone` shut until `until`, unless another has passed since."""
    Gate.objects.filter(name=name, shut_until=until).update(shut_until=now)


def hold(name: str, now: datetime) -> None:
    """In a transaction: until it ends no other holds this gate. Whoever comes meanwhile waits."""
    Gate.objects.bulk_create([Gate(name=name, shut_until=now)], ignore_conflicts=True)
    Gate.objects.select_for_update().get(name=name)


def _is_shut(now: datetime) -> Q:
    return Q(shut_until__gt=now, shut_until__lte=now + LONGEST)
