"""A plan in figures: what officers see before they approve, and what bounds are held against."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from statistics import mean
from typing import Any

from appointments.listing import sms_for
from appointments.models import PlanLine, Slot
from appointments.planning.problem import TIERS

Counts = dict[str, int]


def figures_of(lines: Iterable[PlanLine], slots: Mapping[int, Slot]) -> dict[str, Any]:
    """Counts by tier, quota and centre (of the own slot), delays, distances; JSON-ready.

    `clear_date`: the day of the last seat given to somebody moved; null while somebody is left
    without a seat, or if nobody moves.
    """
    lines = list(lines)
    moved = [line for line in lines if line.outcome == PlanLine.Outcome.MOVE]
    own = {line.from_slot_id: slots[line.from_slot_id] for line in lines}
    by_tier = _counts((line.tier, line) for line in lines)
    return {
        "total": _count(lines),
        "by_tier": {tier: by_tier[tier] for tier in TIERS if tier in by_tier},
        "by_quota": _counts((own[line.from_slot_id].quota, line) for line in lines),
        "by_centre": _counts((own[line.from_slot_id].centre.code, line) for line in lines),
        "reasons": dict(Counter(line.reason for line in lines if line.reason)),
        "worst_delay_days": _delays(moved, max),
        "mean_delay_days": _delays(moved, lambda days: round(mean(days), 1)),
        "other_centre": sum(line.km > 0 for line in moved),
        "worst_km": max((line.km for line in moved), default=0),
        "clear_date": _clear_date(lines, slots),
        **_contacts(lines),
    }


def over_bounds(figures: Mapping[str, Any], bounds: Mapping[str, Any]) -> str:
    """What exceeds the approved bounds, in words for officers; empty if nothing does."""
    total = figures["total"]
    problems = [
        f"{total[key]} {words}, approved were {bounds[limit]}"
        for key, limit, words in (
            ("move", "moved", "people moved"),
            ("unplaced", "unplaced", "people without a seat"),
        )
        if total[key] > bounds[limit]
    ]
    for tier, worst in figures["worst_delay_days"].items():
        limit = bounds["worst_delay_days"].get(tier, 0)
        if worst > limit:
            problems.append(f"{worst} days of delay in tier {tier}, approved were {limit}")
    return "; ".join(problems)


def _count(lines: Iterable[PlanLine]) -> Counts:
    outcomes = Counter(line.outcome for line in lines)
    return {
        "people": outcomes.total(),
        **{outcome: outcomes[outcome] for outcome in PlanLine.Outcome.values},
    }


def _counts(named: Iterable[tuple[str, PlanLine]]) -> dict[str, Counts]:
    groups: dict[str, list[PlanLine]] = defaultdict(list)
    for name, line in named:
        groups[name].append(line)
    return {name: _count(groups[name]) for name in sorted(groups)}


def _delays(moved: Iterable[PlanLine], figure: Any) -> dict[str, Any]:
    days: dict[str, list[int]] = defaultdict(list)
    for line in moved:
        days[line.tier].append(line.delay_days or 0)
    return {tier: figure(days[tier]) for tier in TIERS if tier in days}


def _clear_date(lines: Iterable[PlanLine], slots: Mapping[int, Slot]) -> str | None:
    last: date | None = None
    for line in lines:
        if line.to_slot_id is None:
            return None
        if line.outcome == PlanLine.Outcome.MOVE:
            day = slots[line.to_slot_id].date
            last = max(last, day) if last else day
    return last.isoformat() if last else None


def _contacts(lines: Iterable[PlanLine]) -> Counts:
    """How many SMS and emails the plan would send, and whom nothing reaches.

    Reminders to answer are not among them: an answer takes them back.
    """
    emails = unreachable = 0
    behind: Counter[tuple[str, int]] = Counter()
    for line in lines:
        phone, email, _language = line.appointment.contact
        if phone:
            behind[phone, line.appointment.application.region_id] += 1
        emails += bool(email)
        unreachable += not phone and not email
    sms = sum(map(sms_for, behind.values()))
    return {"sms": sms, "emails": emails, "unreachable": unreachable}
