"""Calling people whom no message reaches: an officer takes somebody, sees the number, says how
it went.

Who is on the list: appointments/call_list.py. Locks: appointments by id, then claims by
appointment, then what notifications holds.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import User
from appointments import call_list, listing, messages
from appointments.call_list import TO_HEAR, Entry, Standing, number_digest
from appointments.errors import Refusal
from appointments.models import (
    Appointment,
    Call,
    CallClaim,
    Centre,
    Listed,
    NumberView,
    TimelineEntry,
)
from appointments.permissions import may_call
from appointments.slots import local_moment
from appointments.timeline import OFFICER, entry
from appointments.verbs import LostRace, verb
from notifications import quiet, reach

Outcome = Call.Outcome
# How far ahead somebody may ask to be called again.
CALL_BACK_DAYS = 7
VIEWS_KEPT = timedelta(days=365)


# --- Taking somebody ----------------------------------------------------------------------------


@verb
def claim_call(*, appointment_id: int, by: User) -> Entry:
    """Take a person, with all at the same number, so that nobody else calls them meanwhile.

    It lapses after CALL_LEASE_MINUTES; again: it lasts anew. Whomever the officer had taken before
    is given back. Refusals: call_not_needed, not_permitted, call_taken.
    """
    now = timezone.now()
    until = now + timedelta(minutes=settings.CALL_LEASE_MINUTES)
    asked = _needed(appointment_id, now)
    _check_may_call(by, asked.centre_id)
    # Who comes first has the row; everybody else waits here until that is decided.
    CallClaim.objects.bulk_create(
        [
            CallClaim(
                appointment_id=pk,
                centre_id=asked.centre_id,
                officer=by,
                claimed_at=now,
                until=until,
            )
            for pk in asked.ids
        ],
        ignore_conflicts=True,
    )
    held = _lock_claims(Q(appointment__in=asked.ids) | Q(officer=by))
    mine = [claim for claim in held if claim.appointment_id in asked.ids]
    if any(claim.officer_id != by.pk and claim.until > now for claim in mine):
        raise Refusal("call_taken")
    # Somebody may have told them between the look and the lock.
    if _needed(appointment_id, now).ids != asked.ids:
        raise LostRace
    for claim in mine:
        lapsed = claim.officer_id != by.pk or claim.until <= now
        claim.officer = by
        claim.centre_id = asked.centre_id
        claim.until = until
        claim.claimed_at = now if lapsed else claim.claimed_at
    CallClaim.objects.bulk_update(mine, ["officer", "centre", "until", "claimed_at"])
    others = [claim.pk for claim in held if claim.appointment_id not in asked.ids]
    CallClaim.objects.filter(pk__in=others).delete()
    return _needed(appointment_id, now)


def claim_next(*, waiting: Sequence[Entry], by: User) -> Entry | None:
    """Take whoever comes first of a list and is free; None if nobody is."""
    for each in waiting:
        if each.claim is not None and each.claim.officer_id != by.pk:
            continue
        if each.call_again_at is not None or not each.can_be_called:
            continue
        try:
            return claim_call(appointment_id=each.pk, by=by)
        except Refusal as refusal:
            if refusal.code not in ("call_taken", "call_not_needed", "busy"):
                raise
    return None


@verb
def release_call(*, appointment_id: int, by: User) -> None:
    """Give a person back who was not called. Again, or somebody else's: changes nothing."""
    held = _lock_claims(Q(officer=by))
    if any(claim.appointment_id == appointment_id for claim in held):
        CallClaim.objects.filter(pk__in=[claim.pk for claim in held]).delete()


