"""Other exact solvers for one tier: the same arcs in, the same best total out, other seconds.

Each returns the people per arc such that the fewest go without a seat, then at the least cost.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
from ortools.linear_solver.python import model_builder

from appointments.planning.arcs import Arcs, Seats
from appointments.planning.tables import ClassTable, Ints, SlotTable


def network_simplex(classes: ClassTable, slots: SlotTable, arcs: Arcs, seats: Seats) -> Ints:
    """networkx, pure Python: a circulation with an arc for those without a seat."""
    price = _price_of_no_seat(classes, arcs)
    graph = nx.DiGraph()
    graph.add_node("end", demand=int(classes.size.sum()))
    for row, size in enumerate(classes.size.tolist()):
        graph.add_node(("class", row), demand=-size)
        graph.add_edge(("class", row), "end", weight=price)
    triples = list(zip(arcs.klass.tolist(), arcs.slot.tolist(), arcs.cost.tolist(), strict=True))
    for klass, slot, cost in triples:
        graph.add_edge(("class", klass), ("slot", slot), weight=cost)
    for slot in {slot for _, slot, _ in triples}:
        cell = int(slots.cell[slot])
        graph.add_edge(("slot", slot), ("cell", cell), capacity=int(seats.slot[slot]))
        graph.add_edge(("cell", cell), "end", capacity=int(seats.cell[cell]))
    _, flow = nx.network_simplex(graph)
    return np.array(
        [flow["class", klass]["slot", slot] for klass, slot, _ in triples], dtype=np.int64
    )


def highs(classes: ClassTable, slots: SlotTable, arcs: Arcs, seats: Seats) -> Ints:
    """HiGHS as a linear program; its corners are whole numbers, as the matrix is a network's."""
    model = model_builder.Model()
    helper = model.helper
    helper.set_maximize(False)
    price = _price_of_no_seat(classes, arcs)
    rows = {
        kind: [_row(helper, largest) for largest in limits.tolist()]
        for kind, limits in (("class", classes.size), ("slot", seats.slot), ("cell", seats.cell))
    }
    cell = slots.cell[arcs.slot].tolist()
    columns = zip(arcs.klass.tolist(), arcs.slot.tolist(), cell, arcs.cost.tolist(), strict=True)
    for klass, slot, cell_row, cost in columns:
        column = helper.add_var()
        helper.set_var_lower_bound(column, 0)
        # Every seat given saves the price of none.
        helper.set_var_objective_coefficient(column, cost - price)
        helper.add_term_to_constraint(rows["class"][klass], column, 1)
        helper.add_term_to_constraint(rows["slot"][slot], column, 1)
        helper.add_term_to_constraint(rows["cell"][cell_row], column, 1)
    solver = model_builder.Solver("HIGHS_LP")
    with _silenced():
        status = solver.solve(model)
    if status != model_builder.SolveStatus.OPTIMAL:
        raise RuntimeError(f"HiGHS stopped with {status}")
    values = solver.values(model.get_variables()).to_numpy()
    flows: Ints = np.rint(values).astype(np.int64)
    if np.abs(values - flows).max(initial=0) > 1e-6:
        raise RuntimeError("HiGHS ended between whole numbers")
    return flows


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """HiGHS prints its version past Python."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _row(helper: model_builder.mbh.ModelBuilderHelper, largest: int) -> int:
    row: int = helper.add_linear_constraint()
    helper.set_constraint_lower_bound(row, 0)
    helper.set_constraint_upper_bound(row, largest)
    return row


def _price_of_no_seat(classes: ClassTable, arcs: Arcs) -> int:
    """More than all seats together can cost, so that one more person placed always pays."""
    return int(classes.size.sum() * np.abs(arcs.cost).max(initial=0)) + 1
