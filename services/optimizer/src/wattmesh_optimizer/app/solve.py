"""The plan of least cost for a problem."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from wattmesh_optimizer.app.ports import Solver
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.plan import Plan, SolverInformation, SolveStatus
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.formulation.build import Formulation, formulate
from wattmesh_optimizer.formulation.discrete import Discrete


@dataclass(frozen=True, kw_only=True, slots=True)
class SolveOptions:
    """How to solve: wall time, gap that suffices for a mixed-integer plan, whether to say why."""

    time_limit: timedelta = timedelta(seconds=10)
    gap_ratio: float = 0.001
    explain: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Values of the columns, and how they were found."""

    values: Floats
    objective: float
    bound: float
    status: SolveStatus
    solver_s: float
    discrete: Discrete


class SolvePlan:
    """Linear programme first; mixed-integer only where the linear solution breaks a rule."""

    def __init__(self, solver: Solver, timer: Callable[[], float] = time.perf_counter) -> None:
        self._solver = solver
        self._timer = timer

    def __call__(self, problem: Problem, options: SolveOptions) -> Plan:
        """Return the plan of least cost."""
        started = self._timer()
        formulation = formulate(problem)
        solved = self._solve(formulation, options, started)
        return self._plan(formulation, solved, started)

    def _solve(self, formulation: Formulation, options: SolveOptions, started: float) -> Solved:
        program = formulation.ctx.program
        discrete = Discrete(formulation.ctx)
        before = self._timer()
        linear = self._solver.solve_linear(program.matrix(), options.time_limit)
        if linear is None:
            raise RuntimeError("no solution in time")
        values, objective, bound = linear.values, linear.objective, linear.objective
        while discrete.refine(values):
            left = options.time_limit - timedelta(seconds=self._timer() - started)
            matrix = program.matrix(discrete.integer_columns)
            hint = np.concatenate((values, np.zeros(matrix.column_count - len(values))))
            found = self._solver.solve_integer(matrix, hint, options.gap_ratio, left)
            if found is None:
                raise RuntimeError("no solution in time")
            values, objective, bound = found.values, found.objective, found.bound
        return Solved(
            values, objective, bound, SolveStatus.OPTIMAL, self._timer() - before, discrete
        )

    def _plan(self, formulation: Formulation, solved: Solved, started: float) -> Plan:
        problem, program = formulation.problem, formulation.ctx.program
        sites = formulation.read_sites(solved.values)
        return Plan(
            horizon=problem.horizon,
            currency_code=problem.currency_code,
            sites=sites,
            groups=formulation.read_groups(sites),
            costs=formulation.costs(solved.values),
            assumptions=formulation.assumptions,
            solver=SolverInformation(
                status=solved.status,
                gap_ratio=gap_ratio(solved.objective, solved.bound),
                solver_duration=timedelta(seconds=solved.solver_s),
                total_duration=timedelta(seconds=self._timer() - started),
                mixed_integer=solved.discrete.integer_count > 0,
                row_count=program.row_count,
                column_count=program.column_count,
                entry_count=program.entry_count,
                integer_count=solved.discrete.integer_count,
                solver_name=self._solver.name,
            ),
        )


def gap_ratio(objective: float, bound: float) -> float:
    """Return how far a cost may be from the best: cost 10, bound 9.9 → 0.01; 0 at rounding."""
    gap = objective - bound
    if gap <= 1e-9 * max(1.0, abs(objective)):
        return 0.0
    return gap / max(abs(objective), 1e-9)
