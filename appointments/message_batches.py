"""Batches of messages by the names that people know, and who may hold or take back which.

`notifications` calls a batch "plan:3" and knows no more; here it is Plan 3 of a region, and the
officers who steer that region decide about it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import User
from appointments import reminders
from appointments.errors import Refusal
from appointments.models import Offer, OfficeEntry, Outage, Plan, Region
from appointments.permissions import check_may_steer
from appointments.verbs import verb
from notifications import batches, decisions
from notifications.models import Batch, Message

# An ended outage stays in the list of batches so long.
SHOWN_FOR = timedelta(days=14)
# What an entry of an outage's log told people.
ENTRY_WORDS = {
    OfficeEntry.Event.RESTORED: "service is back",
    OfficeEntry.Event.TAKEN_BACK: "taken back",
    OfficeEntry.Event.CUT_CHANGED: "cut changed",
}


@dataclass(frozen=True)
class Subject:
    """What a batch is about. `plan` and `outage`: where its page is, if it has one."""

    name: str
    label: str
    region_ids: frozenset[int]
    outage_id: int | None = None
    plan_id: int | None = None
    appointment_id: int | None = None


# --- Verbs ----------------------------------------------------------------------------------------


@verb
def pause(*, name: str, by: User, reason: str) -> Batch:
    """Hold a batch. Refusals: not_permitted, and those of notifications.batches.pause."""
    _check_may_decide(name, by)
    return batches.pause(batch=name, by=label_of(by), reason=reason)


@verb
def resume(*, name: str, by: User, reason: str) -> Batch:
    """Let a batch go on. Refusals: not_permitted, and those of notifications.batches.resume."""
    _check_may_decide(name, by)
    return batches.resume(batch=name, by=label_of(by), reason=reason)


@verb
def cancel(*, name: str, by: User, reason: str) -> int:
    """Take back what has not left; how many messages. Refusals: as for `pause`."""
    _check_may_decide(name, by)
    return batches.cancel(batch=name, by=label_of(by), reason=reason)


def resend(*, name: str, by: User, reason: str, states: Collection[str]) -> decisions.Resent:
    """Send the troubled messages of a batch again, in short transactions of its own.

    Refusals: not_permitted, reason_required.
    """
    _check_may_decide(name, by)
    return decisions.resend_batch(batch=name, by=label_of(by), reason=reason, states=states)


def label_of(officer: User) -> str:
    """How notifications remembers who decided; `officer_id` reads it."""
    return f"officer {officer.pk}"


def officer_id(label: str) -> int | None:
    """The officer behind a label, or None if it names somebody else."""
    word, _space, number = label.partition(" ")
    return int(number) if word == "officer" and number.isdecimal() else None


def may_decide(subject: Subject | None, officer: User, steered: Collection[int]) -> bool:
    """As the verbs ask it, for buttons. `steered`: regions that the officer steers."""
    if subject is None or not subject.region_ids:
        return officer.is_superuser
    return subject.region_ids <= set(steered)


def _check_may_decide(name: str, by: User) -> None:
    subject = subjects([name]).get(name)
    if subject is None or not subject.region_ids:
        # Nobody's region: not an officer's of one.
        if not (by.is_active and by.is_superuser):
            raise Refusal("not_permitted")
        return
    check_may_steer(by, subject.region_ids)


# --- Names ----------------------------------------------------------------------------------------


def subjects(names: Iterable[str]) -> dict[str, Subject]:
    """What these batches are about; unknown names are left out. Bounded queries for any number."""
    names = list(names)
    wanted: dict[str, list[int]] = defaultdict(list)
    for name in names:
        kind, _colon, number = name.partition(":")
        if number.isascii() and number.isdecimal() and len(number) <= 18:
            wanted[kind].append(int(number))
    found = [
        *_of_outages_and_entries(wanted["hold"], wanted["entry"]),
        *_of_plans(wanted["plan"]),
        *_of_offers(wanted["offer"]),
        *_of_visits(names),
    ]
    return {subject.name: subject for subject in found}


def in_hand(now: datetime) -> list[str]:
    """Names of the batches that officers may want to look at now, newest first.

    Those of outages that are open or ended lately, this evening's reminders, and whatever is
    paused. They are named from what happened: to ask the outbox for the names in it would read all
    of it.
    """
    lately = Q(state=Outage.State.OPEN) | Q(ended_at__gte=now - SHOWN_FOR)
    outages = list(Outage.objects.filter(lately).order_by("-pk").values_list("pk", flat=True))
    plans = Plan.objects.filter(outage__in=outages, applied_at__isnull=False).order_by("-pk")
    entries = OfficeEntry.objects.filter(outage__in=outages, event__in=ENTRY_WORDS).order_by("-pk")
    paused = Batch.objects.filter(is_paused=True).order_by("-pk")
    regions = Region.objects.order_by("pk").values_list("pk", flat=True)
    names = [
        *paused.values_list("name", flat=True),
        *reminders.batches_in_hand(regions, now),
        *(f"plan:{pk}" for pk in plans.values_list("pk", flat=True)),
        *(f"entry:{pk}" for pk in entries.values_list("pk", flat=True)),
        *(f"hold:{pk}" for pk in outages),
    ]
    return list(dict.fromkeys(names))


def _of_outages_and_entries(
    outage_ids: Collection[int], entry_ids: Collection[int]
) -> Iterable[Subject]:
    """Together: both belong to whom the outage touches."""
    entries = OfficeEntry.objects.filter(pk__in=entry_ids).select_related("outage")
    chosen = list(entries) if entry_ids else []
    regions = _regions_of_outages({*outage_ids, *(entry.outage_id for entry in chosen)})
    for outage in Outage.objects.filter(pk__in=outage_ids) if outage_ids else ():
        name = f"hold:{outage.pk}"
        label = f"“Do not travel yet” of {outage}"
        yield Subject(name, label, regions[outage.pk], outage_id=outage.pk)
    for entry in chosen:
        words = ENTRY_WORDS.get(OfficeEntry.Event(entry.event), entry.get_event_display())
        yield Subject(
            f"entry:{entry.pk}",
            f"{entry.outage}: {words}",
            regions[entry.outage_id],
            outage_id=entry.outage_id,
        )


def _of_plans(ids: Collection[int]) -> Iterable[Subject]:
    if not ids:
        return
    for plan in Plan.objects.filter(pk__in=ids).select_related("outage"):
        yield Subject(
            f"plan:{plan.pk}",
            f"{plan} of {plan.outage}",
            frozenset([plan.region_id]),
            outage_id=plan.outage_id,
            plan_id=plan.pk,
        )


def _of_offers(ids: Collection[int]) -> Iterable[Subject]:
    if not ids:
        return
    offers = Offer.objects.filter(pk__in=ids).select_related("appointment__application")
    for offer in offers:
        yield Subject(
            f"offer:{offer.pk}",
            f"Offer {offer.pk} to appointment {offer.appointment_id}",
            frozenset([offer.appointment.application.region_id]),
            appointment_id=offer.appointment_id,
        )


def _of_visits(names: Iterable[str]) -> Iterable[Subject]:
    about = {name: found for name in names if (found := reminders.is_about(name))}
    if not about:
        return
    regions = Region.objects.in_bulk({region_id for region_id, _day, _days in about.values()})
    for name, (region_id, day, days) in about.items():
        if region_id in regions:
            when = f"{day.day} {day:%B %Y}, {days} day{'' if days == 1 else 's'} before"
            label = f"Reminders of visits on {when}: {regions[region_id]}"
            yield Subject(name, label, frozenset([region_id]))


def _regions_of_outages(ids: Collection[int]) -> dict[int, frozenset[int]]:
    """Outage -> regions that it touches, in three queries for any number."""
    if not ids:
        return {}
    chosen: dict[int, set[int]] = defaultdict(set)
    through = Outage.centres.through.objects.filter(outage__in=ids)
    for outage_id, region_id in through.values_list("outage_id", "centre__region_id"):
        chosen[outage_id].add(region_id)
    everywhere = frozenset(Region.objects.values_list("pk", flat=True))
    of: dict[int, frozenset[int]] = {}
    for pk, scope, region_id in Outage.objects.filter(pk__in=ids).values_list(
        "pk", "scope", "region_id"
    ):
        if scope == Outage.Scope.ALL:
            of[pk] = everywhere
        elif scope == Outage.Scope.REGION and region_id:
            of[pk] = frozenset([region_id])
        else:
            of[pk] = frozenset(chosen[pk])
    return of


def matter_of(message: Message) -> int | None:
    """The appointment that a message is about, if it is about one."""
    kind, _colon, number = message.reference.partition(":")
    return int(number) if kind == "appointment" and number.isdecimal() else None