@verb
def show_number(*, appointment_id: int, by: User) -> list[str]:
    """The numbers of somebody whom this officer has taken; that they were seen is written down.

    The one where messages go first, then another that the register knows. Within one claim it is
    written once. Refusals: call_not_needed, call_not_taken, not_permitted, call_no_number.
    """
    now = timezone.now()
    asked = _needed(appointment_id, now)
    claims = _lock_claims(Q(appointment__in=asked.ids, officer=by, until__gt=now))
    if not claims:
        raise Refusal("call_not_taken")
    _check_may_call(by, asked.centre_id)
    if not asked.phone:
        raise Refusal("call_no_number")
    since = min(claim.claimed_at for claim in claims)
    if not has_seen_number(asked, by=by, since=since):
        NumberView.objects.bulk_create(
            [NumberView(appointment_id=pk, officer=by, at=now) for pk in asked.ids]
        )
    return numbers_of(asked)


def has_seen_number(asked: Entry, *, by: User, since: datetime) -> bool:
    """Whether the officer has asked for the number under the claim that began then."""
    return NumberView.objects.filter(appointment=asked.pk, officer=by, at__gte=since).exists()


def numbers_of(asked: Entry) -> list[str]:
    """Without repeats: the phone where messages go, then the register's."""
    registered = [person.appointment.application.phone for person in asked.people]
    return list(dict.fromkeys(phone for phone in (asked.phone, *registered) if phone))


# --- How it went --------------------------------------------------------------------------------


@verb
def record_call(
    *,
    appointment_id: int,
    key: UUID,
    outcome: str,
    by: User,
    note: str = "",
    call_back_at: datetime | None = None,
    seen: Mapping[int, str] | None = None,
) -> list[Call]:
    """How a call went, for everybody whom the officer has taken with this person.

    `reached`: they were told how their appointment stands; their timelines say so, and the notices
    that reached nobody are cleared. `seen`: Entry.seen of the page that was read from; whoever is
    not in it was not told. The same `key` again returns what the first one made.
    Refusals: call_not_taken, call_taken, not_permitted, call_changed, call_back_when,
    call_back_at_night, call_back_after_visit.
    """
    now = timezone.now()
    outcome = Outcome(outcome)
    recorded = list(Call.objects.filter(key=key, officer=by).order_by("pk"))
    if recorded:
        return recorded
    claims = _lock_taken(appointment_id, by, now)
    _check_may_call(by, claims[0].centre_id)
    if outcome == Outcome.CALL_BACK:
        _check_call_back(call_back_at, claims, now)
    people = _people_of(claims, seen, outcome, now)
    phone, _email, _language = people[0].appointment.contact
    calls = Call.objects.bulk_create(
        Call(
            key=key,
            appointment=person.appointment,
            centre_id=claims[0].centre_id,
            officer=by,
            at=now,
            outcome=outcome,
            call_back_at=call_back_at if outcome == Outcome.CALL_BACK else None,
            note=note,
            told=person.subject if outcome == Outcome.REACHED else "",
            number_digest=number_digest(phone) if phone else "",
        )
        for person in people
    )
    if outcome == Outcome.REACHED:
        _tell(people, now, by)
    CallClaim.objects.filter(pk__in=[claim.pk for claim in claims]).delete()
    return calls


def _lock_taken(appointment_id: int, by: User, now: datetime) -> list[CallClaim]:
    """What the officer has taken with this person; a lapsed claim counts until somebody else came.

    Appointments first: the timeline is written under their lock.
    """
    mine = CallClaim.objects.filter(officer=by).order_by("appointment_id")
    ids = list(mine.values_list("appointment_id", flat=True))
    if appointment_id not in ids:
        taken = CallClaim.objects.filter(appointment=appointment_id, until__gt=now).exists()
        raise Refusal("call_taken" if taken else "call_not_taken")
    chosen = Appointment.objects.filter(pk__in=ids).order_by("pk")
    list(chosen.select_for_update(no_key=True).values("pk"))
    claims = _lock_claims(Q(officer=by))
    if [claim.appointment_id for claim in claims] != ids:
        raise LostRace
    return claims


