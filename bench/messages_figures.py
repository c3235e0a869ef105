"""Rows of build/bench.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

BEGIN = "<!-- table of make bench: begin -->"
END = "<!-- table of make bench: end -->"


@dataclass(frozen=True)
class Row:
    """One figure. `ratio`: value to yardstick, the median of the pairs; `spread`: least and most.

    `goal`: of the ratio where there is one, else of the value. `passed` None: it has no goal.
    """

    name: str
    value: float
    unit: str
    yardstick: float | None = None
    yardstick_name: str = ""
    ratio: float | None = None
    spread: tuple[float, float] | None = None
    goal: str = ""
    passed: bool | None = None
    messages: int = 0
    exactly_once: bool | None = None


def compared(
    name: str,
    ours: list[float],
    theirs: list[float],
    *,
    unit: str,
    yardstick: str,
    goal: float | None,
    messages: int,
    once: bool,
) -> Row:
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Row(
        name=name,
        value=round(median(ours), 1),
        unit=unit,
        yardstick=round(median(theirs), 1),
        yardstick_name=yardstick,
        ratio=round(median(ratios), 3),
        spread=(round(min(ratios), 3), round(max(ratios), 3)),
        goal=f">= {goal:g} x" if goal else "",
        passed=None if goal is None else once and median(ratios) >= goal,
        messages=messages,
        exactly_once=once,
    )


def waits(
    name: str,
    seconds: list[float],
    *,
    goal: float,
    percent: int = 95,
    once: bool | None = None,
) -> Row:
    """The wait that so many in a hundred did not exceed."""
    ordered = sorted(seconds)
    value = ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
    return Row(
        name=f"{name}: {percent}% within",
        value=round(value, 3),
        unit="s",
        spread=(round(ordered[0], 3), round(ordered[-1], 3)),
        goal=f"<= {goal:g} s",
        passed=value <= goal and once is not False,
        messages=len(ordered),
        exactly_once=once,
    )


def line(row: Row) -> str:
    figure = f"{row.value:>10,.4g} {row.unit:<11}"
    against = f"{row.yardstick:>9,.4g}" if row.yardstick is not None else " " * 9
    ratio = f"{row.ratio:>8.3g} x" if row.ratio is not None else " " * 10
    spread = f"({row.spread[0]:.3g} to {row.spread[1]:.3g})" if row.spread else ""
    verdict = {True: "met", False: "MISSED", None: ""}[row.passed]
    once = {True: "once each", False: "NOT ONCE EACH", None: ""}[row.exactly_once]
    return f"{row.name:<78}{figure}{against}{ratio} {spread:<20}{row.goal:<10}{verdict:<7}{once}"


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    lines = [
        "| what | ours | yardstick | ratio, least to most | goal | |",
        "|---|--:|--:|--:|--:|---|",
    ]
    return "\n".join([*lines, *map(_markdown, rows)]) + "\n"


def put_into(document: Path, rows: Sequence[Row], day: date) -> None:
    """Replace the table between the marks, and the day on which it was measured."""
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{document} has no place for the table")
    new = f"{BEGIN}\nRun of {day.day} {day:%B %Y}:\n\n{table(rows)}{END}"
    document.write_text(f"{before}{new}{after}", encoding="utf-8")


def _markdown(row: Row) -> str:
    least, most = row.spread or (0.0, 0.0)
    between = f"{least:.3g} to {most:.3g}"
    ratio = f"{row.ratio:.3g} x, {between}" if row.ratio is not None else f"{between} {row.unit}"
    yardstick = "" if row.yardstick is None else f"{row.yardstick:,.4g}"
    verdict = {True: "met", False: "missed", None: ""}[row.passed]
    value = f"{row.value:,.4g} {row.unit}"
    return f"| {row.name} | {value} | {yardstick} | {ratio} | {row.goal} | {verdict} |"
