"""OR-Tools behind the solver port.

Linear programmes go as numpy arrays, in one call, to GLOP: no protobuf and no object per variable
in Python. Mixed-integer programmes go as a MathOpt model, whose bulk fields are filled from the
same arrays, to HiGHS.
"""

from datetime import timedelta
from importlib.metadata import version
from typing import Any

import numpy as np
import scipy.sparse
from ortools.linear_solver.python import model_builder_helper as helper
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    parameters_pb2,
    result_pb2,
    sparse_containers_pb2,
)
from ortools.math_opt.core.python import solver as math_opt

from wattmesh_optimizer.app.ports import IntegerSolution, LinearSolution
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.program import Matrix


class OrToolsSolver:
    """Solves matrices with OR-Tools; holds no state, so threads may share it."""

    def __init__(self) -> None:
        self.name = f"OR-Tools {version('ortools')} (GLOP, HiGHS)"

    def solve_linear(self, matrix: Matrix, time_limit: timedelta) -> LinearSolution | None:
        """Solve with GLOP; None when time ran out."""
        model = helper.ModelBuilderHelper()
        model.fill_model_from_sparse_data(
            _vector(matrix.column_lower),
            _vector(matrix.column_upper),
            _vector(matrix.cost),
            _vector(matrix.row_lower),
            _vector(matrix.row_upper),
            rows_of(matrix),
        )
        solver = helper.ModelSolverHelper("GLOP")
        solver.set_time_limit_in_seconds(max(time_limit.total_seconds(), 0.001))
        solver.solve(model)
        if solver.status() != helper.SolveStatus.OPTIMAL:
            return None
        return LinearSolution(
            values=np.asarray(solver.variable_values(), dtype=np.float64),
            objective=solver.objective_value(),
            row_duals=np.asarray(solver.dual_values(), dtype=np.float64),
            reduced_costs=np.asarray(solver.reduced_costs(), dtype=np.float64),
        )

    def solve_integer(
        self, matrix: Matrix, hint: Floats, gap_ratio: float, time_limit: timedelta
    ) -> IntegerSolution | None:
        """Solve with HiGHS, starting from `hint`; None without a solution in time."""
        parameters = parameters_pb2.SolveParametersProto(relative_gap_tolerance=gap_ratio)
        parameters.time_limit.FromTimedelta(max(time_limit, timedelta(milliseconds=1)))
        model_parameters = model_parameters_pb2.ModelSolveParametersProto()
        result = math_opt.solve(
            _math_opt_model(matrix),
            parameters_pb2.SOLVER_TYPE_HIGHS,
            parameters_pb2.SolverInitializerProto(),
            parameters,
            model_parameters,
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )
        return _integer_solution(result)


def _vector(values: Floats) -> Any:
    """Return the array as the solver's stub, older than numpy's shape types, wants it."""
    return values


def rows_of(matrix: Matrix) -> scipy.sparse.csr_matrix:
    """Return the matrix row-wise."""
    return scipy.sparse.csr_matrix(
        (matrix.entry_values, (matrix.entry_rows, matrix.entry_columns)),
        shape=(matrix.row_count, matrix.column_count),
    )


def _math_opt_model(matrix: Matrix) -> model_pb2.ModelProto:
    rows = rows_of(matrix)
    model = model_pb2.ModelProto()
    model.variables.ids.extend(range(matrix.column_count))
    model.variables.lower_bounds.extend(matrix.column_lower.tolist())
    model.variables.upper_bounds.extend(matrix.column_upper.tolist())
    model.variables.integers.extend(matrix.integer.tolist())
    priced = np.flatnonzero(matrix.cost)
    model.objective.linear_coefficients.ids.extend(priced.tolist())
    model.objective.linear_coefficients.values.extend(matrix.cost[priced].tolist())
    model.linear_constraints.ids.extend(range(matrix.row_count))
    model.linear_constraints.lower_bounds.extend(matrix.row_lower.tolist())
    model.linear_constraints.upper_bounds.extend(matrix.row_upper.tolist())
    entries: sparse_containers_pb2.SparseDoubleMatrixProto = model.linear_constraint_matrix
    entries.row_ids.extend(np.repeat(np.arange(matrix.row_count), np.diff(rows.indptr)).tolist())
    entries.column_ids.extend(rows.indices.tolist())
    entries.coefficients.extend(rows.data.tolist())
    return model


def _integer_solution(result: result_pb2.SolveResultProto) -> IntegerSolution | None:
    if not result.solutions or not result.solutions[0].HasField("primal_solution"):
        return None
    primal = result.solutions[0].primal_solution
    bounds = result.termination.objective_bounds
    return IntegerSolution(
        values=np.array(primal.variable_values.values),
        objective=primal.objective_value,
        bound=bounds.dual_bound,
    )
