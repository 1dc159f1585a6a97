"""Foresight, from the optimizer that also plans."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import grpc
import numpy as np

from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc, plan_pb2, problem_pb2
from wattmesh_analytics.domain.energy import Floats
from wattmesh_analytics.domain.scenario import Planned, Window
from wattmesh_analytics.domain.tank_replay import TankWindow
from wattmesh_analytics.domain.visits import Visit
from wattmesh_analytics.domain.work import Work
from wattmesh_analytics.domain.zone_replay import ZoneWindow
from wattmesh_contracts.billing import billing_state_to_proto
from wattmesh_contracts.ratings import rating_to_proto
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_kernel.comfort import DISCOMFORT_PRICE_PER_KELVIN_HOUR
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import EvChargerRating, HvacZoneRating, Phase
from wattmesh_kernel.sites.ratings import DEFAULT_VOLTAGE_V
from wattmesh_kernel.tariff import lower_tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors

_TIME_LIMIT = timedelta(seconds=5)
_SHORTFALL_PRICE_PER_KWH = 10.0
"""What a kWh counts that a run does not get [currency/kWh], as plans have it."""


class GrpcSolver:
    """Solves one window after the other."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = optimizer_pb2_grpc.OptimizerServiceStub(channel)
        self._options = optimizer_pb2.SolveOptions(time_limit=duration_to_proto(_TIME_LIMIT))

    async def solve(self, window: Window) -> Planned:
        """Return what all that is planned does in the intervals that are kept."""
        request = optimizer_pb2.SolveRequest(problem=_problem(window), options=self._options)
        with rpc_errors():
            plan = (await self._stub.Solve(request)).plan
        found = {each.asset_name: each for site in plan.sites for each in site.assets}
        return Planned(
            powers_w={
                asset: _kept(found[asset.name].powers_w, window) for asset in window.batteries
            },
            soc_ratios={
                asset: min(max(found[asset.name].soc_ratios[window.keep], 0.0), 1.0)
                for asset in window.batteries
            },
            visits_w={
                each.name: _kept(found[each.name].powers_w, window) for each in window.visits
            },
            zones_w={
                zone: _heat_and_cold(found[zone.name], told.rating, window)
                for zone, told in window.zones.items()
            },
            tanks_w={tank: _kept(found[tank.name].powers_w, window) for tank in window.tanks},
            work_w={each.name: _kept(found[each.name].powers_w, window) for each in window.work},
        )


def _kept(powers_w: Sequence[float], window: Window) -> Floats:
    return np.array(powers_w[: window.keep], dtype=np.float64)


def _heat_and_cold(
    plan: plan_pb2.AssetPlan, rating: HvacZoneRating, window: Window
) -> tuple[Floats, Floats]:
    """Return what a zone takes for heat and for cold [W]."""
    whole = _kept(plan.powers_w, window)
    if rating.heating is None:
        return np.zeros(len(whole)), whole
    heats = _kept(plan.heating_powers_w, window) if plan.heating_powers_w else whole
    return heats, whole - heats


def _problem(window: Window) -> problem_pb2.Problem:
    count = len(window.rest_w)
    site = problem_pb2.Site(
        name=window.site.name,
        time_zone=window.zone.key,
        tariff=tariff_to_proto(window.tariff),
    )
    if window.state is not None:
        site.billing_state.CopyFrom(billing_state_to_proto(window.state))
    load = site.assets.add(name=f"{window.site.name}/assets/rest")
    load.fixed_load.powers_w.extend((window.rest_w).tolist())
    price = _lowest_price(window, count)
    for asset, rating in window.batteries.items():
        battery = site.assets.add(name=asset.name).battery
        battery.rating.CopyFrom(rating_to_proto(rating))
        battery.initial_soc_ratio = window.soc_ratios[asset]
        battery.terminal_value_per_kwh = price * rating.discharge_efficiency_ratio
        if asset in window.final_soc_ratios:
            battery.final_soc_ratio = window.final_soc_ratios[asset]
    for visit in window.visits:
        _add_visit(site, visit)
    for name, zone in window.zones.items():
        _add_zone(site, name, zone)
    for name, tank in window.tanks.items():
        _add_tank(site, name, tank, price)
    for run in window.work:
        _add_work(site, run, window)
    if window.most_import_w is not None:
        site.connection_limits.max_import_power_w = window.most_import_w
    return problem_pb2.Problem(
        horizon=problem_pb2.Horizon(
            start_time=timestamp_to_proto(window.start),
            resolution=duration_to_proto(window.resolution),
            count=count,
        ),
        currency_code=window.tariff.currency_code,
        sites=[site],
    )


