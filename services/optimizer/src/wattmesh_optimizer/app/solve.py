"""The plan of least cost for a problem: there is always one."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from wattmesh_optimizer.app.explanation import explain
from wattmesh_optimizer.app.fleet.plan import PlanApart
from wattmesh_optimizer.app.options import Division, SolveOptions, gap_ratio
from wattmesh_optimizer.app.ports import LinearSolution, Solver
from wattmesh_optimizer.app.probe import missed_slacks, probe_requirements
from wattmesh_optimizer.app.refine import Refined, refine
from wattmesh_optimizer.app.stopwatch import Stopwatch
from wattmesh_optimizer.app.warm import WarmStarts
from wattmesh_optimizer.domain.assessment.shared import commitments
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.fleet import separable
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
from wattmesh_optimizer.formulation.discrete import breaks_a_rule
from wattmesh_optimizer.formulation.program import Matrix

__all__ = ["Division", "SolveOptions", "SolvePlan", "gap_ratio"]

READING_RATIO = 2.0
"""Time kept for what comes after solving, over that of writing the matrix and a first solve."""

APART_FROM = 100
"""Sites from which planning them apart takes less than one matrix.

Measured with changes of power at a price, 24 hours: 1.16 times the one matrix at 80 sites, 0.76 at
120, a ninth at 1,000.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """What the solver found and how long it took."""

    refined: Refined
    solver_s: float


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
        if _apart(problem, options):
            return PlanApart(self._solver, self._together)(problem, options, watch)
        return self._in_one(problem, options, watch, judged)

    def _together(self, problem: Problem, options: SolveOptions) -> Plan:
        watch = Stopwatch(self._timer, options.time_limit)
        return self._in_one(problem, replace(options, division=Division.TOGETHER), watch, None)

    def _in_one(
        self, problem: Problem, options: SolveOptions, watch: Stopwatch, judged: Plan | None
    ) -> Plan:
        """Return the plan of all sites from one matrix."""
        formulation = formulate(problem)
        watch.keep(READING_RATIO)
        solved = self._solve(formulation, options, watch)
        if solved.refined.values is None or not solved.refined.sound:
            plan = self._repaired(formulation, solved, watch)
        else:
            plan = self._plan(formulation, solved, options, watch)
            if plan.solver is not None and plan.solver.status is not SolveStatus.OPTIMAL:
                plan = min(plan, self._repaired(formulation, solved, watch), key=_cost)
        if not options.explain:
            return plan
        if problem.ensemble is not None:
            # Why is said by what is expected: prices over all members belong to none of them.
            expected = replace(problem, ensemble=None)
            best = self._in_one(expected, options, watch, judged or plan)
            return replace(plan, explanation=best.explanation)
        return replace(
            plan, explanation=explain(formulation, judged or plan, solved.refined.linear)
        )

    def _solve(self, formulation: Formulation, options: SolveOptions, watch: Stopwatch) -> Solved:
        """Solve the linear programme, then refine it with binaries until no rule is broken."""
        before = watch.elapsed
        linear = self._solve_linear(formulation, watch)
        watch.keep(READING_RATIO)
        refined = refine(
            self._solver,
            formulation.ctx,
            linear,
            options.gap_ratio,
            watch.left_to_solve,
            watch.left,
        )
        return Solved(refined, (watch.elapsed - before).total_seconds())

    def _solve_linear(self, formulation: Formulation, watch: Stopwatch) -> LinearSolution | None:
        """Return the optimum by cost alone where it breaks no rule; else with what weighs as well.

        What weighs only helps to find a plan that keeps to the rules; mostly it is not needed.
        """
        program = formulation.ctx.program
        if not program.weights:
            return self._solve_warm(formulation, program.matrix(), watch)
        found = self._solve_warm(formulation, program.matrix(weighed=False), watch)
        if found is not None and not breaks_a_rule(formulation.ctx, found.values):
            # Reading the plan takes off again what its columns weigh.
            return replace(found, objective=found.objective + program.weight(found.values))
        start = None if found is None else found.basis
        return self._solver.solve_linear(program.matrix(), watch.left_to_solve(), start)

    def _solve_warm(
        self, formulation: Formulation, matrix: Matrix, watch: Stopwatch
    ) -> LinearSolution | None:
        """Solve from where the last window's solve stopped, and remember where this one did."""
        problem, program, warm = formulation.problem, formulation.ctx.program, self._warm_starts
        start = None if warm is None else warm.find(problem, program)
        found = self._solver.solve_linear(
            matrix, watch.left_to_solve(), start, keep_basis=warm is not None
        )
        if warm is not None and found is not None and found.basis is not None:
            warm.keep(problem, program, found.basis)
        return found

    def _plan(
        self, formulation: Formulation, solved: Solved, options: SolveOptions, watch: Stopwatch
    ) -> Plan:
        """Read the plan from the columns; its costs are those of the columns."""
        problem, values = formulation.problem, solved.refined.values
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
        sure = problem.ensemble is None
        cost = plan.total_cost if sure else formulation.objective(values)
        gap = gap_ratio(cost, solved.refined.bound - preference)
        # Solvers stop by the gap of all that weighs, which may be more than what the plan costs.
        weighed = gap_ratio(cost + preference, solved.refined.bound)
        enough = max(options.gap_ratio, 1e-6)
        ended = min(gap, weighed) <= enough * 1.001
        status = SolveStatus.OPTIMAL if ended else SolveStatus.TIME_LIMIT
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
        found = [
            values
            for values in (solved.refined.relaxed, solved.refined.values)
            if values is not None
        ]
        schedules = [
            Schedule(as_orders=True),
            *(_schedule_of(formulation, values) for values in found),
        ]
        plans = self._simulated(problem, schedules, watch)
        plan = min(plans, key=_cost)
        gap = gap_ratio(plan.total_cost, solved.refined.bound)
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
            mixed_integer=solved.refined.discrete.integer_count > 0,
            row_count=program.row_count,
            column_count=program.column_count,
            entry_count=program.entry_count,
            integer_count=solved.refined.discrete.integer_count,
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


def _apart(problem: Problem, options: SolveOptions) -> bool:
    """Return whether sites are planned apart: where they can be, and it takes less."""
    match options.division:
        case Division.TOGETHER:
            return False
        case Division.APART:
            return separable(problem)
        case Division.AUTOMATIC:
            many = len(problem.sites) >= APART_FROM
            return many and not options.explain and separable(problem)
