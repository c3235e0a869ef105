"""What officers are alerted to, by email and, where they ask for it, by SMS.

Two sorts: what just happened to a plan, from within its verb; and what is wrong for a while, which
the clock looks for each minute (`alert_officers`). Of the latter an officer hears at most once an
hour for each topic, and not again as long as nothing has got worse, but for once a day. That some
of it was put right is not worse.

What is wrong with messages is told by notifications.trouble; here it gets its people.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from appointments import call_list, message_batches, messages
from appointments.errors import Refusal
from appointments.message_batches import Subject
from appointments.models import (
    Appointment,
    Centre,
    Holiday,
    Outage,
    Plan,
    Posting,
    Region,
)
from appointments.news import AFTERLIFE, NIGHT_RING
from appointments.outages import centres_of
from appointments.samples import spoken
from appointments.verbs import verb
from notifications import gates, outbox, trouble
from notifications.dates import INDIA, short_day, short_moment
from notifications.models import Message

AN_HOUR = timedelta(hours=1)
NOON = time(12)
# Looking for texts on file, and at the call list, takes longer than the rest.
LOOK_AT_TEXTS = timedelta(minutes=15)
LOOK_AT_PEOPLE = timedelta(minutes=5)
# Days off with appointments: how far ahead somebody should have moved them.
DAYS_AHEAD = 3
ROWS = 10
STEERING = (Posting.Role.REGION, Posting.Role.APPROVER)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One thing for the officers of a region to know, before it becomes messages.

    `mark`: what is wrong, in few letters; the same mark is said to an officer once. `page`: where
    they can do something about it. `moments`: shown in each officer's language, in the SMS too.
    `days`: the same for whole days. `near`: the visit that it is about; before the night rule
    allows it no SMS rings. `too_late`: from this moment on there is nothing to ring for: an SMS
    that has not left then never does, while the email tells what happened.

    Where much is wrong at once, and some of it is put right each hour, what was said last tells
    whether it is worse: by `wrong`, a word for each thing, or by `newest`, when the last of many
    went wrong, and how many `n` they are. `mark` is then the moment.
    """

    kind: str
    region: Region
    mark: str
    page: str
    values: dict[str, Any] = field(default_factory=dict)
    moments: dict[str, datetime] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    near: datetime | None = None
    too_late: datetime | None = None
    centre: Centre | None = None
    wrong: frozenset[str] = frozenset()
    newest: datetime | None = None

    def is_worse_than(self, said: Mapping[str, Any]) -> bool:
        """Than in the message with these values."""
        if self.newest:
            before = datetime.fromisoformat(said["newest_at"])
            return self.newest > before or self.values["n"] > said["n"]
        return not self.wrong or not self.wrong <= set(said["wrong"])

    @property
    def memory(self) -> dict[str, Any]:
        """What a message keeps for the next one to be compared with."""
        newest = {"newest_at": self.newest.isoformat()} if self.newest else {}
        return newest | ({"wrong": sorted(self.wrong)} if self.wrong else {})


# --- What happens to a plan ---------------------------------------------------------------------


def plan_waits(plan: Plan, *, now: datetime) -> None:
    """A plan is ready: whoever may approve it hears of it."""
    _send(_of_plan("PLAN_WAITS", plan), _steering(plan.region), but=plan.prepared_by, now=now)


def approved_alone(plan: Plan, *, now: datetime) -> None:
    """One officer approved their own plan: all others hear of it, those of the centres too.

    It is for them to object before it can be applied, so an SMS may ring at night until then. A
    plan that came back may be approved alone again, within other bounds: that is another approval.
    """
    assert plan.not_before is not None
    assert plan.approved_at is not None
    mark = f"{plan.pk}:{plan.approved_at.isoformat()}"
    moments = {"at": plan.not_before} | ({"hour": plan.decide_by} if plan.decide_by else {})
    until = plan.not_before
    alert = _of_plan("PLAN_ALONE", plan, mark=mark, moments=moments, near=now, too_late=until)
    _send(alert, _postings(plan.region), but=plan.prepared_by, now=now)


