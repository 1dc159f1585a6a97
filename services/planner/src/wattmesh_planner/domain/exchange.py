"""What a plan counts on at a site's grid connection, for whoever keeps to it between plans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.tariff import LoweredTariff, lower_tariff
from wattmesh_kernel.worth import EnergyWorth
from wattmesh_planner.domain.inputs import PlanInputs, SiteInputs
from wattmesh_planner.domain.planned_worth import PlannedStore, planned_worths

_W_PER_KW = 1000.0
_SHORTEST_MEAN = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Peak:
    """The highest mean of imported power over each `averaging` that is counted on [W]."""

    power_w: float
    averaging: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedExchange:
    """Power at a grid connection in each interval of a plan [W], importing positive.

    `peaks`: by interval, None where no demand charge counts. `worths`: what energy is worth, by
    interval, of the first ones.
    """

    site: SiteId
    start: datetime
    resolution: timedelta
    net_w: tuple[float, ...]
    peaks: tuple[Peak | None, ...]
    worths: tuple[EnergyWorth, ...] = ()


def planned_exchange(
    inputs: PlanInputs,
    site: SiteInputs,
    import_w: NDArray[np.float64],
    net_w: NDArray[np.float64],
    batteries: Sequence[PlannedStore] = (),
    carbon_price_per_kg: float = 0.0,
) -> PlannedExchange:
    """Return what a plan counts on at a site whose imports are `import_w[n]`, shape `(n,)`."""
    return PlannedExchange(
        site=site.site.site.id,
        start=inputs.target.start,
        resolution=inputs.resolution,
        net_w=tuple(net_w.tolist()),
        peaks=_peaks(inputs, site, import_w),
        worths=planned_worths(inputs, site, net_w, batteries, carbon_price_per_kg),
    )


def _peaks(
    inputs: PlanInputs, site: SiteInputs, import_w: NDArray[np.float64]
) -> tuple[Peak | None, ...]:
    if site.price is None or not site.price.tariff.has_demand_charges:
        return (None,) * len(import_w)
    lowered = lower_tariff(
        *(site.price.tariff, inputs.target, inputs.resolution, site.site.site.zone),
        state=site.billing_state,
    )
    return peaks_of(lowered, import_w / _W_PER_KW)


def peaks_of(lowered: LoweredTariff, import_kw: NDArray[np.float64]) -> tuple[Peak | None, ...]:
    """Return the peak that counts in each interval, the lowest where several charges do.

    A charge's peak is the highest that is due anyway: what was metered, what the tariff bills at
    least, or what is planned.
    """
    found: list[Peak | None] = [None] * len(import_kw)
    for demand in lowered.demands:
        if demand.price_per_kw <= 0 or demand.averaging < _SHORTEST_MEAN:
            continue
        planned_kw = float(demand.averages_kw(import_kw).max())
        due_kw = max(demand.peak_so_far_kw, demand.floor_kw, planned_kw)
        peak = Peak(power_w=due_kw * _W_PER_KW, averaging=demand.averaging)
        for index in demand.interval_index.tolist():
            before = found[index]
            if before is None or peak.power_w < before.power_w:
                found[index] = peak
    return tuple(found)
