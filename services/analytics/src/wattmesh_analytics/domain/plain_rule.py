"""The plain rule of self-consumption, which any battery comes with."""

from dataclasses import dataclass

import numpy as np

from wattmesh_analytics.domain.energy import Floats
from wattmesh_kernel.sites import BatteryRating


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleRun:
    """What a battery takes less what it gives per interval [Wh], and how full it is at the end."""

    net_wh: Floats
    last_soc_ratio: float


def follow_rule(
    rest_wh: Floats, rating: BatteryRating, first_soc_ratio: float, hours: float
) -> RuleRun:
    """Return what a battery does that takes every surplus and gives for every need.

    `rest_wh`: need less surplus at the connection without it [Wh], shape (n,); where that is not
    known it does nothing, and its net is NaN. A surplus of 3 kWh in an hour charges a battery of
    2 kW with 2 kWh, of which 0.95 arrive at an efficiency of 0.95.
    """
    net = np.full(len(rest_wh), np.nan)
    into, out = rating.charge_efficiency_ratio, rating.discharge_efficiency_ratio
    capacity = rating.capacity_wh
    least, most = rating.min_soc_ratio * capacity, rating.max_soc_ratio * capacity
    kept = (1 - rating.self_discharge_ratio_per_hour) ** hours
    stored = min(max(first_soc_ratio, 0.0), 1.0) * capacity
    most_in, most_out = rating.max_charge_power_w * hours, rating.max_discharge_power_w * hours
    for index, rest in enumerate(rest_wh.tolist()):
        stored *= kept
        if rest != rest:  # NaN
            continue
        if rest < 0:
            taken = min(-rest, most_in, max(most - stored, 0.0) / into)
            stored += taken * into
            net[index] = taken
        else:
            given = min(rest, most_out, max(stored - least, 0.0) * out)
            stored -= given / out
            net[index] = -given
    return RuleRun(net_wh=net, last_soc_ratio=stored / capacity)
