"""The rules and costs for one person and one slot, read straight from docs/planning.md.

Slow and plain on purpose: verify.py checks plans by these, and shares no code with the solver.
"""

from datetime import timedelta

from appointments.planning.geometry import km_between
from appointments.planning.problem import Person, Problem, Slot


def broken_rule(problem: Problem, person: Person, slot: Slot) -> str | None:
    """What forbids the person to take the slot, or None."""
    own, policy = problem.slot_of[person.slot], problem.policy
    if slot.id == own.id:
        return None if slot.start > problem.now else "the own slot has begun"
    if slot.start - problem.now < timedelta(hours=policy.lead_hours):
        return "starts too soon"
    if slot.day < problem.original_of(person):
        return "is before the day first promised"
    if slot.day.toordinal() > problem.today.toordinal() + policy.horizon_days:
        return "is beyond the horizon"
    if person.travel_date and slot.day >= person.travel_date:
        return "is not before the travel"
    if problem.centre_of[slot.centre].region != problem.centre_of[own.centre].region:
        return "is in another region"
    if slot.centre != own.centre and distance(problem, person, slot) > policy.max_km:
        return "is too far"
    if slot.quota != own.quota and (person.service, slot.quota) != ("tatkaal", "normal"):
        return "is of another quota"
    return None


def delay_days(problem: Problem, person: Person, slot: Slot) -> int:
    """Days from the date first promised; negative if the slot is earlier."""
    return (slot.day - problem.original_of(person)).days


def distance(problem: Problem, person: Person, slot: Slot) -> int:
    """Whole kilometres between the own centre and the slot's."""
    own = problem.slot_of[person.slot]
    if slot.centre == own.centre:
        return 0
    return km_between(problem.centre_of[own.centre], problem.centre_of[slot.centre])


def cost(problem: Problem, person: Person, slot: Slot) -> int:
    own, policy = problem.slot_of[person.slot], problem.policy
    days = delay_days(problem, person, slot)
    total = policy.per_day * days + policy.per_day_squared * days**2
    if slot.id == own.id:
        return total
    total += policy.per_move * (1 + policy.moved_before_factor * person.moved_before)
    if slot.centre != own.centre:
        total += policy.centre_change + policy.per_km * distance(problem, person, slot)
    return total + policy.per_hour * abs(slot.minute - own.minute) // 60
