"""What can be said of an asset of which less than a day was measured.

Nothing is known of its days yet. A load is assumed to go on as it has been, whatever the time of
day; a solar plant to follow the clear sky as it has so far.
"""

import numpy as np

from wattmesh_forecast.domain.hours import AssetHours, Floats, Ints
from wattmesh_forecast.domain.kinds import Kind

_LOW_SUN_W_M2 = 20.0


def assumed_quantiles(
    kind: Kind, hours: AssetHours, target: Ints, ratios: tuple[float, ...]
) -> Floats | None:
    """Return quantiles of each target's magnitude [W], (n, ratios); None when nothing can be said.

    For a load they are those of the measured hours. For a plant those of its power over clear-sky
    irradiance, times that of the target: with 2 and 3 W per W/m² measured, the median at 400 W/m²
    is 1,000 W. A plant at an unknown place, or that has not seen the sun yet, has none.
    """
    if kind is Kind.LOAD:
        return _of_measured(hours.power_w, np.ones(len(target)), ratios)
    if hours.sun is None or not hours.sun.moves:
        return None
    clear_sky = hours.sun.clear_sky_w_m2
    seen = np.where(clear_sky >= _LOW_SUN_W_M2, clear_sky, np.nan)
    return _of_measured(hours.power_w / seen, clear_sky[target], ratios)


def _of_measured(values: Floats, times: Floats, ratios: tuple[float, ...]) -> Floats | None:
    measured = values[np.isfinite(values)]
    return None if not len(measured) else np.outer(times, np.quantile(measured, ratios))