def _add_visit(site: problem_pb2.Site, visit: Visit) -> None:
    """Add a vehicle as a charge point of its own, which is empty until it has what it needs."""
    conductors = Phase.THREE.count
    gives = visit.gives_back
    rating = EvChargerRating(
        max_current_a=visit.max_power_w / (DEFAULT_VOLTAGE_V * conductors),
        max_discharge_power_w=0.0 if gives is None else gives.max_power_w,
        discharge_efficiency_ratio=1.0 if gives is None else gives.ratio,
    )
    charger = site.assets.add(name=visit.name).ev_charger
    charger.rating.CopyFrom(rating_to_proto(rating))
    charger.sessions.add(
        id=visit.name.rsplit("/", maxsplit=1)[-1],
        arrival_time=timestamp_to_proto(visit.range.start),
        departure_time=timestamp_to_proto(visit.range.end),
        capacity_wh=visit.needed_wh,
        initial_soc_ratio=visit.stored_wh / visit.needed_wh,
        target_energy_wh=visit.lacking_wh,
    )


def _add_zone(site: problem_pb2.Site, name: AssetId, told: ZoneWindow) -> None:
    zone = site.assets.add(name=name.name).hvac_zone
    zone.rating.CopyFrom(rating_to_proto(told.rating))
    zone.initial_air_temperature_celsius = told.celsius[0]
    if len(told.celsius) > 1:
        zone.initial_mass_temperature_celsius = told.celsius[1]
    zone.outdoor_temperatures_celsius.extend(told.outdoor_celsius.tolist())
    zone.heat_gains_w.extend(told.gains_w.tolist())
    zone.discomfort_price_per_kelvin_hour = DISCOMFORT_PRICE_PER_KELVIN_HOUR
    zone.min_temperatures_celsius.extend(told.low_celsius.tolist())
    zone.max_temperatures_celsius.extend(told.high_celsius.tolist())


def _add_tank(site: problem_pb2.Site, name: AssetId, told: TankWindow, price: float) -> None:
    rating = told.rating
    tank = site.assets.add(name=name.name).thermal_tank
    tank.rating.CopyFrom(
        rating_to_proto(replace(rating, heater=replace(rating.heater, min_power_w=0.0)))
    )
    tank.initial_temperature_celsius = told.celsius
    tank.draw_heats_w.extend(told.draws_w.tolist())
    tank.outdoor_temperatures_celsius.extend(told.outdoor_celsius.tolist())
    best = max(point.cop_ratio for point in rating.heater.cop_points)
    tank.terminal_value_per_kwh = price / best


def _add_work(site: problem_pb2.Site, run: Work, window: Window) -> None:
    """Add what is left of a run; one that may not pause takes its profile through."""
    load = site.assets.add(name=run.name).deferrable_load
    load.rating.CopyFrom(rating_to_proto(run.rating))
    load.shortfall_price_per_kwh = _SHORTFALL_PRICE_PER_KWH
    begun = run.elapsed > 0
    if not begun and run.range.start > window.start:
        load.earliest_start_time.CopyFrom(timestamp_to_proto(run.range.start))
    if run.range.end < window.end and (run.rating.interruptible or not begun):
        load.latest_end_time.CopyFrom(timestamp_to_proto(run.range.end))
    if run.rating.interruptible:
        load.interruptible_run.energy_wh = run.lacking_wh
    else:
        load.profile_run.powers_w.extend(run.powers_w.tolist())
        load.profile_run.elapsed_count = run.elapsed


def _lowest_price(window: Window, count: int) -> float:
    """Return the lowest import price ahead, at which the planner too values what is left."""
    span = TimeRange.of(window.start, count * window.resolution)
    prices = lower_tariff(window.tariff, span, window.resolution, window.zone).import_price_per_kwh
    known = prices[np.isfinite(prices)]
    return max(float(known.min()), 0.0) if known.size else 0.0
