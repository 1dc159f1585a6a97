"""Counts plans and what they lacked."""

from wattmesh_kernel.errors import ResourceExhausted
from wattmesh_planner.domain.plan import Plan
from wattmesh_planner.metrics import DEGRADATIONS, PLANS, SOLVE_DURATION
from wattmesh_runtime.aio.broadcast import Broadcast
from wattmesh_runtime.telemetry import Telemetry


class PlanMeter:
    """Watches plans as they are made."""

    def __init__(self, telemetry: Telemetry, made: Broadcast[Plan]) -> None:
        self._made = made
        self._plans = telemetry.counter(PLANS)
        self._degradations = telemetry.counter(DEGRADATIONS)
        self._solve_duration = telemetry.histogram(SOLVE_DURATION)

    async def run(self) -> None:
        """Count for ever; of a burst that is too large the rest goes uncounted."""
        while True:
            with self._made.watch() as coming:
                try:
                    async for plan in coming:
                        self._count(plan)
                except ResourceExhausted:
                    continue

    def _count(self, plan: Plan) -> None:
        self._plans.add(1, {"state": plan.state.value})
        if plan.solve_duration_ms is not None:
            self._solve_duration.record(plan.solve_duration_ms / 1000)
        for degradation in plan.degradations:
            attributes = {
                "topic": degradation.topic.value,
                "reason": degradation.reason.value,
                "remedy": degradation.remedy.value,
            }
            self._degradations.add(1, attributes)
