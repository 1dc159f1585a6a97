"""A plan and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from wattmesh_kernel.ids import DeviceId, GroupId, PlanId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.projection import Setpoint


class PlanState(Enum):
    """What became of a plan."""

    MADE = "made"
    LATE = "late"
    FAILED = "failed"


class SetpointKind(Enum):
    """What a setpoint sets."""

    ACTIVE_POWER_W = "active_power_w"
    GENERATION_LIMIT_W = "generation_limit_w"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSchedule:
    """The setpoints of one device in order of time."""

    device: DeviceId
    kind: SetpointKind
    setpoints: tuple[Setpoint, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """What the optimizer answered: schedules, and problem and plan as they went over the wire."""

    schedules: tuple[DeviceSchedule, ...]
    solve_duration_ms: float
    problem: bytes
    plan: bytes
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One plan for a scope. `accept_time` None: control did not take it."""

    id: PlanId
    scope: str
    sites: tuple[str, ...]
    issue_time: datetime
    accept_time: datetime | None
    target: TimeRange
    resolution: timedelta
    state: PlanState
    message: str
    solve_duration_ms: float | None
    sources: Mapping[str, str]
    schedules: tuple[DeviceSchedule, ...] = ()
    problem: bytes | None = None
    solution: bytes | None = None

    def accepted(self, accept_time: datetime) -> "Plan":
        """Return the plan as control took it: late when its first interval had begun."""
        late = accept_time > self.target.start
        state = PlanState.LATE if late else PlanState.MADE
        return replace(self, accept_time=accept_time, state=state)

    def setpoints_of(self, device: DeviceId) -> tuple[Setpoint, ...]:
        """Return the power setpoints of a device."""
        return tuple(
            setpoint
            for schedule in self.schedules
            if schedule.device == device and schedule.kind is SetpointKind.ACTIVE_POWER_W
            for setpoint in schedule.setpoints
        )


def plan_id(scope: GroupId | SiteId, start: datetime, attempt: int) -> PlanId:
    """Return the id of the nth plan of a scope for the interval that begins at `start`.

    `neighbourhood-20160905t0700z`, and `neighbourhood-20160905t0700z-2` when planned again.
    """
    suffix = "" if attempt == 1 else f"-{attempt}"
    return PlanId(f"{scope.segment[:40]}-{start:%Y%m%dt%H%Mz}{suffix}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanStatistics:
    """How many intervals were planned, and how long the solver took (wall time) [ms]."""

    made: int
    late: int
    failed: int
    solve_p50_ms: float | None
    solve_p99_ms: float | None
