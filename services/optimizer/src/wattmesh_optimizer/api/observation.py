"""What is counted about plans."""

from wattmesh_optimizer.domain.plan import Plan
from wattmesh_optimizer.metrics import SOLVE_DURATION, UNMET_WISHES
from wattmesh_runtime.telemetry import Telemetry


class PlanObserver:
    """Counts plans and the wishes they could not meet."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._durations = telemetry.histogram(SOLVE_DURATION)
        self._unmet = telemetry.counter(UNMET_WISHES)

    def observe(self, plan: Plan) -> None:
        """Count one plan."""
        if plan.solver is not None:
            labels = {
                "solve.status": plan.solver.status.value,
                "solve.mixed_integer": plan.solver.mixed_integer,
            }
            self._durations.record(plan.solver.total_duration.total_seconds(), labels)
        for wish in plan.unmet_wishes:
            self._unmet.add(1, {"wish.kind": wish.kind.name.lower()})
