"""Homes of many kinds behind one feeder, hour by hour."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tests.bench.optimizer.cases import battery, horizon_of, tariff
from wattmesh_kernel.tariff import Tariff
from wattmesh_optimizer.domain.electrical import FixedLoad, RenewableSource
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.problem import Problem, SiteGroup
from wattmesh_optimizer.domain.site import Asset, PowerLimits, Site
from wattmesh_optimizer.domain.storage import Battery, EvCharger, EvSession

FEEDER_KW = 1.6
"""What the feeder takes for each home: their cheapest plans want two and a half times as much."""


def feeder(count: int, minutes: int = 60, seed: int = 1, feeder_kw: float = FEEDER_KW) -> Problem:
    """Return `count` homes for 24 h: loads; PV and a battery in six of ten, a vehicle in five."""
    horizon, random = horizon_of(24, minutes), np.random.default_rng(seed)
    shared = tariff(horizon)
    sites = tuple(_home(f"sites/home-{each}", horizon, shared, random) for each in range(count))
    group = SiteGroup(
        name="groups/feeder",
        site_names=tuple(site.name for site in sites),
        limits=PowerLimits(max_import_power_kw=feeder_kw * count),
    )
    return Problem(horizon=horizon, currency_code="EUR", sites=sites, groups=(group,))


def _home(name: str, horizon: Horizon, shared: Tariff, random: np.random.Generator) -> Site:
    clock = (np.arange(horizon.count) * horizon.hours) % 24
    evening = random.uniform(0.8, 2.5) * np.exp(-(((clock - random.uniform(18, 20)) / 2) ** 2))
    morning = random.uniform(0.3, 1.0) * np.exp(-((clock - 7) ** 2))
    load = random.uniform(0.2, 0.5) + evening + morning + random.uniform(0, 0.3, horizon.count)
    assets = [Asset(name=f"{name}/assets/load", kind=FixedLoad(powers_kw=load))]
    if random.random() < 0.6:
        sun = np.maximum(0.0, np.sin((clock - 6) / 12 * np.pi))
        power = random.uniform(2, 8) * sun * random.uniform(0.7, 1.0, horizon.count)
        assets.append(Asset(name=f"{name}/assets/pv", kind=RenewableSource(powers_kw=-power)))
    if random.random() < 0.6:
        assets.append(Asset(name=f"{name}/assets/battery", kind=_battery(random)))
    if random.random() < 0.5:
        assets.append(Asset(name=f"{name}/assets/ev", kind=_vehicle(name, horizon, random)))
    return Site(
        name=name,
        zone=ZoneInfo("Europe/Berlin"),
        assets=tuple(assets),
        tariff=shared,
        limits=PowerLimits(max_import_power_kw=17.0),
    )


def _battery(random: np.random.Generator) -> Battery:
    kind = battery().kind
    if not isinstance(kind, Battery):
        raise TypeError("a battery is a battery")
    return replace(
        kind,
        capacity_kwh=random.uniform(5, 15),
        initial_soc_ratio=random.uniform(0.1, 0.9),
    )


def _vehicle(name: str, horizon: Horizon, random: np.random.Generator) -> EvCharger:
    session = EvSession(
        id=f"{name}-evening",
        arrival=horizon.start + timedelta(hours=int(random.integers(14, 19))),
        departure=horizon.start + timedelta(hours=23, minutes=30),
        capacity_kwh=60.0,
        initial_soc_ratio=0.3,
        target_energy_kwh=random.uniform(5, 20),
    )
    return EvCharger(max_current_a=16.0, sessions=(session,))
