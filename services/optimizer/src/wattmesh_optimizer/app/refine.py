"""A formulation solved: linear first, then with binaries until no rule is broken."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from wattmesh_optimizer.app.polish import fix_integers
from wattmesh_optimizer.app.ports import LinearSolution, Solver
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.discrete import Discrete
from wattmesh_optimizer.formulation.model import Context

POLISH_TIME = timedelta(seconds=1)
"""What solving integer decisions out may take in any case; usually a few milliseconds."""

ROUND_SHARE = 0.7
"""The part of the time left that one mixed-integer solve has: its plan may break another rule."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Refined:
    """What the solver found.

    `values` None: nothing. `relaxed`: those of the first linear programme. `sound`: `values` keep
    every rule; otherwise they are the best relaxation, to be repaired. `bound`: no plan is cheaper.
    `linear`: the linear programme they solve, every integer decision fixed.
    """

    values: Floats | None
    relaxed: Floats | None
    sound: bool
    bound: float
    discrete: Discrete
    linear: LinearSolution | None


def refine(
    solver: Solver,
    ctx: Context,
    linear: LinearSolution | None,
    gap_ratio: float,
    left_to_solve: Callable[[], timedelta],
    left: Callable[[], timedelta],
) -> Refined:
    """Return the optimum of a programme whose linear optimum is given, every rule kept."""
    program, discrete = ctx.program, Discrete(ctx)
    values = None if linear is None else linear.values
    relaxed, bound = values, -np.inf if linear is None else linear.objective
    sound = values is not None
    while values is not None and discrete.refine(values):
        matrix, sound = program.matrix(discrete.integer_columns), False
        hint = np.concatenate((values, *discrete.hints))
        if left_to_solve() <= timedelta(0):
            break
        found = solver.solve_integer(matrix, hint, gap_ratio, ROUND_SHARE * left_to_solve())
        if found is None:
            break
        linear = fix_integers(solver, ctx, matrix, found.values, max(left(), POLISH_TIME))
        values = found.values if linear is None else linear.values
        bound, sound = max(bound, found.bound), linear is not None
        if not sound:
            break
    return Refined(
        values=values,
        relaxed=relaxed,
        sound=sound,
        bound=bound + program.offset,
        discrete=discrete,
        linear=linear,
    )
