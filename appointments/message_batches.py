"""Batches of messages by the names that people know, and who may hold or take back which.

`notifications` calls a batch "plan:3" and knows no more; here it is Plan 3 of a region, and the
officers who steer that region decide about it, and are alerted to its troubles.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils.functional import Promise, lazy
from django.utils.text import format_lazy
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from appointments import messages, reminders
from appointments.errors import Refusal
from appointments.models import Offer, OfficeEntry, Outage, Plan, Region
from appointments.permissions import check_may_steer
from appointments.verbs import verb
from notifications import batches, decisions
from notifications.dates import day_month
from notifications.models import Batch, Message

# An ended outage stays in the list of batches so long.
SHOWN_FOR = timedelta(days=14)
# Entries of an outage's log that tell people something.
ENTRY_LABELS = {
    OfficeEntry.Event.RESTORED: _("Outage {number}: service is back"),
    OfficeEntry.Event.TAKEN_BACK: _("Outage {number}: taken back"),
    OfficeEntry.Event.CUT_CHANGED: _("Outage {number}: cut changed"),
}


@dataclass(frozen=True)
class Subject:
    """What a batch is about.

    `label`: in the reader's language (pages are in English, alerts in both). `region_ids`: whose
    people its messages are for; none: nobody can say. `plan` and `outage`: where its page is, if it
    has one.
    """

    name: str
    label: str | Promise
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


def unknown(name: str) -> Subject:
    """For a batch that `subjects` leaves out, and for messages of no batch ("")."""
    return Subject(name, name or _("Single messages"), frozenset())


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
    entries = OfficeEntry.objects.filter(outage__in=outages, event__in=ENTRY_LABELS).order_by("-pk")
    paused = Batch.objects.filter(is_paused=True).order_by("-pk")
    regions = Region.objects.order_by("pk").values_list("pk", flat=True)
    names = [
        *paused.values_list("name", flat=True),
        *reminders.batches_in_hand(regions, now),
        *map(messages.plan_batch, plans.values_list("pk", flat=True)),
        *map(messages.entry_batch, entries.values_list("pk", flat=True)),
        *map(messages.hold_batch, outages),
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
        name = messages.hold_batch(outage.pk)
        label = format_lazy(_("“Do not travel yet” of Outage {number}"), number=outage.pk)
        yield Subject(name, label, regions[outage.pk], outage_id=outage.pk)
    for entry in chosen:
        words = ENTRY_LABELS.get(OfficeEntry.Event(entry.event), _("News of Outage {number}"))
        yield Subject(
            messages.entry_batch(entry.pk),
            format_lazy(words, number=entry.outage_id),
            regions[entry.outage_id],
            outage_id=entry.outage_id,
        )


def _of_plans(ids: Collection[int]) -> Iterable[Subject]:
    if not ids:
        return
    for plan in Plan.objects.filter(pk__in=ids):
        label = _("Plan {number} of Outage {outage}")
        yield Subject(
            messages.plan_batch(plan.pk),
            format_lazy(label, number=plan.pk, outage=plan.outage_id),
            frozenset([plan.region_id]),
            outage_id=plan.outage_id,
            plan_id=plan.pk,
        )


def _of_offers(ids: Collection[int]) -> Iterable[Subject]:
    if not ids:
        return
    offers = Offer.objects.filter(pk__in=ids).select_related("appointment__application")
    for offer in offers:
        label = _("Offer {number} to appointment {appointment}")
        yield Subject(
            messages.seat_batch(offer.pk),
            format_lazy(label, number=offer.pk, appointment=offer.appointment_id),
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
            label = _lazy_reminders(regions[region_id], day, days)
            yield Subject(name, label, frozenset([region_id]))


def _reminders(region: Region, day: date, days: int) -> str:
    words = ngettext(
        "Reminders of visits on %(day)s, %(days)s day before: %(region)s",
        "Reminders of visits on %(day)s, %(days)s days before: %(region)s",
        days,
    )
    on = f"{day_month(day, get_language() or 'hi')} {day.year}"
    return words % {"day": on, "days": days, "region": region.name}


_lazy_reminders = lazy(_reminders, str)


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


def concerns(message: Message) -> datetime:
    """The visit that a message speaks of: the new one of two; the moment of its turn without any.

    Its turn comes by the sooner of the two, which may be the one that is no more.
    """
    for side in ("new_at", "old_at"):
        try:
            return datetime.fromisoformat(message.values[side])
        except (KeyError, TypeError, ValueError):
            continue
    return message.urgent_by
