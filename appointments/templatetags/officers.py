"""What the officers' first page shows, and small words for their tables.

{% load officers %}{% today as now %}     open outages, plans that wait, progress of messages
"""

from dataclasses import dataclass
from typing import Any

from django import template
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts import officers
from appointments.admin import figures
from appointments.admin.figures import Progress, Standing
from appointments.admin.outages import outages_seen
from appointments.admin.scope import seen, steerable_regions
from appointments.models import Outage, Plan, TravelProof
from notifications.models import Message

register = template.Library()


@dataclass(frozen=True)
class OpenOutage:
    outage: Outage
    where: str
    standing: Standing
    next_step: str
    in_grace: bool
    told: Progress
    plans: list[tuple[Plan, Progress]]


@dataclass(frozen=True)
class Today:
    outages: list[OpenOutage]
    # To be approved, to be applied, or within their grace.
    plans: list[Plan]
    may_declare: bool
    # Messages that a person should look at, of all kinds.
    trouble: int
    # Proofs of travel to be checked; the first one sent first.
    proofs: int


@register.simple_tag(takes_context=True)
def today(context: template.Context) -> Today:
    request: HttpRequest = context["request"]
    now = timezone.now()
    user: Any = request.user
    plans = list(
        seen(request, Plan.objects.all(), region="region")
        .filter(outage__state=Outage.State.OPEN)
        .select_related("outage", "region", "prepared_by", "approved_by")
        .order_by("-prepared_at")
    )
    sees_messages = user.has_perm("notifications.view_message")
    troubled = Message.objects.filter(state__in=Message.TROUBLED_STATES)
    return Today(
        outages=[
            _open_outage(outage, [p for p in plans if p.outage_id == outage.pk], now)
            for outage in outages_seen(request).filter(state=Outage.State.OPEN)
        ],
        plans=[p for p in plans if p.state in Plan.PENDING_STATES or (_in_grace(p, now))],
        may_declare=steerable_regions(officers.of(request)).exists(),
        proofs=_proofs_waiting(request),
        trouble=troubled.filter(~Q(kind="OTP")).count() if sees_messages else 0,
    )


def _proofs_waiting(request: HttpRequest) -> int:
    waiting = TravelProof.objects.filter(state=TravelProof.State.WAITING)
    own = seen(request, waiting, region="application__region", centre="application__home_centre")
    return own.count()


def _in_grace(plan: Plan, now: Any) -> bool:
    return bool(plan.state == Plan.State.APPLIED and plan.live_at and plan.live_at > now)


def _open_outage(outage: Outage, plans: list[Plan], now: Any) -> OpenOutage:
    standing = figures.standing(outage)
    return OpenOutage(
        outage=outage,
        where=figures.scope_of(outage),
        standing=standing,
        next_step=figures.next_step(outage, plans, standing.in_doubt, now),
        in_grace=outage.grace_until > now,
        told=figures.hold_progress(outage),
        plans=[(p, figures.plan_progress(p)) for p in plans if p.state == Plan.State.APPLIED],
    )


@register.filter
def number(value: int | None) -> str:
    """Write 2,200 for 2200; a dash for none."""
    return "-" if value is None else f"{value:,}"


@register.filter
def event_words(written: Any) -> str:
    """An office entry's event, as a sentence's start: "Cut changed"."""
    words = str(written.get_event_display())
    return words[:1].upper() + words[1:]


# Facts of an office entry that officers read beside it, in this order.
FACTS = (
    ("seats_left", "seats stay"),
    ("people", "people"),
    ("keep", "keep"),
    ("move", "move"),
    ("unplaced", "no seat"),
)


@register.filter
def facts_words(facts: dict[str, Any]) -> str:
    """{"people": 12, "move": 8} gives "12 people, 8 move"."""
    return ", ".join(f"{facts[key]:,} {words}" for key, words in FACTS if key in facts)
