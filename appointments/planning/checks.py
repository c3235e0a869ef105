"""Is the problem in itself sound? Places are named as in a scenario file."""

from collections.abc import Collection, Iterable
from datetime import date

from appointments.planning.errors import ScenarioError
from appointments.planning.problem import QUOTAS, SERVICES, TIERS, Policy, Problem

# Above this a single cost could overflow the solver's 64-bit sums; real ones are a millionth.
LARGEST_COST = 10**12
LARGEST_HORIZON_DAYS = 36_500
LARGEST_LEAD_HOURS = 24 * LARGEST_HORIZON_DAYS
HALF_EARTH_KM = 20_016


def check(problem: Problem) -> None:
    """Raise ScenarioError at the first thing wrong."""
    check_policy(problem.policy)
    _check_centres(problem)
    _check_slots(problem)
    _check_people(problem)
    _check_listed(problem)
    _check_costs(problem)


def check_policy(policy: Policy, place: str = "policy") -> None:
    if not 0 <= policy.reserve_share <= 1:
        raise ScenarioError(f"{place}.reserve_share", "must be from 0 to 1")
    if policy.horizon_days > LARGEST_HORIZON_DAYS:
        raise ScenarioError(f"{place}.horizon_days", f"must be at most {LARGEST_HORIZON_DAYS}")
    if policy.lead_hours > LARGEST_LEAD_HOURS:
        raise ScenarioError(f"{place}.lead_hours", f"must be at most {LARGEST_LEAD_HOURS}")


def _check_centres(problem: Problem) -> None:
    _check_unique("centres", "code", (centre.code for centre in problem.centres))


def _check_slots(problem: Problem) -> None:
    _check_unique("slots", "id", (slot.id for slot in problem.slots))
    for index, slot in enumerate(problem.slots):
        place = f"slots[{index}]"
        if slot.centre not in problem.centre_of:
            raise ScenarioError(f"{place}.centre", f"no centre {slot.centre}")
        _check_one_of(f"{place}.quota", slot.quota, QUOTAS)
        for name, number in (("closed", slot.closed), ("taken", slot.taken)):
            if not 0 <= number <= slot.seats:
                raise ScenarioError(
                    f"{place}.{name}", f"{number} {name}, but the slot has {slot.seats} seats"
                )


def _check_people(problem: Problem) -> None:
    _check_unique("appointments", "arn", (person.arn for person in problem.people))
    for index, person in enumerate(problem.people):
        place = f"appointments[{index}]"
        if person.slot not in problem.slot_of:
            raise ScenarioError(f"{place}.slot", f"no slot {person.slot}")
        _check_one_of(f"{place}.service", person.service, SERVICES)
        _check_one_of(f"{place}.tier", person.tier, TIERS)


def _check_listed(problem: Problem) -> None:
    for index, slot in enumerate(problem.slots):
        listed = problem.listed.get(slot.id, 0)
        if listed > slot.taken:
            raise ScenarioError(
                f"slots[{index}].taken", f"{slot.taken} taken, but {listed} appointments listed"
            )


def _check_costs(problem: Problem) -> None:
    cost = largest_cost(problem)
    if cost > LARGEST_COST:
        raise ScenarioError(
            "policy", f"one move could cost {cost}; the planner counts up to {LARGEST_COST}"
        )


def largest_cost(problem: Problem) -> int:
    """An upper bound of what one person's seat can cost in the problem, rules left aside."""
    pool, policy = problem.pool, problem.policy
    if not pool:
        return 0
    days = _furthest(
        (slot.day for slot in problem.slots), [problem.original_of(person) for person in pool]
    )
    moves = 1 + policy.moved_before_factor * max(person.moved_before for person in pool)
    return (
        policy.per_day * days
        + policy.per_day_squared * days**2
        + policy.per_move * moves
        + policy.centre_change
        + policy.per_km * HALF_EARTH_KM
        + policy.per_hour * 24
    )


def _furthest(days: Iterable[date], originals: Collection[date]) -> int:
    ordinals = [day.toordinal() for day in days]
    first, last = min(originals).toordinal(), max(originals).toordinal()
    return max(abs(max(ordinals) - first), abs(min(ordinals) - last))


def _check_one_of(place: str, value: str, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise ScenarioError(place, f"{value!r} is none of {', '.join(allowed)}")


def _check_unique(part: str, key: str, values: Iterable[object]) -> None:
    first: dict[object, int] = {}
    for index, value in enumerate(values):
        if value in first:
            raise ScenarioError(
                f"{part}[{index}].{key}", f"{value} is already in {part}[{first[value]}]"
            )
        first[value] = index
