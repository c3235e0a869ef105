"""What officers read about an outage: where it stands, what comes next, who has been told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.http import HttpRequest
from django.utils import timezone

from appointments import messages, untold
from appointments.admin.scope import seen
from appointments.models import Appointment, CapacityCut, Offer, Outage, Plan, PlanLine, Quota, Slot
from appointments.outages import centres_of
from notifications import batches, dates
from notifications.batches import Progress

# Nobody waits for a count of all.
MANY = 1000


@dataclass(frozen=True)
class Answers:
    """What became of offers."""

    counts: dict[str, int]

    @property
    def asked(self) -> int:
        return sum(self.counts.values())

    @property
    def answered(self) -> int:
        given = (Offer.State.ACCEPTED, Offer.State.CHANGED, Offer.State.GIVEN_UP, CANCELLED)
        return sum(self.counts.get(state, 0) for state in given)

    @property
    def lines(self) -> list[tuple[str, int]]:
        return [(words, self.counts[s]) for s, words in ANSWER_WORDS if self.counts.get(s)]


@dataclass(frozen=True)
class Standing:
    """People of an outage: in doubt now, moved by applied plans, without a seat, their answers."""

    in_doubt: int
    moved: int
    waiting: int
    answers: Answers


# Of offers that were withdrawn: what ended them.
CANCELLED = "cancelled"
REPLACED = "replaced"
ANSWER_WORDS = (
    (Offer.State.OPEN, "no answer yet"),
    (Offer.State.ACCEPTED, "accepted"),
    (Offer.State.CHANGED, "chose another time"),
    (Offer.State.GIVEN_UP, "gave up"),
    (Offer.State.KEPT, "silent: the new time stands"),
    (Offer.State.RELEASED, "silent: the seat was freed"),
    (CANCELLED, "cancelled the appointment"),
    (REPLACED, "replaced by a later plan"),
    (Offer.State.WITHDRAWN, "not asked any more"),
)


def people_in_doubt(outage: Outage) -> int:
    doubts = Appointment.objects.filter(
        state=Appointment.State.IN_DOUBT, slot__closures__cut__outage=outage
    )
    return doubts.distinct().count()


def untold_people(request: HttpRequest, outage: Outage, told: Progress) -> int:
    """Of the officer's own region or centre, of whom no message says that they are in doubt.

    Up to MANY and one more. `told`: the outage's notices; if none was taken back, nobody is asked.
    """
    if not (outage.is_open and told.taken_back):
        return 0
    rows = seen(
        request, untold.people([outage.pk]), region="application__region", centre="slot__centre"
    )
    return rows[: MANY + 1].count()


def standing(outage: Outage) -> Standing:
    lines = PlanLine.objects.filter(plan__outage=outage, plan__state=Plan.State.APPLIED)
    moved = lines.filter(outcome=PlanLine.Outcome.MOVE)
    return Standing(
        in_doubt=people_in_doubt(outage),
        moved=moved.values("appointment").distinct().count(),
        waiting=Appointment.objects.filter(
            state=Appointment.State.WAITING, pk__in=lines.values("appointment")
        ).count(),
        answers=answers(Offer.objects.filter(plan__outage=outage, plan__state=Plan.State.APPLIED)),
    )


def answers(offers: QuerySet[Offer]) -> Answers:
    withdrawn = Q(state=Offer.State.WITHDRAWN)
    cancelled = Q(appointment__state=Appointment.State.CANCELLED)
    ended = offers.annotate(
        became=Case(
            When(withdrawn & Q(withdrawn_by__isnull=False), then=Value(REPLACED)),
            When(withdrawn & cancelled, then=Value(CANCELLED)),
            default=F("state"),
        )
    )
    return Answers(dict(ended.values_list("became").annotate(Count("pk")).order_by()))


@dataclass(frozen=True)
class CutDay:
    """Seats of the touched centres on a day that an outage cuts."""

    date: date
    seats: int
    left: int


@dataclass(frozen=True)
class CutRow:
    centre: str
    quota: str
    # (seats there were, seats that stay) for each day; None where nothing is cut.
    cells: list[tuple[int, int] | None]


def cut_table(outage: Outage) -> tuple[list[CutDay], list[CutRow]]:
    """The cuts in force, days beside each other."""
    cuts = list(
        CapacityCut.objects.filter(outage=outage)
        .select_related("centre")
        .order_by("centre__name_en", "date")
    )
    days = sorted({cut.date for cut in cuts})
    seats = {
        (row["centre_id"], row["date"], row["quota"]): row["n"]
        for row in Slot.objects.filter(centre_id__in={cut.centre_id for cut in cuts}, date__in=days)
        .values("centre_id", "date", "quota")
        .annotate(n=Sum("seats"))
    }
    left = {(cut.centre_id, cut.date, cut.quota): cut.seats_left for cut in cuts}
    names = {cut.centre_id: cut.centre.name_en for cut in cuts}
    rows = [
        CutRow(name, str(Quota(quota).label), [_cell(seats, left, centre, d, quota) for d in days])
        for centre, name in names.items()
        for quota in Quota.values
        if any((centre, d, quota) in left for d in days)
    ]
    totals = [
        CutDay(
            day,
            sum(n for cell, n in seats.items() if cell in left and cell[1] == day),
            sum(n for cell, n in left.items() if cell[1] == day),
        )
        for day in days
    ]
    return totals, rows


def _cell(
    seats: dict[tuple[int, date, str], int],
    left: dict[tuple[int, date, str], int],
    centre: int,
    day: date,
    quota: str,
) -> tuple[int, int] | None:
    cell = (centre, day, quota)
    return (seats.get(cell, 0), left[cell]) if cell in left else None


def scope_of(outage: Outage) -> str:
    """Which centres, in a few words."""
    if outage.scope == Outage.Scope.ALL:
        return "All regions"
    if outage.scope == Outage.Scope.REGION and outage.region:
        return f"All centres of {outage.region.name_en}"
    towns = sorted(centre.town_en for centre in outage.centres.all())
    return ", ".join(towns) if len(towns) <= 3 else f"{len(towns)} centres"


def region_ids_of(outage: Outage) -> set[int]:
    return {centre.region_id for centre in centres_of(outage)}


def next_step(
    outage: Outage, plans: Sequence[Plan], in_doubt: int, now: datetime, *, told: Progress
) -> str:
    """What an officer should do now, in one sentence. `told`: its notices."""
    if not outage.is_open:
        return "Nothing: it has ended."
    states = {plan.state: plan for plan in plans}
    for plan in plans:
        if plan.state == Plan.State.APPLIED and plan.live_at and plan.live_at > now:
            until = dates.clock(plan.live_at, "en")
            return f"{plan} was applied. Its messages leave at {until}; undo it until then."
    if approved := states.get(Plan.State.APPROVED):
        return _when_applied(approved)
    if prepared := states.get(Plan.State.PREPARED):
        held_back = "was held back at its hour and " if prepared.held_back else ""
        return f"{prepared} {held_back}waits for approval."
    if outage.grace_until > now and in_doubt:
        if told.taken_back and not told.to_leave:
            return "The notices were taken back: send them again, or take the outage back."
        if told.is_paused:
            return "The notices are paused: let their batch go on, or take the outage back."
        return "Notices leave after the grace: send them now, or take the outage back."
    if in_doubt:
        return f"Prepare a plan for the {in_doubt:,} people in doubt."
    return "Nobody is in doubt. Restore when the service is back, or extend the cut."


def _when_applied(plan: Plan) -> str:
    if plan.held_back:
        return f"{plan} was held back at its hour. Look why, then apply it or put it aside."
    if plan.decide_by:
        hour = dates.long_moment(plan.decide_by, "en")
        return f"{plan} is applied by itself on {hour}, unless the service is back before."
    return f"{plan} is approved: apply it."


def hours_to_come(outage: Outage) -> list[Plan]:
    """Plans that the clock will apply; what an officer does to the outage meanwhile, it meets."""
    approved = outage.plans.filter(state=Plan.State.APPROVED, decide_by__isnull=False)
    return list(approved.select_related("region", "approved_by").order_by("decide_by"))


def hours_in_words(outage: Outage) -> list[str]:
    return [
        f"{plan} is to be applied by itself on {dates.long_moment(plan.decide_by, 'en')}"
        for plan in hours_to_come(outage)
        if plan.decide_by
    ]


def progress_of(
    outages: Iterable[Outage], plans: Iterable[Plan]
) -> tuple[dict[int, Progress], dict[int, Progress]]:
    """Messages of outages' notices and of plans, by their keys; three queries for all."""
    holds = {outage.pk: messages.hold_batch(outage.pk) for outage in outages}
    moves = {plan.pk: messages.plan_batch(plan.pk) for plan in plans}
    found = batches.progress_of([*holds.values(), *moves.values()], timezone.now())
    return (
        {pk: found[name] for pk, name in holds.items()},
        {pk: found[name] for pk, name in moves.items()},
    )


def hold_progress(outage: Outage) -> Progress:
    return batches.progress(messages.hold_batch(outage.pk), timezone.now())


def plan_progress(plan: Plan) -> Progress:
    return batches.progress(messages.plan_batch(plan.pk), timezone.now())
