"""A synthetic nation: regions like the sample's, each shuffled in its own way."""

import random
from dataclasses import replace

from appointments.planning.problem import Person, Problem


def nation(sample: Problem, people: int, seed: int = 2025) -> Problem:
    """As many shuffled copies of the sample, a region each, as hold `people` people."""
    shuffler = random.Random(seed)
    copies = -(-people // len(sample.people))
    parts = [_copy(sample, number, shuffler) for number in range(copies)]
    everybody = [person for part in parts for person in part.people]
    return replace(
        sample,
        centres=tuple(centre for part in parts for centre in part.centres),
        slots=tuple(slot for part in parts for slot in part.slots),
        # Those beyond the number count as holds in their slots.
        people=tuple(everybody[:people]),
    )


def _copy(sample: Problem, number: int, shuffler: random.Random) -> Problem:
    first_id = number * 10**6
    return replace(
        sample,
        centres=tuple(
            replace(centre, code=f"{number}-{centre.code}", region=f"R{number:02}")
            for centre in sample.centres
        ),
        slots=tuple(
            replace(slot, id=first_id + slot.id, centre=f"{number}-{slot.centre}")
            for slot in sample.slots
        ),
        people=tuple(_shuffled(sample, number, shuffler)),
    )


def _shuffled(sample: Problem, number: int, shuffler: random.Random) -> list[Person]:
    """The same people, but which of a slot books first, is urgent, travels... changes."""
    in_slot: dict[int, list[Person]] = {}
    for person in sample.people:
        in_slot.setdefault(person.slot, []).append(person)
    quota_of = {slot.id: (slot.centre, slot.quota) for slot in sample.slots}
    slots_of: dict[tuple[str, str], list[int]] = {}
    for slot_id, people in in_slot.items():
        slots_of.setdefault(quota_of[slot_id], []).extend([slot_id] * len(people))
    result = []
    for slots in slots_of.values():
        people = [person for slot_id in dict.fromkeys(slots) for person in in_slot[slot_id]]
        shuffler.shuffle(people)
        for slot_id, person in zip(slots, people, strict=True):
            result.append(
                replace(person, arn=f"{number:02}-{person.arn}", slot=number * 10**6 + slot_id)
            )
    return result
