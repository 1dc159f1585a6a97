"""By how much the seasonal forecast was lately off, hour by hour: what errors have in common.

The bands say how far an asset may be off in an hour. What goes together (an evening that stays
high, clouds over a whole town) is in the order of the errors. They are told as normal scores: which
error of the asset's own it is, by rank, over what is usual at that hour of the day.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from wattmesh_forecast.domain.hours import AssetHours, Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.trial import TRIAL_DAYS, ask_patterns, blend_weights

SCORED_HOURS = TRIAL_DAYS * DAY
"""Over how many hours errors are looked at."""
_FEWEST = 3 * DAY
_LEAST_SPREAD_RATIO = 1e-3
_SCORES = np.array([NormalDist().inv_cdf(rank) for rank in np.linspace(0.0005, 0.9995, 2000)])


def recent_scores(kind: Kind, assets: Sequence[AssetHours], end: int) -> Floats:
    """Return scores of the errors before position `end`, (assets, SCORED_HOURS), newest last.

    NaN where nothing was measured, and throughout nights of plants; all of an asset's are NaN where
    fewer than three days can be told. A positive score is more power into the asset than was said.
    The assets must share raster and, for loads, clock.
    """
    batch, last = Batch.of(assets), end - 1
    # Asked an hour before the newest one, which the trial has as well: there may be none after it.
    _, trial = ask_patterns(kind, batch, Rows.ahead(last - 1, range(last, end)), ahead=1)
    weights = blend_weights(trial, np.array([last - 1]))[:, 0, :, None]
    errors = np.full((len(batch), SCORED_HOURS), np.nan)
    away = trial.came - (trial.said @ weights)[..., 0]
    count = min(SCORED_HOURS, away.shape[1])
    errors[:, -count:] = away[:, -count:]
    if batch.sun is not None:
        up = batch.sun.clear_sky_w_m2[:, max(0, end - count) : end] > 0
        errors[:, -count:][~up] = np.nan
    return np.stack([_ranked(kind.sign * each) for each in _over_usual(errors)])


def _over_usual(errors: Floats) -> Floats:
    """Return errors over the root of their mean square at that hour of the day and beside it."""
    squares = (np.nan_to_num(errors) ** 2).reshape(len(errors), -1, DAY).sum(axis=1)
    known = np.isfinite(errors).reshape(len(errors), -1, DAY).sum(axis=1)
    near = [sum(np.roll(each, by, axis=1) for by in (-1, 0, 1)) for each in (squares, known)]
    usual = np.sqrt(near[0] / np.maximum(near[1], 1))
    overall = np.sqrt(squares.sum(axis=1) / np.maximum(known.sum(axis=1), 1))[:, None]
    held = np.maximum(usual, np.maximum(_LEAST_SPREAD_RATIO * overall, 1e-9))
    return np.asarray(errors / np.tile(held, errors.shape[1] // DAY))


def _ranked(errors: Floats) -> Floats:
    """Return the normal scores of one asset's errors, by rank."""
    there = np.flatnonzero(np.isfinite(errors))
    found = np.full_like(errors, np.nan)
    if len(there) < _FEWEST:
        return found
    ranks = np.empty(len(there))
    ranks[np.argsort(errors[there], kind="stable")] = np.arange(len(there)) + 0.5
    found[there] = _SCORES[(ranks * len(_SCORES) / len(there)).astype(np.int64)]
    return found
