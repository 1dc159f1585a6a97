"""What the planner needs from outside, in its own words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from wattmesh_kernel.comfort import ZoneWishes
from wattmesh_kernel.ids import AssetId, DeviceId, PlanId, PointId, SiteId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.billing import MeteredEnergy
from wattmesh_planner.domain.charging import ChargingSession
from wattmesh_planner.domain.events import GridEvent, Promise
from wattmesh_planner.domain.exchange import PlannedExchange
from wattmesh_planner.domain.facts import Why
from wattmesh_planner.domain.inputs import AssetForecast, PlanInputs
from wattmesh_planner.domain.kinds.kind import Outlook, Reading
from wattmesh_planner.domain.owners_limits import OwnersLimit
from wattmesh_planner.domain.plan import DeviceSchedule, Plan, PlanStatistics, Solution
from wattmesh_planner.domain.runs import Run, RunNews
from wattmesh_runtime.aio.leases import Lease


class StateMeter(Protocol):
    """What was read last."""

    async def latest(self, points: Sequence[PointId]) -> Mapping[PointId, Reading]:
        """Return the newest reading of each point that has one."""


class EnergyMeter(Protocol):
    """What was metered."""

    async def energy(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, MeteredEnergy]:
        """Return the energy of each asset per interval."""


ForecastAnswer: TypeAlias = AssetForecast | Why
"""The forecast of an asset, or why there is none."""


class Forecaster(Protocol):
    """What is expected."""

    async def forecast(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        within_seconds: float,
        members: int = 0,
    ) -> Mapping[AssetId, ForecastAnswer]:
        """Return the expected power of each asset, or why it is not known, for each its own.

        With `members` so many joint ones, drawn together for all assets of the call.

        Error: whatever keeps the whole call from being answered `within_seconds` [s of the wall].
        """


class Sessions(Protocol):
    """Who is at the charge points."""

    async def sessions(self, site: SiteId) -> Mapping[AssetId, ChargingSession]:
        """Return the vehicle that is at each charge point of a site, where one is."""


OutlookAnswer: TypeAlias = Outlook | Why
"""How a zone or tank will answer, or why it is not known."""


class Outlooks(Protocol):
    """How zones and tanks will answer to their plants."""

    async def outlooks(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        within_seconds: float,
    ) -> Mapping[AssetId, OutlookAnswer]:
        """Return an outlook of each, or why there is none, for each its own.

        Error: whatever keeps the whole call from being answered `within_seconds` [s of the wall].
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteWishes:
    """What people want of a site's zones, and the runs of its deferrable loads that are open."""

    zones: Mapping[AssetId, ZoneWishes] = field(default_factory=dict)
    runs: Mapping[AssetId, tuple[Run, ...]] = field(default_factory=dict)


class UsageWishes(Protocol):
    """Who knows what people want."""

    async def wishes(self, site: SiteId, span: TimeRange) -> SiteWishes:
        """Return what is wanted of each asset of a site within a span."""


class RunListener(Protocol):
    """Who keeps what becomes of runs."""

    async def tell(self, news: RunNews) -> None:
        """Take what is planned for a run and metered of it."""


class GridEvents(Protocol):
    """What the grid asks, as it was last told."""

    def of(self, subjects: Collection[str]) -> Sequence[GridEvent]:
        """Return the events, not over yet, that sites or groups take part in."""

    def lost_for(self) -> timedelta | None:
        """Return for how long nobody has told anything; None: what is known is up to date."""

    async def baseline_w(self, event: GridEvent) -> Series:
        """Return what a reduction is counted against [W]. Error: whatever keeps it unknown."""

    async def commit(self, promise: Promise, plan: PlanId) -> None:
        """Say what a plan promises. Error: whatever keeps it from being taken."""


class OwnersLimits(Protocol):
    """What owners allow sites and groups, as it was last told."""

    def of(self, subjects: Collection[str]) -> Sequence[OwnersLimit]:
        """Return the limits, not over yet, of sites or groups."""

    def lost_for(self) -> timedelta | None:
        """Return for how long nobody has told anything; None: what is known is up to date."""


class Tariffs(Protocol):
    """Prices as they are published."""

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        """Return a tariff with the prices published for `span`."""


class Intensities(Protocol):
    """How clean the grid is expected to be."""

    async def average(self, zone: ZoneId, span: TimeRange, resolution: timedelta) -> Series:
        """Return the expected average intensity [gCO2e/kWh]."""


class Optimizer(Protocol):
    """Who solves."""

    async def solve(self, inputs: PlanInputs) -> Solution:
        """Return the best plan for the inputs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limited:
    """What control did not take as asked of one device's setpoints.

    `count` setpoints were clamped, or refused; `detail` is why the first one was.
    """

    device: DeviceId
    refused: bool
    count: int
    detail: str


class Controller(Protocol):
    """Who carries plans out."""

    async def submit(
        self,
        plan: PlanId,
        schedules: Sequence[DeviceSchedule],
        exchanges: Sequence[PlannedExchange] = (),
    ) -> Sequence[Limited]:
        """Hand over schedules and what they count on; return what was clamped or refused.

        Idempotent by plan.
        """


class PlanStore(Protocol):
    """Where plans are kept."""

    async def add(self, plan: Plan, lease: Lease | None = None) -> None:
        """Store a new plan.

        Errors: AlreadyExists when there is one of that name; Aborted `LEASE_TAKEN_OVER` when
        somebody else has had the lease since.
        """

    async def add_failed(self, plans: Sequence[Plan]) -> None:
        """Store plans of intervals that passed without one; those that exist stay."""

    async def accept(self, plan: Plan) -> None:
        """Store that control took a plan, and how."""

    async def get(self, plan: PlanId) -> Plan:
        """Return a plan with problem and solution; NotFound."""

    async def known(self, plans: Sequence[PlanId]) -> Collection[PlanId]:
        """Return those that exist."""

    async def last_start(self, scope: str) -> datetime | None:
        """Return the start of the newest interval that has a plan or was given up."""

    async def last_planned(self, scopes: Sequence[str]) -> Mapping[str, datetime]:
        """Return, by scope, the start of the newest interval with a plan that control took."""

    async def running(self, scope: str, span: TimeRange) -> list[Plan]:
        """Return accepted plans with an interval in `span`, oldest first."""

    async def page(
        self, scope: str, starts: TimeRange | None, limit: int, before: str | None
    ) -> list[Plan]:
        """Return plans newest first, after the one named `before`, without problem and plan."""

    async def accepted(self, scope: str, starts: TimeRange) -> Mapping[datetime, PlanId]:
        """Return the plans that control took by when they begin, in that order; of several the
        newest.
        """

    async def solutions(self, plans: Sequence[PlanId]) -> Mapping[PlanId, Plan]:
        """Return those that exist, without problem and setpoints."""

    async def newest(self, scopes: Sequence[str]) -> list[Plan]:
        """Return each scope's newest plan that control took or that failed, where there is one.

        Without problem and plan.
        """

    async def statistics(self, scope: str, starts: TimeRange | None) -> PlanStatistics:
        """Count plans."""

    async def triggered(self, request_id: str) -> PlanId | None:
        """Return the plan that a request triggered before."""

    async def remember_trigger(self, request_id: str, plan: PlanId) -> None:
        """Remember the plan that a request triggered."""


class Holders(Protocol):
    """Who plans what, of all planners that run."""

    async def holders(self, scopes: Sequence[str]) -> Mapping[str, str]:
        """Return the process that holds each scope, of those that somebody holds."""
