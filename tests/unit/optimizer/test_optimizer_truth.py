"""Plans cost what an independent formulation of the same problem costs at best."""

import pytest

from tests.truth.optimizer.kinds import KINDS, error_of, holds
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.solve import SolvePlan


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_costs_what_the_best_one_costs(kind: str) -> None:
    solve = SolvePlan(OrToolsSolver())
    for seed in range(2):
        error, least = error_of(kind, seed, solve)
        assert holds(error, least), f"seed {seed}: {error} more than {least}"
