"""What the officers' first page shows, and small words for their tables.

{% load officers %}{% today as now %}     open outages, plans that wait, progress of messages
{% calls_left as left %}                  how many people have to be called
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import officers
from appointments import plans
from appointments.admin import calls, figures
from appointments.admin.figures import MANY, Standing
from appointments.admin.outages import outages_seen
from appointments.admin.outbox import causes, words
from appointments.admin.outbox.scope import messages_seen
from appointments.admin.scope import seen, steerable_regions
from appointments.models import Outage, Plan, TravelProof
from notifications import dates
from notifications.batches import Progress
from notifications.masking import masked_address
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
    # Approved, and applied by itself at their hour.
    hours: list[Plan]
    # People in doubt whose notice was taken back; MANY + 1 stands for more.
    untold: int


@dataclass(frozen=True)
class Today:
    outages: list[OpenOutage]
    # To be approved, to be applied, or within their grace.
    plans: list[Plan]
    # Regions that the officer may steer.
    own_regions: set[int]
    may_declare: bool
    # Messages that a person should look at, of all kinds; MANY + 1 stands for more.
    trouble: int
    # Proofs of travel to be checked; the first one sent first.
    proofs: int


@register.simple_tag(takes_context=True)
def today(context: template.Context) -> Today:
    request: HttpRequest = context["request"]
    now = timezone.now()
    user: Any = request.user
    found = list(
        seen(request, Plan.objects.all(), region="region")
        .filter(outage__state=Outage.State.OPEN)
        .select_related("outage", "region", "prepared_by", "approved_by")
        .order_by("-prepared_at")
    )
    sees_messages = user.has_perm("notifications.view_message")
    troubled = messages_seen(request, Message.objects.filter(state__in=Message.TROUBLED_STATES))
    outages = list(outages_seen(request).filter(state=Outage.State.OPEN))
    applied = [plan for plan in found if plan.state == Plan.State.APPLIED]
    holds, moves = figures.progress_of(outages, applied)
    own = set(steerable_regions(officers.of(request)).values_list("pk", flat=True))
    return Today(
        outages=[
            _open_outage(
                request,
                outage,
                [p for p in found if p.outage_id == outage.pk],
                now,
                told=holds[outage.pk],
                moves=moves,
            )
            for outage in outages
        ],
        plans=[p for p in found if p.state in Plan.PENDING_STATES or (_in_grace(p, now))],
        own_regions=own,
        may_declare=bool(own),
        proofs=_proofs_waiting(request),
        trouble=_up_to_many(troubled.exclude(kind="OTP")) if sees_messages else 0,
    )


def _up_to_many(rows: QuerySet[Message]) -> int:
    """How many, or MANY and one more: nobody waits for a count of all."""
    return rows[: MANY + 1].count()


@register.simple_tag(takes_context=True)
def calls_left(context: template.Context) -> calls.Left:
    """On the list of the officer at work; nobody for whoever may not look at it."""
    request: HttpRequest = context["request"]
    user: Any = request.user
    may_look = user.has_perm("appointments.view_call")
    return calls.left(request) if may_look else calls.Left(people=0, soon=0)


def _proofs_waiting(request: HttpRequest) -> int:
    waiting = TravelProof.objects.filter(state=TravelProof.State.WAITING)
    own = seen(request, waiting, region="application__region", centre="application__home_centre")
    return own.count()


def _in_grace(plan: Plan, now: Any) -> bool:
    return bool(plan.state == Plan.State.APPLIED and plan.live_at and plan.live_at > now)


def _open_outage(
    request: HttpRequest,
    outage: Outage,
    plans: list[Plan],
    now: Any,
    *,
    told: Progress,
    moves: dict[int, Progress],
) -> OpenOutage:
    standing = figures.standing(outage)
    return OpenOutage(
        outage=outage,
        where=figures.scope_of(outage),
        standing=standing,
        next_step=figures.next_step(outage, plans, standing.in_doubt, now, told=told),
        in_grace=outage.grace_until > now,
        told=told,
        plans=[(p, moves[p.pk]) for p in plans if p.pk in moves],
        hours=[p for p in plans if p.state == Plan.State.APPROVED and p.decide_by],
        untold=figures.untold_people(request, outage, told),
    )


@register.filter
def number(value: int | None) -> str:
    """Write 2,200 for 2200; a dash for none."""
    return "-" if value is None else f"{value:,}"


@register.filter
def number_up_to_many(value: int) -> str:
    """Write "more than 1,000" for what was not counted further."""
    return number(value) if value <= MANY else f"more than {MANY:,}"


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


@register.filter
def hour_of(written: Any) -> datetime | None:
    """The hour of a plan that an office entry is about."""
    return plans.hour_of(written.facts)


# --- Messages -------------------------------------------------------------------------------------


@register.filter
def message_lines(progress: Progress) -> list[tuple[str, int]]:
    """What a batch's messages have come to: [("sent", 12), ("waiting", 3)]."""
    return words.lines_of(progress)


@register.filter
def message_state(message: Message) -> str:
    return words.state_words(message.state)


@register.filter
def message_tone(message: Message) -> str:
    """go, act, stop, or nothing."""
    return words.TONES.get(message.state, "")


@register.filter
def channel_words(message: Message) -> str:
    return words.CHANNEL_WORDS[message.channel]


@register.filter
def kind_words(code: str) -> str:
    """What officers call a kind of message."""
    return words.kind_words(code)


@register.filter
def cause(said: str) -> causes.Cause:
    """What a gateway or a program said, in plain words, and what it said."""
    return causes.cause(said)


@register.filter
def cause_of(message: Message) -> causes.Cause:
    return causes.cause_of(message)


@register.filter
def until(moment: datetime, now: datetime) -> str:
    """How long something lasts from now on: "for about 30 seconds", "until 1:14 pm"."""
    return words.until(moment, now)


@register.filter
def masked(message: Message) -> str:
    return masked_address(message)


@register.filter
def second(moment: datetime) -> str:
    """A moment to the second: "Fri 26/12 12:15:07", Indian time."""
    return f"{dates.short_moment(moment, 'en')}:{moment:%S}"
