"""Collect what a plan is computed from: states, forecasts, prices, carbon."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, NotFound, WattmeshError
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import BillingState, Tariff, bill, billing_periods, lower_tariff
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_planner.app.ports import Forecaster, Intensities, Meter, PlanStore, SiteCatalogue
from wattmesh_planner.domain.assumptions import (
    PRICE_HISTORY,
    assume_unpublished_prices,
    needs_billing_state,
    repeat_days,
)
from wattmesh_planner.domain.inputs import (
    AssetForecast,
    PlanInputs,
    SiteInputs,
    peak_power_w,
    terminal_value_per_kwh,
)
from wattmesh_planner.domain.model import Scope, Site
from wattmesh_planner.domain.projection import StateOfCharge, project_soc
from wattmesh_planner.domain.timing import Rhythm

_DAY = timedelta(days=1)


class GatherInputs:
    """Collects the inputs of one plan. Asks in parallel; carbon may be away, the rest may not."""

    def __init__(
        self,
        *,
        clock: Clock,
        sites: SiteCatalogue,
        meter: Meter,
        forecaster: Forecaster,
        intensities: Intensities,
        plans: PlanStore,
        rhythm: Rhythm,
    ) -> None:
        self._clock = clock
        self._sites = sites
        self._meter = meter
        self._forecaster = forecaster
        self._intensities = intensities
        self._plans = plans
        self._rhythm = rhythm

    async def __call__(self, scope: Scope, start: datetime) -> PlanInputs:
        """Return the inputs for the plan of `scope` whose first interval begins at `start`."""
        target, issue_time, notes = self._rhythm.target(start), self._clock.now(), list[str]()
        notes += [
            f"{asset} is of a kind that is not planned yet"
            for site in scope.sites
            for asset in site.unplanned
        ]
        forecasts, socs, sites, peak_w = await asyncio.gather(
            self._forecasts(scope, target, notes),
            self._socs(scope, start),
            self._site_inputs(scope, target, notes),
            self._peak_so_far_w(scope, issue_time),
        )
        return PlanInputs(
            scope=scope,
            issue_time=issue_time,
            target=target,
            resolution=self._rhythm.resolution,
            forecasts=forecasts,
            soc_ratios=socs,
            terminal_values_per_kwh=self._terminal_values(scope, sites, target),
            sites=sites,
            peak_so_far_w=peak_w,
            notes=tuple(notes),
        )

    async def _forecasts(
        self, scope: Scope, target: TimeRange, notes: list[str]
    ) -> Mapping[AssetId, AssetForecast]:
        """Ask forecast; when it is away, take what was metered at the same hour the day before."""
        resolution = self._rhythm.resolution
        try:
            return await self._forecaster.forecast(scope.forecast_assets, target, resolution)
        except WattmeshError as error:
            notes.append(f"forecast service: {error.message}; yesterday's metered power is used")
        known_until = floor_time(self._clock.now(), resolution)
        history = TimeRange(known_until - 2 * _DAY, known_until)
        metered = await self._meter.energy(scope.forecast_assets, history, resolution)
        return {
            asset: AssetForecast(power_w=repeat_days(energy.net_wh, target), source="yesterday")
            for asset, energy in metered.items()
        }

    async def _socs(self, scope: Scope, start: datetime) -> dict[AssetId, float]:
        """Return each battery's state of charge at the plan's start."""
        devices = [battery.device for battery in scope.batteries]
        states, running = await asyncio.gather(
            self._meter.states_of_charge(devices),
            self._plans.running(scope.name, TimeRange(start - _DAY, start)),
        )
        result = {}
        for battery in scope.batteries:
            state: StateOfCharge | None = states.get(battery.device)
            if state is None:
                raise FailedPrecondition(
                    "NO_STATE_OF_CHARGE", f"{battery.device} has not reported a state of charge yet"
                )
            newest = {
                setpoint.range: setpoint
                for plan in running
                for setpoint in plan.setpoints_of(battery.device)
            }
            result[battery.id] = project_soc(battery, state, newest.values(), start)
        return result

    async def _site_inputs(
        self, scope: Scope, target: TimeRange, notes: list[str]
    ) -> dict[SiteId, SiteInputs]:
        gathered = await asyncio.gather(
            *(self._one_site(site, target, notes) for site in scope.sites)
        )
        return {site.id: inputs for site, inputs in zip(scope.sites, gathered, strict=True)}

    async def _one_site(self, site: Site, target: TimeRange, notes: list[str]) -> SiteInputs:
        carbon = await self._carbon(site, target, notes)
        if site.tariff is None:
            return SiteInputs(tariff=None, average_gco2e_per_kwh=carbon)
        published = TimeRange(target.start - PRICE_HISTORY, target.end)
        tariff = await self._sites.tariff(site.tariff, published)
        return SiteInputs(
            tariff=assume_unpublished_prices(tariff, target),
            billing_state=await self._billing_state(site, tariff, target.start),
            average_gco2e_per_kwh=carbon,
        )

    async def _billing_state(
        self, site: Site, tariff: Tariff, until: datetime
    ) -> BillingState | None:
        """Return peaks and tier usage of the running billing period; None when none counts."""
        if not needs_billing_state(tariff):
            return None
        resolution = self._rhythm.resolution
        period = billing_periods(tariff.billing_cycle, TimeRange(until, until), site.zone)[0]
        passed = TimeRange(
            floor_time(period.start, resolution),
            max(floor_time(self._clock.now(), resolution), floor_time(period.start, resolution)),
        )
        if passed.empty:
            return None
        energy = (await self._meter.energy([site.grid.id], passed, resolution))[site.grid.id]
        return bill(tariff, energy.import_wh, energy.export_wh, site.zone).state

    async def _carbon(self, site: Site, target: TimeRange, notes: list[str]) -> Series | None:
        if site.carbon_zone is None:
            return None
        try:
            return await self._intensities.average(
                site.carbon_zone, target, self._rhythm.resolution
            )
        except NotFound:
            return None
        except WattmeshError as error:
            notes.append(f"{site.id}: planned without carbon intensity: {error.message}")
            return None

    async def _peak_so_far_w(self, scope: Scope, now: datetime) -> float:
        """Return the highest shared import of the running month [W], if the scope prices it."""
        if not scope.peak_price_per_kw:
            return 0.0
        resolution = self._rhythm.resolution
        month = TimeRange(
            floor_time(_month_start(now, scope.sites[0].zone), resolution),
            floor_time(now, resolution),
        )
        if month.empty:
            return 0.0
        grids = [site.grid.id for site in scope.sites]
        energies = await self._meter.energy(grids, month, resolution)
        return peak_power_w([energies[grid].net_wh for grid in grids])

    def _terminal_values(
        self, scope: Scope, sites: Mapping[SiteId, SiteInputs], target: TimeRange
    ) -> dict[AssetId, float]:
        values = {}
        for site in scope.sites:
            tariff = sites[site.id].tariff
            if tariff is None:
                continue
            grid = lower_tariff(tariff, target, self._rhythm.resolution, site.zone)
            prices = Series(target.start, self._rhythm.resolution, grid.import_price_per_kwh)
            for battery in site.batteries:
                values[battery.id] = terminal_value_per_kwh(battery, prices)
        return values


def _month_start(moment: datetime, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    return datetime(local.year, local.month, 1, tzinfo=zone)
