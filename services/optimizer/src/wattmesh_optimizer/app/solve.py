"""The plan of least cost for a problem: there is always one."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from wattmesh_optimizer.app.explanation import explain
from wattmesh_optimizer.app.polish import fix_integers
from wattmesh_optimizer.app.ports import LinearSolution, Solver
from wattmesh_optimizer.app.probe import missed_slacks, probe_requirements
from wattmesh_optimizer.app.warm import WarmStarts
from wattmesh_optimizer.domain.assessment.shared import commitments
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.network import group_plan
from wattmesh_optimizer.domain.plan import (
    CostCause,
    Plan,
    SolverInformation,
    SolveStatus,
    UnmetRequirement,
)
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.schedule import Schedule
from wattmesh_optimizer.domain.trajectory import assess, simulate
from wattmesh_optimizer.formulation.build import Formulation, formulate
from wattmesh_optimizer.formulation.discrete import Discrete

POLISH_TIME = timedelta(seconds=1)
"""What solving integer decisions out may take in any case; usually a few milliseconds."""

READING_RATIO = 2.0
"""Time kept for what comes after solving, over that of writing the matrix and a first solve."""

ROUND_SHARE = 0.7
"""The part of the time left that one mixed-integer solve has: its plan may break another rule."""

MOST_KEPT_RATIO = 0.5
"""The part of a time limit that is kept for that at most."""

UNPROVEN_GAP = 1.0
"""Gap reported when nothing is known about how good a plan is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SolveOptions:
    """How to solve: wall time, gap that suffices for a mixed-integer plan, whether to say why.

    `spent`: the part of the time that has gone already, reading the problem.
    """

    time_limit: timedelta = timedelta(seconds=10)
    gap_ratio: float = 0.001
    explain: bool = False
    spent: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Solved:
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
    solver_s: float
    linear: LinearSolution | None = None


class Stopwatch:
    """How much of a time limit is left; part of it can be kept for what comes after solving."""

    def __init__(
        self, timer: Callable[[], float], limit: timedelta, spent: timedelta = timedelta(0)
    ) -> None:
        self._timer, self._limit = timer, limit
        self._started = timer() - spent.total_seconds()
        self._kept = timedelta(0)

    @property
    def elapsed(self) -> timedelta:
        """Time since the start."""
        return timedelta(seconds=self._timer() - self._started)

    def left(self) -> timedelta:
        """Return the time left in all, negative when it is over."""
        return self._limit - self.elapsed

    def keep(self, ratio: float) -> None:
        """Keep some of the time: so many times what has gone, at most a part of the limit."""
        self._kept = min(ratio * self.elapsed, MOST_KEPT_RATIO * self._limit)

    def left_to_solve(self) -> timedelta:
        """Return the time left to a solver, negative when it is over."""
        return self.left() - self._kept


