"""What is counted about plans."""

from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_optimizer.metrics import SOLVE_DURATION, UNMET_REQUIREMENTS
from wattmesh_runtime.telemetry import Telemetry


class PlanObserver:
    """Counts plans and the requirements they could not meet."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._durations = telemetry.histogram(SOLVE_DURATION)
        self._unmet = telemetry.counter(UNMET_REQUIREMENTS)

    def observe(self, plan: plan_pb2.Plan) -> None:
        """Count one plan."""
        if plan.HasField("solver"):
            status = plan_pb2.SolveStatus.Name(plan.solver.status)
            labels: dict[str, str | bool] = {
                "solve.status": status.removeprefix("SOLVE_STATUS_").lower(),
                "solve.mixed_integer": plan.solver.mixed_integer,
            }
            self._durations.record(plan.solver.total_duration.ToTimedelta().total_seconds(), labels)
        for requirement in plan.unmet_requirements:
            kind = plan_pb2.RequirementKind.Name(requirement.kind)
            self._unmet.add(1, {"requirement.kind": kind.removeprefix("REQUIREMENT_KIND_").lower()})
