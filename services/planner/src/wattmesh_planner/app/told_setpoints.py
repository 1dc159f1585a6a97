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
    """Knows what the plans before told the devices of a scope.

    Scopes that are planned here (`hold` to `forget`) are read from the store once and kept up to
    date with the plans made here; others are read each time, since somebody else plans them.
    """

    def __init__(self, plans: PlanStore) -> None:
        self._plans = plans
        self._held: dict[str, dict[DeviceId, ToldDevice] | None] = {}

    def hold(self, scope: str) -> None:
        """Keep a scope from now on: nobody else plans it."""
        self._held[scope] = None

    def forget(self, scope: str) -> None:
        """Forget a scope that may be planned elsewhere from now on."""
        self._held.pop(scope, None)

    async def of(self, scope: str, start: datetime) -> Told:
        """Return the powers that the devices of a scope were told to hold in the day to `start`."""
        kept = self._held.get(scope)
        if kept is not None:
            return kept
        told = await self._recalled(scope, start)
        if scope in self._held:
            self._held[scope] = told
        return told

    def remember(self, plan: Plan) -> None:
        """Take note of a plan that control took."""
        kept = self._held.get(plan.scope)
        if kept is not None:
            _take(kept, plan)

    async def _recalled(self, scope: str, start: datetime) -> dict[DeviceId, ToldDevice]:
        told = dict[DeviceId, ToldDevice]()
        for plan in await self._plans.running(scope, TimeRange(start - _MEMORY, start)):
            _take(told, plan)
        return told


def _take(told: dict[DeviceId, ToldDevice], plan: Plan) -> None:
    for schedule in plan.schedules:
        if schedule.kind is SetpointKind.ACTIVE_POWER_W:
            told.setdefault(schedule.device, ToldDevice()).take(schedule)
