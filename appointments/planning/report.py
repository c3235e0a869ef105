"""A plan's figures as text for a terminal."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from fractions import Fraction

from appointments.planning.plan import Plan
from appointments.planning.problem import LOCAL_ZONE, Policy, Problem
from appointments.planning.reasons import SENTENCES, WHY_MOVED, WHY_UNPLACED
from appointments.planning.summary import Count, Spread, Summary

_COUNT_TITLES = ("people", "keep", "move", "no seat")


def report(problem: Problem, plan: Plan, summary: Summary) -> str:
    parts = [
        _head(problem, summary),
        _tiers(plan, summary),
        _table("By quota", _COUNT_TITLES, _count_rows(summary.by_quota)),
        _table("By centre", _COUNT_TITLES, _count_rows(summary.by_centre)),
        _reasons(summary),
        _foot(plan, summary),
    ]
    return "\n\n".join(part for part in parts if part)


def _head(problem: Problem, summary: Summary) -> str:
    moment = problem.now.astimezone(LOCAL_ZONE)
    total = summary.total
    return "\n".join(
        [
            f"As of {_day(moment.date())}, {moment:%H:%M} (Asia/Kolkata)",
            f"Policy: {_policy(problem.policy)}",
            f"{_people(total.people)} competing, "
            f"over-subscribed slots: {summary.over_subscribed_slots:,}. "
            f"Kept {total.keep:,}, moved {total.move:,}, without a seat {total.unplaced:,}",
        ]
    )


def _policy(policy: Policy) -> str:
    values = [(field.name, getattr(policy, field.name)) for field in fields(policy)]
    return ", ".join(
        f"{name} {float(value):g}" if isinstance(value, Fraction) else f"{name} {value}"
        for name, value in values
    )


def _tiers(plan: Plan, summary: Summary) -> str:
    cost = {result.tier: result.cost for result in plan.tiers}
    rows = [
        (tier, *_numbers(count), *_spread(summary.delay[tier]), f"{cost[tier]:,}")
        for tier, count in summary.by_tier.items()
    ]
    titles = (*_COUNT_TITLES, "mean", "median", "worst", "cost")
    table = _table("By tier", titles, rows)
    return table and f"{table}\n(mean, median, worst: days of delay of those moved)"


def _count_rows(counts: dict[str, Count]) -> list[tuple[str, ...]]:
    return [(name, *_numbers(count)) for name, count in counts.items()]


def _numbers(count: Count) -> tuple[str, ...]:
    return tuple(f"{number:,}" for number in (count.people, count.keep, count.move, count.unplaced))


def _spread(spread: Spread | None) -> tuple[str, str, str]:
    if not spread:
        return "-", "-", "-"
    return f"{spread.mean:.1f}", f"{spread.median:g}", f"{spread.worst}"


def _reasons(summary: Summary) -> str:
    lines = [
        f"{summary.reasons[reason]:>8,}  {reason}: {SENTENCES[reason]}"
        for reason in (*WHY_MOVED, *WHY_UNPLACED)
        if reason in summary.reasons
    ]
    return "\n".join(["Why moved, or without a seat", *lines]) if lines else ""


def _foot(plan: Plan, summary: Summary) -> str:
    return "\n".join(
        [
            f"Moved to another centre: {_elsewhere(summary)}",
            f"Seats left up to the horizon: {_seats_left(summary)}",
            f"Backlog cleared: {_cleared(summary)}",
            f"Seconds: read {plan.read_seconds:.2f}, solve {plan.solve_seconds:.2f}",
        ]
    )


def _elsewhere(summary: Summary) -> str:
    km = summary.other_centre
    if not km:
        return "nobody"
    return (
        f"{_people(summary.other_centre_people)}; "
        f"km: mean {km.mean:.0f}, median {km.median:g}, worst {km.worst}"
    )


def _seats_left(summary: Summary) -> str:
    each = [
        f"{quota} {left.seats:,} ({left.reserved:,} of them kept back for the public)"
        for quota, left in summary.seats_left.items()
    ]
    return "; ".join(each) or "none"


def _cleared(summary: Summary) -> str:
    unplaced = summary.total.unplaced
    by = f"on {_day(summary.last_day)}" if summary.last_day else "nobody has to move"
    return f"{by}, but for {_people(unplaced)} without a seat" if unplaced else by


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _table(title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    """Names to the left, numbers to the right; nothing for no rows."""
    lines = [(title, *columns), *rows]
    if len(lines) == 1:
        return ""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
