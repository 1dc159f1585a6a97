"""What a mesh looks like at one moment."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np

from wattmesh.carbon.v1 import carbon_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh.site.v1 import site_pb2
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import (
    duration_to_proto,
    series_from_proto,
    time_range_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_kernel.tariff import lower_tariff
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_local.running.health import health_of
from wattmesh_local.watching.accounts import INTERVAL, Accounts, compute_accounts
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.site_model import SiteView
from wattmesh_runtime.errors import rpc_errors

PLAN_HOURS = 8
_SETTLED = timedelta(minutes=30)
"""How long after an hour its last readings have surely come."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteSnapshot:
    """A site now: powers into the component positive [W], None: not known."""

    name: str
    load_w: float | None
    generation_w: float | None
    battery_w: float | None
    soc_ratio: float | None
    net_w: float | None
    planned_battery_w: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The mesh now. What could not be asked is None or empty."""

    time: datetime
    sites: tuple[SiteSnapshot, ...] = ()
    price_per_kwh: float | None = None
    currency_code: str = ""
    carbon_gco2e_per_kwh: float | None = None
    accounts: Accounts | None = None
    plan: str = ""
    health: Mapping[str, str] = field(default_factory=dict)


class Observer:
    """Asks the services of a run what there is to see."""

    def __init__(
        self,
        clients: MeshClients,
        sites: list[SiteView],
        targets: Mapping[str, str],
        start: datetime,
    ) -> None:
        self._clients = clients
        self._sites = sites
        self._targets = targets
        self._start = start

    async def look(self, now: datetime) -> Snapshot:
        """Return what there is to see; a service that is away leaves its part empty."""
        readings, plan, price, carbon, accounts, health = await asyncio.gather(
            _or_none(self._readings()),
            _or_none(self._plan()),
            _or_none(self._price(now)),
            _or_none(self._carbon(now)),
            _or_none(self._accounts(now)),
            self._health(),
        )
        planned = _planned_battery_w(plan, now) if plan is not None else {}
        return Snapshot(
            time=now,
            sites=tuple(_site(site, readings or {}, planned) for site in self._sites),
            price_per_kwh=price,
            currency_code=self._sites[0].currency_code if self._sites else "",
            carbon_gco2e_per_kwh=carbon,
            accounts=accounts,
            plan=_plan_in_words(plan),
            health=health,
        )

    async def _readings(self) -> dict[PointId, float]:
        points = [f"{site.id.name}/devices/-/points/-" for site in self._sites]
        with rpc_errors():
            answer = await self._clients.metering.GetLatestReadings(
                metering_pb2.GetLatestReadingsRequest(points=points), timeout=2
            )
        return {
            PointId.parse(reading.point): reading.value
            for reading in answer.readings
            if reading.HasField("value")
        }

    async def _plan(self) -> planner_pb2.Plan | None:
        with rpc_errors():
            listed = await self._clients.planner.ListPlans(
                planner_pb2.ListPlansRequest(page_size=1), timeout=2
            )
            if not listed.plans:
                return None
            request = planner_pb2.GetPlanRequest(name=listed.plans[0].name)
            return (await self._clients.planner.GetPlan(request, timeout=2)).plan

    async def _price(self, now: datetime) -> float | None:
        site = self._sites[0]
        span = TimeRange.of(floor_time(now, INTERVAL), INTERVAL)
        request = site_pb2.GetTariffRequest(name=site.tariff, price_range=time_range_to_proto(span))
        with rpc_errors():
            answer = await self._clients.sites.GetTariff(request, timeout=2)
        grid = lower_tariff(tariff_from_proto(answer.tariff), span, INTERVAL, site.zone)
        return float(grid.import_price_per_kwh[0])

    async def _carbon(self, now: datetime) -> float | None:
        end = floor_time(now, INTERVAL)
        with rpc_errors():
            answer = await self._clients.carbon.QueryAverageIntensity(
                carbon_pb2.QueryAverageIntensityRequest(
                    zone=self._sites[0].carbon_zone,
                    range=time_range_to_proto(TimeRange(end - timedelta(hours=3), end)),
                    resolution=duration_to_proto(INTERVAL),
                ),
                timeout=2,
            )
        values = series_from_proto(answer.intensity.average_gco2e_per_kwh).values
        known = values[np.isfinite(values)]
        return float(known[-1]) if known.size else None

    async def _accounts(self, now: datetime) -> Accounts | None:
        end = floor_time(now - _SETTLED, INTERVAL)
        if end <= self._start:
            return None
        with rpc_errors():
            return await compute_accounts(self._clients, self._sites, TimeRange(self._start, end))

    async def _health(self) -> dict[str, str]:
        names = list(self._targets)
        answers = await asyncio.gather(*(health_of(self._targets[name]) for name in names))
        return dict(zip(names, answers, strict=True))


async def _or_none(question: Awaitable[Answer]) -> Answer | None:
    try:
        return await question
    except WattmeshError:
        return None


def _site(
    site: SiteView,
    readings: Mapping[PointId, float],
    planned: Mapping[str, tuple[float, ...]],
) -> SiteSnapshot:
    def value(asset: AssetId, point: str) -> float | None:
        device = site.devices.get(asset)
        return readings.get(PointId(device, point)) if device is not None else None

    def total(assets: tuple[AssetId, ...], point: str) -> float | None:
        values = [value(asset, point) for asset in assets]
        known = [each for each in values if each is not None]
        return sum(known) if len(known) == len(assets) else None

    net = value(site.grid, "active_power_w")
    generation = total(site.generation, "active_power_w")
    battery = total(site.batteries, "active_power_w")
    load = None
    if net is not None and generation is not None and battery is not None:
        load = net - generation - battery
    return SiteSnapshot(
        name=site.display_name,
        load_w=load,
        generation_w=generation,
        battery_w=battery,
        soc_ratio=total(site.batteries[:1], "soc_ratio") if site.batteries else None,
        net_w=net,
        planned_battery_w=planned.get(site.batteries[0].name, ()) if site.batteries else (),
    )


def _planned_battery_w(plan: planner_pb2.Plan, now: datetime) -> dict[str, tuple[float, ...]]:
    """Return the next hours' setpoints per battery asset."""
    first = max((now - time_range_from_proto(plan.target_range).start) // INTERVAL, 0)
    assets: list[plan_pb2.AssetPlan] = [
        asset for site in plan.solution.sites for asset in site.assets if asset.soc_ratios
    ]
    return {asset.asset_name: tuple(asset.powers_w[first : first + PLAN_HOURS]) for asset in assets}


def _plan_in_words(plan: planner_pb2.Plan | None) -> str:
    if plan is None:
        return ""
    state = planner_pb2.PlanState.Name(plan.state).removeprefix("PLAN_STATE_").lower()
    sources = sorted(set(plan.forecast_sources.values()))
    return (
        f"{plan.name} {state}, solved in {plan.solve_duration_ms:.0f} ms, from {', '.join(sources)}"
    )
