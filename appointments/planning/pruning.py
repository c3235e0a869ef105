"""Leaves out seats that nobody will be given, because cheaper ones cannot run out.

Take the cheapest slots of a class until they hold as many people as could ever compete for them.
In a best plan nobody of the class sits elsewhere, at more cost: one of these has a seat free. So
dearer arcs may be left out, and the plan stays exact; it is only found sooner.
"""

import numpy as np

from appointments.planning.arcs import Arcs, Seats
from appointments.planning.problem import QUOTAS
from appointments.planning.tables import ClassTable, Ints, Tables, sum_by

_NORMAL = QUOTAS.index("normal")


class Crowd:
    """The people of one region who compete for seats, as tier after tier joins them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        centres = len(tables.km)
        self._takers = np.zeros((centres, len(QUOTAS)), dtype=np.int64)
        """By own centre and quota: people who may take seats of the quota."""
        near = (tables.km <= tables.policy.max_km).astype(np.int64)
        self._share_a_centre = (near @ near) > 0

    def join(self, classes: ClassTable) -> None:
        own_group = self._tables.slots.group[classes.own]
        own_centre = self._tables.slots.centre[classes.own]
        takers = self._takers.reshape(-1)
        np.add.at(takers, own_group, classes.size)
        also_normal = classes.service_tatkaal & (own_group % len(QUOTAS) != _NORMAL)
        normal_group = own_centre[also_normal] * len(QUOTAS) + _NORMAL
        np.add.at(takers, normal_group, classes.size[also_normal])

    def rivals(self, classes: ClassTable) -> Ints:
        """By class, no fewer than the people (its own too) who may take a seat it may take."""
        takers = self._share_a_centre.astype(np.int64) @ self._takers
        own_centre = self._tables.slots.centre[classes.own]
        own_quota = self._tables.slots.group[classes.own] % len(QUOTAS)
        also_normal = classes.service_tatkaal & (own_quota != _NORMAL)
        rivals: Ints = takers[own_centre, own_quota] + takers[own_centre, _NORMAL] * also_normal
        return rivals


def cheapest_enough(tables: Tables, arcs: Arcs, seats: Seats, rivals: Ints) -> Arcs:
    """The arcs that a best plan may use; `rivals` by class."""
    if not len(arcs.klass):
        return arcs
    arcs = arcs.select(np.lexsort((arcs.cost, arcs.klass)))
    first = np.flatnonzero(np.diff(arcs.klass, prepend=-1))
    arcs_of_class = np.diff(first, append=len(arcs.klass))
    holds = _sure_seats(tables, seats)[arcs.slot]
    cheaper = np.cumsum(holds) - holds
    cheaper -= np.repeat(cheaper[first], arcs_of_class)
    needed = cheaper < rivals[arcs.klass]
    # Equally dear ones stay, as another aim may decide between them.
    dearest = np.maximum.reduceat(np.where(needed, arcs.cost, np.iinfo(np.int64).min), first)
    return arcs.select(arcs.cost <= np.repeat(dearest, arcs_of_class))


def _sure_seats(tables: Tables, seats: Seats) -> Ints:
    """By slot, seats that it can offer even if its cell is used up evenly."""
    cell = tables.slots.cell
    in_cell = sum_by(cell, seats.slot, len(seats.cell))[cell]
    of_cell = np.minimum(seats.cell[cell], in_cell)
    sure: Ints = seats.slot * of_cell // np.maximum(in_cell, 1)
    return sure
