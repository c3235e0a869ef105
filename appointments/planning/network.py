"""All the best ways to seat people, narrowed down aim by aim.

People flow from their classes over slots and cells to an end: every flow in whole numbers is a
way to seat everybody or to leave some without a seat. Each aim finds the least sum of some costs
and then takes out of the network whatever no best flow uses. What is left are exactly the flows
that are best for all aims so far: the next aim chooses among them, and nothing is traded back.
"""

import numpy as np
from ortools.graph.python import min_cost_flow

from appointments.planning.arcs import Arcs, Seats
from appointments.planning.errors import PlanningError
from appointments.planning.prices import NO_WAY, Flow, Graph, Prices, prices
from appointments.planning.tables import ClassTable, Ints, SlotTable, sum_by


class _NotEnoughSeatsError(PlanningError):
    """Somebody must go without a seat who, so far, may not."""


class Network:
    """Of one region; classes are numbered in the order in which they are added."""

    def __init__(self, slots: SlotTable) -> None:
        self._slots = slots
        # Filled in every best flow by the classes so far: nothing there is left for others.
        self._slot_full = slots.offer == 0
        self._cell_full = slots.cell_offer == 0
        self._size = np.zeros(0, dtype=np.int64)
        self._may_go_without = np.zeros(0, dtype=bool)
        self.arcs = Arcs(*np.zeros((3, 0), dtype=np.int64))
        """Of all classes; only those that some best flow uses."""
        self.flow = np.zeros(0, dtype=np.int64)
        """By arc, people of the class seated in the slot, in one of the best ways."""

    def __len__(self) -> int:
        """Number of classes."""
        return len(self._size)

    def seats(self) -> Seats:
        """What new classes may compete for."""
        return Seats(
            slot=np.where(self._slot_full, 0, self._slots.offer),
            cell=np.where(self._cell_full, 0, self._slots.cell_offer),
        )

    def add(self, classes: ClassTable, arcs: Arcs) -> None:
        """Classes that so far have no seat."""
        arcs = arcs.select(np.argsort(arcs.klass, kind="stable"))
        self.arcs = Arcs(
            klass=np.concatenate([self.arcs.klass, len(self) + arcs.klass]),
            slot=np.concatenate([self.arcs.slot, arcs.slot]),
            cost=np.concatenate([self.arcs.cost, arcs.cost]),
        )
        self._size = np.concatenate([self._size, classes.size])
        self._may_go_without = np.concatenate(
            [self._may_go_without, np.ones(len(classes), dtype=bool)]
        )

    def seat_best(self, first: int) -> None:
        """Of the classes from `first` on as few people as possible without a seat; then the
        least total cost of their seats."""
        cost = self.arcs.cost * (self.arcs.klass >= first)
        nothing = np.zeros(len(self), dtype=np.int64)
        may_go_without = self._may_go_without.copy()
        self._may_go_without[first:] = False
        try:
            self._minimise(cost, nothing)
        except _NotEnoughSeatsError:
            self._may_go_without = may_go_without
            self._minimise(np.zeros_like(cost), np.where(np.arange(len(self)) >= first, 1, 0))
            self._minimise(self.arcs.cost * (self.arcs.klass >= first), nothing)

    def move_fewest(self, own: Ints) -> None:
        """As few people as possible in another slot than `own` (by class)."""
        moved = self.arcs.slot != own[self.arcs.klass]
        self._minimise(moved.astype(np.int64), np.zeros(len(self), dtype=np.int64))

    def part(self, first: int, end: int) -> tuple[Arcs, Ints]:
        """Arcs and flow of the classes from `first` up to `end`, numbered from 0."""
        mine = (self.arcs.klass >= first) & (self.arcs.klass < end)
        arcs = self.arcs.select(mine)
        return Arcs(arcs.klass - first, arcs.slot, arcs.cost), self.flow[mine]

    def _minimise(self, cost: Ints, without_cost: Ints) -> None:
        """Keep only the flows with the least sum of `cost` (by arc) and `without_cost` (by class).

        Raises PlanningError if the solver fails, or its flow is not proved best.
        """
        used_slots, slot = np.unique(self.arcs.slot, return_inverse=True)
        used_cells, cell = np.unique(self._slots.cell[used_slots], return_inverse=True)
        graph = Graph(
            klass=self.arcs.klass,
            slot=slot,
            cost=cost,
            size=self._size,
            without_cost=np.where(self._may_go_without, without_cost, NO_WAY),
            cell=cell,
            slot_seats=self._slots.offer[used_slots],
            cell_seats=self._slots.cell_offer[used_cells],
            slot_open=~self._slot_full[used_slots],
            cell_open=~self._cell_full[used_cells],
        )
        flow = _solve(graph)
        self.flow = flow.seated
        self._narrow(graph, prices(graph, flow), used_slots, used_cells)

    def _narrow(self, graph: Graph, price: Prices, used_slots: Ints, used_cells: Ints) -> None:
        """Take out what no best flow uses, and fix what every best flow fills."""
        self._may_go_without &= price.klass == graph.without_cost
        self._slot_full[used_slots] |= price.slot > price.cell[graph.cell]
        self._cell_full[used_cells] |= price.cell > 0
        best = graph.cost + price.slot[graph.slot] == price.klass[graph.klass]
        self.arcs, self.flow = self.arcs.select(best), self.flow[best]


def _solve(graph: Graph) -> Flow:
    """A best flow in whole numbers."""
    classes, slots, cells = len(graph.size), len(graph.cell), len(graph.cell_seats)
    first_slot, first_cell, end = classes, classes + slots, classes + slots + cells
    people = int(graph.size.sum())
    leaving = np.flatnonzero(graph.without_cost < NO_WAY)
    open_slots, open_cells = np.flatnonzero(graph.slot_open), np.flatnonzero(graph.cell_open)

    network = min_cost_flow.SimpleMinCostFlow()
    add_arcs = network.add_arcs_with_capacity_and_unit_cost
    seated = add_arcs(graph.klass, first_slot + graph.slot, graph.size[graph.klass], graph.cost)
    without = add_arcs(
        leaving, np.full(len(leaving), end), graph.size[leaving], graph.without_cost[leaving]
    )
    add_arcs(
        first_slot + open_slots,
        first_cell + graph.cell[open_slots],
        np.minimum(graph.slot_seats[open_slots], people),
        np.zeros(len(open_slots), dtype=np.int64),
    )
    add_arcs(
        first_cell + open_cells,
        np.full(len(open_cells), end),
        np.minimum(graph.cell_seats[open_cells], people),
        np.zeros(len(open_cells), dtype=np.int64),
    )
    # What is full passes on exactly its seats: they end there, and begin again where it leads.
    slot_passes = np.where(graph.slot_open, 0, graph.slot_seats)
    cell_passes = np.where(graph.cell_open, 0, graph.cell_seats)
    network.set_nodes_supplies(
        np.arange(end + 1),
        np.concatenate(
            [
                graph.size,
                -slot_passes,
                sum_by(graph.cell, slot_passes, cells) - cell_passes,
                [cell_passes.sum() - people],
            ]
        ),
    )
    status = network.solve()
    if status == network.INFEASIBLE:
        raise _NotEnoughSeatsError("not everybody can be seated")
    if status != network.OPTIMAL:
        raise PlanningError(f"the solver stopped with {status.name}")
    missing = np.zeros(classes, dtype=np.int64)
    missing[leaving] = network.flows(without)
    return Flow(seated=network.flows(seated), without=missing)
