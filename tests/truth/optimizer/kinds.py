"""What is held against the truth: a name, and random cases of it."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator as Random

from tests.truth.optimizer import electrical, money, runs, thermal, vehicles
from tests.truth.optimizer.home import Case
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan

KINDS: dict[str, Callable[[Random], Case]] = {
    each.__name__: each
    for each in (
        electrical.renewable,
        electrical.battery,
        electrical.battery_by_charge,
        electrical.generator,
        vehicles.vehicle,
        vehicles.vehicle_to_grid,
        thermal.zone,
        thermal.tank,
        runs.profile_run,
        runs.interruptible_run,
        money.demand_charge,
        money.tiers,
        money.carbon,
        money.group,
        money.netted_group,
    )
}
TOLERANCE = 2e-5
"""Of a cost, and of 1: what solvers call equal, and roundings of theirs in decisions."""


def error_of(kind: str, seed: int, solve: SolvePlan) -> tuple[float, float]:
    """Return by how much a plan costs more than the truth, and the truth."""
    case = KINDS[kind](np.random.default_rng([seed, list(KINDS).index(kind)]))
    plan = solve(case.problem, SolveOptions(gap_ratio=1e-6))
    return case.error(plan), case.least


def holds(error: float, least: float) -> bool:
    """Return whether a plan costs what the best one costs, no less and no more."""
    return abs(error) <= TOLERANCE * (1.0 + abs(least))
