"""An optimizer in this process: the planner's problem, really solved."""

from datetime import timedelta

from tests.fakes.planner_optimizer import FakeOptimizer
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.plan import plan_to_proto
from wattmesh_optimizer.api.problem import problem_from_proto
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.app.warm import WarmStarts
from wattmesh_planner.adapters.optimizer import degradations_from_plan, schedules_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.plan import Solution


def solved(inputs: PlanInputs) -> plan_pb2.Plan:
    """Return the plan of what a planner knows, made on its own."""
    problem = ProblemWriter(carbon_price_per_kg=0.0).problem(inputs)
    solve = SolvePlan(OrToolsSolver(), warm_starts=WarmStarts())
    options = SolveOptions(time_limit=timedelta(seconds=20))
    return plan_to_proto(solve(problem_from_proto(problem), options))


class SolvingOptimizer(FakeOptimizer):
    """Remembers what it was asked, and solves it."""

    def __init__(self) -> None:
        super().__init__()
        self._writer = ProblemWriter(carbon_price_per_kg=0.0)
        self._solve = SolvePlan(OrToolsSolver(), warm_starts=WarmStarts())
        self._options = SolveOptions(time_limit=timedelta(seconds=20))

    async def solve(self, inputs: PlanInputs) -> Solution:
        self.asked.append(inputs)
        problem = self._writer.problem(inputs)
        plan = plan_to_proto(self._solve(problem_from_proto(problem), self._options))
        return Solution(
            schedules=tuple(schedules_from_plan(plan, inputs)),
            solve_duration_ms=1.0,
            problem=problem.SerializeToString(),
            plan=plan.SerializeToString(),
            degradations=tuple(degradations_from_plan(plan, inputs)),
        )
