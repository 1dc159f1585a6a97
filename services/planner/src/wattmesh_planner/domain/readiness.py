"""What a site keeps ready for an outage, and how long one that goes on is expected to last."""

from datetime import timedelta
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.sites import LoadRating, Microgrid
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.inputs import AssetForecast

_LEAST_OUTAGE = timedelta(hours=4)
"""How long an outage is expected to go on at least, whenever that is asked: nobody knows."""


def critical_powers_w(
    rating: LoadRating, forecast: AssetForecast, microgrid: Microgrid
) -> NDArray[np.float64]:
    """Return the critical power of a load at the site's percentile [W, per interval].

    1 kW expected with a standard deviation of 0.5 kW is 1.64 kW at 90 %; of that the critical part.
    Where the forecast says nothing of its errors it is what is expected.
    """
    powers = np.array(forecast.power_w.values, dtype=np.float64)
    if forecast.deviation_w is not None:
        above = NormalDist().inv_cdf(microgrid.readiness_percentile_ratio)
        powers = powers + above * np.nan_to_num(forecast.deviation_w.values)
    return np.maximum(powers, 0.0) * rating.critical_ratio


def outage_from(target: TimeRange, microgrid: Microgrid | None) -> TimeRange:
    """Return how long an outage that goes on is expected to: as long as is kept ready for one."""
    ready = None if microgrid is None else microgrid.readiness
    length = max(ready or _LEAST_OUTAGE, _LEAST_OUTAGE)
    return TimeRange(target.start, min(target.end, target.start + length))
