"""What else a site draws while its plants run: fans and pumps that no meter of a zone sees.

A plant's fans often run by the clock while people are there, whatever the plant does, and by night
only with it. A plan that does not know cools by night, where energy is cheap and its fans are not.
So at every hour of workdays and of other days the load that nobody controls is held against the
power of all plants, each against what it is at that time of day:

    load - usual load = ratio (plants - usual plants)

An hour that says nothing, in which plants never ran otherwise than they do, is taken to be like the
nearest that says, of those in which plants usually run too, or of those in which they usually rest.
Where no hour of rest says anything, the load itself hints at it (`resting.py`).
"""

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.thermal.record import Floats
from wattmesh_forecast.domain.thermal.resting import hinted_ratio, rests

Ints = NDArray[np.int64]

_HOURS = 24
_PRIOR_RATIO = 0.5
"""Spread of the ratio before anything was seen."""
_MOST_STD, _INDEPENDENT = 0.2, 4.0
"""How unsure the ratio of an hour may be; and so many values in a row tell as much as one."""
_LEAST_RATIO, _MOST_RATIO = 0.1, 2.0
"""Less is nothing that plants switch; more is no fan."""
_LEAST_STD_W = 20.0


def along_ratios(
    loads_w: Floats, plants_w: Floats, slots: Ints, per_day: int, ahead: Ints
) -> Floats:
    """Return what loads draw along with a watt of the plants, for each slot of `ahead`.

    `loads_w` and `plants_w` (n,) are NaN where not known. A slot is a time of day of one of two
    kinds of day: 0 to below `per_day` on workdays, from there on else; `slots` (n,), `ahead` (m,).
    Plants that take 4 kW more than usual at five with fans that take 1.7 kW give 0.43 there.
    """
    known = np.isfinite(loads_w) & np.isfinite(plants_w)
    if not known.any():
        return np.zeros(len(ahead))
    slot = slots[known]
    loads, plants = _beside_usual(loads_w[known], slot), _beside_usual(plants_w[known], slot)
    hours = slot * _HOURS // per_day
    ratios, stds = _by_hour(loads, plants, hours)
    sure = np.where(ratios - stds >= _LEAST_RATIO, np.minimum(ratios - stds, _MOST_RATIO), 0.0)
    said, resting = stds <= _MOST_STD, rests(plants_w[known], hours)
    filled = np.zeros(2 * _HOURS)
    hint = hinted_ratio(loads_w[known], plants_w[known], hours, resting)
    for state, unknown in ((resting, hint), (~resting, 0.0)):
        filled[state] = _filled(sure, said & state, unknown)[state]
    return np.asarray(filled[ahead * _HOURS // per_day])


def _beside_usual(values: Floats, slot: Ints) -> Floats:
    """Return values less the mean of their slot."""
    count = np.maximum(np.bincount(slot), 1)
    return np.asarray(values - (np.bincount(slot, values) / count)[slot])


def _by_hour(loads: Floats, plants: Floats, hours: Ints) -> tuple[Floats, Floats]:
    """Return the ratio of every hour and how unsure it is, shape (48,)."""

    def total(values: Floats) -> Floats:
        return np.asarray(np.bincount(hours, values, minlength=2 * _HOURS), dtype=np.float64)

    square, both, own = total(plants**2), total(plants * loads), total(loads**2)
    count = np.maximum(total(np.ones(len(hours))), 1.0)
    plain = both / np.maximum(square, 1e-9)
    variance = np.maximum((own - plain * both) / count, _LEAST_STD_W**2) * _INDEPENDENT
    known = square + variance / _PRIOR_RATIO**2
    return both / known, np.sqrt(variance / known)


def _filled(ratios: Floats, said: NDArray[np.bool_], unknown: float) -> Floats:
    """Return the ratios of all hours, those that say nothing as the nearest that does.

    The other kind of day is further away than any hour of the same. `unknown`: nothing says it.
    """
    if not said.any():
        return np.full(2 * _HOURS, unknown)
    hours = np.arange(2 * _HOURS)
    apart = np.abs(hours[:, None] - hours[said]) % _HOURS
    apart = np.minimum(apart, _HOURS - apart)
    apart = apart + _HOURS * (hours[:, None] // _HOURS != hours[said] // _HOURS)
    nearest = apart == apart.min(axis=1, keepdims=True)
    return np.where(said, ratios, np.where(nearest, ratios[said], 0.0).max(axis=1))
