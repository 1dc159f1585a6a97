"""What a mesh looks like at one moment."""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import numpy as np

from wattmesh.carbon.v1 import carbon_pb2
from wattmesh.dashboard.v1 import dashboard_service_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
    series_from_proto,
    time_range_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_local.running.health import health_of
from wattmesh_local.watching.accounts import INTERVAL, Accounts, compute_accounts
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.notices import notices
from wattmesh_local.watching.plans import count_degradations
from wattmesh_local.watching.sites import WatchedSite, watched_sites
from wattmesh_local.watching.vehicles import Vehicle, vehicles_at
from wattmesh_runtime.aio.tasks import map_at_most, together
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

PLAN_HOURS = 8
_SETTLED = timedelta(minutes=30)
"""How long after an hour its last readings have surely come."""

_MOMENT = timedelta(minutes=1)
_AT_ONCE = 20
"""How many processes are asked at once."""

_MOST_PLANS = 100
"""Of how many scopes the newest plan is looked at."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteSnapshot:
    """A site now: powers into the component positive [W], None: not known, or not there."""

    name: str
    load_w: float | None
    generation_w: float | None
    battery_w: float | None
    soc_ratio: float | None
    net_w: float | None
    planned_battery_w: tuple[float, ...]
    charging_w: float | None = None
    heat_w: float | None = None
    """What heats and cools rooms, and heats water."""


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
    degradations: Mapping[str, int] = field(default_factory=dict)
    health: Mapping[str, str] = field(default_factory=dict)
    vehicles: tuple[Vehicle, ...] = ()
    powers_w: Mapping[str, float] = field(default_factory=dict)
    """Power of each charge point with a vehicle, by its asset."""
    planned_w: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """The next hours of each asset that is steered, by its name."""
    notices: tuple[str, ...] = ()


class Observer:
    """Asks the services of a run what there is to see; the sites are those of the site model."""

    def __init__(
        self,
        clients: MeshClients,
        site_model: SiteModelView,
        processes: Mapping[str, str],
        start: datetime,
    ) -> None:
        self._clients = clients
        self._site_model = site_model
        self._processes = processes
        self._identity = clients.identity
        self._start = start
        self._plans: dict[str, planner_pb2.Plan] = {}
        self._settled: tuple[datetime, Accounts] | None = None

    async def look(self, now: datetime) -> Snapshot:
        """Return what there is to see; a service that is away leaves its part empty."""
        sites = watched_sites(self._site_model.model, now)
        (readings, plans, price), (carbon, accounts, health), vehicles, told = await together(
            together(
                _or_none(self._readings(sites)),
                _or_none(self._newest_plans(sites)),
                _or_none(self._price(sites, now)),
            ),
            together(
                _or_none(self._carbon(sites, now)),
                _or_none(self._accounts(sites, now)),
                self._health(),
            ),
            _or_none(vehicles_at(self._clients, sites, TimeRange.of(now, _MOMENT))),
            notices(self._clients, sites, now),
        )
        planned = {
            asset: powers for plan in plans or () for asset, powers in _planned_w(plan, now).items()
        }
        return Snapshot(
            time=now,
            sites=tuple(_site(site, readings or {}, planned) for site in sites),
            price_per_kwh=price,
            currency_code=sites[0].currency_code if sites else "",
            carbon_gco2e_per_kwh=carbon,
            accounts=accounts,
            plan=_plans_in_words(plans or ()),
            degradations=count_degradations(plans or ()),
            health=health,
            vehicles=tuple(vehicles or ()),
            powers_w=_charging_w(sites, readings or {}),
            planned_w=planned,
            notices=told,
        )

    async def _readings(self, sites: Sequence[WatchedSite]) -> dict[PointId, float]:
        points = [f"{site.id.name}/devices/-/points/-" for site in sites]
        if not points:
            return {}
        with rpc_errors():
            answer = await self._clients.metering.GetLatestReadings(
                metering_pb2.GetLatestReadingsRequest(points=points), timeout=2
            )
        return {
            PointId.parse(reading.point): reading.value
            for reading in answer.readings
            if reading.HasField("value")
        }

    async def _newest_plans(self, sites: Sequence[WatchedSite]) -> list[planner_pb2.Plan]:
        """Return the newest plan of every scope; one that is known already is not fetched again."""
        request = planner_pb2.ListPlansRequest(page_size=max(1, min(len(sites), _MOST_PLANS)))
        with rpc_errors():
            listed = await self._clients.planner.ListPlans(request, timeout=2)
        newest: dict[str, str] = {}
        for plan in listed.plans:
            newest.setdefault(plan.scope, plan.name)
        plans = {name: self._plans.get(name) or await self._plan(name) for name in newest.values()}
        self._plans = plans
        return list(plans.values())

    async def _plan(self, name: str) -> planner_pb2.Plan:
        with rpc_errors():
            request = planner_pb2.GetPlanRequest(name=name)
            return (await self._clients.planner.GetPlan(request, timeout=2)).plan

    async def _price(self, sites: Sequence[WatchedSite], now: datetime) -> float | None:
        if not sites or not sites[0].tariff:
            return None
        span = TimeRange.of(floor_time(now, INTERVAL), INTERVAL)
        request = dashboard_service_pb2.QueryPricesRequest(
            site=sites[0].id.name,
            range=time_range_to_proto(span),
            resolution=duration_to_proto(INTERVAL),
        )
        with rpc_errors():
            answer = await self._clients.dashboard.QueryPrices(request, timeout=2)
        (price,) = answer.import_price_per_kwh.values
        return price if np.isfinite(price) else None

    async def _carbon(self, sites: Sequence[WatchedSite], now: datetime) -> float | None:
        if not sites or not sites[0].carbon_zone:
            return None
        end = floor_time(now, INTERVAL)
        with rpc_errors():
            answer = await self._clients.carbon.QueryAverageIntensity(
                carbon_pb2.QueryAverageIntensityRequest(
                    zone=sites[0].carbon_zone,
                    range=time_range_to_proto(TimeRange(end - timedelta(hours=3), end)),
                    resolution=duration_to_proto(INTERVAL),
                ),
                timeout=2,
            )
        values = series_from_proto(answer.intensity.average_gco2e_per_kwh).values
        known = values[np.isfinite(values)]
        return float(known[-1]) if known.size else None

    async def _accounts(self, sites: list[WatchedSite], now: datetime) -> Accounts | None:
        """Return the accounts up to the last hour that is over; asked for once an hour."""
        end = floor_time(now - _SETTLED, INTERVAL)
        if end <= self._start or not sites:
            return None
        if self._settled is None or self._settled[0] != end:
            with rpc_errors():
                accounts = await compute_accounts(self._clients, sites, TimeRange(self._start, end))
            self._settled = end, accounts
        return self._settled[1]

    async def _health(self) -> dict[str, str]:
        answers = await map_at_most(
            _AT_ONCE, partial(health_of, identity=self._identity), self._processes.values()
        )
        return dict(zip(self._processes, answers, strict=True))


async def _or_none(question: Coroutine[Any, Any, Answer]) -> Answer | None:
    try:
        return await question
    except WattmeshError:
        return None


def _site(
    site: WatchedSite,
    readings: Mapping[PointId, float],
    planned: Mapping[str, tuple[float, ...]],
) -> SiteSnapshot:
    def value(asset: AssetId, point: str) -> float | None:
        points = site.points.get((asset, point), ())
        return _sum_if_known([readings.get(each) for each in points]) if points else None

    def total(assets: tuple[AssetId, ...], point: str) -> float | None:
        return _sum_if_known([value(asset, point) for asset in assets])

    net = value(site.grid, "active_power_w")
    generation = total(site.generation, "active_power_w")
    battery = total(site.batteries, "active_power_w")
    charging = total(site.charge_points, "active_power_w") if site.charge_points else None
    heated = (*site.zones, *site.tanks)
    heat = total(heated, "active_power_w") if heated else None
    load = None
    if net is not None and generation is not None and battery is not None:
        load = net - generation - battery - (charging or 0.0) - (heat or 0.0)
    return SiteSnapshot(
        name=site.display_name,
        load_w=load,
        generation_w=generation,
        battery_w=battery,
        soc_ratio=total(site.batteries[:1], "soc_ratio") if site.batteries else None,
        net_w=net,
        charging_w=charging,
        heat_w=heat,
        planned_battery_w=planned.get(site.batteries[0].name, ()) if site.batteries else (),
    )


def _sum_if_known(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) if len(known) == len(values) else None


def _charging_w(
    sites: Sequence[WatchedSite], readings: Mapping[PointId, float]
) -> dict[str, float]:
    """Return the power of each charge point that has told it."""
    points = {
        asset: site.points.get((asset, "active_power_w"), ())
        for site in sites
        for asset in site.charge_points
    }
    return {
        asset.name: sum(readings[each] for each in own if each in readings)
        for asset, own in points.items()
        if any(each in readings for each in own)
    }


def _planned_w(plan: planner_pb2.Plan, now: datetime) -> dict[str, tuple[float, ...]]:
    """Return the next hours' powers of each asset that stores something."""
    first = max((now - time_range_from_proto(plan.target_range).start) // INTERVAL, 0)
    assets: list[plan_pb2.AssetPlan] = [
        asset
        for site in plan.solution.sites
        for asset in site.assets
        if asset.soc_ratios or asset.ev_sessions
    ]
    return {asset.asset_name: tuple(asset.powers_w[first : first + PLAN_HOURS]) for asset in assets}


def _plans_in_words(plans: Sequence[planner_pb2.Plan]) -> str:
    if not plans:
        return ""
    newest, further = plans[0], len(plans) - 1
    state = planner_pb2.PlanState.Name(newest.state).removeprefix("PLAN_STATE_").lower()
    sources = ", ".join(sorted(set(newest.forecast_sources.values())))
    words = f"{newest.name} {state}, solved in {newest.solve_duration_ms:.0f} ms, from {sources}"
    return f"{words}; and of {further} more scopes" if further else words