class SolvePlan:
    """Linear programme first; mixed-integer only where the linear solution breaks a rule."""

    def __init__(
        self,
        solver: Solver,
        timer: Callable[[], float] = time.perf_counter,
        warm_starts: WarmStarts | None = None,
    ) -> None:
        self._solver = solver
        self._warm_starts = warm_starts
        self._timer = timer

    def __call__(self, problem: Problem, options: SolveOptions, judged: Plan | None = None) -> Plan:
        """Return the plan of least cost, or the best there was time for.

        Its explanation, where asked for, is about `judged` by the prices of the best plan; about
        the best plan itself for None.
        """
        watch = Stopwatch(self._timer, options.time_limit, options.spent)
        formulation = formulate(problem)
        watch.keep(READING_RATIO)
        solved = self._solve(formulation, options, watch)
        if solved.values is None or not solved.sound:
            plan = self._repaired(formulation, solved, watch)
        else:
            plan = self._plan(formulation, solved, options, watch)
            if plan.solver is not None and plan.solver.status is not SolveStatus.OPTIMAL:
                plan = min(plan, self._repaired(formulation, solved, watch), key=_cost)
        if not options.explain:
            return plan
        return replace(plan, explanation=explain(formulation, judged or plan, solved.linear))

    def _solve(self, formulation: Formulation, options: SolveOptions, watch: Stopwatch) -> Solved:
        """Solve the linear programme, then refine it with binaries until no rule is broken."""
        program, discrete = formulation.ctx.program, Discrete(formulation.ctx)
        before = watch.elapsed
        linear = self._solve_linear(formulation, watch)
        watch.keep(READING_RATIO)
        values = None if linear is None else linear.values
        relaxed, bound = values, -np.inf if linear is None else linear.objective
        sound = values is not None
        while values is not None and discrete.refine(values):
            matrix, sound = program.matrix(discrete.integer_columns), False
            hint = np.concatenate((values, *discrete.hints))
            if watch.left_to_solve() <= timedelta(0):
                break
            found = self._solver.solve_integer(
                matrix, hint, options.gap_ratio, ROUND_SHARE * watch.left_to_solve()
            )
            if found is None:
                break
            time_left = max(watch.left(), POLISH_TIME)
            linear = fix_integers(self._solver, formulation.ctx, matrix, found.values, time_left)
            values = found.values if linear is None else linear.values
            bound, sound = max(bound, found.bound), linear is not None
            if not sound:
                break
        return Solved(
            values=values,
            relaxed=relaxed,
            sound=sound,
            bound=bound + program.offset,
            discrete=discrete,
            solver_s=(watch.elapsed - before).total_seconds(),
            linear=linear,
        )

    def _solve_linear(self, formulation: Formulation, watch: Stopwatch) -> LinearSolution | None:
        problem, program, warm = formulation.problem, formulation.ctx.program, self._warm_starts
        start = None if warm is None else warm.find(problem, program)
        found = self._solver.solve_linear(
            program.matrix(), watch.left_to_solve(), start, keep_basis=warm is not None
        )
        if warm is not None and found is not None and found.basis is not None:
            warm.keep(problem, program, found.basis)
        return found

    def _plan(
        self, formulation: Formulation, solved: Solved, options: SolveOptions, watch: Stopwatch
    ) -> Plan:
        """Read the plan from the columns; its costs are those of the columns."""
        problem, values = formulation.problem, solved.values
        if values is None:
            raise ValueError("there are no values to read")
        sites = formulation.read_sites(values)
        plan = Plan(
            horizon=problem.horizon,
            currency_code=problem.currency_code,
            sites=sites,
            groups=tuple(group_plan(problem, group, sites) for group in problem.groups),
            costs=formulation.costs(values),
            assumptions=formulation.assumptions,
            commitments=commitments(problem, sites),
            reserves=formulation.read_reserves(values),
        )
        plan = replace(
            plan, unmet_requirements=self._requirements(formulation, values, plan, watch)
        )
        preference = formulation.ctx.program.preference(values)
        gap = gap_ratio(plan.total_cost, solved.bound - preference)
        enough = max(options.gap_ratio, 1e-6)
        status = SolveStatus.OPTIMAL if gap <= enough * 1.001 else SolveStatus.TIME_LIMIT
        return replace(plan, solver=self._information(formulation, solved, status, gap, watch))

    def _requirements(
        self, formulation: Formulation, values: Floats, plan: Plan, watch: Stopwatch
    ) -> tuple[UnmetRequirement, ...]:
        """Return the missed requirements in words; nothing to do in the usual case of none."""
        ctx = formulation.ctx
        certain = any(item.cause is CostCause.PENALTY for item in ctx.program.constants)
        if not certain and not missed_slacks(ctx, values):
            return ()
        probes = probe_requirements(self._solver, ctx, values, watch.left_to_solve)
        tariffs = [site.tariff for site in formulation.sites]
        return assess(formulation.problem, tariffs, plan.sites, plan.reserves, probes).requirements

    def _repaired(self, formulation: Formulation, solved: Solved, watch: Stopwatch) -> Plan:
        """Return the cheapest of no control and what physics makes of what the solver found."""
        problem = formulation.problem
        found = [values for values in (solved.relaxed, solved.values) if values is not None]
        schedules = [
            Schedule(as_orders=True),
            *(_schedule_of(formulation, values) for values in found),
        ]
        plans = self._simulated(problem, schedules, watch)
        plan = min(plans, key=_cost)
        known = np.isfinite(solved.bound)
        gap = gap_ratio(plan.total_cost, solved.bound) if known else UNPROVEN_GAP
        status = SolveStatus.FALLBACK if plan is plans[0] else SolveStatus.TIME_LIMIT
        return replace(plan, solver=self._information(formulation, solved, status, gap, watch))

    def _simulated(
        self, problem: Problem, schedules: list[Schedule], watch: Stopwatch
    ) -> list[Plan]:
        """Return what schedules lead to: the first in any case, others while there is time."""
        before = watch.elapsed
        first = simulate(problem, schedules[0])[0]
        took = watch.elapsed - before
        others = (simulate(problem, each)[0] for each in schedules[1:] if watch.left() > took)
        return [first, *others]

    def _information(
        self,
        formulation: Formulation,
        solved: Solved,
        status: SolveStatus,
        gap: float,
        watch: Stopwatch,
    ) -> SolverInformation:
        program = formulation.ctx.program
        return SolverInformation(
            status=status,
            gap_ratio=gap,
            solver_duration=timedelta(seconds=solved.solver_s),
            total_duration=watch.elapsed,
            mixed_integer=solved.discrete.integer_count > 0,
            row_count=program.row_count,
            column_count=program.column_count,
            entry_count=program.entry_count,
            integer_count=solved.discrete.integer_count,
            solver_name=self._solver.name,
        )


def _cost(plan: Plan) -> float:
    return plan.total_cost


def _schedule_of(formulation: Formulation, values: Floats) -> Schedule:
    sites = formulation.read_sites(values)
    problem = formulation.problem
    return Schedule.of(
        Plan(horizon=problem.horizon, currency_code=problem.currency_code, sites=sites),
        as_orders=True,
    )


def gap_ratio(objective: float, bound: float) -> float:
    """Return how far a cost may be from the best: cost 10, bound 9.9 → 0.01; 0 at rounding."""
    gap = objective - bound
    if gap <= 1e-6 * max(1.0, abs(objective)):
        return 0.0
    return gap / max(abs(objective), 1e-9)
