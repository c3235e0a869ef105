"""A second and a third planner, naive, written from the rules and sharing no code with ours.

They read the scenario as plain JSON. `exact` gives what a tier can reach by networkx, with a node
for each person; `brute_force` tries every assignment.
"""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import networkx as nx

IST = timedelta(hours=5, minutes=30)
DEFAULTS = {
    "max_km": 0,
    "reserve_share": "0.1",
    "horizon_days": 40,
    "lead_hours": 18,
    "per_day": 100,
    "per_day_squared": 5,
    "per_move": 300,
    "centre_change": 200,
    "per_km": 1,
    "per_hour": 5,
    "moved_before_factor": 1,
}
TIERS = ["urgent", "tatkaal", "vulnerable", "normal"]

Seats = dict[Any, int]


def local(text: str) -> datetime:
    """Wall-clock time in India, naive."""
    moment = datetime.fromisoformat(text)
    offset = moment.utcoffset()
    return moment if offset is None else (moment - offset + IST).replace(tzinfo=None)


def kilometres(a: dict[str, Any], b: dict[str, Any]) -> int:
    """By the angle between the two places seen from the middle of the earth."""
    place_a, place_b = (
        (
            math.cos(math.radians(c["lat"])) * math.cos(math.radians(c["lon"])),
            math.cos(math.radians(c["lat"])) * math.sin(math.radians(c["lon"])),
            math.sin(math.radians(c["lat"])),
        )
        for c in (a, b)
    )
    chord = math.dist(place_a, place_b)
    return round(6371 * 2 * math.asin(min(1.0, chord / 2)))


class Oracle:
    def __init__(self, data: dict[str, Any]) -> None:
        self.policy = DEFAULTS | data["policy"]
        self.now = local(data["now"])
        self.centres = {centre["code"]: centre for centre in data["centres"]}
        self.slots = {slot["id"]: slot for slot in data["slots"]}
        self.people = data["appointments"]
        self.pool = [person for person in self.people if self._over(self.slots[person["slot"]])]

    @staticmethod
    def _over(slot: dict[str, Any]) -> bool:
        return slot["taken"] > slot["seats"] - slot["closed"]

    @staticmethod
    def cell(slot: dict[str, Any]) -> tuple[str, date, str]:
        return slot["centre"], local(slot["start"]).date(), slot["quota"]

    def seats(self) -> tuple[Seats, Seats]:
        """Seats on offer: by slot id, and by (centre, date, quota)."""
        listed = Counter(person["slot"] for person in self.people)
        by_slot: Seats = {}
        by_cell: Counter[Any] = Counter()
        untouched: Counter[Any] = Counter()
        for id, slot in self.slots.items():
            left = slot["seats"] - slot["closed"]
            if self._over(slot):
                by_slot[id] = max(0, left - (slot["taken"] - listed[id]))
            else:
                by_slot[id] = left - slot["taken"]
                untouched[self.cell(slot)] += by_slot[id]
            by_cell[self.cell(slot)] += by_slot[id]
        share = Fraction(str(self.policy["reserve_share"]))
        for cell, seats in untouched.items():
            by_cell[cell] -= math.floor(share * seats)
        return by_slot, dict(by_cell)

    def options(self, person: dict[str, Any]) -> Iterator[tuple[int, int]]:
        """(slot id, cost) of all that the person may take."""
        own = self.slots[person["slot"]]
        own_start, policy = local(own["start"]), self.policy
        first = date.fromisoformat(person["original"]) if person["original"] else own_start.date()
        for id, slot in self.slots.items():
            start = local(slot["start"])
            late = (start.date() - first).days
            cost = policy["per_day"] * late + policy["per_day_squared"] * late * late
            if id == own["id"]:
                if start > self.now:
                    yield id, cost
                continue
            here, there = self.centres[own["centre"]], self.centres[slot["centre"]]
            km = kilometres(here, there)
            if start < self.now + timedelta(hours=policy["lead_hours"]):
                continue
            if late < 0 or (start.date() - self.now.date()).days > policy["horizon_days"]:
                continue
            if person["travel_date"] and str(start.date()) >= person["travel_date"]:
                continue
            if here != there and (here["region"] != there["region"] or km > policy["max_km"]):
                continue
            if slot["quota"] != own["quota"] and not (
                person["service"] == "tatkaal" and slot["quota"] == "normal"
            ):
                continue
            cost += policy["per_move"] * (
                1 + policy["moved_before_factor"] * person["moved_before"]
            )
            if here != there:
                cost += policy["centre_change"] + policy["per_km"] * km
            minutes = abs(
                (start.hour * 60 + start.minute) - (own_start.hour * 60 + own_start.minute)
            )
            yield id, cost + policy["per_hour"] * minutes // 60

    def exact(self, tier: str, by_slot: Seats, by_cell: Seats) -> tuple[int, int]:
        """(unplaced, cost): the best the tier can have of the seats given."""
        people = [person for person in self.pool if person["tier"] == tier]
        graph = nx.DiGraph()
        graph.add_nodes_from(["from", "to"])
        for person in people:
            graph.add_edge("from", person["arn"], capacity=1, weight=0)
            for id, cost in self.options(person):
                graph.add_edge(person["arn"], ("slot", id), capacity=1, weight=cost)
        for id, slot in self.slots.items():
            cell = ("cell", *self.cell(slot))
            graph.add_edge(("slot", id), cell, capacity=by_slot[id], weight=0)
            graph.add_edge(cell, "to", capacity=by_cell[self.cell(slot)], weight=0)
        flow = nx.max_flow_min_cost(graph, "from", "to")
        placed = sum(flow["from"].values())
        return len(people) - placed, nx.cost_of_flow(graph, flow)

    def brute_force(self) -> tuple[int, ...]:
        """(unplaced, cost) of each tier in turn, then people moved: the first of all possible
        plans in that order. Tries every one, so it is for a handful of people."""
        by_slot, by_cell = self.seats()
        choices = [list(self.options(person)) for person in self.pool]

        def plans(index: int) -> Iterator[tuple[int, ...]]:
            if index == len(self.pool):
                yield (0,) * 9
                return
            person = self.pool[index]
            spot = 2 * TIERS.index(person["tier"])
            for rest in plans(index + 1):
                yield _plus(rest, {spot: 1})
            for id, cost in choices[index]:
                cell = self.cell(self.slots[id])
                if by_slot[id] and by_cell[cell]:
                    by_slot[id] -= 1
                    by_cell[cell] -= 1
                    for rest in plans(index + 1):
                        yield _plus(rest, {spot + 1: cost, 8: int(id != person["slot"])})
                    by_slot[id] += 1
                    by_cell[cell] += 1

        return min(plans(0))

    def take(self, tier: str, plan: dict[str, Any], by_slot: Seats, by_cell: Seats) -> None:
        """Put down what a plan file gives the tier."""
        slot_of = {person["arn"]: person["slot"] for person in self.pool}
        given = {arn: slot_of[arn] for arn in plan["keep"]}
        given |= {move["arn"]: move["slot"] for move in plan["move"]}
        for person in self.pool:
            if person["tier"] == tier and person["arn"] in given:
                id = given[person["arn"]]
                by_slot[id] -= 1
                by_cell[self.cell(self.slots[id])] -= 1


def _plus(figures: tuple[int, ...], more: dict[int, int]) -> tuple[int, ...]:
    return tuple(figure + more.get(index, 0) for index, figure in enumerate(figures))
