"""People in doubt whose notice of it was taken back: they may travel for nothing.

What failed, or did not arrive, is not meant: whom it did not reach stands on the call list.
"""

from collections.abc import Collection
from functools import partial

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from accounts.models import User
from appointments import listing, messages
from appointments.models import Appointment, Call, Listed, OfficeEntry, TimelineEntry
from appointments.outages import centres_of, lock_open, lock_regions
from appointments.permissions import check_may_steer, regions_of
from appointments.timeline import office
from appointments.verbs import batches, verb
from notifications import told


def people(outage_ids: Collection[int]) -> QuerySet[Appointment]:
    """In doubt now, the notice of one of these outages taken back, and not told since the doubt
    began: by no message that has left or may leave, alone or on a list, and by no call.
    """
    kinds = listing.that_say("HOLD")
    taken_back = partial(
        told.numbers_taken_back, batches=[messages.hold_batch(pk) for pk in outage_ids], kinds=kinds
    )
    on_lists = Listed.objects.filter(offer_list__in=taken_back("offer-list"))
    doubts = TimelineEntry.objects.filter(
        appointment=OuterRef("pk"), event=TimelineEntry.Event.IN_DOUBT
    )
    in_doubt = Appointment.objects.filter(
        Q(pk__in=taken_back("appointment")) | Q(pk__in=on_lists.values("appointment")),
        state=Appointment.State.IN_DOUBT,
    ).annotate(doubted_at=Subquery(doubts.order_by("-pk").values("at")[:1]))
    since = told.holding(kinds).filter(created_at__gte=OuterRef("doubted_at"))
    said_on_list = Listed.objects.filter(appointment=OuterRef("pk"), left=False).filter(
        Exists(
            told.holding(kinds).filter(
                reference=_reference("offer-list", "offer_list_id"),
                created_at__gte=OuterRef(OuterRef("doubted_at")),
            )
        )
    )
    called = Call.objects.filter(
        appointment=OuterRef("pk"),
        outcome__in=Call.ENDING,
        at__gte=OuterRef("doubted_at"),
    )
    return in_doubt.filter(
        ~Exists(since.filter(reference=_reference("appointment", "pk"))),
        ~Exists(said_on_list),
        ~Exists(called),
    )


def _reference(prefix: str, number: str) -> Concat:
    return Concat(Value(f"{prefix}:"), Cast(OuterRef(number), CharField()))


@verb
def tell_again(*, outage_id: int, by: User) -> int:
    """Write the notice anew to those whose own was taken back; to how many people.

    Within the grace it leaves after that, as the first one would have. A paused batch stays paused.
    Again: nobody is left. Refusals: not_permitted, outage_not_open.
    """
    now = timezone.now()
    outage = lock_open(outage_id)
    touched = centres_of(outage)
    check_may_steer(by, regions_of(touched))
    # Plans and cuts wait, and then each person's own decision.
    lock_regions(regions_of(touched))
    chosen = _locked([outage.pk])
    if not chosen:
        return 0
    written = office(
        outage=outage,
        event=OfficeEntry.Event.NOTICES_SENT,
        at=now,
        actor=by,
        facts={"people": len(chosen)},
    )
    messages.in_doubt(
        chosen,
        outage=outage,
        key=f"entry:{written.pk}",
        send_after=max(outage.grace_until, now),
        now=now,
    )
    return len(chosen)


def _locked(outage_ids: Collection[int]) -> list[Appointment]:
    """Read again under the lock: whoever has decided meanwhile is not in doubt any more."""
    ids = sorted(people(outage_ids).values_list("pk", flat=True))
    found: list[Appointment] = []
    for part in batches(ids):
        rows = Appointment.objects.filter(pk__in=part).order_by("pk")
        list(rows.select_for_update(no_key=True).values("pk"))
        in_doubt = Appointment.objects.with_people().filter(
            pk__in=part, state=Appointment.State.IN_DOUBT
        )
        found += in_doubt.order_by("pk")
    return found
