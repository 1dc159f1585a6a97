"""Generation from irradiance: what the plant made of it at that hour of the last four weeks.

The irradiance is that on the modules, less what warm modules lose: geometry and physics are in it.
What is left (size, inverter, losses, horizon, shading by hour) is the plant's own and is learnt
from its meter, hour by hour, most of all from days that were as bright, and by the median: an hour
under a cloud that nobody told of says nothing of the plant.

When a cloud passes is told worse than how many do. So irradiance counts by the clearness of the
hours around it more than by its own.
"""

import numpy as np

from wattmesh_forecast.domain.hours import Batch, Floats, Rows
from wattmesh_forecast.domain.lags import known, same_hour
from wattmesh_forecast.domain.model_input import Float32s

_DAYS = 28
_LEAST_SUM_W_M2 = 30.0
_SHARE = 0.9
"""Of what is said by irradiance, where it is known, beside the patterns: tried on a solar farm."""
_AROUND_HOURS = 3
_AROUND_SHARE = 0.7
"""How much the clearness of the hours around counts: tried on a year of a solar farm."""
_ALIKE = 4.0
"""Days whose root of irradiance [√(W/m²)] differs by so much count half."""
_LEAST_ALIKE = 0.05
_LEAST_AWAY = 0.05
"""Of the brightest day's: what lies closer counts as exact."""


def with_weather(said_w: Floats, batch: Batch, rows: Rows) -> Floats:
    """Return patterns (assets, n, patterns) [W], moved to what irradiance says where it is known.

    Each pattern keeps a tenth: 500 W beside 1,000 W by irradiance are 950 W.
    """
    if batch.irradiance_w_m2 is None:
        return said_w
    by = by_irradiance(batch, rows)[..., None]
    return np.where(np.isnan(by), said_w, said_w + _SHARE * (by - said_w))


def by_irradiance(batch: Batch, rows: Rows) -> Floats:
    """Return generation by irradiance (assets, n) [W], NaN where it cannot be told.

    What the plant usually made of irradiance at the same UTC hour of past days, times the target's:
    with 1,800 W at 600 W/m² on each of them, 400 W/m² give 1,200 W.
    """
    sun, found = steadied(batch), np.full((len(batch), len(rows)), np.nan)
    assert batch.sun is not None  # whoever knows where a plant stands knows its sun
    light = np.flatnonzero((batch.sun.clear_sky_w_m2[:, rows.target] > 0).any(axis=0))
    target, last = rows.target[light], rows.last[light]
    hours = same_hour(Rows(target=target, last=last), _DAYS)
    came, shone = (
        known(values, hours, last[:, None]).astype(np.float32) for values in (batch.power_w, sun)
    )
    both = np.isfinite(came) & np.isfinite(shone)
    came, shone = (np.where(both, values, np.float32(0.0)) for values in (came, shone))
    now = sun[:, target]
    enough = shone.sum(axis=-1) > _LEAST_SUM_W_M2
    ratio = _usual_ratio(came, shone, _alike(shone, now) * both)
    found[:, light] = np.where(enough, ratio * now, np.nan)
    return found


def steadied(batch: Batch) -> Floats:
    """Return irradiance (assets, hours) [W/m²], most of it at the clearness of the hours around.

    Under a clear sky of 500 W/m² all day, one hour of 100 between hours of 500 counts as 340. What
    is not known stays unknown, and counts in no other hour.
    """
    shone = batch.irradiance_w_m2
    assert shone is not None
    assert batch.sun is not None  # whoever knows where a plant stands knows its sun
    clear = batch.sun.clear_sky_w_m2
    there = np.isfinite(shone)
    around, possible = (_around(np.where(there, values, 0.0)) for values in (shone, clear))
    clearness = around / np.maximum(possible, 1.0)
    return np.asarray(shone + _AROUND_SHARE * (clearness * clear - shone))


def knows_weather(irradiance_w_m2: Floats | None, targets: range) -> bool:
    """Return whether the irradiance of all hours that are asked about is known."""
    return irradiance_w_m2 is not None and bool(
        np.isfinite(irradiance_w_m2[targets.start : targets.stop]).all()
    )


def _around(values: Floats) -> Floats:
    """Return the sum over each hour and three on either side."""
    hours = values.shape[-1]
    edge = np.zeros((*values.shape[:-1], _AROUND_HOURS))
    padded = np.concatenate([edge, values, edge], axis=-1)
    return np.asarray(sum(padded[..., at : at + hours] for at in range(2 * _AROUND_HOURS + 1)))


def _alike(shone: Float32s, now: Floats) -> Float32s:
    """Return how much days count for one with `now`, (assets, n, days): most those as bright."""
    root = np.sqrt(np.maximum(now, 0.0)).astype(np.float32)
    away = (np.sqrt(shone) - root[..., None]) * np.float32(1.0 / _ALIKE)
    return np.float32(_LEAST_ALIKE) + np.float32(1.0) / (np.float32(1.0) + away * away)


def _usual_ratio(came: Float32s, shone: Float32s, weights: Float32s) -> Floats:
    """Return power over irradiance [m²], near the weighted median of the days', (assets, n).

    One step towards it from the mean (iteratively reweighted least squares): a day counts by the
    inverse of how far it lies from the mean.
    """
    mean = _ratio(came, shone, weights)[..., None]
    least = _LEAST_AWAY * mean * np.maximum(shone.max(axis=-1, keepdims=True), 1.0) + 1e-9
    away = np.maximum(np.abs(came - mean * shone), least)
    return _ratio(came, shone, weights * shone / away).astype(np.float64)


def _ratio(came: Float32s, shone: Float32s, weights: Float32s) -> Float32s:
    above, below = (np.einsum("and,and->an", weights, values) for values in (came, shone))
    return np.asarray(above / np.maximum(below, np.float32(1e-9)), dtype=np.float32)
