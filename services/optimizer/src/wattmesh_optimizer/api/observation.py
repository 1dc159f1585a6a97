"""What is counted about plans."""

from wattmesh_optimizer.domain.plan import Plan
from wattmesh_optimizer.metrics import SOLVE_DURATION, UNMET_REQUIREMENTS
from wattmesh_runtime.telemetry import Telemetry


class PlanObserver:
    """Counts plans and the requirements they could not meet."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._durations = telemetry.histogram(SOLVE_DURATION)
        self._unmet = telemetry.counter(UNMET_REQUIREMENTS)

    def observe(self, plan: Plan) -> None:
        """Count one plan."""
        if plan.solver is not None:
            labels = {
                "solve.status": plan.solver.status.value,
                "solve.mixed_integer": plan.solver.mixed_integer,
            }
            self._durations.record(plan.solver.total_duration.total_seconds(), labels)
        for requirement in plan.unmet_requirements:
            self._unmet.add(1, {"requirement.kind": requirement.kind.name.lower()})
