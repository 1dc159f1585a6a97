"""From a mixed-integer solution to the exact optimum of its decisions, with prices."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from wattmesh_optimizer.app.ports import LinearSolution, Solver
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.model import Context
from wattmesh_optimizer.formulation.program import Matrix


def fix_integers(
    solver: Solver, ctx: Context, matrix: Matrix, values: Floats, time_limit: timedelta
) -> LinearSolution | None:
    """Return the linear optimum with every integer column fixed at its rounded value.

    A mixed-integer solver keeps rows to a tolerance that a big factor turns into grams and cents;
    the linear programme that is left is solved exactly, and its duals say why. None when time ran
    out, or in the rare case that the rounded decisions do not fit.
    """
    values = values.copy()
    for indicator in ctx.indicators:
        indicator.settle(values)
    lower, upper = matrix.column_lower.copy(), matrix.column_upper.copy()
    whole = matrix.integer
    lower[whole] = upper[whole] = np.round(values[whole])
    fixed = replace(matrix, column_lower=lower, column_upper=upper, integer=np.zeros_like(whole))
    return solver.solve_linear(fixed, time_limit)
