"""The common case as a client sends it."""

from tests.bench.optimizer.cases import home
from wattmesh.optimizer.v1 import asset_pb2, problem_pb2
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_optimizer.api.plan import horizon_to_proto
from wattmesh_optimizer.domain.electrical import FixedLoad, RenewableSource
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.site import AssetKind, Site
from wattmesh_optimizer.domain.storage import Battery, EvCharger


def home_proto() -> problem_pb2.Problem:
    """Return PV, battery, EV and import limit over 24 h at 15 min as a proto."""
    problem = home(24, 15)
    return problem_proto(problem, problem.sites[0])


def problem_proto(problem: Problem, *sites: Site) -> problem_pb2.Problem:
    """Return sites of a problem as a proto: their loads, sources, batteries and vehicles."""
    proto = problem_pb2.Problem(
        horizon=horizon_to_proto(problem.horizon), currency_code=problem.currency_code
    )
    for site in sites:
        home_site = proto.sites.add(name=site.name, time_zone=site.zone.key)
        limit_kw = site.limits.max_import_power_kw
        if limit_kw is not None:
            home_site.connection_limits.max_import_power_w = limit_kw * 1e3
        if site.tariff is not None:
            home_site.tariff.CopyFrom(tariff_to_proto(site.tariff))
        for asset in site.assets:
            _put(home_site.assets.add(name=asset.name), asset.kind)
    return proto


def _put(proto: asset_pb2.Asset, kind: AssetKind) -> None:
    match kind:
        case FixedLoad():
            proto.fixed_load.powers_w.extend((kind.powers_kw * 1e3).tolist())
        case RenewableSource():
            proto.renewable_source.powers_w.extend((kind.powers_kw * 1e3).tolist())
            proto.renewable_source.curtailable = True
        case Battery():
            battery, rating = proto.battery, proto.battery.rating
            rating.capacity_wh = kind.capacity_kwh * 1e3
            battery.initial_soc_ratio = kind.initial_soc_ratio or 0.0
            rating.min_soc_ratio = kind.min_soc_ratio
            rating.max_charge_power_w = kind.max_charge_power_kw * 1e3
            rating.max_discharge_power_w = kind.max_discharge_power_kw * 1e3
            rating.charge_efficiency_ratio = kind.charge_efficiency_ratio
            rating.discharge_efficiency_ratio = kind.discharge_efficiency_ratio
            rating.wear_cost_per_kwh = kind.wear_cost_per_kwh
            battery.terminal_value_per_kwh = kind.terminal_value_per_kwh
        case EvCharger():
            proto.ev_charger.rating.max_current_a = kind.max_current_a
            for each in kind.sessions:
                session = proto.ev_charger.sessions.add(
                    id=each.id,
                    capacity_wh=(each.capacity_kwh or 0.0) * 1e3,
                    target_energy_wh=(each.target_energy_kwh or 0.0) * 1e3,
                )
                session.arrival_time.FromDatetime(each.arrival)
                session.departure_time.FromDatetime(each.departure)
                session.initial_soc_ratio = each.initial_soc_ratio or 0.0
        case _:
            raise TypeError(f"no proto of {type(kind).__name__} here")
