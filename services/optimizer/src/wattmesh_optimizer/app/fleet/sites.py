"""The sites of a fleet, block by block: what each would do at given prices of its exchange."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.app.ports import LinearSeries, Solver
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.apart import Apart

MOST_IN_A_BLOCK = 20
"""Sites solved at once: few enough for a solver that goes on where it stopped, and to look at the
clock in between."""

LEAST_IN_A_BLOCK = 4
BLOCKS = 50
"""So many make the first round fine enough, each being told what those before it took."""


def sites_a_block(count: int) -> int:
    """Return how many of so many sites are solved at once."""
    return int(np.clip(count // BLOCKS, LEAST_IN_A_BLOCK, MOST_IN_A_BLOCK))


BALANCING_RATIO = 0.3
"""How much dearer, over the highest price, what a block's most has been taken too much of gets."""

LEAST_SPREAD = 1e-4
LEAST_SWING_KW = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """What all sites do at some prices.

    `values` by block. `nets_kw`: what each site exchanges, shape (sites, intervals).
    `costs`: what that costs each site [currency], prices left out, but all that weighs in the
    choice of a plan.
    """

    values: tuple[Floats, ...]
    nets_kw: Floats
    costs: Floats


class Block:
    """Some sites in one matrix, ready to be solved at any prices."""

    def __init__(self, solver: Solver, apart: Apart, cohort_of: NDArray[np.int64]) -> None:
        self.apart = apart
        self._solver = solver
        self._matrix = apart.ctx.program.matrix()
        self._cost = self._matrix.cost
        self._series: LinearSeries | None = None
        self._solved = False
        own = cohort_of[list(apart.indices)]
        self.in_cohort = own >= 0
        self.cohorts = own[self.in_cohort]
        cohorts = own[apart.net_sites]
        self._shares = cohorts >= 0
        self._cohorts = cohorts[self._shares]
        self._intervals = apart.net_intervals[self._shares]

    def solve(self, prices: Floats, time_limit: timedelta) -> Floats | None:
        """Return the columns' values at `prices` [currency/kW], shape (cohorts, intervals)."""
        apart, cost = self.apart, self._cost.copy()
        signed = apart.net_signs[self._shares] * prices[self._cohorts, self._intervals]
        np.add.at(cost, apart.net_columns[self._shares], signed)
        if not self._solved:  # the shortest way: perhaps there is no time for a second round
            self._solved = True
            found = self._solver.solve_linear(replace(self._matrix, cost=cost), time_limit)
            return None if found is None else found.values
        if self._series is None:
            self._series = self._solver.series(self._matrix)
        found = self._series.solve(cost, time_limit)
        return None if found is None else found.values

    def costs(self, values: Floats) -> Floats:
        """Return what values cost each site, with what weighs but costs nothing."""
        return self.apart.by_site(self._cost * values)


class FleetSites:
    """All blocks of a fleet, in the order of its sites."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        self._size = len(blocks[0].apart.indices)

    def place(self, index: int) -> tuple[int, slice]:
        """Return in which block a site is, and where its columns are there."""
        number, position = divmod(index, self._size)
        edges = self.blocks[number].apart.edges
        return number, slice(int(edges[position]), int(edges[position + 1]))

    def reply(self, prices: Floats, left: Callable[[], timedelta]) -> Reply | None:
        """Return what all sites do at `prices`; None when time ran out."""
        found: list[Floats] = []
        for block in self.blocks:
            if left() <= timedelta(0):
                return None
            values = block.solve(prices, left())
            if values is None:
                return None
            found.append(values)
        return self._reply(found)

    def balanced_reply(
        self, prices: Floats, exchanges_kw: Floats, left: Callable[[], timedelta]
    ) -> Reply | None:
        """Return what sites do near `prices` so that cohorts come near `exchanges_kw`.

        Where plans cost alike at the same prices, all sites choose the same: a thousand vehicles
        charge in one hour. So each block finds what those before it took too much of a little
        dearer. Both arrays have shape (cohorts, intervals). None when time ran out.
        """
        spread = BALANCING_RATIO * float(np.abs(prices).max(initial=0.0)) + LEAST_SPREAD
        sizes = np.zeros(len(prices))
        for block in self.blocks:
            np.add.at(sizes, block.cohorts, 1)
        done, taken, found = np.zeros(len(prices)), np.zeros_like(prices), list[Floats]()
        swing = LEAST_SWING_KW
        for block in self.blocks:
            wanted = exchanges_kw * (done / np.maximum(sizes, 1))[:, None]
            nearer = prices + spread * (taken - wanted) / swing
            values = block.solve(nearer, left()) if left() > timedelta(0) else None
            if values is None:
                return None
            found.append(values)
            np.add.at(done, block.cohorts, 1)
            nets = block.apart.nets_kw(values)[block.in_cohort]
            np.add.at(taken, block.cohorts, nets)
            swing = max(swing, float(np.abs(nets.sum(axis=0)).max(initial=0.0)))
        return self._reply(found)

    def _reply(self, found: Sequence[Floats]) -> Reply:
        pairs = list(zip(self.blocks, found, strict=True))
        return Reply(
            values=tuple(found),
            nets_kw=np.concatenate([block.apart.nets_kw(values) for block, values in pairs]),
            costs=np.concatenate([block.costs(values) for block, values in pairs]),
        )
