"""A control that takes everything, unless a test says otherwise."""

from collections.abc import Sequence

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import PlanId
from wattmesh_planner.app.ports import Limited
from wattmesh_planner.domain.exchange import PlannedExchange
from wattmesh_planner.domain.plan import DeviceSchedule


class FakeController:
    """Remembers what it was handed."""

    def __init__(self) -> None:
        self.submitted: dict[PlanId, Sequence[DeviceSchedule]] = {}
        self.counted_on: dict[PlanId, Sequence[PlannedExchange]] = {}
        self.limited: list[Limited] = []
        self.away = False

    async def submit(
        self,
        plan: PlanId,
        schedules: Sequence[DeviceSchedule],
        exchanges: Sequence[PlannedExchange] = (),
    ) -> Sequence[Limited]:
        if self.away:
            raise Unavailable("GONE", "no control")
        self.submitted[plan] = schedules
        self.counted_on[plan] = exchanges
        return self.limited
