"""A solver that waits: how much time is left is somebody else's clock."""

from datetime import timedelta

from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.adapters.series import GlopSeries
from wattmesh_optimizer.app.ports import Basis, LinearSolution
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.program import Matrix

LONG = timedelta(seconds=1_000)


class PatientSeries(GlopSeries):
    """A series that ends when it is done."""

    def solve(self, cost: Floats, time_limit: timedelta) -> LinearSolution | None:
        """Solve to the end."""
        return super().solve(cost, LONG)


class PatientSolver(OrToolsSolver):
    """A solver that ends when it is done, with linear programmes."""

    def solve_linear(
        self,
        matrix: Matrix,
        time_limit: timedelta,
        start: Basis | None = None,
        *,
        keep_basis: bool = False,
    ) -> LinearSolution | None:
        """Solve to the end."""
        return super().solve_linear(matrix, LONG, start, keep_basis=keep_basis)

    def series(self, matrix: Matrix) -> PatientSeries:
        """Return a series that ends when it is done."""
        return PatientSeries(matrix)
