"""OR-Tools behind the solver port, through MathOpt.

The model is a protobuf whose packed fields are filled from arrays in bulk: no Python object per
variable. Linear programmes go to GLOP, on a shorter way where no basis is given or worth keeping.
Mixed-integer ones go to SCIP, with the linear solution as a hint: it ends within a moment on most.
Those on which it does not go to HiGHS, which finds far better plans of them; what time is left
after that is SCIP's again.
"""

import logging
import time
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version

import numpy as np
from ortools.glop import parameters_pb2 as glop_pb2
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    parameters_pb2,
    result_pb2,
)
from ortools.math_opt.core.python import solver as math_opt
from pybind11_abseil.status import StatusNotOk

from wattmesh_optimizer.adapters.basis import consistent_basis
from wattmesh_optimizer.adapters.matrices import check_matrix, math_opt_model
from wattmesh_optimizer.adapters.series import GlopSeries
from wattmesh_optimizer.adapters.short import REFACTORIZATION_PERIOD, SMALL_ENTRIES, solve_shortly
from wattmesh_optimizer.app.ports import Basis, IntegerSolution, LinearSolution
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.program import Matrix

log = logging.getLogger(__name__)

LEAST_TIME = timedelta(milliseconds=1)

SCIP_SHARE = 0.2
"""The part of the time that SCIP has at first."""

HIGHS_SHARE = 0.8
"""The part of the time left that HiGHS has then."""

DANTZIG = glop_pb2.GlopParameters.DANTZIG
"""The rule by which columns enter a basis: 0.4 to 1.0 times the time of weighing their edges."""

_SCIP = parameters_pb2.SOLVER_TYPE_GSCIP
_HIGHS = parameters_pb2.SOLVER_TYPE_HIGHS


class OrToolsSolver:
    """Solves matrices with OR-Tools; holds no state, so threads may share it."""

    def __init__(self, scip_share: float = SCIP_SHARE) -> None:
        self.name = f"OR-Tools {version('ortools')} (GLOP, SCIP, HiGHS)"
        self._scip_share = scip_share

    def solve_linear(
        self,
        matrix: Matrix,
        time_limit: timedelta,
        start: Basis | None = None,
        *,
        keep_basis: bool = False,
    ) -> LinearSolution | None:
        """Solve with GLOP; None when time ran out.

        Without presolve: these matrices hold little to presolve away, and without it a basis fits.
        By Dantzig's rule: most columns cost by the same few prices, and weighing edges takes longer
        than the steps that it saves. Should the solver stumble over the numbers, presolve, the
        usual rules and a fresh start may help it.
        Error: InvalidArgument for numbers that are too far apart.
        """
        check_matrix(matrix)
        ends_at = time.monotonic() + max(time_limit, LEAST_TIME).total_seconds()
        if start is None and not (keep_basis and len(matrix.entry_values) > SMALL_ENTRIES):
            found = solve_shortly(matrix, _until(ends_at))
            if found is not None:
                return found
        parameters = parameters_pb2.SolveParametersProto(
            presolve=parameters_pb2.EMPHASIS_OFF,
            glop=glop_pb2.GlopParameters(
                feasibility_rule=DANTZIG,
                optimization_rule=DANTZIG,
                dynamically_adjust_refactorization_period=False,
                basis_refactorization_period=REFACTORIZATION_PERIOD,
            ),
        )
        parameters.time_limit.FromTimedelta(_until(ends_at))
        more = model_parameters_pb2.ModelSolveParametersProto()
        if start is not None:
            _put_basis(more, consistent_basis(matrix, start))
        result = _solve(matrix, parameters_pb2.SOLVER_TYPE_GLOP, parameters, more)
        if result is None or _stumbled(result):
            parameters.presolve = parameters_pb2.EMPHASIS_UNSPECIFIED
            parameters.ClearField("glop")
            parameters.time_limit.FromTimedelta(_until(ends_at))
            more.ClearField("initial_basis")
            result = _solve(matrix, parameters_pb2.SOLVER_TYPE_GLOP, parameters, more)
        if result is None or result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            return None
        return _linear_solution(result)

    def series(self, matrix: Matrix) -> GlopSeries:
        """Return the matrix in GLOP, to be solved at many costs."""
        return GlopSeries(matrix)

    def solve_integer(
        self, matrix: Matrix, hint: Floats, gap_ratio: float, time_limit: timedelta
    ) -> IntegerSolution | None:
        """Solve with SCIP from `hint`, and with HiGHS where SCIP does not end soon.

        None without a solution in time. Error: InvalidArgument for numbers that are too far apart.
        """
        check_matrix(matrix)
        limit = max(time_limit, LEAST_TIME)
        ends_at = time.monotonic() + limit.total_seconds()
        found: IntegerSolution | None = None
        for kind, share in ((_SCIP, self._scip_share), (_HIGHS, HIGHS_SHARE), (_SCIP, 1.0)):
            left = _until(ends_at)
            if share <= 0 or left <= LEAST_TIME or _proven(found, gap_ratio):
                continue
            tried = _solve_integer(kind, matrix, hint, gap_ratio, share * left)
            found = _better(found, tried)
        return found


def _solve_integer(
    kind: parameters_pb2.SolverTypeProto.ValueType,
    matrix: Matrix,
    hint: Floats,
    gap_ratio: float,
    time_limit: timedelta,
) -> IntegerSolution | None:
    parameters = parameters_pb2.SolveParametersProto(relative_gap_tolerance=gap_ratio)
    parameters.time_limit.FromTimedelta(max(time_limit, LEAST_TIME))
    more = model_parameters_pb2.ModelSolveParametersProto()
    if kind == _SCIP:  # HiGHS takes no hints here
        values = more.solution_hints.add().variable_values
        values.ids.extend(range(len(hint)))
        values.values.extend(hint.tolist())
    result = _solve(matrix, kind, parameters, more)
    return None if result is None else _integer_solution(result)


def _proven(found: IntegerSolution | None, gap_ratio: float) -> bool:
    if found is None:
        return False
    allowed = max(gap_ratio * abs(found.objective), 1e-9) * (1 + 1e-6)
    return found.objective - found.bound <= allowed


def _better(
    first: IntegerSolution | None, second: IntegerSolution | None
) -> IntegerSolution | None:
    """Return the cheaper solution with the better of both bounds."""
    if first is None or second is None:
        return first or second
    cheaper = first if first.objective <= second.objective else second
    return replace(cheaper, bound=max(first.bound, second.bound))


def _solve(
    matrix: Matrix,
    kind: parameters_pb2.SolverTypeProto.ValueType,
    parameters: parameters_pb2.SolveParametersProto,
    more: model_parameters_pb2.ModelSolveParametersProto,
) -> result_pb2.SolveResultProto | None:
    """Return what the solver found; None where it gave up on the numbers, which it raises."""
    try:
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
    except StatusNotOk as error:
        log.warning("a solver gave up: %s", error)
        return None
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