def plan_back(plan: Plan, *, by: User | None, now: datetime) -> None:
    """It was outside the approved bounds when it was applied: it waits for an approval again.

    `by`, who tried to apply it, sees that on the page.
    """
    alert = _of_plan("PLAN_BACK", plan, mark=f"{plan.pk}:{int(now.timestamp())}")
    alert.values.update(_bounds_of(plan))
    _send(alert, _steering(plan.region), but=by, now=now)


def held_back(plan: Plan, *, hour: datetime, stands: bool, now: datetime) -> None:
    """Its hour came and the clock did not apply it: nobody was there to see it, so all hear of it.

    `stands`: its approval does, and any officer may apply it by hand.
    """
    mark = f"{plan.pk}:{hour.isoformat()}"
    alert = _of_plan("DECIDE_BY_HELD", plan, mark=mark, moments={"at": hour})
    why = Plan.HeldBack(plan.held_back)
    alert.values.update(messages.in_both_languages("why", WHY_HELD_BACK[why]), stands=stands)
    if why == Plan.HeldBack.BOUNDS:
        alert.values.update(_bounds_of(plan))
    _send(alert, _steering(plan.region), but=None, now=now)


def applied_at_its_hour(plan: Plan, *, now: datetime) -> None:
    """The clock applied it, perhaps with nobody there to see it: all who may undo it hear of it.

    They have the ten minutes of its grace, in which an SMS may ring at night, and none comes later.
    """
    assert plan.live_at is not None
    moments, until = {"at": now, "by": plan.live_at}, plan.live_at
    alert = _of_plan("DECIDE_BY_APPLIED", plan, moments=moments, near=now, too_late=until)
    alert.values.update(kept=plan.summary["total"]["keep"], by_whom=str(plan.approved_by))
    _send(alert, _steering(plan.region), but=None, now=now)


WHY_HELD_BACK = {
    Plan.HeldBack.BOUNDS: _(
        "The situation has changed, and the plan would exceed what was approved."
    ),
    Plan.HeldBack.NOBODY: _("Nobody is in doubt any more: there is nobody to move."),
    Plan.HeldBack.APPROVAL: _(
        "Whoever approved it may not decide in this region any more, or one officer alone may not."
    ),
    Plan.HeldBack.FAILED: _("No plan could be made of the situation as it is now."),
    Plan.HeldBack.LATE: _(
        "The server came to it too late: it was down, busy, or another plan was in its grace."
    ),
}


def _bounds_of(plan: Plan) -> dict[str, int]:
    bounds = plan.bounds
    return {"moved_at_most": bounds["moved"], "unplaced_at_most": bounds["unplaced"]}


def _of_plan(kind: str, plan: Plan, **fields: Any) -> Alert:
    total = plan.summary["total"]
    nearest = plan.lines.aggregate(first=Min("from_slot__starts_at"))["first"]
    values = {
        "plan": plan.pk,
        "n": total["people"],
        "moved": total["move"],
        "unplaced": total["unplaced"],
        "by_whom": str(plan.prepared_by),
    }
    page = reverse("admin:appointments_plan_change", args=[plan.pk])
    given = {"mark": str(plan.pk), "near": nearest, **fields}
    return Alert(kind=kind, region=plan.region, page=page, values=values, **given)


# --- What is wrong for a while ------------------------------------------------------------------


