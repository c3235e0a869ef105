"""The outcome: what becomes of each person, and what each tier cost."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from appointments.planning.problem import TIERS
from appointments.planning.reasons import Reason


class Outcome(StrEnum):
    KEEP = "keep"
    MOVE = "move"
    UNPLACED = "unplaced"


@dataclass(frozen=True, slots=True)
class Decision:
    arn: str
    outcome: Outcome
    slot: int | None
    """Id of the slot the person has by the plan; None if unplaced."""
    reason: Reason | None
    """Why moved or unplaced; None if kept."""
    cost: int
    """What the seat costs by the policy; 0 if unplaced."""
    delay_days: int | None
    """Days from the date first promised (negative: earlier than it); None if unplaced."""
    km: int
    """Between the own centre and the new one; 0 at the same centre."""


@dataclass(frozen=True, slots=True)
class TierResult:
    tier: str
    unplaced: int
    """People without a seat: as few as possible, given what the tiers before took."""
    cost: int
    """Total cost of the others: the least possible with that few unplaced."""


@dataclass(frozen=True)
class Plan:
    decisions: tuple[Decision, ...]
    """One for each person of the pool, sorted by ARN."""
    tiers: tuple[TierResult, ...]
    """All tiers, in the order served."""
    read_seconds: float = 0.0
    solve_seconds: float = 0.0

    @cached_property
    def by_arn(self) -> Mapping[str, Decision]:
        return {decision.arn: decision for decision in self.decisions}

    def having(self, outcome: Outcome) -> list[Decision]:
        return [decision for decision in self.decisions if decision.outcome == outcome]

    def as_json(self) -> dict[str, Any]:
        """The plan file as plain values (docs/planning.md, "The files")."""
        return {
            "keep": [decision.arn for decision in self.having(Outcome.KEEP)],
            "move": [
                {"arn": decision.arn, "slot": decision.slot, "reason": decision.reason}
                for decision in self.having(Outcome.MOVE)
            ],
            "unplaced": [
                {"arn": decision.arn, "reason": decision.reason}
                for decision in self.having(Outcome.UNPLACED)
            ],
            "tiers": [
                {"tier": result.tier, "unplaced": result.unplaced, "cost": result.cost}
                for result in self.tiers
            ],
            "seconds": {
                "read": round(self.read_seconds, 3),
                "solve": round(self.solve_seconds, 3),
            },
        }

    def as_bytes(self) -> bytes:
        """The plan file; but for `seconds` the same for the same problem."""
        text = json.dumps(self.as_json(), ensure_ascii=False, separators=(",", ":"))
        return text.encode() + b"\n"


def merge(decisions: Iterable[Decision], results: Iterable[TierResult]) -> Plan:
    """One plan out of what was decided region by region."""
    unplaced = dict.fromkeys(TIERS, 0)
    cost = dict.fromkeys(TIERS, 0)
    for result in results:
        unplaced[result.tier] += result.unplaced
        cost[result.tier] += result.cost
    return Plan(
        decisions=tuple(sorted(decisions, key=lambda decision: decision.arn)),
        tiers=tuple(TierResult(tier, unplaced[tier], cost[tier]) for tier in TIERS),
    )
