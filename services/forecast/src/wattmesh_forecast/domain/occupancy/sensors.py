"""From what sensors show, and from the load, to the share of the usual occupants that is there."""

from collections.abc import Callable, Mapping

import numpy as np

from wattmesh_forecast.domain.hours import Floats, Ints
from wattmesh_forecast.domain.lags import quantile

PRESENCE, COUNT, CO2 = "occupancy_ratio", "occupant_count", "co2_ppm"
"""Quantities that tell who is there, the best first."""
_FRESH_AIR_PPM = 420.0
_LEAST_RISE_PPM = 100.0
_USUAL_CHANGES_PER_HOUR = 0.7
_CHANGES_PER_HOUR = (0.1, 6.0)
_USUAL_MOST = 0.95
_WORKPLACE_TIMES = 1.5
_LEAST_HOURS = 16
_ACTIVE_FROM, _ACTIVE_FULLY = 0.2, 0.6


def of_presence(ratio: Floats, hours: float) -> Floats:
    """Return the share as it is told, 0 to 1."""
    return np.clip(ratio, 0.0, 1.0)


def of_count(count: Floats, hours: float) -> Floats:
    """Return people over the number that is there at busy times: 3 of usually up to 6 are 0.5."""
    most = max(float(quantile(count, 0.98)), 1.0) if np.isfinite(count).any() else 1.0
    return np.clip(count / most, 0.0, 1.0)


def of_co2(ppm: Floats, hours: float) -> Floats:
    """Return the share that the balance of carbon dioxide in the air tells.

    People add to it, fresh air takes it away: n is as dC/dt + a (C - C0), with a the air changes an
    hour, found where it falls alone (decay method, ASTM D6245). At 0.7 changes an hour a steady
    1,120 ppm over 420 is twice as many people as 770.
    """
    if not np.isfinite(ppm).any():
        return ppm
    fresh = min(float(quantile(ppm, 0.02)), _FRESH_AIR_PPM + 2 * _LEAST_RISE_PPM)
    over = ppm - fresh
    slope = np.full_like(ppm, np.nan)
    slope[1:] = np.diff(ppm) / hours
    before = np.full_like(ppm, np.nan)
    before[1:] = over[:-1]
    falls = (slope < 0) & (before > _LEAST_RISE_PPM) & (over > 0)
    # ln of the ratio is what exponential decay has, whatever the step.
    rates = np.log(before[falls] / over[falls]) / hours
    changes = float(np.quantile(rates, 0.75)) if len(rates) >= 5 else _USUAL_CHANGES_PER_HOUR
    emitted = slope + np.clip(changes, *_CHANGES_PER_HOUR) * over
    positive = emitted[np.isfinite(emitted) & (emitted > 0)]
    if not len(positive):
        return np.where(np.isfinite(emitted), 0.0, np.nan)
    return np.asarray(np.clip(emitted / np.quantile(positive, _USUAL_MOST), 0.0, 1.0))


def of_load(power_w: Floats, hour: Floats, day_type: Ints) -> Floats:
    """Return the share that a workplace's load lets suppose, by its rise over its nights.

    `hour` is the local hour of the day, `day_type` 0 on working days, else 1 or 2. From a fifth of
    the way from nights to busy hours on somebody is supposed, from three fifths all. NaN of a load
    that is not half again as high by day on working days as at night and at weekends: homes with
    sleepers draw little, and empty ones much, so that their load tells of nobody.
    """
    day = (hour >= 9) & (hour < 17)
    night = hour < 5
    work, rest = day & (day_type == 0), (day & (day_type > 0)) | night
    known = np.isfinite(power_w)
    if (known & work).sum() < _LEAST_HOURS or (known & rest).sum() < _LEAST_HOURS:
        return np.full_like(power_w, np.nan)
    middles = [float(np.median(power_w[known & each])) for each in (work, rest)]
    if middles[0] < _WORKPLACE_TIMES * middles[1] or middles[0] <= 0:
        return np.full_like(power_w, np.nan)
    way = (power_w - middles[1]) / (middles[0] - middles[1])
    return np.asarray(np.clip((way - _ACTIVE_FROM) / (_ACTIVE_FULLY - _ACTIVE_FROM), 0.0, 1.0))


SHARES: Mapping[str, Callable[[Floats, float], Floats]] = {
    PRESENCE: of_presence,
    COUNT: of_count,
    CO2: of_co2,
}
"""What makes shares of each quantity, and the length of its intervals [h]."""
