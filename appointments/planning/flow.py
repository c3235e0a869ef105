"""The exact optimum of one tier: a min-cost flow from classes over slots and cells."""

import numpy as np
from ortools.graph.python import min_cost_flow

from appointments.planning.arcs import Arcs, Seats
from appointments.planning.errors import PlanningError
from appointments.planning.tables import ClassTable, Ints, SlotTable

# OR-tools multiplies costs by the number of nodes; beyond this product it may overflow.
_LARGEST_SCALED_COST = 2**62


def place(classes: ClassTable, slots: SlotTable, arcs: Arcs, seats: Seats) -> Ints:
    """People per arc such that the fewest go without a seat and, of those, at the least cost.

    Of equally good solutions one in which the fewest people leave their own slot.
    Raises PlanningError if the solver does not reach the optimum.
    """
    if not len(arcs.klass):
        return np.zeros(0, dtype=np.int64)
    used_slots, slot_node = np.unique(arcs.slot, return_inverse=True)
    used_cells, cell_node = np.unique(slots.cell[used_slots], return_inverse=True)
    slot_base = len(classes)
    cell_base = slot_base + len(used_slots)
    sink = cell_base + len(used_cells)

    people = int(classes.size.sum())
    network = min_cost_flow.SimpleMinCostFlow()
    taking = network.add_arcs_with_capacity_and_unit_cost(
        arcs.klass,
        slot_base + slot_node,
        classes.size[arcs.klass],
        _with_ties_broken(arcs, classes, people, nodes=sink + 1),
    )
    network.add_arcs_with_capacity_and_unit_cost(
        slot_base + np.arange(len(used_slots)),
        cell_base + cell_node,
        np.minimum(seats.slot[used_slots], people),
        np.zeros(len(used_slots), dtype=np.int64),
    )
    network.add_arcs_with_capacity_and_unit_cost(
        cell_base + np.arange(len(used_cells)),
        np.full(len(used_cells), sink),
        np.minimum(seats.cell[used_cells], people),
        np.zeros(len(used_cells), dtype=np.int64),
    )
    network.set_nodes_supplies(np.arange(len(classes)), classes.size)
    network.set_node_supply(sink, -people)
    # The largest possible flow first, then the least cost: fewest unplaced needs no big number.
    status = network.solve_max_flow_with_min_cost()
    if status != network.OPTIMAL:
        raise PlanningError(f"the solver stopped with {status.name}")
    flows: Ints = network.flows(taking)
    return flows


def _with_ties_broken(arcs: Arcs, classes: ClassTable, people: int, nodes: int) -> Ints:
    """Costs so stretched that the number of people moved decides between equal sums, only.

    Left alone where the stretched numbers would be too large for the solver.
    """
    stretch = people + 1
    if stretch * (int(np.abs(arcs.cost).max()) + 1) * nodes > _LARGEST_SCALED_COST:
        return arcs.cost
    moved = arcs.slot != classes.own[arcs.klass]
    return arcs.cost * stretch + moved
