"""Hours in which a turbine was held back, or stood, although the wind blew: nothing to learn from.

A limit shows as the same power hour after hour, which wind never gives, below what the curve makes
of the wind where that is told. Full power and calm are no limits.
"""

import numpy as np

from wattmesh_forecast.domain.hours import Bools, Floats

_SAME_RATIO = 0.004
_CALM_RATIO, _FULL_RATIO = 0.03, 0.95
_FLAT_HOURS, _FLAT_HOURS_BLIND = 2, 3
_BELOW_RATIO, _BELOW = 0.75, 0.08
_STANDS_RATIO, _BLOWS_RATIO, _STANDS_HOURS = 0.005, 0.4, 3


def held_back(ratio: Floats, possible: Floats | None) -> Bools:
    """Return the hours (n,) of generation over rated power in which a limit or a stop held it back.

    `possible` is what the curve makes of the wind, likewise; NaN or None: not told. Three hours of
    0.40 are a limit; with a wind for 0.7 two are.
    """
    blown = np.full_like(ratio, np.nan) if possible is None else possible
    told = np.isfinite(blown)
    below = told & (ratio < _BELOW_RATIO * blown - _BELOW)
    same = np.zeros(len(ratio), dtype=np.bool_)
    same[1:] = np.abs(np.diff(ratio)) <= _SAME_RATIO
    between = (ratio > _CALM_RATIO) & (ratio < _FULL_RATIO)
    flat = _runs(same, between)
    limited = (flat >= _FLAT_HOURS) & below | (flat >= _FLAT_HOURS_BLIND) & ~told & between
    stands = (ratio <= _STANDS_RATIO) & told & (blown >= _BLOWS_RATIO)
    stopped = stands & (_lengths(stands) >= _STANDS_HOURS)
    return np.asarray(limited | stopped)


def _runs(same: Bools, within: Bools) -> Floats:
    """Return for each hour how many in a row have one value, its own among them."""
    number = np.cumsum(~same)
    counts = np.bincount(number, weights=within.astype(np.float64))
    return np.asarray(counts[number])


def _lengths(flags: Bools) -> Floats:
    number = np.cumsum(~flags)
    counts = np.bincount(number, weights=flags.astype(np.float64))
    return np.asarray(counts[number])
