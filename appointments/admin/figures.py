"""What officers read about an outage: where it stands, what comes next, who has been told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, QuerySet, Sum

from appointments import messages
from appointments.models import Appointment, CapacityCut, Offer, Outage, Plan, PlanLine, Quota, Slot
from appointments.outages import centres_of
from notifications import dates, outbox
from notifications.models import Message

State = Message.State
# What officers call the states of a message, in the order of a message's life.
MESSAGE_WORDS = (
    (State.QUEUED, "waiting"),
    (State.SENDING, "leaving now"),
    (State.ACCEPTED, "sent"),
    (State.UNKNOWN, "unclear whether sent"),
    (State.FAILED, "could not be sent"),
    (State.EXPIRED, "too late to send"),
    (State.CANCELLED, "taken back"),
)


@dataclass(frozen=True)
class Progress:
    """Messages of one batch."""

    batch: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values()) - self.counts[State.CANCELLED]

    @property
    def sent(self) -> int:
        return self.counts[State.ACCEPTED]

    @property
    def trouble(self) -> int:
        return sum(self.counts[state] for state in (State.UNKNOWN, State.FAILED, State.EXPIRED))

    @property
    def lines(self) -> list[tuple[str, int]]:
        return [(words, self.counts[state]) for state, words in MESSAGE_WORDS if self.counts[state]]


def progress(batch: str) -> Progress:
    return Progress(batch, outbox.progress(batch=batch))


@dataclass(frozen=True)
class Answers:
    """What became of offers."""

    counts: dict[str, int]

    @property
    def asked(self) -> int:
        return sum(self.counts.values())

    @property
    def answered(self) -> int:
        given = (Offer.State.ACCEPTED, Offer.State.CHANGED, Offer.State.GIVEN_UP)
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


ANSWER_WORDS = (
    (Offer.State.OPEN, "no answer yet"),
    (Offer.State.ACCEPTED, "accepted"),
    (Offer.State.CHANGED, "chose another time"),
    (Offer.State.GIVEN_UP, "gave up"),
    (Offer.State.KEPT, "silent: the new time stands"),
    (Offer.State.RELEASED, "silent: the seat was freed"),
    (Offer.State.WITHDRAWN, "replaced by a later offer"),
)


def people_in_doubt(outage: Outage) -> int:
    doubts = Appointment.objects.filter(
        state=Appointment.State.IN_DOUBT, slot__closures__cut__outage=outage
    )
    return doubts.distinct().count()


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
    return Answers(dict(offers.values_list("state").annotate(Count("pk"))))


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


def next_step(outage: Outage, plans: Sequence[Plan], in_doubt: int, now: datetime) -> str:
    """What an officer should do now, in one sentence."""
    if not outage.is_open:
        return "Nothing: it has ended."
    states = {plan.state: plan for plan in plans}
    for plan in plans:
        if plan.state == Plan.State.APPLIED and plan.live_at and plan.live_at > now:
            until = dates.clock(plan.live_at, "en")
            return f"{plan} was applied. Its messages leave at {until}; undo it until then."
    if Plan.State.APPROVED in states:
        return f"{states[Plan.State.APPROVED]} is approved: apply it."
    if Plan.State.PREPARED in states:
        return f"{states[Plan.State.PREPARED]} waits for approval."
    if outage.grace_until > now and in_doubt:
        return "Notices leave after the grace: send them now, or take the outage back."
    if in_doubt:
        return f"Prepare a plan for the {in_doubt:,} people in doubt."
    return "Nobody is in doubt. Restore when the service is back, or extend the cut."


def hold_progress(outage: Outage) -> Progress:
    return progress(messages.hold_batch(outage))


def plan_progress(plan: Plan) -> Progress:
    return progress(messages.plan_batch(plan.pk))
