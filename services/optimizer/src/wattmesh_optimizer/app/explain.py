"""Why a plan is as it is, and what it costs more than the best one."""

from dataclasses import dataclass, replace

from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.plan import Explanation
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.schedule import Schedule

NOTHING = Explanation(
    energy_values_per_kwh={}, assets=(), binding_constraints=(), marginal_values=()
)


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """Why; `excess_cost` None where the plan's cost does not compare."""

    explanation: Explanation
    excess_cost: float | None


class ExplainPlan:
    """Solves for prices and limits, and judges a plan by them."""

    def __init__(self, solve: SolvePlan, simulate: SimulatePlan) -> None:
        self._solve = solve
        self._simulate = simulate

    def __call__(
        self, problem: Problem, schedule: Schedule | None, options: SolveOptions
    ) -> Explained:
        """Return why the best plan (None), or the one given, is as it is."""
        if schedule is None:
            best = self._solve(problem, replace(options, explain=True))
            return Explained(best.explanation or NOTHING, 0.0)
        plan, violations = self._simulate(problem, schedule)
        best = self._solve(problem, replace(options, explain=True), judged=plan)
        if any(violation.physical for violation in violations):
            return Explained(best.explanation or NOTHING, None)
        return Explained(best.explanation or NOTHING, plan.total_cost - best.total_cost)
