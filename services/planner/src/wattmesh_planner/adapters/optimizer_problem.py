"""Planning inputs as the optimizer's problem."""

import numpy as np

from wattmesh.optimizer.v1 import asset_pb2, problem_pb2
from wattmesh_contracts.billing import billing_state_to_proto
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.model import Battery, Generation, Load, Scope, Site

CURTAILMENT_PRICE_PER_KWH = 1e-4
"""Just enough that nothing is curtailed for nothing."""


def problem_to_proto(inputs: PlanInputs, carbon_price_per_kg: float) -> problem_pb2.Problem:
    """Return the problem of one plan."""
    scope = inputs.scope
    problem = problem_pb2.Problem(
        horizon=problem_pb2.Horizon(
            start_time=timestamp_to_proto(inputs.target.start),
            resolution=duration_to_proto(inputs.resolution),
            count=inputs.target.count(inputs.resolution),
        ),
        currency_code=scope.sites[0].currency_code,
        sites=[_site(site, inputs) for site in scope.sites],
        goals=problem_pb2.Goals(
            carbon_price_per_kg=carbon_price_per_kg,
            carbon_basis=problem_pb2.CARBON_BASIS_AVERAGE,
        ),
    )
    if len(scope.sites) > 1 or scope.peak_price_per_kw:
        problem.groups.append(_group(scope, inputs.peak_so_far_w))
    return problem


def _group(scope: Scope, peak_so_far_w: float) -> problem_pb2.SiteGroup:
    return problem_pb2.SiteGroup(
        name=scope.name,
        site_names=[site.id.name for site in scope.sites],
        limits=_limits(scope.import_limit_w, scope.export_limit_w),
        peak_price_per_kw=scope.peak_price_per_kw,
        peak_so_far_w=peak_so_far_w,
    )


def _limits(import_w: float | None, export_w: float | None) -> problem_pb2.PowerLimits | None:
    if import_w is None and export_w is None:
        return None
    return problem_pb2.PowerLimits(max_import_power_w=import_w, max_export_power_w=export_w)


def _site(site: Site, inputs: PlanInputs) -> problem_pb2.Site:
    known = inputs.sites[site.id]
    message = problem_pb2.Site(
        name=site.id.name,
        time_zone=site.zone.key,
        assets=[
            *(_load(load, inputs) for load in site.loads),
            *(_generation(source, inputs) for source in site.generation),
            *(_battery(battery, inputs) for battery in site.batteries),
        ],
        connection_limits=_limits(site.grid.import_limit_w, site.grid.export_limit_w),
    )
    if known.tariff is not None:
        message.tariff.CopyFrom(tariff_to_proto(known.tariff))
    if known.billing_state is not None:
        message.billing_state.CopyFrom(billing_state_to_proto(known.billing_state))
    carbon = known.average_gco2e_per_kwh
    if carbon is not None and np.isfinite(carbon.values).all():
        message.carbon_intensity.average_intensities_gco2e_per_kwh.extend(carbon.values.tolist())
    return message


def _powers_w(asset: AssetId, inputs: PlanInputs) -> list[float]:
    series: Series = inputs.forecasts[asset].power_w.window(inputs.target)
    return [float(value) for value in np.nan_to_num(series.values, nan=0.0)]


def _load(load: Load, inputs: PlanInputs) -> asset_pb2.Asset:
    return asset_pb2.Asset(
        name=load.id.name, fixed_load=asset_pb2.FixedLoad(powers_w=_powers_w(load.id, inputs))
    )


def _generation(source: Generation, inputs: PlanInputs) -> asset_pb2.Asset:
    kind = asset_pb2.RENEWABLE_KIND_WIND if source.wind else asset_pb2.RENEWABLE_KIND_PV
    return asset_pb2.Asset(
        name=source.id.name,
        renewable_source=asset_pb2.RenewableSource(
            powers_w=[min(power, 0.0) for power in _powers_w(source.id, inputs)],
            kind=kind,
            curtailable=source.device is not None,
            curtailment_price_per_kwh=CURTAILMENT_PRICE_PER_KWH,
        ),
    )


def _battery(battery: Battery, inputs: PlanInputs) -> asset_pb2.Asset:
    return asset_pb2.Asset(
        name=battery.id.name,
        battery=asset_pb2.Battery(
            capacity_wh=battery.capacity_wh,
            initial_soc_ratio=inputs.soc_ratios[battery.id],
            min_soc_ratio=battery.min_soc_ratio,
            max_soc_ratio=battery.max_soc_ratio,
            max_charge_power_w=battery.charge_limit_w,
            max_discharge_power_w=battery.discharge_limit_w,
            charge_efficiency_ratio=battery.charge_efficiency_ratio,
            discharge_efficiency_ratio=battery.discharge_efficiency_ratio,
            terminal_value_per_kwh=inputs.terminal_values_per_kwh.get(battery.id, 0.0),
            wear_cost_per_kwh=battery.wear_cost_per_kwh,
        ),
    )
