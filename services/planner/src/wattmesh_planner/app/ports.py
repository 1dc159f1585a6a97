"""What the planner needs from outside, in its own words."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_kernel.ids import AssetId, DeviceId, PlanId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.inputs import AssetForecast, MeteredEnergy, PlanInputs
from wattmesh_planner.domain.model import Scope
from wattmesh_planner.domain.plan import DeviceSchedule, Plan, PlanStatistics, Solution
from wattmesh_planner.domain.projection import StateOfCharge


class SiteCatalogue(Protocol):
    """The model of sites and tariffs."""

    async def scopes(self) -> tuple[Scope, ...]:
        """Return everything there is to plan: groups, and sites in no group."""

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        """Return a tariff with the prices published for `span`."""


class Meter(Protocol):
    """What was measured."""

    async def states_of_charge(self, devices: Sequence[DeviceId]) -> dict[DeviceId, StateOfCharge]:
        """Return the newest state of charge of each device that has one."""

    async def energy(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> dict[AssetId, MeteredEnergy]:
        """Return the energy of each asset per interval."""


class Forecaster(Protocol):
    """What is expected."""

    async def forecast(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> dict[AssetId, AssetForecast]:
        """Return the expected power of each asset."""


class Intensities(Protocol):
    """How clean the grid is expected to be."""

    async def average(self, zone: ZoneId, span: TimeRange, resolution: timedelta) -> Series:
        """Return the expected average intensity [gCO2e/kWh]."""


class Optimizer(Protocol):
    """Who solves."""

    async def solve(self, inputs: PlanInputs) -> Solution:
        """Return the best plan for the inputs."""


class Controller(Protocol):
    """Who carries plans out."""

    async def submit(self, plan: PlanId, schedules: Sequence[DeviceSchedule]) -> list[str]:
        """Hand over schedules; return what was clamped or refused, in words. Idempotent by plan."""


class PlanStore(Protocol):
    """Where plans are kept."""

    async def save(self, plan: Plan) -> None:
        """Store a plan, or replace it."""

    async def get(self, plan: PlanId) -> Plan:
        """Return a plan with problem and solution; NotFound."""

    async def last_start(self, scope: str) -> datetime | None:
        """Return the start of the newest interval that has a plan or was given up."""

    async def running(self, scope: str, span: TimeRange) -> list[Plan]:
        """Return accepted plans with an interval in `span`, oldest first."""

    async def attempts(self, scope: str, start: datetime) -> int:
        """Return how many plans there are for the interval that begins at `start`."""

    async def page(
        self, scope: str, starts: TimeRange | None, limit: int, before: str | None
    ) -> list[Plan]:
        """Return plans newest first, after the one named `before`, without problem and plan."""

    async def statistics(self, scope: str, starts: TimeRange | None) -> PlanStatistics:
        """Count plans."""

    async def triggered(self, request_id: str) -> PlanId | None:
        """Return the plan that a request triggered before."""

    async def remember_trigger(self, request_id: str, plan: PlanId) -> None:
        """Remember the plan that a request triggered."""


class Lease(Protocol):
    """The right to plan a scope, held by this process alone."""

    async def confirm(self) -> None:
        """Return while it is still held; Unavailable when it may be lost."""


class Leases(Protocol):
    """Who plans what, when several planners run."""

    def hold(self, scope: str) -> AbstractAsyncContextManager[Lease | None]:
        """Enter with the lease of a scope; with None while another process holds it."""
