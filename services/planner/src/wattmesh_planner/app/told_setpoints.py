"""What devices were told to do: the setpoints of plans that control took."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import PlanStore
from wattmesh_planner.domain.plan import DeviceSchedule, Plan, Setpoint

_MEMORY = timedelta(days=1)
"""As long as a state of charge may be carried on."""


class ToldDevice:
    """The powers that a device was told to hold; of several for an interval, the newest."""

    def __init__(self) -> None:
        self._powers: dict[datetime, tuple[timedelta, float]] = {}

    def take(self, schedule: DeviceSchedule) -> None:
        """Take up a newer schedule; what lies more than a day before it is forgotten."""
        oldest = schedule.start - _MEMORY
        for passed in [each for each in self._powers if each < oldest]:
            del self._powers[passed]
        for index, value in enumerate(schedule.values):
            if value is not None:
                start = schedule.start + index * schedule.resolution
                self._powers[start] = (schedule.resolution, value)

    def between(self, since: datetime, until: datetime) -> list[Setpoint]:
        """Return the setpoints that hold at some time of a span, in order of time."""
        return [
            Setpoint(range=TimeRange.of(start, resolution), power_w=power_w)
            for start, (resolution, power_w) in sorted(self._powers.items())
            if start < until and start + resolution > since
        ]


Told: TypeAlias = Mapping[DeviceId, ToldDevice]


class ToldSetpoints:
    """Remembers, for the scopes that are planned here, what the plans before told their devices.

    A scope is read from the store once, when it is first asked for, and kept up to date with the
    plans made here after that.
    """

    def __init__(self, plans: PlanStore) -> None:
        self._plans = plans
        self._told: dict[str, dict[DeviceId, ToldDevice]] = {}

    async def of(self, scope: str, start: datetime) -> Told:
        """Return the powers that the devices of a scope were told to hold in the day to `start`."""
        if scope not in self._told:
            await self._recall(scope, start)
        return self._told[scope]

    def remember(self, plan: Plan) -> None:
        """Take note of a plan that control took."""
        told = self._told.get(plan.scope)
        if told is None:
            return
        for schedule in plan.schedules:
            if schedule.kind is SetpointKind.ACTIVE_POWER_W:
                told.setdefault(schedule.device, ToldDevice()).take(schedule)

    def forget(self, scope: str) -> None:
        """Forget a scope that is planned elsewhere from now on."""
        self._told.pop(scope, None)

    async def _recall(self, scope: str, start: datetime) -> None:
        earlier = await self._plans.running(scope, TimeRange(start - _MEMORY, start))
        self._told[scope] = {}
        for plan in earlier:
            self.remember(plan)
