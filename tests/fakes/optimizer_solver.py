"""A solver that runs out of time, or out of luck, when told to."""

from datetime import timedelta

from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.ports import Basis, IntegerSolution, LinearSeries, LinearSolution
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.program import Matrix


class TiredSolver:
    """The real solver, except that it finds nothing where `linear` or `integer` is False."""

    def __init__(self, *, linear: bool = True, integer: bool = True) -> None:
        self.name = "tired"
        self._linear, self._integer = linear, integer
        self._solver = OrToolsSolver()
        self.starts: list[Basis | None] = []
        """What each linear solve was given to start from."""
        self.time_limits: list[timedelta] = []
        """What each linear solve was given in time."""

    def solve_linear(
        self,
        matrix: Matrix,
        time_limit: timedelta,
        start: Basis | None = None,
        *,
        keep_basis: bool = False,
    ) -> LinearSolution | None:
        """Solve, or find nothing in time."""
        self.starts.append(start)
        self.time_limits.append(time_limit)
        if not self._linear:
            return None
        return self._solver.solve_linear(matrix, time_limit, start, keep_basis=keep_basis)

    def series(self, matrix: Matrix) -> LinearSeries:
        """Solve as OR-Tools does, as often as wanted."""
        return self._solver.series(matrix)

    def solve_integer(
        self, matrix: Matrix, hint: Floats, gap_ratio: float, time_limit: timedelta
    ) -> IntegerSolution | None:
        """Solve, or find nothing in time."""
        if not self._integer:
            return None
        return self._solver.solve_integer(matrix, hint, gap_ratio, time_limit)
