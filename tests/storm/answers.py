"""What each person was told last, compared with what the database holds when the storm is over.

An answer is written down the moment a verb returns. Whatever the database holds instead must be
explained by a later entry of the timeline (plan, silence, cut, undo, the person's other tab) or,
for a seat that was only kept, by its end or a later step of the same person.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils import timezone

from appointments import seats
from appointments.models import Appointment, Hold, TimelineEntry
from tests.storm.events import STATE_AFTER, Event, Finding, seat_after


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of a verb to one person. Moments are epoch seconds, alike in all processes."""

    verb: str
    application: int
    at: float
    # What was told: a hold with its slot, or an appointment with its state and slot.
    hold: int | None = None
    expires: float = 0.0
    appointment: int | None = None
    state: str = ""
    slot: int | None = None
    # The newest timeline entry right after the answer; what is newer came later.
    entry: int = 0


def told_hold(verb: str, hold: Hold) -> Answer:
    return Answer(
        verb=verb,
        application=hold.application_id,
        at=timezone.now().timestamp(),
        hold=hold.pk,
        expires=hold.expires_at.timestamp(),
        slot=hold.slot_id,
    )


def told_appointment(
    verb: str, appointment: Appointment, *, state: str, slot: int | None, hold: int | None = None
) -> Answer:
    newest = TimelineEntry.objects.filter(appointment=appointment.pk).order_by("pk").last()
    return Answer(
        verb=verb,
        application=appointment.application_id,
        at=timezone.now().timestamp(),
        hold=hold,
        appointment=appointment.pk,
        state=state,
        slot=slot,
        entry=newest.pk if newest else 0,
    )


def told_nothing(verb: str, application: int) -> Answer:
    """Done, with nothing that stands afterwards (a hold given back)."""
    return Answer(verb=verb, application=application, at=timezone.now().timestamp())


def compare(answers: Iterable[Answer]) -> Iterator[Finding]:
    """Whatever somebody was told and does not have, and whatever changed without an answer."""
    of_person: dict[int, list[Answer]] = defaultdict(list)
    for answer in sorted(answers, key=lambda a: a.at):
        of_person[answer.application].append(answer)
    timelines: dict[int, list[TimelineEntry]] = defaultdict(list)
    for entry in TimelineEntry.objects.order_by("pk"):
        timelines[entry.appointment_id].append(entry)
    for mine in of_person.values():
        for answer in mine:
            if answer.appointment is not None:
                yield from _appointment_stands(answer, timelines[answer.appointment])
        yield from _hold_stands(mine)
    yield from _nothing_untold(of_person)


def _appointment_stands(answer: Answer, timeline: list[TimelineEntry]) -> Iterator[Finding]:
    known = [entry for entry in timeline if entry.pk <= answer.entry]
    backing = [entry for entry in known if _says(entry, answer)]
    who = f"application {answer.application} was told by {answer.verb}: {answer.state}"
    if not backing:
        yield Finding("answer", f"{who} in {answer.slot}, and the timeline never said so")
        return
    if backing[-1].pk != timeline[-1].pk:
        return  # a later entry explains what differs; _states holds it against the row
    row = Appointment.objects.get(pk=timeline[-1].appointment_id)
    if (row.state, row.slot_id) != (answer.state, answer.slot):
        yield Finding("answer", f"{who} in {answer.slot}; it is {row.state} in {row.slot_id}")


def _says(entry: TimelineEntry, answer: Answer) -> bool:
    states = STATE_AFTER[Event(entry.event)]
    return answer.state in states and seat_after(entry) == answer.slot


def _hold_stands(mine: list[Answer]) -> Iterator[Finding]:
    """The last hold is there until it ends, unless the person did something after it."""
    last = mine[-1]
    if last.hold is None or last.verb != "hold" or last.expires <= timezone.now().timestamp():
        return
    there = Hold.objects.filter(pk=last.hold, slot=last.slot).exists()
    # It may have run out, and been swept, between the two looks.
    if not there and last.expires > timezone.now().timestamp():
        yield Finding("answer", f"hold {last.hold} is gone before its end")


def _nothing_untold(of_person: dict[int, list[Answer]]) -> Iterator[Finding]:
    """A refused call changes nothing: no more changes by people than answers that told them."""
    told: Counter[tuple[int, str]] = Counter()
    holds: set[int | None] = set()
    for application, mine in of_person.items():
        told[application, "book"] = len({a.hold for a in mine if a.verb == "confirm"})
        told[application, "cancel"] = sum(a.verb in ("cancel", "give_up") for a in mine)
        told[application, "accept"] = sum(a.verb == "accept" for a in mine)
        told[application, "join"] = len({a.appointment for a in mine if a.verb == "join"})
        holds |= {a.hold for a in mine if a.verb == "hold"}
    kinds = {
        Event.BOOKED: "book",
        Event.CHANGED: "book",
        Event.CANCELLED: "cancel",
        Event.ACCEPTED: "accept",
        Event.JOINED: "join",
    }
    done = Counter(
        (application, kinds[Event(event)])
        for application, event in TimelineEntry.objects.filter(event__in=kinds).values_list(
            "appointment__application_id", "event"
        )
    )
    for key, times in done.items():
        if times > told[key]:
            yield Finding("answer", f"{key}: done {times} times, answered {told[key]} times")
    own = Hold.objects.filter(purpose__in=seats.OWN_PURPOSES)
    for pk in own.values_list("pk", flat=True):
        if pk not in holds:
            yield Finding("answer", f"hold {pk} was told to nobody")
