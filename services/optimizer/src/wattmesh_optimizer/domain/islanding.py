"""How much energy an outage would need."""

import math

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.site import Site


def critical_energy_kwh(site: Site, horizon: Horizon) -> Floats:
    """Return the critical energy of an outage that begins at each interval's end [kWh].

    Beyond the horizon its last day repeats (all of it, when it is shorter). With 1 kW at all times
    and a duration of 4 h it is 4 kWh throughout; sun and wind are not counted on, generator sets
    where the reserve says so.
    """
    if site.islanding_reserve is None:
        return np.zeros(horizon.count)
    count = horizon.count
    critical = np.zeros(count)
    for asset in site.assets:
        if isinstance(asset.kind, FixedLoad):
            critical += asset.kind.critical_kw
    if site.islanding_reserve.generators_count:
        critical = np.maximum(critical - _generated_kw(site, horizon), 0.0)
    length = site.islanding_reserve.duration / horizon.resolution
    whole = math.ceil(length)
    day = min(count, max(1, round(24 / horizon.hours)))
    repeats = -(-(whole + 1) // day)
    power = np.concatenate((critical, np.tile(critical[-day:], repeats)))
    sums = np.concatenate(([0.0], np.cumsum(power))) * horizon.hours
    starts = np.arange(1, count + 1, dtype=np.float64)
    ends = np.interp(starts + length, np.arange(len(sums), dtype=np.float64), sums)
    return np.asarray(ends - sums[1 : count + 1])


def _generated_kw(site: Site, horizon: Horizon) -> Floats:
    found = np.zeros(horizon.count)
    for asset in site.assets:
        if isinstance(asset.kind, Generator):
            may_run = ~horizon.touched(asset.kind.maintenance_ranges)
            found += np.where(may_run, asset.kind.max_output_power_kw, 0.0)
    return found
