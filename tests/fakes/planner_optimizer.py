"""An optimizer that has every battery charge with 1 kW for ever, or as a test says."""

from collections.abc import Awaitable, Callable

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import BatteryRating
from wattmesh_planner.domain.inputs import AssetInputs, PlanInputs
from wattmesh_planner.domain.plan import DeviceSchedule, Solution


class FakeOptimizer:
    """Remembers what it was asked; fails `failures` times first."""

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[PlanInputs] = []
        self.failures = failures
        self.power_w = 1_000.0
        self.solving: Callable[[], Awaitable[None]] | None = None
        """What happens while it solves."""

    async def solve(self, inputs: PlanInputs) -> Solution:
        self.asked.append(inputs)
        if self.failures:
            self.failures -= 1
            raise Unavailable("GONE", "no optimizer")
        if self.solving is not None:
            await self.solving()
        schedules = tuple(
            _charging(asset, inputs, self.power_w)
            for site in inputs.sites
            for asset in site.assets
            if isinstance(asset.asset.rating, BatteryRating)
        )
        return Solution(schedules=schedules, solve_duration_ms=3.0, problem=b"", plan=b"")


def _charging(asset: AssetInputs, inputs: PlanInputs, power_w: float) -> DeviceSchedule:
    assert asset.asset.controller is not None
    return DeviceSchedule(
        asset=asset.asset.id,
        device=asset.asset.controller,
        kind=SetpointKind.ACTIVE_POWER_W,
        start=inputs.target.start,
        resolution=inputs.resolution,
        values=(power_w,) * inputs.target.count(inputs.resolution),
    )
