"""What the use cases need from outside."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.program import Matrix


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LinearSolution:
    """Optimum of a linear programme; duals are costs per unit of a row's or column's bound."""

    values: Floats
    objective: float
    row_duals: Floats
    reduced_costs: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class IntegerSolution:
    """Best integer solution found; `bound`: no solution is cheaper."""

    values: Floats
    objective: float
    bound: float


class Solver(Protocol):
    """Solves matrices."""

    @property
    def name(self) -> str:
        """Name and version, for the plan."""

    def solve_linear(self, matrix: Matrix, time_limit: timedelta) -> LinearSolution | None:
        """Return the optimum, integrality left out; None when time ran out first."""

    def solve_integer(
        self, matrix: Matrix, hint: Floats, gap_ratio: float, time_limit: timedelta
    ) -> IntegerSolution | None:
        """Return the best solution found in time, starting from `hint`; None without any."""
