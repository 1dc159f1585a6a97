"""What devices were told to do: the setpoints of plans that control took."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import PlanStore
from wattmesh_planner.domain.plan import Plan, Setpoint

Told: TypeAlias = Mapping[DeviceId, Sequence[Setpoint]]

_MEMORY = timedelta(days=1)
"""As long as a state of charge may be carried on."""


class ToldSetpoints:
    """Remembers, for the scopes that are planned here, what the plans before told their devices.

    Of several plans for an interval the newest counts. A scope is read from the store once, when
    it is first asked for, and kept up to date with the plans made here after that.
    """

    def __init__(self, plans: PlanStore) -> None:
        self._plans = plans
        self._told: dict[str, dict[DeviceId, dict[datetime, Setpoint]]] = {}

    async def of(self, scope: str, start: datetime) -> Told:
        """Return the powers that the devices of a scope were told to hold in the day to `start`."""
        if scope not in self._told:
            await self._recall(scope, start)
        told = self._told[scope]
        oldest = start - _MEMORY
        for by_start in told.values():
            for passed in [each for each in by_start if each < oldest]:
                del by_start[passed]
        return {device: _in_order(by_start) for device, by_start in told.items()}

    def remember(self, plan: Plan) -> None:
        """Take note of a plan that control took."""
        told = self._told.get(plan.scope)
        if told is None:
            return
        for schedule in plan.schedules:
            if schedule.kind is SetpointKind.ACTIVE_POWER_W:
                by_start = told.setdefault(schedule.device, {})
                by_start.update({each.range.start: each for each in schedule.setpoints()})

    def forget(self, scope: str) -> None:
        """Forget a scope that is planned elsewhere from now on."""
        self._told.pop(scope, None)

    async def _recall(self, scope: str, start: datetime) -> None:
        earlier = await self._plans.running(scope, TimeRange(start - _MEMORY, start))
        self._told[scope] = {}
        for plan in earlier:
            self.remember(plan)


def _in_order(by_start: Mapping[datetime, Setpoint]) -> Sequence[Setpoint]:
    return [by_start[start] for start in sorted(by_start)]
