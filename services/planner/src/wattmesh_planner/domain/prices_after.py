"""What energy will cost in the time after a plan, for what outlasts it."""

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.tariff import lower_tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.inputs import SiteInputs

Floats = NDArray[np.float64]

_DAY = timedelta(days=1)


def prices_after(site: SiteInputs, later: TimeRange, resolution: timedelta) -> Floats | None:
    """Return what a kWh more will cost in each interval of `later` [currency/kWh], shape (m,).

    Where a site has energy left by its forecasts a kWh costs what giving it would have earned, and
    the time after the plan is taken to be like its last day in that. A price that is not published
    is that of its last day too. None: no price is known.
    """
    price, zone = site.price, site.site.site.zone
    count = later.count(resolution)
    if price is None or not price.import_prices_per_kwh or not count:
        return None
    lowered = lower_tariff(price.tariff, later, resolution, zone)
    imports = _filled(lowered.import_price_per_kwh, price.import_prices_per_kwh, resolution)
    exports = _filled(lowered.export_price_per_kwh, price.export_prices_per_kwh, resolution)
    if not np.isfinite(imports).all():
        return None
    gives = _a_day_before(_left_w(site, len(price.import_prices_per_kwh)), count, resolution) > 0.0
    return np.where(gives & np.isfinite(exports), np.minimum(exports, imports), imports)


def _filled(later: Floats, planned: tuple[float, ...], resolution: timedelta) -> Floats:
    before = _a_day_before(np.array(planned), len(later), resolution)
    return np.where(np.isfinite(later), later, before)


def _a_day_before(planned: Floats, count: int, resolution: timedelta) -> Floats:
    """Return the values of the plan's last day over again; all of them where it is shorter."""
    a_day = min(len(planned), max(1, _DAY // resolution))
    return np.resize(planned[-a_day:], count)


def _left_w(site: SiteInputs, count: int) -> Floats:
    """Return what a site has left by its forecasts [W], shape (n,); 0 where nothing is expected."""
    net = np.zeros(count)
    for asset in site.assets:
        if asset.forecast is not None and len(asset.forecast.power_w.values) == count:
            net += np.nan_to_num(asset.forecast.power_w.values)
    return -net
