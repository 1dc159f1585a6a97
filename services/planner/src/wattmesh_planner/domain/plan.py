"""A plan and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from wattmesh_kernel.ids import AssetId, DeviceId, GroupId, PlanId, SiteId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Phase
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.degradations import Degradation
from wattmesh_planner.domain.events import Promise
from wattmesh_planner.domain.exchange import PlannedExchange


class PlanState(Enum):
    """What became of a plan."""

    MADE = "made"
    LATE = "late"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setpoint:
    """The power a device was told to hold over a range [W], into it positive."""

    range: TimeRange
    power_w: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSchedule:
    """What a device is told in each interval of a plan; None: nothing.

    `values` begin with the plan's first interval, in the unit of the kind. `phase`: the conductors
    that carry it, where they are fewer than the asset has.
    """

    asset: AssetId | None
    """The asset that the device controls; None in plans of before it was kept."""
    device: DeviceId
    kind: SetpointKind
    start: datetime
    resolution: timedelta
    values: tuple[float | None, ...]
    phase: Phase = Phase.THREE


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """What the optimizer answered: schedules, what they count on at grid connections, and problem
    and plan as they went over the wire.
    """

    schedules: tuple[DeviceSchedule, ...]
    solve_duration_ms: float
    problem: bytes
    plan: bytes
    degradations: tuple[Degradation, ...] = ()
    exchanges: tuple[PlannedExchange, ...] = ()
    promises: tuple[Promise, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One plan for a scope. `accept_time` None: control did not take it.

    `failure` says why a plan that failed did, in the words of whoever failed.
    """

    id: PlanId
    scope: str
    sites: tuple[str, ...]
    issue_time: datetime
    accept_time: datetime | None
    target: TimeRange
    resolution: timedelta
    state: PlanState
    failure: str = ""
    solve_duration_ms: float | None = None
    sources: Mapping[str, str]
    degradations: tuple[Degradation, ...] = ()
    schedules: tuple[DeviceSchedule, ...] = ()
    problem: bytes | None = None
    solution: bytes | None = None

    def accepted(
        self, accept_time: datetime, more: Sequence[Degradation] = (), *, prompted: bool = False
    ) -> "Plan":
        """Return the plan as control took it: late when its first interval had begun.

        One that was `prompted` by what happened in that interval is in time.
        """
        late = accept_time > self.target.start and not prompted
        return replace(
            self,
            accept_time=accept_time,
            state=PlanState.LATE if late else PlanState.MADE,
            degradations=(*self.degradations, *more),
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
