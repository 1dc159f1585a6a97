"""First prices of what is shared: those of a few sites that stand for all of them."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.app.fleet.master import Prices
from wattmesh_optimizer.app.ports import Solver
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.fleet import Shared, given_kw
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.tariffs import SiteTariff
from wattmesh_optimizer.formulation.apart import write_apart, write_shared
from wattmesh_optimizer.formulation.model import Flow

SAMPLED = 24
"""Sites that stand for all; of every cohort one at least."""


def sampled_prices(
    solver: Solver,
    problem: Problem,
    shared: Shared,
    tariffs: Sequence[SiteTariff | None],
    flows: Sequence[Flow],
    time_limit: timedelta,
) -> tuple[Prices, Floats] | None:
    """Return the prices at which some sites, each taken many times, share; None without time.

    Returns as well what cohorts exchange then [kW]. Both have shape (cohorts, intervals).

    Every sampled site of a cohort stands for as many as its cohort has for each of them, but for
    loads and sources: those of all sites are known.
    """
    indices, weights, cohorts = _sample(shared)
    apart = write_apart(problem, shared, indices, tariffs)
    program = apart.ctx.program
    own_columns, own_offset = program.column_count, program.offset
    links = write_shared(apart.ctx, problem, shared, tariffs, flows)
    rows = links.rows[cohorts[apart.net_sites], apart.net_intervals]
    program.put(rows, apart.net_columns, -weights[apart.net_sites] * apart.net_signs)
    matrix = program.matrix()
    given = _given_kw(problem, shared)
    own_given = np.array([given_kw(problem.sites[each], problem.horizon.count) for each in indices])
    np.subtract.at(given, cohorts, weights[:, None] * own_given)
    matrix.row_lower[links.rows] = matrix.row_upper[links.rows] = given
    own = matrix.cost[:own_columns].copy()
    of_site = np.repeat(np.arange(len(indices)), np.diff(apart.edges))
    matrix.cost[:own_columns] *= weights[of_site]
    found = solver.solve_linear(matrix, time_limit)
    if found is None:
        return None
    prices = found.row_duals[links.rows]
    costs = apart.by_site(own * found.values[:own_columns])
    costs += (apart.nets_kw(found.values) * prices[cohorts]).sum(axis=1)
    shared_cost = found.objective - float(weights @ costs) + program.offset - own_offset
    shared_cost -= float((prices * given).sum())
    exchanges = given.copy()
    np.add.at(exchanges, cohorts, apart.nets_kw(found.values) * weights[:, None])
    return Prices(prices, shared_cost), exchanges


def _given_kw(problem: Problem, shared: Shared) -> Floats:
    """Return what loads take and sources give, shape (cohorts, intervals) [kW]."""
    count = problem.horizon.count
    total = np.zeros((len(shared.cohorts), count))
    for number, cohort in enumerate(shared.cohorts):
        for index in cohort.indices:
            total[number] += given_kw(problem.sites[index], count)
    return total


def _sample(
    shared: Shared,
) -> tuple[list[int], NDArray[np.float64], NDArray[np.int64]]:
    """Return indices of sites, for how many each stands, and their cohorts."""
    indices: list[int] = []
    weights: list[float] = []
    cohorts: list[int] = []
    total = sum(len(cohort.indices) for cohort in shared.cohorts)
    for number, cohort in enumerate(shared.cohorts):
        size = len(cohort.indices)
        wanted = min(size, max(1, round(SAMPLED * size / total)))
        taken = np.unique(np.linspace(0, size - 1, wanted).astype(int))
        indices += [cohort.indices[each] for each in taken]
        weights += [size / len(taken)] * len(taken)
        cohorts += [number] * len(taken)
    return indices, np.array(weights), np.array(cohorts)
