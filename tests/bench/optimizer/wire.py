"""The common case as a client sends it."""

from datetime import timedelta

from tests.bench.optimizer.cases import SITE, home
from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_optimizer.api.plan import horizon_to_proto
from wattmesh_optimizer.domain.electrical import FixedLoad, RenewableSource


def home_proto() -> problem_pb2.Problem:
    """Return PV, battery, EV and import limit over 24 h at 15 min as a proto."""
    problem = home(24, 15)
    site = problem.sites[0]
    proto = problem_pb2.Problem(
        horizon=horizon_to_proto(problem.horizon), currency_code=problem.currency_code
    )
    home_site = proto.sites.add(name=SITE, time_zone=site.zone.key)
    home_site.connection_limits.max_import_power_w = 9000
    if site.tariff is not None:
        home_site.tariff.CopyFrom(tariff_to_proto(site.tariff))
    for asset in site.assets:
        if isinstance(asset.kind, FixedLoad):
            load = home_site.assets.add(name=asset.name).fixed_load
            load.powers_w.extend((asset.kind.powers_kw * 1e3).tolist())
        elif isinstance(asset.kind, RenewableSource):
            source = home_site.assets.add(name=asset.name).renewable_source
            source.powers_w.extend((asset.kind.powers_kw * 1e3).tolist())
            source.curtailable = True
    battery = home_site.assets.add(name=f"{SITE}/assets/battery-0").battery
    battery.rating.capacity_wh = 10_000
    battery.initial_soc_ratio = 0.5
    battery.rating.min_soc_ratio = 0.1
    battery.rating.max_charge_power_w = battery.rating.max_discharge_power_w = 5_000
    battery.rating.charge_efficiency_ratio = battery.rating.discharge_efficiency_ratio = 0.95
    battery.rating.wear_cost_per_kwh = 0.01
    battery.terminal_value_per_kwh = 0.15
    charger = home_site.assets.add(name=f"{SITE}/assets/ev-0").ev_charger
    charger.rating.max_current_a = 16
    session = charger.sessions.add(id="ev0", capacity_wh=60_000, target_energy_wh=18_000)
    session.arrival_time.FromDatetime(problem.horizon.start + timedelta(hours=15))
    session.departure_time.FromDatetime(problem.horizon.start + timedelta(hours=23.5))
    session.initial_soc_ratio = 0.3
    return proto
