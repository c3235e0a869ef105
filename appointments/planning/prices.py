"""What a best flow says about all other best flows: a price for each class, slot and cell.

The price of a node is the least cost at which one more person there gets to the end, by ways on
which the flow leaves room, moving others on where that helps. A flow is best if, and only if,
prices exist at which it uses no way dearer than need be and fills every slot and cell that has a
price of its own (complementary slackness). So finding them proves the solver right.
"""

from dataclasses import dataclass

import numpy as np

from appointments.planning.errors import PlanningError
from appointments.planning.tables import Bools, Ints, sum_by

# Dearer than every sum of real costs, yet far enough from 2**63 to be added to.
NO_WAY = 2**61
_NO_WAY_YET = 2**60
_CUT_OFF = 2**59


@dataclass(frozen=True)
class Graph:
    """The classes, slots and cells in play, each numbered from 0, and what leads where."""

    klass: Ints
    """By arc, rising. Each arc leads from a class..."""
    slot: Ints
    """...to a slot."""
    cost: Ints
    """By arc."""
    size: Ints
    """By class."""
    without_cost: Ints
    """By class: what going without a seat costs; NO_WAY where nobody may."""
    cell: Ints
    """By slot."""
    slot_seats: Ints
    cell_seats: Ints
    slot_open: Bools
    """Where not, exactly the slot's seats must be used; likewise of cells."""
    cell_open: Bools


@dataclass(frozen=True)
class Flow:
    seated: Ints
    """People by arc."""
    without: Ints
    """People without a seat, by class."""


@dataclass(frozen=True)
class Prices:
    klass: Ints
    slot: Ints
    cell: Ints


def prices(graph: Graph, flow: Flow) -> Prices:
    """Raises PlanningError if there are none, that is, if the flow is not best."""
    ways = _Ways(graph, flow)
    reached = ways.settle(
        klass=graph.without_cost,
        slot=np.full(len(graph.cell), NO_WAY),
        cell=np.where(ways.cell_room, 0, NO_WAY),
    )
    # Nodes cut off from the end lead to one another only, so that any level will do for them.
    found = ways.settle(
        klass=np.minimum(reached.klass, _CUT_OFF),
        slot=np.minimum(reached.slot, _CUT_OFF),
        cell=np.minimum(reached.cell, _CUT_OFF),
    )
    cheaper_way = (flow.without > 0) & (found.klass != graph.without_cost)
    cheaper_seat = (ways.cell_flow > 0) & graph.cell_open & (found.cell < 0)
    if cheaper_way.any() or cheaper_seat.any():
        raise PlanningError("the solver's result is not the best: somebody could be seated better")
    return found


class _Ways:
    """Where one more person can go, and who can be moved on."""

    def __init__(self, graph: Graph, flow: Flow) -> None:
        self.graph = graph
        slot_flow = sum_by(graph.slot, flow.seated, len(graph.cell))
        self.cell_flow = sum_by(graph.cell, slot_flow, len(graph.cell_seats))
        self.slot_room = graph.slot_open & (slot_flow < graph.slot_seats)
        self.cell_room = graph.cell_open & (self.cell_flow < graph.cell_seats)
        self.used_arcs = np.flatnonzero(flow.seated)
        # These can give a place in their cell back to it.
        self.used_slots = np.flatnonzero(graph.slot_open & (slot_flow > 0))
        self.first_arcs = np.flatnonzero(np.diff(graph.klass, prepend=-1))

    def settle(self, klass: Ints, slot: Ints, cell: Ints) -> Prices:
        """Lower the prices until no way undercuts them (Bellman and Ford)."""
        now = Prices(klass, slot, cell)
        for _ in range(len(klass) + len(slot) + len(cell) + 1):
            lower = self._lower(now)
            if all(
                np.array_equal(before, after)
                for before, after in (
                    (now.klass, lower.klass),
                    (now.slot, lower.slot),
                    (now.cell, lower.cell),
                )
            ):
                return now
            now = lower
        raise PlanningError("the solver's result is not the best: people could swap seats")

    def _lower(self, now: Prices) -> Prices:
        graph, used = self.graph, self.used_arcs
        klass = now.klass.copy()
        if len(self.first_arcs):
            to_slot = _beyond(now.slot[graph.slot], graph.cost)
            rows = graph.klass[self.first_arcs]
            klass[rows] = np.minimum(klass[rows], np.minimum.reduceat(to_slot, self.first_arcs))
        slot = np.minimum(now.slot, np.where(self.slot_room, now.cell[graph.cell], NO_WAY))
        moved_on = _beyond(klass[graph.klass[used]], -graph.cost[used])
        np.minimum.at(slot, graph.slot[used], moved_on)
        cell = now.cell.copy()
        np.minimum.at(cell, graph.cell[self.used_slots], slot[self.used_slots])
        return Prices(klass, slot, cell)


def _beyond(price: Ints, cost: Ints) -> Ints:
    """The price before an arc of `cost`; no way stays no way."""
    return np.where(price >= _NO_WAY_YET, NO_WAY, price + cost)