class Facts:
    """What is known at a moment, read once for all regions, as far as a topic asks for it."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._texts: list[str] | None = None
        self._people: list[call_list.Entry] | None = None

    @cached_property
    def troubled(self) -> list[tuple[trouble.Troubled, Subject]]:
        """Each batch with what it is about; of no region: it may be anybody's messages."""
        troubled = trouble.by_batch(self.now)
        known = message_batches.subjects(each.batch for each in troubled)
        return [
            (each, known.get(each.batch) or message_batches.unknown(each.batch))
            for each in troubled
        ]

    @cached_property
    def down(self) -> list[trouble.Down]:
        return trouble.gateways_down(self.now)

    def look_at_texts(self) -> list[str]:
        """What is wrong with texts on file; nothing if somebody looked within LOOK_AT_TEXTS.

        The first call looks, and shuts the gate for that time; later ones say the same.
        """
        if self._texts is None:
            alone = self._look_alone("alerts:texts", LOOK_AT_TEXTS)
            self._texts = trouble.text_problems(self.now) if alone else []
        return self._texts

    def look_at_people(self) -> list[call_list.Entry]:
        """Of the call list, those whose visit is near, the soonest first; as `look_at_texts`, once
        in LOOK_AT_PEOPLE."""
        if self._people is None:
            alone = self._look_alone("alerts:people", LOOK_AT_PEOPLE)
            listed = call_list.entries(now=self.now) if alone else []
            soon = [entry for entry in listed if entry.is_soon]
            self._people = sorted(soon, key=lambda entry: (_visit_at(entry), entry.pk))
        return self._people

    def _look_alone(self, gate: str, rest: timedelta) -> bool:
        return gates.pass_alone(gate, now=self.now, until=self.now + rest)


Topic = Callable[[Region, Facts], Iterable[Alert]]


def alert_officers(*, now: datetime) -> int:
    """Tell officers of what is wrong (beat, each minute); returns how many messages that were.

    Two at once tell it once.
    """
    facts = Facts(now)
    return sum(
        _once_an_hour(alert=alert, now=now)
        for region in Region.objects.order_by("pk")
        for topic in TOPICS
        for alert in topic(region, facts)
    )


def outages_overdue(region: Region, facts: Facts) -> Iterator[Alert]:
    """Its expected end has passed, and nobody has restored the service or said a new one.

    Slots open again from then on, and nobody tells the people in doubt how it goes on.
    """
    overdue = Outage.objects.filter(state=Outage.State.OPEN, expected_until__lte=facts.now)
    for outage in overdue.order_by("pk"):
        if region.pk not in {centre.region_id for centre in centres_of(outage)}:
            continue
        assert outage.expected_until is not None
        doubtful = Appointment.objects.filter(
            state=Appointment.State.IN_DOUBT, slot__region=region
        ).aggregate(people=Count("pk"), nearest=Min("slot__starts_at"))
        yield Alert(
            kind="OUTAGE_OVERDUE",
            region=region,
            mark=f"{outage.pk}:{outage.expected_until.isoformat()}:{_today(facts)}",
            page=reverse("admin:appointments_outage_change", args=[outage.pk]),
            values={"outage": outage.pk, "people": doubtful["people"]},
            moments={"by": outage.expected_until},
            near=doubtful["nearest"],
        )


def messages_troubled(region: Region, facts: Facts) -> Iterator[Alert]:
    """Many messages did not arrive, or nobody knows: one alert with the batches."""
    named = [
        (each, subject)
        for each, subject in facts.troubled
        if not subject.region_ids or region.pk in subject.region_ids
    ]
    own = [each for each, _subject in named]
    if sum(each.count for each in own) < settings.ALERT_TROUBLED_MESSAGES:
        return
    yield Alert(
        kind="MESSAGES_TROUBLED",
        region=region,
        mark=facts.now.isoformat(),
        newest=max(each.newest for each in own),
        page=reverse("admin:notifications_message_changelist"),
        values={
            "n": sum(each.count for each in own),
            "unknown": sum(each.unknown for each in own),
            "failed": sum(each.failed for each in own),
            "batches": [
                {
                    **messages.in_both_languages("name", subject.label),
                    "unknown": each.unknown,
                    "failed": each.failed,
                }
                for each, subject in named[:ROWS]
            ],
            "more": max(0, len(own) - ROWS),
        },
    )


