"""Figures of days in which something that is wrong shows.

Hourly arrays have shape (days, 24), from midnight to midnight of the site's standard time, NaN
where not known. A day of which too little is known is NaN.
"""

import numpy as np

from wattmesh_analytics.domain.energy import Bools, Floats

_NIGHT_HOURS = 6
_WORKING = slice(8, 18)
_STEADY_WH_PER_M2 = (350.0, 900.0)
"""Hours of which what a plant gives for the sun tells of the plant: in weaker light, and by a low
sun, it gives less by nature, and less in winter than in summer; in stronger inverters clip."""
_LEAST_STEADY_HOURS = 2
_LEAST_SWING = 0.5
"""So much of a capacity has to have gone in and out for a day to tell of it."""


def base_load_w(consumption_wh: Floats) -> Floats:
    """Return the mean of each day's six lowest hours [W], shape (days,).

    A house that never takes less than 200 W, and 1 kW by day, has 200 W.
    """
    enough = np.isfinite(consumption_wh).sum(axis=1) >= 20
    lowest = np.sort(np.where(np.isfinite(consumption_wh), consumption_wh, np.inf), axis=1)
    with np.errstate(invalid="ignore"):
        means = lowest[:, :_NIGHT_HOURS].mean(axis=1)
    return np.where(enough, means, np.nan)


def days_off_ratio(consumption_wh: Floats, off: Bools) -> Floats:
    """Return how much a day off is like the working days before it, shape (days,).

    What is used from 8 to 18 h beyond the day's lowest hours, beside the median of the last five
    working days: an office that is empty has 0.1, one that is run as on a Tuesday 1. Working days
    are NaN.
    """
    with np.errstate(invalid="ignore"):
        beyond = consumption_wh[:, _WORKING].mean(axis=1) - base_load_w(consumption_wh)
    found = np.full(len(beyond), np.nan)
    for day in np.flatnonzero(off).tolist():
        before = beyond[:day][~off[:day]]
        known = before[np.isfinite(before)][-5:]
        if len(known) == 5 and np.median(known) > 0:
            found[day] = max(beyond[day] / np.median(known), 0.01)
    return found


def specific_yield(generation_wh: Floats, irradiation_wh_per_m2: Floats) -> Floats:
    """Return each day's generation by what the sun sent in its steady hours [m²], shape (days,).

    Hours of which either is not known count on neither side, and days with less than two tell
    nothing. 2 kWh in an hour of 0.5 kWh/m² are 4.
    """
    least, most = _STEADY_WH_PER_M2
    with np.errstate(invalid="ignore"):
        steady = (irradiation_wh_per_m2 >= least) & (irradiation_wh_per_m2 <= most)
    steady &= np.isfinite(generation_wh)
    sun, given = _sums(irradiation_wh_per_m2, steady), _sums(generation_wh, steady)
    told = steady.sum(axis=1) >= _LEAST_STEADY_HOURS
    return np.where(told, given / np.maximum(sun, 1.0), np.nan)


def battery_days(net_wh: Floats, soc_ratio: Floats) -> tuple[Floats, Floats]:
    """Return each day's capacity [Wh] and round-trip efficiency as operation shows them.

    `soc_ratio`: at the end of each hour, shape as `net_wh`. Hours that charge and hours that
    discharge each say what a full swing takes or gives; the geometric mean of both is the capacity,
    for what is lost on the way in and out cancels, and their quotient the round trip. 10 kWh in
    and 8.1 kWh out for a full swing each are a capacity of 9 kWh and a round trip of 0.81.
    """
    before = np.concatenate(([np.nan], soc_ratio.ravel()[:-1])).reshape(soc_ratio.shape)
    swing = soc_ratio - before
    known = np.isfinite(swing) & np.isfinite(net_wh)
    up, down = known & (swing > 0) & (net_wh > 0), known & (swing < 0) & (net_wh < 0)
    into, out = _sums(net_wh, up), _sums(-net_wh, down)
    rise, fall = _sums(swing, up), _sums(-swing, down)
    told = (rise >= _LEAST_SWING / 2) & (fall >= _LEAST_SWING / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        per_rise, per_fall = into / rise, out / fall
        capacity = np.sqrt(per_rise * per_fall)
        round_trip = per_fall / per_rise
    return np.where(told, capacity, np.nan), np.where(told, round_trip, np.nan)


def beside(check_wh: Floats, main_wh: Floats) -> Floats:
    """Return each day's energy by a check meter beside the main meter's, shape (days,)."""
    both = np.isfinite(check_wh) & np.isfinite(main_wh)
    check, main = _sums(check_wh, both), _sums(main_wh, both)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((both.sum(axis=1) >= 20) & (main > 0), check / main, np.nan)


def energy_per_degree_hour(energy_wh: Floats, inside: Floats, outside: Floats) -> Floats:
    """Return what heating or cooling took each day per kelvin and hour [Wh/Kh], shape (days,).

    Days with less than 3 K of difference on average say little.
    """
    apart = np.abs(inside - outside)
    known = np.isfinite(apart) & np.isfinite(energy_wh)
    degree_hours, taken = _sums(apart, known), _sums(energy_wh, known)
    told = (known.sum(axis=1) >= 20) & (degree_hours >= 72) & (taken > 0)
    return np.where(told, taken / np.maximum(degree_hours, 1.0), np.nan)


def _sums(values: Floats, which: Bools) -> Floats:
    return np.asarray(np.where(which, values, 0.0).sum(axis=1), dtype=np.float64)
