"""Named gates, shut until a moment. See models.Gate.

`sweep` lets one sweeper through at a time. A channel's gate is shut while its gateway is down or
has asked us to wait.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from notifications.models import Gate

# No gate is shut for longer. One that seems to be was shut by a clock which has been set back.
LONGEST = timedelta(hours=1)


def shut(name: str, *, until: datetime, now: datetime, reason: str) -> None:
    """Keep everybody out, an hour at most."""
    until = min(until, now + LONGEST)
    Gate.objects.update_or_create(name=name, defaults={"shut_until": until, "reason": reason[:200]})


def is_shut(name: str, now: datetime) -> bool:
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


def _is_shut(now: datetime) -> Q:
    return Q(shut_until__gt=now, shut_until__lte=now + LONGEST)
