"""A bare HiGHS solve of a matrix: what the optimizer's own time is compared with."""

from datetime import timedelta

import highspy
import numpy as np

from wattmesh_optimizer.adapters.matrices import rows_of
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.ports import Basis, IntegerSolution, LinearSolution
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.program import Matrix


class RecordingSolver(OrToolsSolver):
    """The solver, remembering the matrix that decides: the last mixed-integer one, if any."""

    def __init__(self) -> None:
        super().__init__()
        self.last: Matrix | None = None

    def solve_linear(
        self,
        matrix: Matrix,
        time_limit: timedelta,
        start: Basis | None = None,
        *,
        keep_basis: bool = False,
    ) -> LinearSolution | None:
        """Solve and remember."""
        if self.last is None:
            self.last = matrix
        return super().solve_linear(matrix, time_limit, start, keep_basis=keep_basis)

    def solve_integer(
        self, matrix: Matrix, hint: Floats, gap_ratio: float, time_limit: timedelta
    ) -> IntegerSolution | None:
        """Solve and remember."""
        self.last = matrix
        return super().solve_integer(matrix, hint, gap_ratio, time_limit)


def highs_model(matrix: Matrix) -> highspy.HighsLp:
    """Return the matrix as HiGHS takes it; not part of what is measured."""
    rows, model = rows_of(matrix), highspy.HighsLp()
    model.num_col_, model.num_row_ = matrix.column_count, matrix.row_count
    model.col_cost_ = matrix.cost
    model.col_lower_, model.col_upper_ = matrix.column_lower, matrix.column_upper
    model.row_lower_, model.row_upper_ = matrix.row_lower, matrix.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = rows.indptr
    model.a_matrix_.index_ = rows.indices
    model.a_matrix_.value_ = rows.data
    if matrix.integer.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        model.integrality_ = [kinds[int(each)] for each in matrix.integer]
    return model


def solve_bare(model: highspy.HighsLp, gap_ratio: float) -> float:
    """Solve with HiGHS on one thread and return the objective."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("mip_rel_gap", gap_ratio)
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return float(np.nan)
    return float(solver.getObjectiveValue())
