"""From weights of offers to one sound plan of every site.

Nearly all lots have one offer with all the weight: there are no more mixed ones than what is shared
has rows that bind. The sites of mixed lots, and those whose plan breaks a rule that only binaries
hold, are planned once more together, while all others keep to theirs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.app.fleet.master import Choice
from wattmesh_optimizer.app.fleet.search import Search
from wattmesh_optimizer.app.fleet.sites import FleetSites
from wattmesh_optimizer.app.options import SolveOptions
from wattmesh_optimizer.app.ports import Solver
from wattmesh_optimizer.app.refine import refine
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.fleet import Shared, rest_of
from wattmesh_optimizer.domain.plan import Plan, SitePlan, SolveStatus
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.schedule import Schedule
from wattmesh_optimizer.domain.tariffs import SiteTariff
from wattmesh_optimizer.domain.trajectory import run_site
from wattmesh_optimizer.formulation.apart import write_apart

MOST_TOGETHER = 120
"""Sites planned once more together at most."""

ALONE_SECONDS = 1.0
"""What planning one site alone with binaries may take."""

WHOLE = 1.0 - 1e-6

Mask = NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class Chosen:
    """What every site does: `values` by block, which sites' break a rule, which are mixed."""

    sites: FleetSites
    values: list[Floats]
    nets_kw: Floats
    unsound: Mask
    mixed: Mask

    def put(self, index: int, values: Floats | None) -> None:
        """Let a site do what these values of its columns say, every rule kept; None: nothing."""
        if values is None:
            return
        number, own = self.sites.place(index)
        self.values[number][own] = values
        apart = self.sites.blocks[number].apart
        self.nets_kw[index] = apart.nets_kw(self.values[number])[apart.indices.index(index)]
        self.unsound[index] = False

    def by_physics(self, problem: Problem, index: int) -> SitePlan:
        """Return what physics makes of a site's columns."""
        number, _ = self.sites.place(index)
        apart = self.sites.blocks[number].apart
        model = apart.sites[apart.indices.index(index)]
        plan = Plan(
            horizon=problem.horizon,
            currency_code=problem.currency_code,
            sites=(model.read(self.values[number]),),
        )
        return run_site(problem.horizon, model.site, Schedule.of(plan, as_orders=True))[0]


def chosen(search: Search, choice: Choice) -> Chosen:
    """Return what the weights of a choice make of every site."""
    offers, lot_of, sites = search.master.offers, search.lot_of, search.sites
    if offers is None:
        raise ValueError("there is nothing to choose from")
    weights = np.zeros((len(search.replies), len(search.master.cohort_of)))
    own = np.maximum(choice.weights, 0.0)
    known = len(own)  # offers that came later have no weight in it
    np.add.at(weights, (offers.replies[:known], offers.lots[:known]), own)
    weights /= weights.sum(axis=0)
    mixed = weights.max(axis=0)[lot_of] < WHOLE
    shares = weights[:, lot_of]
    values, nets, unsound, first = [], [], [], 0
    for number, block in enumerate(sites.blocks):
        apart = block.apart
        parts = shares[:, first : first + len(apart.indices)]
        first += len(apart.indices)
        total = np.zeros(int(apart.edges[-1]))
        for reply, share in zip(search.replies, parts, strict=True):
            if share.any():
                total += np.repeat(share, np.diff(apart.edges)) * reply.values[number]
        values.append(total)
        nets.append(apart.nets_kw(total))
        unsound.append(apart.breakers(total))
    return Chosen(sites, values, np.concatenate(nets), np.concatenate(unsound), mixed)


class Replanned:
    """Plans some sites anew while all others keep to what was chosen."""

    def __init__(
        self,
        solver: Solver,
        problem: Problem,
        shared: Shared,
        tariffs: Sequence[SiteTariff | None],
        together: Callable[[Problem, SolveOptions], Plan],
    ) -> None:
        self._solver = solver
        self._problem = problem
        self._shared = shared
        self._tariffs = tariffs
        self._together = together

    def alone(
        self, index: int, prices: Floats | None, gap_ratio: float, left: Callable[[], timedelta]
    ) -> Floats | None:
        """Return the sound optimum of one site at prices of its exchange: its columns' values."""
        apart = write_apart(self._problem, self._shared, [index], self._tariffs)
        program, columns = apart.ctx.program, apart.ctx.program.column_count
        if prices is not None:
            signed = apart.net_signs * prices[apart.net_intervals]
            program.prefer_less(apart.net_columns, signed)
        found = self._solver.solve_linear(program.matrix(), left())

        def briefly() -> timedelta:
            return min(left(), timedelta(seconds=ALONE_SECONDS))

        refined = refine(self._solver, apart.ctx, found, gap_ratio, briefly, briefly)
        if refined.values is None or not refined.sound:
            return None
        return refined.values[:columns]

    def together(
        self, indices: Sequence[int], nets_kw: Floats, options: SolveOptions
    ) -> dict[int, SitePlan]:
        """Return plans of these sites by index; none where there was no time for good ones."""
        taken = np.zeros(len(nets_kw), dtype=np.bool_)
        taken[list(indices)] = True
        others = []
        for cohort in self._shared.cohorts:
            own = np.array(cohort.indices)
            others.append(nets_kw[own[~taken[own]]].sum(axis=0))
        rest = rest_of(self._problem, self._shared, indices, others)
        plan = self._together(rest, replace(options, explain=False))
        if plan.solver is None or plan.solver.status is SolveStatus.FALLBACK:
            return {}
        return dict(zip(indices, plan.sites, strict=False))