def gateways_down(region: Region, facts: Facts) -> Iterator[Alert]:
    """Each time that one goes down. First whichever has been for longest: an hour has one alert,
    and one that comes and goes must not take it from one that stays away."""
    for down in sorted(facts.down, key=lambda down: down.since):
        yield Alert(
            kind="GATEWAY_DOWN",
            region=region,
            mark=f"{down.gateway}:{int(down.since.timestamp())}:{_today(facts)}",
            page=reverse("admin:notifications_message_gateways"),
            values={
                "gateway": spoken(down.gateway),
                "channel": down.channel,
                "waiting": down.waiting,
                "others": down.others,
            },
            moments={"since": down.since},
        )


def texts_missing(region: Region, facts: Facts) -> Iterator[Alert]:
    """Texts that operators have on file are missing, have expired or do not fit: to all regions."""
    if problems := facts.look_at_texts():
        yield Alert(
            kind="TEXTS_MISSING",
            region=region,
            mark=facts.now.isoformat(),
            wrong=frozenset(problems),
            page=reverse("admin:notifications_smstemplate_proof"),
            values={
                "n": len(problems),
                "problems": problems[:ROWS],
                "more": max(0, len(problems) - ROWS),
            },
        )


def people_unreached(region: Region, facts: Facts) -> Iterator[Alert]:
    """Nobody could tell them, and they would travel within a day: to the region, to each centre."""
    centres = {centre.pk: centre for centre in Centre.objects.filter(region=region)}
    own = [entry for entry in facts.look_at_people() if entry.centre_id in centres]
    own_centres = [centres[pk] for pk in dict.fromkeys(entry.centre_id for entry in own)]
    for centre in [None, *own_centres] if own else []:
        here = [entry for entry in own if centre is None or entry.centre_id == centre.pk]
        yield Alert(
            kind="PEOPLE_UNREACHED",
            region=region,
            centre=centre,
            mark=facts.now.isoformat(),
            wrong=frozenset(_word_for(person) for entry in here for person in entry.people),
            page=reverse("admin:appointments_call_changelist"),
            values={"people": sum(len(entry.people) for entry in here)},
            moments={"first": _visit_at(here[0])},
            near=_visit_at(here[0]),
        )


def _word_for(person: call_list.Person) -> str:
    """The same as long as nothing has reached them; another if something new does not."""
    return f"{person.appointment.pk}:{int(person.since.timestamp())}"


def _visit_at(entry: call_list.Entry) -> datetime:
    assert entry.lead.urgent_at is not None  # it is soon
    return entry.lead.urgent_at


def days_off_with_visits(region: Region, facts: Facts) -> Iterator[Alert]:
    """A day became a day off, and people still have appointments then."""
    today = timezone.localdate(facts.now)
    days = Holiday.objects.filter(
        date__gt=today, date__lte=today + timedelta(days=DAYS_AHEAD)
    ).order_by("date")
    for day in sorted({each.date for each in days if each.region_id in (None, region.pk)}):
        people = Appointment.objects.filter(
            state=Appointment.State.CONFIRMED, slot__region=region, slot__date=day
        ).count()
        if people:
            yield Alert(
                kind="DAY_OFF_VISITS",
                region=region,
                mark=f"{day}:{_today(facts)}",
                page=reverse("admin:appointments_appointment_changelist"),
                values={"people": people},
                days={"day": day},
            )


TOPICS: tuple[Topic, ...] = (
    *(outages_overdue, messages_troubled, gateways_down, texts_missing),
    *(people_unreached, days_off_with_visits),
)


def _today(facts: Facts) -> str:
    return timezone.localdate(facts.now).isoformat()


# --- To whom ------------------------------------------------------------------------------------


def _postings(region: Region) -> QuerySet[Posting]:
    active = Posting.objects.filter(region=region, officer__is_active=True)
    return active.select_related("officer").order_by("pk")


def _steering(region: Region) -> QuerySet[Posting]:
    return _postings(region).filter(role__in=STEERING)


