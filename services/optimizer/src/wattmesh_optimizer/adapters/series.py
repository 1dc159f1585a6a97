"""A linear programme that is solved again and again: GLOP goes on where it stopped.

Of a thousand homes a first solve takes 0.18 s, one at other prices 0.08 s.
"""

from datetime import timedelta

import numpy as np
from ortools.glop import parameters_pb2 as glop_pb2
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_update_pb2,
    parameters_pb2,
    result_pb2,
)
from ortools.math_opt.core.python import solver as math_opt

from wattmesh_optimizer.adapters.matrices import check_matrix, math_opt_model
from wattmesh_optimizer.app.ports import LinearSolution
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.program import Ints, Matrix

_DANTZIG = glop_pb2.GlopParameters.DANTZIG


class GlopSeries:
    """One matrix in the solver, with the prices it had last."""

    def __init__(self, matrix: Matrix) -> None:
        check_matrix(matrix)
        self._cost = matrix.cost.copy()
        self._solver = math_opt.new(
            parameters_pb2.SOLVER_TYPE_GLOP,
            math_opt_model(matrix),
            parameters_pb2.SolverInitializerProto(),
        )

    def add(self, cost: Floats, columns: Ints, rows: Ints, values: Floats) -> None:
        """Add columns from 0 up, one per cost; entries by column, counted from 0, and row."""
        first, count = len(self._cost), len(cost)
        update = model_update_pb2.ModelUpdateProto()
        new = update.new_variables
        new.ids.extend(range(first, first + count))
        new.lower_bounds.extend([0.0] * count)
        new.upper_bounds.extend([np.inf] * count)
        new.integers.extend([False] * count)
        prices = update.objective_updates.linear_coefficients
        prices.ids.extend(range(first, first + count))
        prices.values.extend(cost.tolist())
        order, entries = np.lexsort((columns, rows)), update.linear_constraint_matrix_updates
        entries.row_ids.extend(rows[order].tolist())
        entries.column_ids.extend((columns[order] + first).tolist())
        entries.coefficients.extend(values[order].tolist())
        self._update(update)
        self._cost = np.concatenate((self._cost, cost))

    def solve(self, cost: Floats, time_limit: timedelta) -> LinearSolution | None:
        """Return an optimum at `cost`; None when there was no time for it."""
        changed = np.flatnonzero(cost != self._cost)
        if len(changed):
            update = model_update_pb2.ModelUpdateProto()
            update.objective_updates.linear_coefficients.ids.extend(changed.tolist())
            update.objective_updates.linear_coefficients.values.extend(cost[changed].tolist())
            self._update(update)
            self._cost = cost.copy()
        parameters = parameters_pb2.SolveParametersProto(
            presolve=parameters_pb2.EMPHASIS_OFF,
            glop=glop_pb2.GlopParameters(feasibility_rule=_DANTZIG, optimization_rule=_DANTZIG),
        )
        parameters.time_limit.FromTimedelta(max(time_limit, timedelta(milliseconds=1)))
        result = self._solver.solve(
            parameters,
            model_parameters_pb2.ModelSolveParametersProto(),
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )
        if result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            return None
        primal, dual = result.solutions[0].primal_solution, result.solutions[0].dual_solution
        return LinearSolution(
            values=np.array(primal.variable_values.values),
            objective=primal.objective_value,
            row_duals=np.array(dual.dual_values.values),
            reduced_costs=np.array(dual.reduced_costs.values),
        )

    def _update(self, update: model_update_pb2.ModelUpdateProto) -> None:
        if not self._solver.update(update):
            raise RuntimeError("GLOP does not take the change")
