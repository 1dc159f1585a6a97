"""What a plan, this service's or a foreign one, really leads to."""

from wattmesh_optimizer.domain.plan import Plan, Violation
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.schedule import Schedule
from wattmesh_optimizer.domain.trajectory import simulate


class SimulatePlan:
    """Runs a schedule through physics and tariffs; needs no solver."""

    def __call__(self, problem: Problem, schedule: Schedule) -> tuple[Plan, tuple[Violation, ...]]:
        """Return the true plan with its cost and unmet requirements, and every violation."""
        return simulate(problem, schedule)