@verb
def _once_an_hour(*, alert: Alert, now: datetime) -> int:
    """Send it, unless one on this topic left within the hour, or all of it was said before."""
    where = alert.centre.pk if alert.centre else ""
    gate, until = f"alert:{alert.kind}:{alert.region.pk}:{where}", now + AN_HOUR
    if not gates.pass_alone(gate, now=now, until=until):
        return 0
    to = _postings(alert.region).filter(centre=alert.centre) if alert.centre else None
    postings = _steering(alert.region) if to is None else to
    sent = _send(alert, _who_know_less(alert, postings, now), but=None, now=now)
    if not sent:  # the next thing that goes wrong need not wait
        gates.leave(gate, now=now, until=until)
    return sent


def _who_know_less(alert: Alert, postings: Iterable[Posting], now: datetime) -> list[Posting]:
    """All but those to whom nothing of it would be new since what they last heard today."""
    said = _said_today(alert, now) if alert.memory else {}
    return [
        posting
        for posting in postings
        if posting.officer_id not in said or alert.is_worse_than(said[posting.officer_id])
    ]


def _said_today(alert: Alert, now: datetime) -> dict[int, Mapping[str, Any]]:
    """Officer -> the values of the last message on its topic that can be compared with it."""
    midnight = datetime.combine(timezone.localdate(now), time.min, tzinfo=INDIA)
    rows = Message.objects.filter(
        reference=_reference(alert),
        kind=alert.kind,
        created_at__gte=midnight,
        values__has_keys=list(alert.memory),
    )
    by_age = rows.order_by("pk").values_list("notice", "values")
    return {int(notice.rpartition(":")[2]): values for notice, values in by_age}


def _reference(alert: Alert) -> str:
    return f"{alert.kind.lower()}:{alert.region.pk}"


def _send(alert: Alert, postings: Iterable[Posting], *, but: User | None, now: datetime) -> int:
    chosen = (posting for posting in postings if but is None or posting.officer_id != but.pk)
    return outbox.enqueue((d for posting in chosen for d in _drafts(alert, posting, now)), now=now)


def _drafts(alert: Alert, posting: Posting, now: datetime) -> Iterator[outbox.Draft]:
    officer = posting.officer
    values = _values(alert, officer.language)
    notice = f"{alert.kind}:{alert.region.pk}:{alert.mark}:{officer.pk}"
    rings_from = alert.near - NIGHT_RING if alert.near else None
    ends = now + AFTERLIFE
    ends_by = {"email": ends, "sms": alert.too_late or ends}
    for channel, address in (("email", officer.email), ("sms", posting.alert_phone)):
        if not address:
            continue
        yield outbox.Draft(
            kind=alert.kind,
            channel=channel,
            address=address,
            language=officer.language,
            values=values,
            dedupe_key=f"{notice}:{channel}",
            notice=notice,
            reference=_reference(alert),
            scope=messages.scope_of(alert.region.pk),
            urgent_by=now,
            quiet_ok_from=rings_from,
            expires_at=ends_by[channel],
        )


def _values(alert: Alert, language: str) -> dict[str, Any]:
    """Numbers, and moments as both channels write them; the mail's button, the SMS's short link."""
    noon = {name: datetime.combine(day, NOON, tzinfo=INDIA) for name, day in alert.days.items()}
    return {
        **alert.values,
        **alert.memory,
        **{name: short_moment(moment, language) for name, moment in alert.moments.items()},
        **{name: short_day(moment, language) for name, moment in noon.items()},
        **{f"{name}_at": moment.isoformat() for name, moment in (alert.moments | noon).items()},
        "region_hi": alert.region.name_hi,
        "region_en": alert.region.name_en,
        "url": f"{settings.SITE_HOST}{alert.page}",
        "today": f"{settings.SITE_HOST}{reverse('admin:index')}",
    }


# --- Where an officer wants alerts --------------------------------------------------------------


@verb
def ask_for_sms(*, by: User, phone: str) -> Posting:
    """Alerts come by SMS too, to this number (E.164); "" ends that. Refusal: not_permitted."""
    posting = Posting.objects.select_for_update().filter(officer=by).first()
    if posting is None:
        raise Refusal("not_permitted")
    posting.alert_phone = phone
    posting.save(update_fields=["alert_phone"])
    return posting