def _check_call_back(
    call_back_at: datetime | None, claims: Sequence[CallClaim], now: datetime
) -> None:
    """A moment of the next days, by day, and before the soonest visit of those it is about."""
    latest = now + timedelta(days=CALL_BACK_DAYS)
    if call_back_at is None or not now < call_back_at <= latest:
        raise Refusal("call_back_when", days=CALL_BACK_DAYS)
    ids = [claim.appointment_id for claim in claims]
    visit_at = call_list.soonest_visit(appointment_ids=ids, now=now)
    if visit_at is not None and call_back_at >= visit_at:
        raise Refusal("call_back_after_visit")
    if quiet.is_quiet(call_back_at):
        raise Refusal("call_back_at_night")


def _people_of(
    claims: Sequence[CallClaim], seen: Mapping[int, str] | None, outcome: str, now: datetime
) -> list[Standing]:
    """Those whom the call was about; whoever is told must be told what is true."""
    ids = [claim.appointment_id for claim in claims]
    people = call_list.standings(appointment_ids=ids, now=now)
    if seen is None:
        return people
    shown = [person for person in people if person.appointment.pk in seen]
    stale = any(person.print != seen[person.appointment.pk] for person in shown)
    if not shown or (stale and outcome == Outcome.REACHED):
        raise Refusal("call_changed")
    return shown


def _tell(people: Sequence[Standing], now: datetime, by: User) -> None:
    """They have heard of it: on their timelines, and for whoever counts what reached nobody."""
    TimelineEntry.objects.bulk_create(
        entry(
            appointment=person.appointment,
            event=TimelineEntry.Event.PHONED,
            at=now,
            actor=by,
            by=OFFICER,
        )
        for person in people
    )
    ids = [person.appointment.pk for person in people]
    listed = Listed.objects.filter(TO_HEAR, appointment__in=ids)
    references = [messages.reference(person.appointment) for person in people]
    references += [
        listing.reference(list_id)
        for list_id in set(listed.values_list("offer_list_id", flat=True))
        if not call_list.is_waited_for(list_id=list_id, but=ids, now=now)
    ]
    reach.clear(references=references, now=now)


def _needed(appointment_id: int, now: datetime) -> Entry:
    found = call_list.entry_of(appointment_id=appointment_id, now=now)
    if found is None:
        raise Refusal("call_not_needed")
    return found


def _check_may_call(by: User, centre_id: int) -> None:
    if not may_call(by, Centre.objects.get(pk=centre_id)):
        raise Refusal("not_permitted")


def _lock_claims(chosen: Q) -> list[CallClaim]:
    claims = CallClaim.objects.filter(chosen).order_by("appointment_id")
    return list(claims.select_for_update())


# --- How far it is ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """People of one centre: still to be called, of these within a day; called and told today."""

    centre: Centre
    left: int
    soon: int
    called: int
    reached: int


def progress(
    waiting: Sequence[Entry], *, centres: Collection[Centre], now: datetime
) -> list[Progress]:
    """By centre, those with most to do first; a centre without anything is left out."""
    today = local_moment(timezone.localdate(now), datetime.min.time())
    made = {
        centre_id: (called, reached)
        for centre_id, called, reached in Call.objects.filter(centre__in=centres, at__gte=today)
        .order_by()
        .values_list("centre_id")
        .annotate(
            called=Count("appointment", distinct=True),
            reached=Count("appointment", distinct=True, filter=Q(outcome=Outcome.REACHED)),
        )
    }
    left, soon = Counter[int](), Counter[int]()
    for each in waiting:
        left[each.centre_id] += len(each.people)
        soon[each.centre_id] += len(each.people) if each.is_soon else 0
    rows = [
        Progress(centre, left[centre.pk], soon[centre.pk], *made.get(centre.pk, (0, 0)))
        for centre in centres
        if left[centre.pk] or centre.pk in made
    ]
    return sorted(rows, key=lambda row: (-row.soon, -row.left, row.centre.name_en))


# --- The clock ----------------------------------------------------------------------------------


def forget(*, now: datetime) -> int:
    """Delete claims that have lapsed, and looks at numbers after a year; how many rows."""
    lapsed = CallClaim.objects.filter(until__lte=now - timedelta(days=1))
    views = NumberView.objects.filter(at__lte=now - VIEWS_KEPT)
    return lapsed.delete()[0] + views.delete()[0]
