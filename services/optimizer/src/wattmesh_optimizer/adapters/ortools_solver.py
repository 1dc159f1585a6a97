"""OR-Tools behind the solver port, through MathOpt.

The model is a protobuf whose packed fields are filled from arrays in bulk: no Python object per
variable. Linear programmes go to GLOP, small ones on a shorter way, others from a given basis where
there is one; mixed-integer ones go to SCIP, with the linear solution as a hint.
"""

import time
from datetime import timedelta
from importlib.metadata import version

import numpy as np
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    parameters_pb2,
    result_pb2,
)
from ortools.math_opt.core.python import solver as math_opt

from wattmesh_optimizer.adapters.basis import consistent_basis
from wattmesh_optimizer.adapters.matrices import math_opt_model
from wattmesh_optimizer.adapters.small import SMALL_ENTRIES, solve_small
from wattmesh_optimizer.app.ports import Basis, IntegerSolution, LinearSolution
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.program import Matrix

LEAST_TIME = timedelta(milliseconds=1)


class OrToolsSolver:
    """Solves matrices with OR-Tools; holds no state, so threads may share it."""

    def __init__(self) -> None:
        self.name = f"OR-Tools {version('ortools')} (GLOP, SCIP)"

    def solve_linear(
        self, matrix: Matrix, time_limit: timedelta, start: Basis | None = None
    ) -> LinearSolution | None:
        """Solve with GLOP; None when time ran out.

        Without presolve: these matrices hold little to presolve away, and without it a basis fits.
        Should the solver stumble over the numbers, presolve and a fresh start may help it.
        """
        ends_at = time.monotonic() + max(time_limit, LEAST_TIME).total_seconds()
        if start is None and len(matrix.entry_values) <= SMALL_ENTRIES:
            found = solve_small(matrix, _until(ends_at))
            if found is not None:
                return found
        parameters = parameters_pb2.SolveParametersProto(presolve=parameters_pb2.EMPHASIS_OFF)
        parameters.time_limit.FromTimedelta(_until(ends_at))
        more = model_parameters_pb2.ModelSolveParametersProto()
        if start is not None:
            _put_basis(more, consistent_basis(matrix, start))
        result = _solve(matrix, parameters_pb2.SOLVER_TYPE_GLOP, parameters, more)
        if _stumbled(result):
            parameters.presolve = parameters_pb2.EMPHASIS_UNSPECIFIED
            parameters.time_limit.FromTimedelta(_until(ends_at))
            more.ClearField("initial_basis")
            result = _solve(matrix, parameters_pb2.SOLVER_TYPE_GLOP, parameters, more)
        if result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            return None
        return _linear_solution(result)

    def solve_integer(
        self, matrix: Matrix, hint: Floats, gap_ratio: float, time_limit: timedelta
    ) -> IntegerSolution | None:
        """Solve with SCIP, starting from `hint`; None without a solution in time."""
        parameters = parameters_pb2.SolveParametersProto(relative_gap_tolerance=gap_ratio)
        parameters.time_limit.FromTimedelta(max(time_limit, LEAST_TIME))
        more = model_parameters_pb2.ModelSolveParametersProto()
        values = more.solution_hints.add().variable_values
        values.ids.extend(range(len(hint)))
        values.values.extend(hint.tolist())
        result = _solve(matrix, parameters_pb2.SOLVER_TYPE_GSCIP, parameters, more)
        return _integer_solution(result)


def _solve(
    matrix: Matrix,
    kind: parameters_pb2.SolverTypeProto.ValueType,
    parameters: parameters_pb2.SolveParametersProto,
    more: model_parameters_pb2.ModelSolveParametersProto,
) -> result_pb2.SolveResultProto:
    result: result_pb2.SolveResultProto = math_opt.solve(
        math_opt_model(matrix),
        kind,
        parameters_pb2.SolverInitializerProto(),
        parameters,
        more,
        None,
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )
    return result


def _until(ends_at: float) -> timedelta:
    """Return the time until a reading of the clock, at least a moment."""
    return max(timedelta(seconds=ends_at - time.monotonic()), LEAST_TIME)


def _stumbled(result: result_pb2.SolveResultProto) -> bool:
    """Return whether the solver gave up without an optimum although there was time."""
    end = result.termination
    optimal = end.reason == result_pb2.TERMINATION_REASON_OPTIMAL
    return not (optimal or end.limit == result_pb2.LIMIT_TIME)


def _put_basis(more: model_parameters_pb2.ModelSolveParametersProto, basis: Basis) -> None:
    for part, statuses in (
        (more.initial_basis.variable_status, basis.columns),
        (more.initial_basis.constraint_status, basis.rows),
    ):
        part.ids.extend(range(len(statuses)))
        part.values.extend(statuses.tolist())


def _linear_solution(result: result_pb2.SolveResultProto) -> LinearSolution:
    solution = result.solutions[0]
    primal, dual = solution.primal_solution, solution.dual_solution
    return LinearSolution(
        values=np.array(primal.variable_values.values),
        objective=primal.objective_value,
        row_duals=np.array(dual.dual_values.values),
        reduced_costs=np.array(dual.reduced_costs.values),
        basis=Basis(
            np.array(solution.basis.variable_status.values, dtype=np.int32),
            np.array(solution.basis.constraint_status.values, dtype=np.int32),
        ),
    )


def _integer_solution(result: result_pb2.SolveResultProto) -> IntegerSolution | None:
    if not result.solutions or not result.solutions[0].HasField("primal_solution"):
        return None
    primal = result.solutions[0].primal_solution
    return IntegerSolution(
        values=np.array(primal.variable_values.values),
        objective=primal.objective_value,
        bound=result.termination.objective_bounds.dual_bound,
    )
