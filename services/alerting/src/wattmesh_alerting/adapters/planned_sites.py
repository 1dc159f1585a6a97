"""Plans as what they make of assets: proto → domain."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh.optimizer.v1 import asset_pb2, plan_pb2, problem_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh_alerting.domain.plan_worth import Floats, PlannedAsset, PlannedSite
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import datetime_from_proto, duration_from_proto
from wattmesh_kernel.tariff import lower_tariff
from wattmesh_kernel.time import TimeRange

PlannedSites: TypeAlias = dict[str, PlannedSite]
"""The sites of a plan that pay for energy, by name."""
_CONSUMERS = frozenset({"ev_charger", "hvac_zone", "thermal_tank", "deferrable_load"})


def planned_sites(plan: planner_pb2.Plan) -> PlannedSites:
    """Return a plan's sites; those without a tariff are left out, as nothing has a price there.

    Error: InvalidArgument for a tariff that makes no sense.
    """
    horizon = plan.problem.horizon
    start = datetime_from_proto(horizon.start_time, "horizon.start_time")
    resolution = duration_from_proto(horizon.resolution, "horizon.resolution")
    span = TimeRange.of(start, horizon.count * resolution)
    solved = {each.site_name: each for each in plan.solution.sites}
    return {
        site.name: _site(site, solved[site.name], span, resolution)
        for site in plan.problem.sites
        if site.HasField("tariff") and site.name in solved
    }


def _site(
    site: problem_pb2.Site, solved: plan_pb2.SitePlan, span: TimeRange, resolution: timedelta
) -> PlannedSite:
    zone = ZoneInfo(site.time_zone or "UTC")
    prices = lower_tariff(tariff_from_proto(site.tariff), span, resolution, zone)
    return PlannedSite(
        start=span.start,
        resolution=resolution,
        exchange_w=np.subtract(solved.import_powers_w, solved.export_powers_w),
        import_price_per_kwh=prices.import_price_per_kwh,
        export_price_per_kwh=prices.export_price_per_kwh,
        assets=tuple(_assets(site, solved, resolution)),
    )


def _assets(
    site: problem_pb2.Site, solved: plan_pb2.SitePlan, resolution: timedelta
) -> Iterator[PlannedAsset]:
    asked = {each.name: each for each in site.assets}
    for each in solved.assets:
        asset = asked.get(each.asset_name)
        kind = None if asset is None else asset.WhichOneof("kind")
        if asset is None or not each.powers_w:
            continue
        powers_w = np.array(each.powers_w)
        used_kwh = powers_w / 1000 * (resolution / timedelta(hours=1))
        if kind == "battery" and each.soc_ratios:
            kept_kwh = _kept(asset.battery, each)
        elif kind in _CONSUMERS:
            kept_kwh = used_kwh
        elif kind == "renewable_source":
            kept_kwh = np.zeros_like(used_kwh)
        else:
            continue  # loads come as they come, and what generators burn is not priced here
        yield PlannedAsset(
            name=each.asset_name,
            powers_w=powers_w,
            kept_kwh=kept_kwh,
            moved=kind != "renewable_source",
        )


def _kept(battery: asset_pb2.Battery, solved: plan_pb2.AssetPlan) -> Floats:
    """Return what a battery holds more after each interval, as far as it can be had [kWh]."""
    rating = battery.rating
    given = rating.HasField("discharge_efficiency_ratio")
    efficiency = rating.discharge_efficiency_ratio if given else 1.0
    return np.diff(solved.soc_ratios) * rating.capacity_wh / 1000 * efficiency
